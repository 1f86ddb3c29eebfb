#!/bin/sh
# Runs a shell of the host on a command text, script or standard input in which the VM's own paths stand for the host's.
vm=@VM@
real=@REAL@
map=$vm/bin/.paths.sed

total=$#
seen=0
mode=file
take=
operand=
script=
while [ "$seen" -lt "$total" ]; do
	a=$1
	shift
	seen=$((seen + 1))
	if [ -n "$operand" ]; then
		:
	elif [ -n "$take" ]; then
		take=
	else
		case $a in
		--) ;;
		--*) ;;
		[-+]?*)
			case $a in *c*) mode=text ;; *s*) [ "$mode" = text ] || mode=stdin ;; esac
			case $a in *[oO]*) take=1 ;; esac
			;;
		*)
			operand=1
			case $mode in
			text) a=$(printf '%s\n' "$a" | sed -E -f "$map") ;;
			file)
				case $a in */*) script=$a ;; *) script=./$a ;; esac
				if [ -f "$script" ] && [ "$(wc -c <"$script")" -lt 100000 ] && ! sed -E -f "$map" <"$script" | cmp -s - "$script"; then
					set -- "$@" -c "$(sed -E -f "$map" <"$script")"
				fi
				;;
			esac
			;;
		esac
	fi
	set -- "$@" "$a"
done
if [ "$mode" = stdin ] || { [ -z "$operand" ] && [ "$mode" = file ]; }; then
	sed -u -E -f "$map" | "$real" "$@"
	exit
fi
exec "$real" "$@"
