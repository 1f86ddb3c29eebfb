# look.sh ID
# Prints state, exit code and bytes of output.
if ! cd "$HOME/.hubwright/jobs/$1" 2>/dev/null; then
	echo absent 0 0
	exit 0
fi
# The state first: what was printed before the end is in the file at the end.
look
measure
echo "$state $code $size"
