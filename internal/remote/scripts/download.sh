# download.sh PATH MAX
# Prints the size in a line of its own, then the file when it is not too big.
case $1 in
/*) file=$1 ;;
'~/'*) file=$HOME/${1#'~/'} ;;
*) file=$HOME/$1 ;;
esac
[ -f "$file" ] || exit 44
size=$(($(wc -c <"$file"))) || exit 76
echo "$size"
[ "$size" -gt "$2" ] || head -c "$size" -- "$file"
