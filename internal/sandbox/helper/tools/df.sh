#!/bin/sh
# The host's df, unless the disk of the VM is to be full.
if [ -z "${SANDBOX_DISK_FULL:-}" ]; then
	for real in /usr/bin/df /bin/df; do
		[ -x "$real" ] && exec "$real" "$@"
	done
fi
printf 'Filesystem     1024-blocks     Used Available Capacity Mounted on\n'
printf '/dev/sda1         30309264 30309264         0     100%% /\n'
