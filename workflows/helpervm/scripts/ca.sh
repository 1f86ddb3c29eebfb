# $1: beginning of the file names. stdin: the Hub's certificates, maybe none.
# Says what it changed, as system=… and bundle=… .
set -eu
umask 022
mkdir -p "$HOME/.hubwright"
roots=$HOME/.hubwright/hub-ca.pem
bundle=$HOME/.hubwright/ca-bundle.pem
cat >"$roots.new"
mv -f "$roots.new" "$roots"

# The machine's own list, where sudo asks for no password: one file each.
system=none
store=/usr/local/share/ca-certificates
if [ -s "$roots" ] && [ -d "$store" ] && command -v update-ca-certificates >/dev/null 2>&1 && sudo -n true >/dev/null 2>&1; then
  system=same
  split=$HOME/.hubwright/hub-ca
  rm -rf "$split"
  mkdir -p "$split"
  awk -v name="$split/$1" '
    /-----BEGIN CERTIFICATE-----/ { n++; file = name "-" n ".crt" }
    file { print > file }
    /-----END CERTIFICATE-----/ { close(file); file = "" }
  ' "$roots"
  for cert in "$split"/*.crt; do
    there=$store/${cert##*/}
    if ! cmp -s "$cert" "$there"; then
      sudo -n cp "$cert" "$there"
      sudo -n chmod 0644 "$there"
      system=changed
    fi
  done
  if [ "$system" = changed ]; then sudo -n update-ca-certificates >/dev/null 2>&1; fi
fi

# The bundle for AKS Engine: what the machine trusts, and the Hub.
own=
for file in "${SSL_CERT_FILE:-}" /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/ca-bundle.pem; do
  if [ -n "$file" ] && [ "$file" != "$bundle" ] && [ -r "$file" ]; then
    own=$file
    break
  fi
done
{
  if [ -n "$own" ]; then cat "$own"; fi
  printf '\n'
  cat "$roots"
} >"$bundle.new"
if cmp -s "$bundle.new" "$bundle"; then
  rm -f "$bundle.new"
  changed=same
else
  mv -f "$bundle.new" "$bundle"
  changed=changed
fi
printf 'system=%s\nbundle=%s\n' "$system" "$changed"
