# follow.sh ID OFFSET MAX BEAT
# Prints frames: a line "STATE CODE SIZE LENGTH", then LENGTH bytes of output.
# Ends when the job is not running and all of its output is sent. An empty
# frame comes at the start and after BEAT naps without news: it shows the
# reader that we live, and without a reader writing it ends this script.
if ! cd "$HOME/.hubwright/jobs/$1" 2>/dev/null; then
	echo absent 0 0 0
	exit 0
fi
at=$2 quiet=$4
while :; do
	look
	measure
	n=$((size - at))
	[ "$n" -le "$3" ] || n=$3
	[ "$n" -ge 0 ] || n=0
	if [ "$n" -gt 0 ] || [ "$state" != running ] || [ "$quiet" -ge "$4" ]; then
		echo "$state $code $size $n" || exit 1
		if [ "$n" -gt 0 ]; then
			tail -c "+$((at + 1))" output.log | head -c "$n" || exit 1
			at=$((at + n))
		fi
		quiet=0
		# Behind: there is more to send at once.
		[ "$at" -ge "$size" ] || [ "$n" -eq 0 ] || continue
		[ "$state" = running ] || exit 0
	fi
	quiet=$((quiet + 1))
	nap
done
