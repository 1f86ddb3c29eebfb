#!/bin/sh
# Says what the kernel of Azure's Ubuntu 22.04 image is.
system=Linux
node=@HOSTNAME@
release=5.15.0-1089-azure
version='#98-Ubuntu SMP Wed May 7 02:05:30 UTC 2025'
machine=x86_64
out=
say() { out="$out${out:+ }$1"; }
[ $# -gt 0 ] || set -- -s
for a in "$@"; do
	case $a in
	-a | --all) out="$system $node $release $version $machine $machine $machine GNU/Linux" ;;
	-s | --kernel-name) say "$system" ;;
	-n | --nodename) say "$node" ;;
	-r | --kernel-release) say "$release" ;;
	-v | --kernel-version) say "$version" ;;
	-m | --machine | -p | --processor | -i | --hardware-platform) say "$machine" ;;
	-o | --operating-system) say GNU/Linux ;;
	-sm | -ms) say "$system $machine" ;;
	-sr | -rs) say "$system $release" ;;
	-srm) say "$system $release $machine" ;;
	*)
		printf "uname: extra operand '%s'\nTry 'uname --help' for more information.\n" "$a" >&2
		exit 1
		;;
	esac
done
printf '%s\n' "$out"
