#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# spin.sh [MODEL] - every interleaving of service.pml: its assertions, and each of its ltl formulas
# under weak fairness. Without an answer, a telling or a hold the model must fail.
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

# build FILE: ./pan_plain and ./pan_claims, from it.
build() {
	{
		spin -a "$1" && gcc -O0 -DNOREDUCE -DNOCLAIM -o pan_plain pan.c &&
			gcc -O0 -DNOREDUCE -DNFAIR=4 -o pan_claims pan.c
	} >spin.out 2>&1 || {
		cat spin.out
		exit 1
	}
}

# all_of PAN [OPTION...]: walks the whole of it; $out is what it said. Half of it is no answer.
all_of() {
	out=$(timeout 300 "$@" -m100000 2>&1)
	grep -q 'errors: 0' <<<"$out" && ! grep -qE 'max search depth too small|Search not completed' <<<"$out"
}

# walk WHAT PAN [OPTION...]
walk() {
	local what=$1
	shift
	if all_of "$@"; then
		echo "ok $what: $(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1 states/p' <<<"$out")"
		return
	fi
	echo "FAILED $what"
	grep -E 'errors:|assertion|invalid|depth|violated|not completed' <<<"$out"
	[ -e service.pml.trail ] && spin -t -p -k service.pml.trail "$model" | tail -n 40
	failures=1
}

# refuted WHAT FORMULA SED: the model, so edited, must break that formula ("": an assertion).
refuted() {
	local how=(./pan_plain)

	[ -n "$2" ] && how=(./pan_claims -a -f -N "$2")
	sed "$3" service.pml >wrong.pml
	if cmp -s service.pml wrong.pml; then
		echo "FAILED without $1: there is no such line to take away"
		failures=1
		return
	fi
	build wrong.pml
	all_of "${how[@]}"
	if grep -qE 'errors: [1-9]' <<<"$out"; then
		echo "ok without $1 the model fails"
	else
		echo "FAILED without $1 nothing is wrong with ${2:-the assertions}"
		failures=1
	fi
}

cp "$model" service.pml
build service.pml
walk "assertions" ./pan_plain
for formula in $(sed -n 's/^ltl \([a-z_]*\).*/\1/p' service.pml); do
	walk "$formula" ./pan_claims -a -f -N "$formula"
done
refuted "an answer to a refused Pause" pauses_are_answered '/pausing == failed ->/d'
refuted "an answer to a failed Delete" deletes_are_answered '/deleting == failed ->/d'
refuted "an answer to a failed Start" starts_are_answered '/starting == failed ->/d'
refuted "the news of an exec" execs_are_told 's/execing = idle; exec_news--; news_of_exec() }/execing = idle }/'
refuted "a hold" "" 's/hold++; init_news++; creating = asked/init_news++; creating = asked/; s/hold--;/if :: hold > 0 -> hold-- :: else fi;/'
exit $failures
