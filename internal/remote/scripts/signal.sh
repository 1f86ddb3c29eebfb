# signal.sh ID SIGNAL
# Prints the state that it found; signals only what is running and is ours.
cd "$HOME/.hubwright/jobs/$1" 2>/dev/null || { echo absent; exit 0; }
look
echo "$state"
[ "$state" = running ] || exit 0
# SIGKILL takes the runner too: the intention is the only trace of how it ended.
[ "$2" != KILL ] || : >killed
if [ "$pgid" = "$pid" ]; then
	kill -s "$2" -- "-$pgid" 2>/dev/null
else
	# No group of its own: the mark in the environment tells who belongs to it.
	for environ in $(grep -ls "HUBWRIGHT_JOB=$nonce" /proc/[0-9]*/environ); do
		member=${environ#/proc/}
		kill -s "$2" "${member%/environ}" 2>/dev/null
	done
fi
exit 0
