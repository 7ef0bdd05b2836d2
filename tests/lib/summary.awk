# summary.awk - reads ctest's LastTestsFailed.log, then LastTest.log.
#
# Shows the output of what failed; appends "label<TAB>sentence" to the file
# @skips for what was skipped, and prints "passed failed skipped" to @totals.
# A test that is not made of TEST()s counts as one.

FILENAME ~ /LastTestsFailed.log$/ {
	sub(/^[0-9]+:/, "")
	failed[$0] = 1
	next
}

/^[0-9]+\/[0-9]+ Testing: / {
	name = $3
	label = name
	sub(/[._].*/, "", label)
	ok = bad = skipped = 0
	text = ""
	next
}

/^Output:$/ { reading = 1; getline; next } # the line of dashes

reading && /^<end of output>$/ {
	reading = 0
	if (name in failed && bad == 0)
		bad = 1
	if (ok + bad + skipped == 0)
		ok = 1
	passes += ok; failures += bad; skippings += skipped
	if (name in failed)
		printf "--- %s\n%s", name, text
	next
}

reading && /^ok / { ok++; next }

reading {
	text = text $0 "\n"
	if (/^FAILED /) bad++
	if (/^SKIPPED /) {
		skipped++
		print label "\t" substr($0, 9) >> skips
	}
}

END {
	print passes + 0, failures + 0, skippings + 0 > totals
}
