#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# spin.sh [MODEL] - every interleaving of service.pml: its assertions, that nothing gets stuck, and each of
# its ltl formulas under weak fairness.
set -u
model=$(realpath "${1:-$(dirname "$0")/service.pml}")
for tool in spin gcc; do
	command -v $tool >/dev/null || {
		echo "SKIPPED model.spin: there is no $tool"
		exit 77
	}
done
T=$(mktemp -d /tmp/belay-spin.XXXXXX)
trap 'rm -rf "$T"' EXIT
cd "$T" || exit 1
failures=0

# walk WHAT PAN [OPTION...]
walk() {
	local what=$1 out
	shift
	out=$(timeout 300 "$@" -m100000 2>&1)
	if grep -q 'errors: 0' <<<"$out" && ! grep -q 'max search depth too small' <<<"$out"; then
		echo "ok $what: $(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1 states/p' <<<"$out")"
		return
	fi
	echo "FAILED $what"
	grep -E 'errors:|assertion|invalid|depth|violated' <<<"$out"
	[ -e service.pml.trail ] && spin -t -p -k service.pml.trail "$model" | tail -n 40
	failures=1
}

cp "$model" service.pml
{
	spin -a service.pml && gcc -O2 -DNOREDUCE -DNOCLAIM -o pan_plain pan.c &&
		gcc -O2 -DNOREDUCE -DNFAIR=4 -o pan_claims pan.c
} >spin.out 2>&1 || {
	cat spin.out
	exit 1
}
walk "assertions, and nothing gets stuck" ./pan_plain
for formula in $(sed -n 's/^ltl \([a-z_]*\).*/\1/p' service.pml); do
	walk "$formula" ./pan_claims -a -f -N "$formula"
done
exit $failures
