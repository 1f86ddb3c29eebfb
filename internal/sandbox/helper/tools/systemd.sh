#!/bin/sh
# The service manager of a cluster's machine: its services always run.
services='containerd.service kubelet.service'
case @NAME@ in
journalctl)
	echo '-- No entries --'
	exit 0
	;;
systemctl) ;;
*) exit 0 ;;
esac
verb=
for a in "$@"; do
	case $a in
	-*) ;;
	*)
		[ -n "$verb" ] || verb=$a
		;;
	esac
done
case $verb in
is-active | is-enabled) echo active ;;
list-units)
	for s in $services; do
		printf '%s loaded active running %s\n' "$s" "${s%.service}"
	done
	;;
status) printf '%s\n     Active: active (running)\n' "$2" ;;
esac
exit 0
