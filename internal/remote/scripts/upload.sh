# upload.sh PATH MODE SIZE NONCE <DATA
# Writes beside the target and renames, so that nobody ever sees half a file.
case $1 in
/*) file=$1 ;;
'~/'*) file=$HOME/${1#'~/'} ;;
*) file=$HOME/$1 ;;
esac
part=$file.$4
umask 077
mkdir -p -- "$(dirname -- "$file")" || exit 73
cat >"$part" || { rm -f -- "$part"; exit 74; }
# A connection that breaks looks like the end of the data: only the size tells.
if [ "$(($(wc -c <"$part")))" -ne "$3" ]; then
	rm -f -- "$part"
	exit 72
fi
chmod "$2" "$part" && mv -f -- "$part" "$file" || { rm -f -- "$part"; exit 75; }
