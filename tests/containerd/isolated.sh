#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# On a machine with isolated processors (nohz_full=): where an exec begins and where it may run, by the
# annotation of its container.
[ "$(cat /sys/devices/system/cpu/nohz_full 2>/dev/null)" = 1 ] || {
	echo "SKIPPED $(basename "$0"): needs a kernel that was started with nohz_full=1"
	exit 77
}
. "$(dirname "$0")/lib.sh"

# The worst there is: containerd, and so its shims, on the isolated processor.
taskset -a -c -p 1 "$containerd_pid" >/dev/null || fail "taskset"
transition=org.opencontainers.runc.exec.isolated-cpu-affinity-transition

begin() { # ID ANNOTATION [OPTION...]
	local id=$1 annotation=$2
	shift 2
	ctr run -d --runtime "$RUNTIME" ${annotation:+--annotation "$transition=$annotation"} "$@" \
		--rootfs "$T/rootfs" "$id" /bin/sleep 1000 2>"$T/err"
}
# Before 6.2 the kernel gives whoever joins a cpuset all of it: until the shim hears that the process runs.
cpus() { # ID WANTED
	timeout -k 1 60 ctr task exec --exec-id x "$1" /bin/sh -c '
		for i in $(seq 100); do
			set -- $1 $(busybox grep Cpus_allowed_list /proc/$$/status)
			[ "$1" = "$3" ] && break
			busybox sleep 0.1
		done
		echo $3' sh "$2"
}
# expect_cpus WHAT ID WANTED
expect_cpus() { expect "$1" "$3" "$(cpus "$2" "$3")"; }
end() { # ID
	ctr task kill -s KILL "$1" || fail "kill $1"
	wait_for "the end of $1" has_status "$1" STOPPED
	ctr task delete "$1" 2>/dev/null
	ctr container rm "$1" || fail "rm $1"
}

begin plain "" || fail "run plain"
expect_cpus "no annotation: every processor of the cpuset" plain 0-1
end plain
begin temporary temporary || fail "run temporary"
expect_cpus "temporary: every processor again" temporary 0-1
end temporary
begin definitive definitive || fail "run definitive"
expect_cpus "definitive: the one that is not isolated" definitive 0
end definitive

begin wrong sometimes && fail "a word that is none"
grep -q sometimes "$T/err" || fail "a word that is none is not named: $(cat "$T/err")"
ctr container rm wrong 2>/dev/null

if ctr run --help | grep -q -- --cpuset-cpus; then
	begin all definitive --cpuset-cpus 1 || fail "run all: $(cat "$T/err")"
	expect_cpus "all isolated: the first of the cpuset" all 1
	end all
	begin none definitive --cpuset-cpus 0 || fail "run none: $(cat "$T/err")"
	expect_cpus "none isolated: the cpuset" none 0
	end none
fi
nothing_left
finish
