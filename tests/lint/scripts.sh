#!/bin/bash
# scripts.sh - every script below tests/ is run by somebody: a CMakeLists.txt names it, or another file calls or sources it.
. "$(dirname "$0")/lib.sh"

is_run() { # SCRIPT
	local stem

	stem=$(basename "$1" .sh)
	grep -qwE -- "$stem" "$(dirname "$1")/CMakeLists.txt" 2>/dev/null && return
	grep -rqE --include=CMakeLists.txt -- "/$stem(\.sh)?\b" tests && return
	grep -rlE --include='*.sh' --include='*.c' --include=run -- "^[^#]*\b$stem\.sh\b" tests | grep -qvx "$1"
}

while read -r script; do
	is_run "$script" || complain "$script: nobody runs it"
done < <(find tests -mindepth 2 -name '*.sh' | sort)
finish
