# start.sh ID NONCE SIZE RUNNER <COMMAND
# Prints "started" when this call started the job, "before" when it had been
# started already. May be called any number of times, also at once.
mask=$(umask)
umask 077
job=$HOME/.hubwright/jobs/$1
mkdir -p "$job" && cd "$job" || exit 71
if [ -e pid ]; then
	echo before
	exit 0
fi
# The command comes under a name of this call alone. When the connection broke
# on the way the rest is missing, and half a command must never run.
cat >"cmd.$2" || { rm -f "cmd.$2"; exit 74; }
if [ "$(($(wc -c <"cmd.$2")))" -ne "$3" ]; then
	rm -f "cmd.$2"
	exit 72
fi
chmod 700 "cmd.$2"
# The runner gets a session of its own, so that nothing which happens to this
# one reaches it. It prints its answer and then lets go of our stdout, which
# is what the command substitution waits for.
# setsid forks by itself where it can: what a shell starts with & has to ignore
# SIGINT and SIGQUIT for ever, and so would the command.
if setsid -f true 2>/dev/null; then
	answer=$(setsid -f /bin/sh -c "$4" hubwright-job "$2" "$mask" </dev/null 2>/dev/null)
elif command -v setsid >/dev/null 2>&1; then
	answer=$(setsid /bin/sh -c "$4" hubwright-job "$2" "$mask" </dev/null 2>/dev/null &)
else
	# Job control gives it at least a process group, nohup shields it from HUP.
	answer=$(
		set -m 2>/dev/null
		nohup /bin/sh -c "$4" hubwright-job "$2" "$mask" </dev/null 2>/dev/null &
	)
fi
[ -n "$answer" ] || { rm -f "cmd.$2"; exit 77; }
echo "$answer"
