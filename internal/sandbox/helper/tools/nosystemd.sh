#!/bin/sh
# The host's service manager is out of the VM's reach.
echo 'System has not been booted with systemd as init system (PID 1). Can'"'"'t operate.' >&2
echo 'Failed to connect to bus: Host is down' >&2
exit 1
