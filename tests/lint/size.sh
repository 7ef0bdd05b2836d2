#!/bin/bash
# size.sh - a file that does not fit in a head is two files. (tidy.sh does functions.)
. "$(dirname "$0")/lib.sh"

limit() {
	local most=$1 file lines

	while read -r file; do
		lines=$(wc -l <"$file")
		[ "$lines" -le "$most" ] || complain "$file: $lines lines, at most $most"
	done
}

limit 500 < <(our_files)
limit 40 < <(find base reaper proto process shim tests -name CMakeLists.txt 2>/dev/null)
finish
