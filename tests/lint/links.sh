#!/bin/bash
# links.sh - what a document names is there: the files and headings its links lead to, and the tests of the promises.
. "$(dirname "$0")/lib.sh"

documents() { find README.md CONTRIBUTING.md shim tests -name '*.md' 2>/dev/null | sort; }

# A heading as the end of a link: small letters, no marks, dashes for blanks.
anchors() { sed -n 's/^##* //p' "$1" | tr '[:upper:]' '[:lower:]' | sed 's/[^a-z0-9 _-]//g; s/ /-/g'; }

while read -r document; do
	while read -r link; do
		file=$(dirname "$document")/${link%%#*} heading=${link#*#}
		[ -n "${link%%#*}" ] || file=$document
		if [ ! -e "$file" ]; then
			complain "$document: a link to $link, which is not there"
		elif [ "$heading" != "$link" ]; then
			anchors "$file" | grep -qx -- "$heading" || complain "$document: $file has no heading $heading"
		fi
	done < <(grep -oE '\]\([^):]+\)' "$document" | sed 's/^](//; s/)$//')
done < <(documents)

# A test is a sentence: four words or more, in the tables of promises.
for document in README.md tests/PROMISES.md; do
	[ -e $document ] || continue
	while read -r sentence; do
		grep -rqE "TEST(_WITHIN)?\(([0-9]+, )?$sentence\)" tests --include='*.c' ||
			complain "$document: no test is called $sentence"
	done < <(sed -n '/^| .* |$/p' $document | grep -oE '[a-z0-9]+(_[a-z0-9]+){3,}' | sort -u)
done
finish
