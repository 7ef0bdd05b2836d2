#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A kubelet's day: pods with two containers, a network, logs, probes, statistics, a restart of containerd, of a
# container, and the end. With our shim, under its own name and under the stock one's, it is as with the stock shim.
. "$(dirname "$0")/lib.sh"

# A call with what it answers; ids are others each time. What runtime.proto does not know has numbers for names.
say() {
	local what=$1

	shift
	echo "$what: $("$@" | grep -vE '^ *([0-9]+[: ].*|\})$' | sed -E 's/[0-9a-f]{64}/ID/g' | tr '\n' ' ')"
}
# What a shim is about to run has its name for a moment: that is its child, and a shim nobody's.
shims() { pgrep -P 1 -f -c '^[^ ]*containerd-shim-'; }
namespace_of() { # TYPE CONTAINER
	readlink "/proc/$(ctr task ls | awk -v id="$2" '$1 == id { print $2 }')/ns/$1"
}
memory_of() { call ContainerStats ContainerRequest StatsResponse "container_id: '$1'" | field value; }

day() { # HANDLER
	local pod one two

	pod=$(run_pod "$1" "$1")
	[ -n "$pod" ] || { fail "$1: no pod"; return; }
	say "pod" pod_status "$pod" | sed -E 's/10\.88\.0\.[0-9]+/ADDRESS/; s/runtime_handler: "[a-z-]*"/HANDLER/'
	one=$(create_container "$1" "$pod" one 0 'echo to the log; echo to err >&2; trap "exit 8" TERM; while :; do sleep 0.1; done')
	two=$(create_container "$1" "$pod" two 0 'sleep 0.2; exit 7')
	say "start one" start_container "$one"
	say "start two" start_container "$two"
	say "start it again" start_container "$one"
	echo "shims of the pod: $(shims)"
	[ "$1" = stock ] || expect "$1: the program behind it" \
		"$(realpath "$SHIM_DIR/containerd-shim-belay-v2")" "$(realpath "/proc/$(pgrep -P 1 -f '^[^ ]*containerd-shim-')/exe")"
	for type in net ipc uts; do
		expect "$1: $type is the pod's" "$(namespace_of $type "$pod")" "$(namespace_of $type "$one")"
	done
	wait_for "$1: the end of two" has_exited "$two"
	say "two" container_status "$two"
	say "a probe" exec_sync "$one" 10 'echo yes; echo no >&2; exit 3'
	say "a probe that takes too long" exec_sync "$one" 1 'sleep 100'
	say "a probe of none" exec_sync "$two" 1 'true'
	[ "$(memory_of "$one")" -gt 0 ] || fail "$1: stats say no memory"
	say "limit" call UpdateContainerResources UpdateContainerResourcesRequest Empty \
		"container_id: '$one' linux { memory_limit_in_bytes: 134217728 }"
	cat "/sys/fs/cgroup/memory$CGROUP/$1/$one/memory.limit_in_bytes" 2>/dev/null

	kill_containerd KILL
	start_containerd
	wait_for "the CRI service" serves
	say "one after a restart of containerd" container_status "$one"
	say "a probe" exec_sync "$one" 10 'exit 5'

	say "remove two" remove_container "$two"
	two=$(create_container "$1" "$pod" two 1 'echo again; exit 0')
	say "start two again" start_container "$two"
	wait_for "$1: the end of two" has_exited "$two"
	say "two" container_status "$two"
	say "stop one" stop_container "$one"
	say "one" container_status "$one"
	echo "shims of the pod: $(shims)"
	sed -E 's/^[^ ]+ //' "$T/logs/$1"/*.log | sort
	say "stop the pod" stop_pod "$pod"
	say "remove one" remove_container "$one"
	say "remove two" remove_container "$two"
	say "remove the pod" remove_pod "$pod"
	wait_for "$1: the end of its shim" no_shims
}
no_shims() { [ "$(shims)" = 0 ]; }

conditions=$(call Status StatusRequest StatusResponse '' | tr '\n' ' ')
expect "ready" 2 "$(grep -o 'type: "\(Runtime\|Network\)Ready"  *status: true' <<<"$conditions" | wc -l)"
for handler in stock belay belay-path; do
	day $handler >"$T/said.$handler"
done
# What the stock shim did not do either is nothing to be equal to.
for words in 'shims of the pod: 1' 'two: .*exit_code: 7' 'a probe: stdout: "yes.n" stderr: "no.n" exit_code: 3' \
	'one: .*exit_code: 8' 'stdout F to the log' 'ip: "ADDRESS"' 'takes too long: .*timeout'; do
	grep -q -- "$words" "$T/said.stock" || fail "the stock shim's day has no '$words': $(cat "$T/said.stock")"
done
for handler in belay belay-path; do
	diff "$T/said.stock" "$T/said.$handler" >"$T/diff" || fail "$handler differs: $(cat "$T/diff")"
	# Its options came as TOML, or as those of runc.
	grep -q -- "--root /run/roots/$handler/k8s.io .*create" "$T/calls-of-$handler" ||
		fail "$handler was not given its options: $(head -n 3 "$T/calls-of-$handler" 2>&1)"
done
[ -z "${BELAY_SHOW:-}" ] || cat "$T/said.belay"
nothing_left
finish_cri
