#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A shim that was started by somebody with unusual limits, priorities, signals, processors and
# descriptors: its container sees what containerd has, where a runtime hands that on, and nothing
# that the shim changed of it; of signals, descriptors and the environment it sees nothing at all.
. "$(dirname "$0")/lib.sh"

bundle() { # MEMBERS OF process
	mkdir -p "$T/b"
	cat >"$T/b/config.json" <<-END
	{ "ociVersion": "1.0.2", "root": { "path": "$T/rootfs" },
	  "process": { "args": ["/bin/sh", "/golden"], "cwd": "/", "user": { "uid": 0, "gid": 0 },
	    "env": ["PATH=/bin"] ${1:+, $1} },
	  "mounts": [ { "destination": "/proc", "type": "proc", "source": "proc" },
	    { "destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["mode=755"] } ],
	  "linux": { "cgroupsPath": "/belay/inherit-$$",
	    "namespaces": [ { "type": "pid" }, { "type": "mount" }, { "type": "uts" } ] } }
	END
}

cat >"$T/rootfs/golden" <<-'END'
	echo "score $(cat /proc/1/oom_score_adj)"
	grep -E '^(Sig(Blk|Ign)|THP_enabled|Cpus_allowed_list)' /proc/1/status | tr -d '\t'
	grep -E '^Max (open files|core file size)' /proc/1/limits | tr -s ' '
	set -- $(sed 's/.*) //' /proc/1/stat); echo "nice ${17} policy ${39}"
	echo "io $(busybox ionice -p 1)"
	tr '\0' '\n' </proc/1/environ | grep -vE '^(PATH|HOME|HOSTNAME|container)=' | sed 's/^/env /'
	for fd in /proc/1/fd/*; do # that of this list itself is gone by now
		[ ! -L "$fd" ] || echo "fd ${fd##*/} $(busybox readlink "$fd")"
	done | grep -vE '^fd [0-2] '
	umask
END
ln -sf busybox "$T/rootfs/bin/ls"
for applet in tr sed grep; do ln -sf busybox "$T/rootfs/bin/$applet"; done

# All of it at once, then belayctl, which is to the shim what containerd is.
odd() {
	exec 7<"$T/rootfs/golden" 8>"$T/secret"
	echo 300 >/proc/self/oom_score_adj
	ulimit -Sn 777
	ulimit -Hn 1777
	ulimit -c 0
	umask 027
	trap '' PIPE INT USR2
	NOTIFY_SOCKET=/nowhere TTRPC_ADDRESS=/nowhere SECRET=1 nice -n 5 chrt --batch 0 \
		ionice -c 2 -n 6 taskset -c "$FIRST" env --block-signal=USR1 \
		"$BELAYCTL" run --runtime "$RUNTIME" --state "$T/state" --bundle "$T/b"
}

ALL=$(sed -n 's/^Cpus_allowed_list:\t//p' /proc/self/status)
FIRST=${ALL%%[-,]*}
bundle
(odd) >"$T/out" 2>"$T/err"
expect "status" 0 $?
is() { expect "$1" "$2" "$(grep -E "^$3" "$T/out" | head -n 1)"; }

# containerd's own, and what it limits its children to.
is "oom_score_adj is containerd's, not the shim's" "score 300" score
# runc 1.1 raises the soft limit for itself, as Go programs do, and does not lower it again.
case $("$RUNTIME" --version | head -n 1) in
"runc version 1.1"*) is "open files" "Max open files 1777 1777 files " "Max open" ;;
*) is "open files" "Max open files 777 1777 files " "Max open" ;;
esac
is "core files" "Max core file size 0 0 bytes " "Max core"
is "nice and scheduler" "nice 5 policy 3" nice
is "io priority" "io best-effort: prio 6" io
is "huge pages" THP_enabled:1 THP

# Nobody's but the container's.
is "processors" "Cpus_allowed_list:$ALL" Cpus
is "blocked signals" SigBlk:0000000000000000 SigBlk
# SIGQUIT is ignored by the shell, as pid 1, of its own accord.
is "ignored signals" SigIgn:0000000000000004 SigIgn
expect "environment" "" "$(grep ^env "$T/out")"
# The shell has its script open, above 9.
expect "descriptors" "fd 10 /golden" "$(grep "^fd " "$T/out")"

# What config.json says goes before all that.
bundle '"oomScoreAdj": 400, "rlimits": [ { "type": "RLIMIT_NOFILE", "soft": 55, "hard": 66 } ]'
(odd) >"$T/out" 2>"$T/err"
expect "status" 0 $?
is "oom_score_adj of config.json" "score 400" score
is "open files of config.json" "Max open files 55 66 files " "Max open"

# Nor does a process that is added later see anything, nor may anybody else write to what is left of both.
careless() {
	exec 7<"$T/rootfs/golden" 8>"$T/secret"
	umask 000
	exec "$BELAYCTL" run --runtime "$RUNTIME" --state "$T/state" --rootfs "$T/rootfs" --name later -- sleep 1000
}
(careless) >"$T/out" 2>"$T/err" &
client=$!
wait_for "its start" "$BELAYCTL" exec --state "$T/state" later true
"$BELAYCTL" exec --state "$T/state" later sh -c 'for fd in /proc/self/fd/*; do
	[ ! -L "$fd" ] || echo "fd ${fd##*/}"; done; grep -E "^Cap(Inh|Amb)" /proc/self/status | tr -d "\t"' >"$T/exec"
expect "descriptors of an exec" "0 1 2 " "$(sed -n 's/^fd //p' "$T/exec" | tr '\n' ' ')"
expect "capabilities that pass on" "CapInh:0000000000000000 CapAmb:0000000000000000 " "$(grep ^Cap "$T/exec" | tr '\n' ' ')"
expect "what others may write" "" "$(find "$T/state" -perm /022 ! -type l -not -path '*/rootfs/*' -printf '%M %P\n')"
kill -KILL "$(cat "$T/state/later/init.pid")"
wait "$client"
nothing_left
finish
