#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What a container calls itself and its mounts does nothing to the terminal of who looks at it.
. "$(dirname "$0")/lib.sh"

evil=$(printf '\033]0;owned\007\302\233x')
mkdir "$T/shared"
env --default-signal=TERM "$BELAYCTL" run --runtime "$RUNTIME" --state "$T/state" --rootfs "$T/rootfs" \
	--name evil --mount "$T/shared:/tmp/$evil" -- sh -c \
	"printf '%s' '$evil' >/proc/self/comm; trap 'exit 0' TERM; echo ready; while :; do sleep 0.1; done" \
	>"$T/ready" 2>"$T/err" &
ctl=$!
wait_for "the container" grep -q ready "$T/ready"
"$BELAYCTL" inspect --state "$T/state" evil >"$T/out" 2>&1 || fail "inspect: $(cat "$T/out")"
expect_words "its name" " ?]0;owned???x" "$T/out"
expect_words "its mount" "/tmp/?]0;owned???x" "$T/out"
expect "control characters" "" "$(LC_ALL=C tr -d '\n -\176\200-\377' <"$T/out" | od -An -c)"
expect "those of eight bits" "" "$(LC_ALL=C grep -c "$(printf '\302\233')" "$T/out" | grep -v '^0$')"
expect "as JSON nothing is changed" "$evil" "$("$BELAYCTL" inspect --state "$T/state" evil --json |
	python3 -c 'import json, sys; print(json.load(sys.stdin)["processes"][0]["name"])')"
kill -TERM "$ctl"
wait "$ctl"
expect "status" 0 $?
nothing_left
finish
