#!/bin/sh
# Has no packages to offer but those whose tool is there already.
if [ -z "$SANDBOX_SUDO" ]; then
	echo 'E: Could not open lock file /var/lib/dpkg/lock-frontend - open (13: Permission denied)' >&2
	echo 'E: Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend), are you root?' >&2
	exit 100
fi
echo 'Reading package lists... Done'
verb=
missing=
for a in "$@"; do
	case $a in
	-*) ;;
	*)
		if [ -z "$verb" ]; then
			verb=$a
		elif [ "$verb" = install ]; then
			case $a in
			ca-certificates | openssh-client | coreutils) tool=cat ;;
			*) tool=$a ;;
			esac
			if command -v "$tool" >/dev/null 2>&1; then
				echo "$a is already the newest version."
			else
				missing=1
				echo "E: Unable to locate package $a" >&2
			fi
		fi
		;;
	esac
done
[ -z "$missing" ] || exit 100
