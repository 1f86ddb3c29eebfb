# $1: archive, $2: folder for the engine. The archive has one folder at its
# top; wherever the program lies in it, it ends directly in $2.
set -eu
name=aks-engine-azurestack
member=$(tar -tzf "$1" | grep -E "(^|/)$name\$" | head -n 1)
if [ -z "$member" ]; then
  echo "the archive holds no $name" >&2
  exit 65
fi
rm -rf "$2.new"
mkdir -p "$2.new" "$2"
tar -xzf "$1" -C "$2.new" "$member"
chmod 0755 "$2.new/$member"
mv -f "$2.new/$member" "$2/$name"
rm -rf "$2.new"
echo "unpacked $member"
