#!/bin/bash
# tidy.sh - clang-tidy over the product, by the build's own compile commands. .clang-tidy says what.
. "$(dirname "$0")/lib.sh"
need clang-tidy-14

if [ ! -f "$build/compile_commands.json" ]; then
	echo "SKIPPED tidy: $build has no compile_commands.json"
	exit 77
fi

# Only what is being compiled: a file no CMakeLists.txt names is nobody's yet.
compiled() {
	sed -nE "s|^ *\"file\": \"$PWD/(.*)\".*|\1|p" "$build/compile_commands.json" |
		grep -E '^(base|reaper|proto|process|shim)/.*\.c$' | sort -u
}

# One file a run: some checkers of clang-tidy 14 remember things from one to the next.
reports=$(mktemp -d)
trap 'rm -rf "$reports"' EXIT
compiled | xargs -P "$(nproc)" -I FILE sh -c \
	'clang-tidy-14 -p "$1" --quiet FILE >"$2/$(echo FILE | tr / _)" 2>/dev/null' - "$build" "$reports"

# The notes of function-size say which of its limits it was.
while read -r line; do
	complain "${line#"$PWD"/}"
done < <(find "$reports" -type f -exec cat {} + | awk '
	/(error|warning):/ { if (held) print held; held = $0; next }
	/note: ([0-9]+ (lines|param|stat)|nesting level)/ { sub(/.*note:/, ""); held = held "," $0 }
	END { if (held) print held }' | sort -u)
enough "$(find "$reports" -type f | wc -l)" files
finish
