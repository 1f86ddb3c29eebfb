#!/bin/sh
# Says who the user is on the VM.
name=$USER
id=1000
[ -z "$SANDBOX_SUDO" ] || id=0
if [ @NAME@ = logname ]; then
	printf '%s\n' "${SUDO_USER:-$name}"
	exit 0
fi
if [ @NAME@ = whoami ]; then
	printf '%s\n' "$name"
	exit 0
fi
case "$*" in
-u | -g | --user | --group) echo $id ;;
-un | -gn | '-u -n' | '-n -u' | -nu) printf '%s\n' "$name" ;;
-G | --groups) [ $id = 0 ] && echo 0 || echo '1000 4 27' ;;
-Gn | -nG) [ $id = 0 ] && echo root || printf '%s adm sudo\n' "$name" ;;
*) [ $id = 0 ] && echo 'uid=0(root) gid=0(root) groups=0(root)' ||
	printf 'uid=1000(%s) gid=1000(%s) groups=1000(%s),4(adm),27(sudo)\n' "$name" "$name" "$name" ;;
esac
