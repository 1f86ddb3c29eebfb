# signal.sh ID SIGNAL NONCE
# Prints the state that it found; signals only what is running and is ours.
umask 077
job=$HOME/.hubwright/jobs/$1
mkdir -p "$job" && cd "$job" || exit 71
look
if [ "$state" = absent ]; then
	# A start may be on its way: the claim of nobody is in before it, or it has
	# been faster and gets the signal.
	: >"pid.$3" || exit 1
	ln "pid.$3" pid 2>/dev/null || look
	rm -f "pid.$3"
fi
echo "$state"
[ "$state" = running ] || exit 0
# SIGKILL takes the runner too: the intention is the only trace of how it ended.
[ "$2" != KILL ] || : >killed
# What arrives before the command is there would be lost: the note is for it.
echo "$2" >signal
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
