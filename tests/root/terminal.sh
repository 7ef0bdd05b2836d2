#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A terminal: its name, its size, its input, and all of its output, however much it is.
. "$(dirname "$0")/lib.sh"

# in_pty OPTIONS COMMAND...: under a pseudo terminal of 100 columns; without CRs and the echo of an
# empty stdin.
in_pty() {
	timeout -k 1 30 script -qec "stty cols 100 rows 30; $BELAYCTL run -t --runtime $RUNTIME \
		--state $T/state --rootfs $T/rootfs -- $*" /dev/null | tr -d '\r\b' | sed 's/^^@//'
}

expect "a tty" /dev/pts/0 "$(in_pty busybox tty)"
expect "its size" "30 100" "$(in_pty busybox stty size)"
expect "input" "got line" "$( (sleep 1; echo line; sleep 0.5) | in_pty "sh -c 'read x; echo got \$x'" |
	tail -n 1)"
wanted=$(seq 1 20000 | md5sum)
for i in $(seq 10); do
	expect "much output, $i" "$wanted" "$(in_pty seq 1 20000 | md5sum)"
done
nothing_left
finish
