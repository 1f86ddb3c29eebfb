#!/bin/sh
# Runs a tool of the host with the VM's own paths in place of the host's.
vm=@VM@
name=@NAME@
denied=

# A user may not change the system's directories.
check() {
	[ -z "$SANDBOX_SUDO" ] || return 0
	[ "$name" != mkdir ] || [ ! -d "$1" ] || return 0
	case $1 in
	"$vm"/rootfs/*) denied=${1#"$vm/rootfs"} ;;
	esac
}

i=$#
while [ "$i" -gt 0 ]; do
	a=$1
	shift
	i=$((i - 1))
	case $a in
	"$vm" | "$vm"/*) ;;
	@OWN@) a=$vm$a ;;
	@PATTERNS@) a=$vm/rootfs$a ;;
	esac
	if [ "$name" = install ]; then
		# Owners exist only on the VM.
		case $a in
		-o | -g | --owner | --group)
			shift
			i=$((i - 1))
			continue
			;;
		--owner=* | --group=*) continue ;;
		esac
	fi
	case @GUARD@ in
	any) check "$a" ;;
	last) [ "$i" -gt 0 ] || check "$a" ;;
	esac
	set -- "$@" "$a"
done
if [ -n "$denied" ]; then
	printf "%s: cannot write '%s': Permission denied\n" "$name" "$denied" >&2
	exit 1
fi
exec @REAL@ "$@"
