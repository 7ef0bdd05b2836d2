#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Init and execs are followed by the pidfd that the runtime hands over, if it is one that does.
. "$(dirname "$0")/lib.sh"

by=number
runc exec --help | grep -q -- --pidfd-socket && by=pidfd

told() { grep -o 'msg=\\*"*adopt\\*"*.*' "$T/log" | grep -c "exec=$1 .*by=$by"; }
is_told() { [ "$(told "$1")" = 1 ]; }

ctr run -d --runtime "$RUNTIME" --rootfs "$T/rootfs" c1 /bin/sleep 1000 || fail "run -d"
for i in 1 2 3; do
	ctr task exec --exec-id "x$i" c1 /bin/sh -c "exit $i"
	expect "status of exec $i" "$i" $?
	wait_for "exec $i followed by its $by" is_told "x$i"
done
wait_for "init followed by its $by" is_told ""
ctr task kill -s KILL c1 || fail "kill"
wait_for "the end" has_status c1 STOPPED
ctr task delete c1 >"$T/out" 2>&1
grep -q 'exit code 137' "$T/out" || fail "status: $(cat "$T/out")"
ctr container rm c1 || fail "rm"
nothing_left
finish
