# runner.sh NONCE UMASK, in the job's folder, in a session of its own.
# Claims the job, runs it, records how it ended.
# Signals go to the whole group. The command gets them as they are; the runner
# lives through them, because it has to write down how the command ended. Nobody
# signals before the claim, so that none finds the runner without its trap.
trap : HUP INT QUIT TERM USR1 USR2
identify $$
: >>output.log
echo "$$ ${group:-0} ${identity:-unknown} $1" >"pid.$1" || exit 1
# The claim: link makes the name or fails, and the file behind it is complete.
if ! ln "pid.$1" pid 2>/dev/null; then
	rm -f "pid.$1" "cmd.$1"
	[ -e pid ] && echo before || echo unlinkable
	exit 0
fi
rm -f "pid.$1"
mv "cmd.$1" cmd.sh
echo started
exec >>output.log 2>&1
umask "$2"
# A signal that came between the trap and the exec hit nobody: the shell in the
# middle, which has no trap, looks for the note that it left. Later ones reach it.
HUBWRIGHT_JOB=$1 /bin/sh -c '[ ! -e signal ] || kill -s "$(cat signal)" $$ 2>/dev/null; exec /bin/sh ./cmd.sh'
code=$?
umask 077
echo "$code" >exit.new && mv -f exit.new exit
