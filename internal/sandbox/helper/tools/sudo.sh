#!/bin/sh
# Becomes root of the VM, which is no more on the host than the user was.
vm=@VM@
ask=
validate=
shell=
while [ $# -gt 0 ]; do
	case $1 in
	--)
		shift
		break
		;;
	-n | --non-interactive) ask=no ;;
	-v | --validate) validate=1 ;;
	-l | --list) validate=list ;;
	-i | -s | --login | --shell) shell=1 ;;
	-V | --version)
		echo 'Sudo version 1.9.9'
		exit 0
		;;
	-u | -g | -p | -C | -D | -h | -r | -t | -T | -U | --user | --group | --prompt | --chdir) shift ;;
	-[EHkKbSPA] | --*) ;;
	-[EHkKbSPAnvis]*[!EHkKbSPAnvis]*)
		printf 'sudo: invalid option -- %s\n' "$1" >&2
		exit 1
		;;
	-[EHkKbSPAnvis]*) case $1 in *n*) ask=no ;; esac ;;
	-*)
		printf 'sudo: invalid option -- %s\n' "$1" >&2
		exit 1
		;;
	[A-Za-z_]*=*) export "$1" ;;
	*) break ;;
	esac
	shift
done
if [ @PASSWORD@ = yes ] && [ -z "$SANDBOX_SUDO" ]; then
	[ -n "$ask" ] || echo 'sudo: a terminal is required to read the password; either use the -S option to read from standard input or configure an askpass helper' >&2
	echo 'sudo: a password is required' >&2
	exit 1
fi
if [ "$validate" = list ]; then
	printf 'User %s may run the following commands on %s:\n    (ALL) NOPASSWD: ALL\n' "$USER" @HOSTNAME@
fi
[ -z "$validate" ] || exit 0
if [ $# -eq 0 ]; then
	if [ -z "$shell" ]; then
		echo 'usage: sudo -h | -K | -k | -V' >&2
		exit 1
	fi
	set -- sh
fi
# A tool that is named with its directory is the VM's too.
case $1 in
/bin/* | /usr/bin/* | /sbin/* | /usr/sbin/*)
	if [ -x "$vm/bin/${1##*/}" ]; then
		tool=$vm/bin/${1##*/}
		shift
		set -- "$tool" "$@"
	fi
	;;
esac
# A script of the VM names the VM's own paths.
case $1 in
"$vm"/*)
	if [ -x "$1" ]; then
		case $(head -n 1 "$1") in '#!'*/bash*) set -- bash "$@" ;; '#!'*/sh*) set -- sh "$@" ;; esac
	fi
	;;
esac
if ! command -v "$1" >/dev/null 2>&1; then
	printf 'sudo: %s: command not found\n' "$1" >&2
	exit 1
fi
export SANDBOX_SUDO=1 SUDO_USER="$USER" USER=root LOGNAME=root HOME="$vm/rootfs/root"
exec "$@"
