#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# belayctl events: what can be heard beside a containerd, and in the place of one that is down.
. "$(dirname "$0")/lib.sh"

ctl() { timeout -k 1 60 "$SHIM_DIR/belayctl" "$@"; }
heard() { grep -q -- "$1" "$T/heard"; }
topics() { grep "container_id=$1" "$T/heard" | cut -d' ' -f3 | tr '\n' ' '; }

is_over() { # containerd 1.7 and later delete what has no process when they begin
	case $(task_status "$1") in STOPPED | "") ;; *) return 1 ;; esac
}

for runtime in io.containerd.runc.v2 "$RUNTIME"; do
	"$SHIM_DIR/belayctl" events --state /run/ctd >"$T/heard" &
	ear=$!
	ctr run -d --runtime "$runtime" --rootfs "$T/rootfs" k1 /bin/sleep 1000 >/dev/null || fail "run -d"
	wait_for "running" heard "$NS running container_id=k1 pid="
	ctr task pause k1
	wait_for "paused" heard " paused container_id=k1"
	ctr task resume k1
	wait_for "resumed" bash -c "[ \$(grep -c ' running ' '$T/heard') = 2 ]"
	ctr task kill -s KILL k1
	wait_for "stopped" heard " stopped container_id=k1 pid=[0-9]* exit_status=137"
	ctr task delete k1 >/dev/null 2>&1
	ctr container rm k1
	wait_for "gone" heard " gone container_id=k1"
	expect "$runtime: in order" "running paused running stopped gone " "$(topics k1 |
		sed -E 's/^((no|created) ?)*//')"
	kill -TERM $ear
	wait $ear
	expect "$runtime: a signal ends it" 0 $?
done

# containerd is down: its place is taken, and every event arrives, with its time and topic.
ctr run -d --runtime io.containerd.runc.v2 --rootfs "$T/rootfs" theirs /bin/sleep 1000 >/dev/null
ctr run -d --runtime "$RUNTIME" --rootfs "$T/rootfs" ours /bin/sleep 1000 >/dev/null
ctl events --address /run/ctd/containerd.sock.ttrpc 2>"$T/err"
expect "a place that is taken" 125 $?
grep -q "somebody listens at /run/ctd/containerd.sock.ttrpc already" "$T/err" || fail "words: $(cat "$T/err")"
kill_containerd KILL
rm /run/ctd/containerd.sock.ttrpc # so that it is seen when the new one is there
"$SHIM_DIR/belayctl" events --address /run/ctd/containerd.sock.ttrpc --json >"$T/heard" &
ear=$!
wait_for "the ear" test -S /run/ctd/containerd.sock.ttrpc
for id in theirs ours; do
	ctl pause --state /run/ctd $id || fail "pause"
	ctl resume --state /run/ctd $id || fail "resume"
	ctl kill --state /run/ctd $id KILL || fail "kill"
	wait_for "$id: the exit" heard "\"topic\":\"/tasks/exit\",.*\"container_id\":\"$id\".*\"exit_status\":137"
	expect "$id: all of it" "/tasks/paused /tasks/resumed /tasks/exit " "$(python3 -c '
import json, sys
for line in open(sys.argv[1]):
    event = json.loads(line)
    assert event["namespace"] == sys.argv[3] and event["time"].startswith("20"), event
    if event["container_id"] == sys.argv[2]:
        print(event["topic"], end=" ")' "$T/heard" "$id" "$NS")"
done
kill -TERM $ear
wait $ear
[ ! -e /run/ctd/containerd.sock.ttrpc ] || fail "its socket is left"

# containerd comes back, and takes the place as it does: what is there in the end is containerd's.
"$SHIM_DIR/belayctl" events --address /run/ctd/containerd.sock.ttrpc >/dev/null &
ear=$!
wait_for "the ear" test -S /run/ctd/containerd.sock.ttrpc
start_containerd
kill -TERM $ear
wait $ear
[ -S /run/ctd/containerd.sock.ttrpc ] || fail "containerd's socket was taken away"
for id in theirs ours; do
	wait_for "$id: the end" is_over $id
	ctr task delete $id >/dev/null 2>&1
	ctr container rm $id || fail "rm"
done
nothing_left
finish
