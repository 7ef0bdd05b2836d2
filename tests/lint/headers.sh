#!/bin/bash
# headers.sh - each header compiles alone, and twice. It includes what it needs.
. "$(dirname "$0")/lib.sh"
need gcc

check() {
	printf '#include "%s"\n#include "%s"\n' "$1" "$1" |
		gcc -std=gnu17 -D_GNU_SOURCE -fsyntax-only -Wall -Wextra -Werror \
			-Wstrict-prototypes -Wundef -I. -isystem "$build" -x c - 2>&1
}

while read -r header; do
	output=$(check "$header") || complain "$header does not compile alone: $output"
done < <(our_files | grep '\.h$')
finish
