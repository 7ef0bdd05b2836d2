#!/bin/bash
# analyze.sh - gcc's static analyzer over the product, by the build's own compile commands.
. "$(dirname "$0")/lib.sh"
need gcc

# What is handed over through a list or a struct counts as leaked there. Leaks are for the sanitizers,
# and for tests/proof, where each allocation fails.
quiet="-Wno-analyzer-malloc-leak"

if [ ! -f "$build/compile_commands.json" ]; then
	echo "SKIPPED analyze: $build has no compile_commands.json"
	exit 77
fi

# The directory, the file and the words of each command, without what only the build wants of it.
commands() {
	awk -v root="$PWD/" '
		/"directory":/ { split($0, at, "\""); directory = at[4] }
		/"command":/ {
			sub(/^ *"command": "/, "")
			sub(/",? *$/, "")
			gsub(/\\\\/, "\001") # the text of JSON
			gsub(/\\"/, "\"")
			gsub(/\001/, "\\")
			command = $0
		}
		/"file":/ {
			split($0, at, "\"")
			file = substr(at[4], length(root) + 1)
			sub(/^[^ ]+ /, "", command)
			sub(/ -o [^ ]+/, "", command)
			gsub(/-fsanitize=[^ ]+|-Werror/, "", command)
			if (index(at[4], root) == 1 && file ~ /^(base|reaper|proto|process|shim)\/.*\.c$/)
				print "cd " directory " && gcc -O1 -Wno-all " command " -fanalyzer '"$quiet"' -o /dev/null"
		}' "$build/compile_commands.json"
}

while read -r line; do
	complain "${line#"$PWD"/}"
done < <(commands | xargs -d '\n' -P "$(nproc)" -I COMMAND sh -c COMMAND 2>&1 | grep -E '(warning|error):' | sort -u)
enough "$(commands | wc -l)" files
finish
