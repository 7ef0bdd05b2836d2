#!/bin/bash
# man.sh - the man pages render without a warning, and name no page of ours that is not there.
. "$(dirname "$0")/lib.sh"
need groff

for page in shim/man/*.[1-8]; do
	while read -r warning; do
		complain "$page: $warning"
	done < <(groff -ww -man -Tutf8 "$page" 2>&1 >/dev/null | sed 's/^[^:]*:[^:]*://')
	while read -r other; do
		[ -e "shim/man/$other" ] || complain "$page: names $other, which is not there"
	done < <(sed 's/\\-/-/g' "$page" | grep -oE '(belay|belayctl|containerd-shim-belay-v2) \([1-8]\)' | tr -d '()' | tr ' ' . | sort -u)
	grep -qF "man/$(basename "$page") " shim/CMakeLists.txt || complain "$page is not installed"
done
finish
