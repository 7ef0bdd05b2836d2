#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A reader that goes away is no reason to hang.
. "$(dirname "$0")/lib.sh"

run -- seq 1000000 > >(head -n 1 >"$T/out") 2>"$T/err" &
ctl=$!
wait_for "the end of belayctl" is_gone "$ctl"
expect "one line" 1 "$(cat "$T/out")"
kill -KILL "$ctl" 2>/dev/null
nothing_left
finish
