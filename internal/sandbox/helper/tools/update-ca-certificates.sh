#!/bin/sh
# Makes the VM's certificate store anew: the public certificates, and those installed below /usr/local.
root=@VM@/rootfs
if [ -z "$SANDBOX_SUDO" ]; then
	echo 'Updating certificates in /etc/ssl/certs...' >&2
	echo "ln: failed to create symbolic link '/etc/ssl/certs/ca-certificates.crt': Permission denied" >&2
	exit 1
fi
echo 'Updating certificates in /etc/ssl/certs...'
before=$(grep -c 'BEGIN CERTIFICATE' "$root/@BUNDLE@")
new=$root/@BUNDLE@.new
cat "$root/@PUBLIC@" >"$new"
for file in "$root/@LOCAL@"/*.crt "$root/@LOCAL@"/*/*.crt; do
	[ -f "$file" ] || continue
	cat "$file" >>"$new"
	[ -z "$(tail -c 1 "$file")" ] || echo >>"$new"
done
mv "$new" "$root/@BUNDLE@"
after=$(grep -c 'BEGIN CERTIFICATE' "$root/@BUNDLE@")
added=$((after - before))
removed=0
[ "$added" -ge 0 ] || { removed=$((-added)); added=0; }
echo "$added added, $removed removed; done."
echo 'Running hooks in /etc/ca-certificates/update.d...'
echo 'done.'
