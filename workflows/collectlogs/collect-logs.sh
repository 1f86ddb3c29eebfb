#!/bin/sh
# Runs on a node, as root, and makes the archive that AKS Engine fetches:
# /tmp/logs.zip. Logs may be large: of each the end is taken. What is missing
# on a node is left out.
set -u
umask 077
root=${LOGS_ROOT:-}            # in front of every path that is read
out=${LOGS_OUT:-/tmp/logs.zip} # the archive
days=${LOGS_DAYS:-2}           # of journals
most=${LOGS_MOST:-10485760}    # bytes of one log
name=$(hostname)
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
mkdir "$work/$name" && cd "$work/$name" || exit 1

# end FILE: the end of a log, at its own path.
end() {
	[ -f "$1" ] && [ -r "$1" ] || return 0
	to=.${1#"$root"}
	mkdir -p "$(dirname "$to")" && tail -c "$most" "$1" >"$to"
}

# say FILE COMMAND...: what a command prints, if the node has it.
say() {
	to=$1
	shift
	command -v "$1" >/dev/null 2>&1 || return 0
	mkdir -p "$(dirname "$to")"
	timeout 60 "$@" 2>&1 | tail -c "$most" >"$to"
}

{
	find -L "$root/var/log/azure" -type f -name '*.log'
	find -L "$root/var/log" -maxdepth 1 -type f '(' -name 'cloud-init*.log' -o -name waagent.log -o -name syslog -o -name kern.log ')'
	find -L "$root/var/log/containers" -type f -name '*_kube-system_*.log'
	find "$root/etc/kubernetes/manifests" -type f -name '*.yaml'
} 2>/dev/null | while IFS= read -r file; do
	end "$file"
done
for unit in kubelet containerd docker etcd kube-addons kms; do
	say "journal/$unit.log" journalctl --no-pager --output=short-iso --since="-${days}d" --unit="$unit.service"
done
say journal/kernel.log journalctl --no-pager --dmesg --since="-${days}d"
say state/services.txt systemctl list-units --all --no-pager
say state/failed.txt systemctl --failed --no-pager
say state/disk.txt df -h
say state/memory.txt free -m
say state/processes.txt ps -eo pid,ppid,user,etime,rss,comm
say state/addresses.txt ip address
say state/routes.txt ip route
say state/containers.txt crictl ps --all
say state/time.txt timedatectl

find . -type f -empty -delete
date -u +%Y-%m-%dT%H:%M:%SZ >collected.txt
cd .. || exit 1
if command -v zip >/dev/null 2>&1; then
	zip -q -r logs.zip "$name" || exit 1
elif command -v python3 >/dev/null 2>&1; then
	python3 -m zipfile -c logs.zip "$name" || exit 1
else
	tar -czf logs.zip "$name" || exit 1
fi
chmod 0600 logs.zip
# The engine fetches it as the user who logged in.
[ -z "${SUDO_USER:-}" ] || chown "$SUDO_USER" logs.zip
mv -f logs.zip "$out"
