// Package remote works on other hosts over SSH: pinned host keys, short
// commands, file transfer, tunnels, and jobs.
//
// # Jobs
//
// A job is a command that outlives us. AKS Engine needs 30 minutes for a
// deploy and five hours for an upgrade; in that time SSH connections break,
// servers are restarted and laptops are closed, and none of it may hurt the
// cluster. So a job belongs to the remote host alone. It is a folder there,
//
//	~/.hubwright/jobs/<id>/
//	    cmd.sh      the command with its environment, mode 0700
//	    pid         who runs it: number, process group, birth, nonce
//	    output.log  what it printed, stdout and stderr as they came
//	    exit        its exit code; it appears whole, when all is over
//	    killed      somebody asked for SIGKILL, which leaves no exit code
//	    signal      the newest signal: one that comes while the command is
//	                being started finds it there
//
// and everything we know of it is read from that folder, each time anew.
//
// Started once. A starter uploads cmd.sh under a name of its own and launches
// a runner in a session of its own. The runner writes its identity to a file
// and hard-links that file to "pid". link(2) either makes the name or fails,
// so of any number of runners, of any number of servers, one wins, and at the
// moment of winning the record of who won is complete. (With mkdir as the
// claim there would be a moment when the job is taken by nobody knows whom:
// a crash then would leave a job that is neither started nor startable.)
// Losers remove their files and leave.
//
// Known alive. A process number says little: after a reboot, or a busy week,
// it is somebody else's. The runner's identity is number, boot and start time
// where there is /proc, the start time that ps tells elsewhere, and the mere
// number only where there is nothing better. Where the runner is gone but a
// process with the job's nonce in its environment lives on, the job is still
// running: a second engine must not be started beside the first.
//
// Ended for sure. The exit code is written beside and renamed, so it is never
// half there. The runner survives the signals that SignalJob sends to the
// group, waits for the command and records how it ended. A runner that went
// away without an exit code is "lost", which is not the same as failed: what
// the command did must be observed in the world.
//
// Followed by offset. The reader says from which byte on it wants the output
// and gets frames until the job has ended and all is sent. Nobody keeps
// anything for the reader: its position is its own business (Watch stores it
// together with the lines), so a reader may die at any time and a new one
// goes on where the lines end.
//
// The scripts are plain POSIX sh plus head -c, as dash, bash and busybox run
// them. No secret is ever part of an ssh command line: cmd.sh travels on
// stdin.
package remote
