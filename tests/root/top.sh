#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# belayctl top gives the terminal back, however it ends, and when it is stopped.
. "$(dirname "$0")/lib.sh"

cat >"$T/shell.py" <<-'END'
	# A shell with job control and one job, in a terminal of its own: what the job wrote, and what
	# became of it.
	import os, pty, signal, sys, termios, time

	TAKE, GIVE = b"\x1b[?1049h", b"\x1b[?1049l"

	def shell(command):
	    job = os.fork()
	    if job == 0:
	        os.setpgid(0, 0)
	        signal.signal(signal.SIGTTOU, signal.SIG_IGN)
	        os.tcsetpgrp(0, os.getpid())
	        signal.signal(signal.SIGTTOU, signal.SIG_DFL)
	        os.execv(command[0], command)
	    status = os.waitpid(job, os.WUNTRACED)[1]
	    while os.WIFSTOPPED(status):
	        print("stopped", flush=True)
	        os.kill(job, signal.SIGCONT)
	        status = os.waitpid(job, os.WUNTRACED)[1]
	    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
	    os.tcsetpgrp(0, os.getpid())
	    echo = bool(termios.tcgetattr(0)[3] & termios.ECHO)
	    print("status", os.waitstatus_to_exitcode(status), "echo", echo, flush=True)

	pid, fd = pty.fork()
	if pid == 0:
	    shell(sys.argv[2:])
	    os._exit(0)
	seen = b""

	def until(text):
	    global seen
	    while text not in seen:
	        seen += os.read(fd, 4096)
	    seen = seen[seen.index(text) + len(text):]

	for key in sys.argv[1].encode().decode("unicode_escape"):
	    until(TAKE)
	    until(b"q quits")
	    os.write(fd, key.encode())
	    until(GIVE)
	    if key == "\x1a":
	        until(b"stopped")
	until(b"status ")
	until(b" echo ")
	print(seen.split()[0].decode() if seen.split() else os.read(fd, 100).split()[0].decode())
END
mkdir "$T/state"
top() { timeout -k 1 20 python3 "$T/shell.py" "$1" "$(realpath "$BELAYCTL")" top --state "$T/state" 2>"$T/err"; }
expect "q" True "$(top q)"
expect "the key of SIGINT" True "$(top '\x03')"
expect "the key of SIGQUIT" True "$(top '\x1c')"
expect "the key of SIGTSTP, and on" True "$(top '\x1aq')"
nothing_left
finish
