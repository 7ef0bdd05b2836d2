#!/bin/bash
# format.sh - clang-format decides and nobody argues. To obey: tests/lint/format.sh, then
# clang-format-14 -i FILE.
. "$(dirname "$0")/lib.sh"
need clang-format-14

while read -r file; do
	clang-format-14 --dry-run -Werror "$file" >/dev/null 2>&1 ||
		complain "$file is not formatted: clang-format-14 -i $file"
done < <(our_files)
finish
