#!/bin/bash
# words.sh - words of C that have one home, or none. banned.h has those the compiler can catch.
. "$(dirname "$0")/lib.sh"

# pattern                      where it may stand, or -        why
table='
\<goto\>                       -                              one exit style per function: return
\<waitid\(                     reaper/                        only the reaper waits
\<ev_default_loop\(            -                              it reaps children behind our back
\<exit\(                       shim/main.c|shim/ctl/main.c    everybody else returns an error
\<setns\(                      process/rootfs/tree.c          only to leave mounts of our own, never to enter a container
^[[:space:]]*//                -                              comments are /* ... */
'

# Without the comments, but with the lines where they are.
code() {
	sed -E 's|/\*.*\*/||; s|^[[:space:]]*/?\*.*||; /^#pragma/s/.*//' "$1"
}

while read -r pattern home why; do
	[ -n "$pattern" ] || continue
	while read -r file; do
		[ "$home" != - ] && [[ $file =~ ^($home) ]] && continue
		while IFS=: read -r line text; do
			complain "$file:$line: $why: $text"
		done < <(code "$file" | grep -nE "$pattern")
	done < <(product_files)
done <<<"$table"
finish
