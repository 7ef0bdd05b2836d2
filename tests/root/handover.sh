#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The init is followed by the pidfd that a runtime hands over, if it is one that does, and by its number
# otherwise; the container does not see a difference.
. "$(dirname "$0")/lib.sh"

by=number
"$RUNTIME" create --help 2>/dev/null | grep -q -- --pidfd-socket && by=pidfd

expect "status" 7 "$(run --debug -- sh -c 'exit 7' >"$T/out" 2>"$T/err"; echo $?)"
expect "followed by its $by" 1 "$(grep -c "msg=\"adopt\".* by=$by\$" "$T/err")"
expect "a short life" 0 "$(run --debug -- true >"$T/out" 2>"$T/err"; echo $?)"
expect "followed by its $by too" 1 "$(grep -c "msg=\"adopt\".* by=$by\$" "$T/err")"
expect "sockets left" "" "$(find "$T/state" -name 'pidfd.*' 2>/dev/null)"
nothing_left
finish
