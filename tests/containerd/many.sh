#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# containerd is killed and comes back to a node with many shims: each is found, asked, and can be ended.
TEST_TIMEOUT=${TEST_TIMEOUT:-170}
. "$(dirname "$0")/lib.sh"

N=60

count() { ctr task ls 2>/dev/null | awk -v s="$1" '$3 == s' | wc -l; } # STATUS
all_are() { [ "$(count "$1")" = $N ]; }
shims() { pgrep -P 1 -c -f '^[^ ]*containerd-shim-belay-v2 '; }
at_once() { seq $N | xargs -P 4 -I @ "$@"; }

at_once ctr run -d --runtime "$RUNTIME" --rootfs "$T/rootfs" m@ /bin/sleep 1000 || fail "run"
expect "shims" $N "$(shims)"
kill_containerd KILL
start_containerd
wait_for "all to be there" all_are RUNNING
expect "the same shims" $N "$(shims)"
at_once ctr task exec --exec-id x m@ /bin/echo alive >"$T/out" 2>&1
expect "execs" $N "$(grep -c '^alive$' "$T/out")"
at_once ctr task kill -s KILL m@ || fail "kill"
wait_for "all to end" all_are STOPPED
at_once ctr task delete m@ >"$T/out" 2>&1
expect "statuses" $N "$(grep -c 'exit code 137' "$T/out")"
at_once ctr container rm m@ || fail "rm"
nothing_left
finish
