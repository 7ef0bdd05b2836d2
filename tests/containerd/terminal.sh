#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A terminal: the container's own pty, its size, its input and output, and none left afterwards.
. "$(dirname "$0")/lib.sh"

# in_pty COMMAND: runs it under a pseudo terminal of 100 columns, prints what it shows, without CRs
# and without the echo of the end of script's own empty stdin.
in_pty() {
	timeout -k 1 20 script -qec "stty cols 100 rows 30; $1" /dev/null | tr -d '\r\b' | sed 's/^^@//'
}

expect "a tty" "/dev/console /dev/pts/0" "$(in_pty "ctr run --rm -t --runtime $RUNTIME \
	--rootfs $T/rootfs t1 /bin/sh -c 'busybox tty | sed s,pts/0,console\ /dev/pts/0,'" |
	tail -n 1)"
expect "lines end as the terminal ends them" "one
two" "$(in_pty "ctr run --rm -t --runtime $RUNTIME --rootfs $T/rootfs t2 /bin/sh -c 'echo one; echo two'")"
# Not more than ctr reads at once: on a busy machine it closes its FIFO before it has read it to the
# end, with any shim. Much output through a terminal is tests/root/terminal.sh.
expect "the last line is not lost" "$(seq 1 2000 | md5sum)" \
	"$(in_pty "ctr run --rm -t --runtime $RUNTIME --rootfs $T/rootfs t3 /bin/seq 1 2000" | md5sum)"
expect "status" 7 "$(in_pty "ctr run --rm -t --runtime $RUNTIME --rootfs $T/rootfs t4 \
	/bin/sh -c 'exit 7' >/dev/null 2>&1; echo \$?")"
expect "input" "got line" "$( (wait_for t5 has_status t5 RUNNING; sleep 0.5; echo line; sleep 0.5) | script -qec \
	"ctr run --rm -t --runtime $RUNTIME --rootfs $T/rootfs t5 /bin/sh -c 'read x; echo got \$x'" \
	/dev/null | tr -d '\r' | tail -n 1)"
expect "size" "30 100" "$(in_pty "ctr run --rm -t --runtime $RUNTIME --rootfs $T/rootfs t6 \
	/bin/sh -c 'until busybox stty size 2>/dev/null | grep -qx \"30 100\"; do sleep 0.1; done; busybox stty size'")"

in_pty "ctr run -d -t --runtime $RUNTIME --rootfs $T/rootfs t7 /bin/sleep 1000"
shim=$(shim_of t7)
expect "exec with a tty" "/dev/pts/1" \
	"$(in_pty "ctr task exec -t --exec-id x1 t7 /bin/busybox tty" | grep -o "^/dev/pts.*")"
ptys() { find "/proc/$shim/fd" -lname '/dev/ptmx' -o -lname '*ptmx' | wc -l; }
[ "$(ptys)" -gt 0 ] || fail "the pty of a running container is not held"
ctr task kill -s KILL t7
wait_for "the end" has_status t7 STOPPED
expect "ptys of a dead container" 0 "$(ptys)"
ctr task delete t7 2>/dev/null
ctr container rm t7 || fail "rm"
nothing_left
finish
