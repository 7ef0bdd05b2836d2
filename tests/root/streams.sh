#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Bytes go through whole, in both directions, and so do their ends.
. "$(dirname "$0")/lib.sh"

expect "stdin" "from stdin" "$(echo from stdin | run -i -- cat)"
expect "no stdin" "" "$(run -i -- cat </dev/null)"
expect "not asked for" "" "$(echo from stdin | run -- cat)"
expect "left to others" "1 2 3" "$(seq 3 | (run -- cat; cat) | tr '\n' ' ' | sed 's/ $//')"
expect "stdin that nobody reads" "done" "$(seq 100000 | run -i -- echo done)"
expect "stdin that comes late" "late" "$( (sleep 0.5; echo late) | run -i -- cat)"
expect "the first line only" "1" "$(seq 100000 | run -i -- head -n 1)"
nothing_left

# Seven megabytes, no matter who is slow.
seq 1000000 >"$T/numbers"
sum=$(md5sum <"$T/numbers")
expect "size" 6888896 "$(stat -c %s "$T/numbers")"
expect "output" "$sum" "$(run -- seq 1000000 | md5sum)"
expect "output to a slow reader" "$sum" "$(run -- seq 1000000 | (sleep 1; md5sum))"
expect "output on stderr" "$sum" "$(run -- sh -c 'seq 1000000 >&2' 2>&1 >/dev/null | md5sum)"
expect "input" "$sum" "$(run -i -- md5sum <"$T/numbers")"
expect "there and back" "$sum" "$(run -i -- cat <"$T/numbers" | md5sum)"
expect "through a pipe there and back" "$sum" "$(cat "$T/numbers" | run -i -- cat | cat | md5sum)"
run -- seq 1000000 >"$T/out" || fail "to a file"
expect "to a file" "$sum" "$(md5sum <"$T/out")"
nothing_left

# A child that outlives the init of the container holds nobody up: it goes with the pid namespace.
expect "an heir" "bye" "$(run -- sh -c 'sleep 1000 & echo bye')"
nothing_left
finish
