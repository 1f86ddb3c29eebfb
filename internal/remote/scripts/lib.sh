# Functions that the job scripts share. POSIX sh: dash, bash and busybox.

# identify PID sets $identity to what tells this process from a later one with
# the same number, and $group to its process group. Both are empty when there
# is no such process; a zombie counts as none.
identify() {
	identity= group=
	if [ -r /proc/self/stat ]; then
		{ read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 0
		boot=
		{ read -r boot </proc/sys/kernel/random/boot_id; } 2>/dev/null
		# The second field is the name in parentheses, which may hold spaces;
		# after it: 1 state, 2 parent, 3 group ... 20 start time since boot.
		set -- ${stat##*) }
		case $1 in Z | X) return 0 ;; esac
		group=$3
		shift 19
		identity=$boot.$1
		return 0
	fi
	kill -0 "$1" 2>/dev/null || return 0
	group=$(($(ps -o pgid= -p "$1" 2>/dev/null || echo 0)))
	identity=$(ps -o lstart= -p "$1" 2>/dev/null | tr -d ' ')
	[ -n "$identity" ] || identity=unknown
}

# ended says whether the job left an exit code, and sets $code to it.
ended() {
	[ -e exit ] && read -r code <exit || return 1
	case $code in '' | *[!0-9]*) return 1 ;; esac
	state=exited
}

# orphans says whether a process of the job lives on without its runner. A
# file in /proc that is not ours to read is not our process.
orphans() {
	[ -d /proc/self ] && grep -qs "HUBWRIGHT_JOB=$nonce" /proc/[0-9]*/environ
}

# look sets $state (absent, running, exited, lost), $code, and what the pid
# file says. It is called in the job's folder.
look() {
	state=absent code=0
	[ -e pid ] || return 0
	ended && return 0
	pid= pgid= birth= nonce=
	read -r pid pgid birth nonce <pid
	code=0 state=lost
	# A host that lost power may have kept the name of the file alone.
	[ -n "$nonce" ] || return 0
	identify "$pid"
	if [ "$identity" = "$birth" ] || orphans; then
		state=running
		return 0
	fi
	# It may have ended between the first look and this one.
	ended && return 0
	code=0
	[ -e killed ] && code=137 state=exited
	return 0
}

# measure sets $size to the bytes of output so far.
measure() {
	size=0
	[ -e output.log ] && size=$(($(wc -c <output.log)))
	return 0
}

# nap waits for a moment: where sleep takes no fractions, a longer one.
nap() {
	sleep 0.2 2>/dev/null || sleep 1
}
