# read.sh ID OFFSET MAX
cd "$HOME/.hubwright/jobs/$1" 2>/dev/null && [ -e pid ] || exit 44
tail -c "+$(($2 + 1))" output.log | head -c "$3"
