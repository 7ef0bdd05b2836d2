#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# belayctl beside a containerd that runs: the stock shim and ours are found, told apart, and asked.
. "$(dirname "$0")/lib.sh"

ctl() { timeout -k 1 30 "$SHIM_DIR/belayctl" "$@"; }
here() { # COMMAND ARG...: of our containerd
	local command=$1
	shift
	ctl "$command" --state /run/ctd "$@"
}

# row ID: NAMESPACE STATUS SHIM, as ps tells them.
row() { here ps | awk -v id="$1" '$2 == id { print $1, $3, $6 }'; }

# member ID EXPRESSION: of the JSON of inspect.
member() { here inspect --json "$1" | python3 -c "import json, sys; i = json.load(sys.stdin); print($2)"; }

# terminal COMMAND...: belayctl on a terminal of 40 by 100, its output and its status.
terminal() {
	python3 - "$SHIM_DIR/belayctl" "$@" <<-'EOP'
	import fcntl, os, pty, struct, sys, termios
	pid, master = pty.fork()
	if pid == 0:
	    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
	    os.execv(sys.argv[1], sys.argv[1:])
	out = b""
	try:
	    while chunk := os.read(master, 4096):
	        out += chunk
	        if sys.argv[2] == "top" and out.count(b"ours") >= 2:
	            os.write(master, b"q")
	except OSError:
	    pass
	print(out.decode().replace("\r", "").strip())
	print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
	EOP
}

echo 'www:x:33:34::/:/bin/sh' >"$T/rootfs/etc/passwd"
echo 'staff:x:50:' >"$T/rootfs/etc/group"
expect "no containers" "" "$(here ps | sed 1d)"
here kill nobody 2>"$T/err"
expect "nobody to kill" 125 $?
grep -q "there is no container 'nobody', nor any other" "$T/err" || fail "words: $(cat "$T/err")"

script='trap "echo got it; exit 5" USR1; echo up; while :; do sleep 0.05; done'
ctr run -d --runtime io.containerd.runc.v2 --rootfs "$T/rootfs" theirs /bin/sh -c "$script" >/dev/null || fail "run"
ctr run -d --runtime "$RUNTIME" --rootfs "$T/rootfs" ours /bin/sh -c "$script" >/dev/null || fail "run"

expect "theirs" "$NS running containerd-shim-runc-v2" "$(row theirs)"
expect "ours" "$NS running containerd-shim-belay-v2" "$(row ours)"
expect "only ours tells its version" "ours" "$(here ps | awk 'NR > 1 && $8 != "-" { print $2 }')"

# By its own name also where it is started by another, and when its file has been replaced since.
mkdir "$T/link"
cp "$SHIM_DIR/containerd-shim-belay-v2" "$T/link/"
ln -s containerd-shim-belay-v2 "$T/link/containerd-shim-runc-v2"
ctr run -d --runtime "$T/link/containerd-shim-runc-v2" --rootfs "$T/rootfs" link /bin/sleep 1000 >/dev/null || fail "run"
expect "by a link" "$NS running containerd-shim-belay-v2" "$(row link)"
rm "$T/link/containerd-shim-belay-v2"
expect "of a file that is gone" "$NS running containerd-shim-belay-v2" "$(row link)"
cp "$SHIM_DIR/containerd-shim-belay-v2" "$T/link/"
ctr task delete -f link >/dev/null 2>&1
ctr container rm link
expect "another namespace" "" "$(here ps -n other | sed 1d)"
here ps --json | python3 -c '
import json, sys
for row in json.load(sys.stdin):
    assert row["shim_pss_bytes"] > 10000 and row["shim_pid"] > 1 and row["age_seconds"] >= 0, row
    assert row["error"] is None, row' || fail "ps --json"

# What the control group says is what is told; theirs and ours are read by different shims.
expect "stats" "ours theirs " "$(here stats | awk 'NR > 1 && $3 ~ /^[0-9.]+s$/ && $8 > 0 { print $2 }' |
	sort | tr '\n' ' ')"
expect "stats of one" "ours" "$(here stats ours | awk 'NR > 1 { print $2 }')"
here stats --json | python3 -c '
import json, sys
rows = json.load(sys.stdin)
assert len(rows) == 2, rows
for row in rows:
    u = row["usage"]
    assert u["cpu_ns"] > 0 and 1 <= u["pids"] <= 3 and u["memory_limit_bytes"] is None, row
    assert abs(u["cpu_user_ns"] + u["cpu_system_ns"] - u["cpu_ns"]) < 1e9, row' || fail "stats --json"
here stats --prometheus >"$T/out"
for id in theirs ours; do
	grep -Eq "^belay_container_cpu_seconds_total\{namespace=\"$NS\",id=\"$id\"\} [0-9.e-]+$" "$T/out" ||
		fail "prometheus: $(cat "$T/out")"
	grep -qx "belay_shim_up{namespace=\"$NS\",id=\"$id\"} 1" "$T/out" || fail "prometheus: $(cat "$T/out")"
done
expect "metrics without a type" "" "$(grep -v '^#' "$T/out" | cut -d'{' -f1 | sort -u |
	while read -r name; do grep -q "^# TYPE $name " "$T/out" || echo "$name"; done)"
terminal top --state /run/ctd >"$T/out"
expect "top ends with q" 0 "$(tail -n 1 "$T/out")"
grep -Eq "$NS +ours +running +[0-9]+\.[0-9] " "$T/out" || fail "top: $(cat -v "$T/out")"
grep -q "2 containers; q quits" "$T/out" || fail "top: $(cat -v "$T/out")"
here top </dev/null 2>"$T/err"
expect "top without a terminal" 125 $?

for id in theirs ours; do
	init=$(ctr task ls | awk -v id=$id '$1 == id { print $2 }')
	shim=$(shim_of $id)
	expect "$id: pids" "$init $shim" "$(here ps | awk -v id=$id '$2 == id { print $4, $7 }')"
	ctr task exec --exec-id x1 $id /bin/sleep 1000 >/dev/null 2>&1 &
	client=$!
	wait_for "the exec" bash -c "'$SHIM_DIR/belayctl' inspect --state /run/ctd $id | grep -q '(exec x1)'"
	expect "$id: state" "running $init" "$(member $id 'i["state"]["status"], i["state"]["pid"]')"
	expect "$id: exec" "running" \
		"$(member $id '[p["state"]["status"] for p in i["processes"] if p.get("exec_id") == "x1"][0]')"
	expect "$id: bundle" "/run/ctd/io.containerd.runtime.v2.task/$NS/$id" "$(member $id 'i["bundle"]')"
	expect "$id: control group" "True" \
		"$(member $id "any('$NS/$id' in path for path in i['cgroups'].values())")"
	expect "$id: mounts" "True" "$(member $id 'any(m["target"] == "/proc" for m in i["mounts"])')"
	here inspect "$id" >"$T/out" || fail "inspect"
	grep -q "^Shim: .*, pid $shim, " "$T/out" || fail "inspect: $(cat "$T/out")"

	expect "$id: exec" "status 7
hello
oops" "$(here exec "$id" -- /bin/sh -c 'echo hello; echo oops >&2; exit 7' >"$T/out" 2>"$T/err"
		echo "status $?"; cat "$T/out" "$T/err")"
	expect "$id: a megabyte" "$(seq 1 150000 | md5sum)" "$(here exec "$id" /bin/seq 1 150000 | md5sum)"
	expect "$id: stdin" "from here" "$(echo from here | here exec -i "$id" /bin/cat)"
	expect "$id: no stdin" "" "$(echo from here | here exec "$id" /bin/cat)"
	expect "$id: environment" "1 /tmp 7" "$(A=1 here exec -e A -e B=2 --cwd /tmp --user 7 "$id" \
		-- /bin/sh -c 'echo $A $PWD $(id -u)')"
	here exec -e SECRET=xyzzy-exec "$id" -- /bin/sh -c 'echo $SECRET' | grep -q xyzzy-exec || fail "$id: a secret"
	expect "$id: what is in an environment is not in a log" "" "$(grep xyzzy "$T/log")"
	expect "$id: nor left in the bundle" "" "$(grep -rl xyzzy "/run/ctd/io.containerd.runtime.v2.task/$NS/$id" \
		--include='*.json' --exclude=config.json)"
	expect "$id: a user by its name" "33 50" "$(here exec --user www:staff "$id" \
		-- /bin/sh -c 'echo $(id -u) $(id -g)')"
	expect "$id: an id of its own" "x2" "$(here exec --exec-id x2 "$id" /bin/sleep 1000 2>/dev/null &
		wait_for "x2" bash -c "'$SHIM_DIR/belayctl' inspect --state /run/ctd $id | grep -q '(exec x2)'" &&
		echo x2; here kill --exec-id x2 "$id" KILL; wait)"
	here exec --exec-id x1 "$id" /bin/true 2>"$T/err"
	expect "$id: an id that is taken" 125 $?
	grep -q "id x1: already exists" "$T/err" || fail "$id: words: $(cat "$T/err")"
	here exec --exec-id ../x "$id" /bin/true 2>"$T/err"
	expect "$id: an id that is none" 125 $?
	here exec "$id" 2>"$T/err"
	expect "$id: no command" 125 $?
	here exec --env =x "$id" /bin/true 2>"$T/err"
	expect "$id: an environment without a name" 125 $?
	here exec "$id" /bin/nosuch 2>"$T/err"
	expect "$id: no such program" 125 $?
	grep -q "nosuch" "$T/err" || fail "$id: words: $(cat "$T/err")"
	here exec "$id" /bin/sh -c 'sleep 1000 >/dev/null & exec >&- 2>&-; exit 3'
	expect "$id: a child that stays is not waited for" 3 $?
	# The size comes after the start.
	expect "$id: a terminal" "as it is
4" "$(terminal exec -t --state /run/ctd "$id" -- /bin/sh -c \
		'until stty size 2>/dev/null | grep -qx "40 100"; do sleep 0.02; done; echo as it is; exit 4')"
	expect "$id: execs left" "" "$(here inspect "$id" | grep -v x1 | grep '(exec ')"
	expect "$id: folders left" "" "$(ls /run/belay/exec)"

	here kill --exec-id x1 "$id" KILL || fail "kill the exec"
	wait "$client"
	expect "$id: its exec was killed" 137 $?
	here pause "$id" || fail "pause"
	expect "$id: paused" paused "$(row $id | cut -d' ' -f2)"
	here pause "$id" 2>"$T/err"
	expect "$id: pause again" 125 $?
	here resume "$NS/$id" || fail "resume"
	expect "$id: resumed" running "$(row $id | cut -d' ' -f2)"
	here kill "$id" SIGUSR1 || fail "kill"
	here wait "$id"
	expect "$id: wait" 5 $?
	expect "$id: stopped" "stopped 5" "$(member $id 'i["state"]["status"], i["state"]["exit_status"]')"
	expect "$id: wait again" 5 "$(here wait "$id"; echo $?)"
	here kill "$id" KILL 2>"$T/err"
	expect "$id: kill the dead" 125 $?
	grep -q "belayctl kill: process already finished: not found" "$T/err" || fail "words: $(cat "$T/err")"
done
here kill "$NS/ours" NOSUCH 2>"$T/err"
grep -q "'NOSUCH' is no signal" "$T/err" || fail "words: $(cat "$T/err")"

here dump theirs 2>"$T/err"
expect "the stock shim has no dump" 125 $?
grep -q "is no belay that has a dump" "$T/err" || fail "words: $(cat "$T/err")"
here dump ours >"$T/out" || fail "dump"
grep -q "^  init  *stopped, pid [0-9]*, exited with 5" "$T/out" || fail "dump: $(cat "$T/out")"
expect "dump --json" "dump" "$(here dump --json ours | python3 -c 'import json, sys; print(json.load(sys.stdin)["belay"])')"

# A shim that hangs costs two seconds, and everybody else is shown.
shim=$(shim_of theirs)
kill -STOP "$shim"
here ps >"$T/out" 2>"$T/err"
expect "a hung shim is bad news" 1 $?
kill -CONT "$shim"
grep -q "theirs.*no answer" "$T/out" && grep -q "ours *stopped" "$T/out" || fail "hung: $(cat "$T/out")"
grep -q "theirs: its shim did not answer State within 2 s" "$T/err" || fail "words: $(cat "$T/err")"

# While a Create hangs its shim is named, and tells in which row.
cat >"$T/slow-runc" <<-'EOS'
	#!/bin/sh
	case " $* " in *" create "*) exec sleep 1000 ;; esac
	exec runc "$@"
EOS
chmod +x "$T/slow-runc"
"$SHIM_DIR/belayctl" run --state "$T/belay" --name slow --runtime "$T/slow-runc" --rootfs "$T/rootfs" /bin/true 2>"$T/err" &
run=$!
wait_for "the row" bash -c "'$SHIM_DIR/belayctl' dump --state '$T/belay' slow | grep -q \"create is in 'run runtime' since\""
expect "a container that is not there yet" "belay slow no task containerd-shim-belay-v2" \
	"$(ctl ps --state "$T/belay" | awk 'NR > 1 { print $1, $2, $3, $4, $7 }')"
expect "and it is no failure" 0 "$(ctl ps --state "$T/belay" >/dev/null 2>&1; echo $?)"
kill "$(cat /proc/"$(shim_of slow)"/task/*/children)"
wait $run
expect "the runtime was killed" 125 $?

# A bundle whose shim has left.
mkdir -p "/run/ctd/io.containerd.runtime.v2.task/$NS/lost" "$T/fake/io.containerd.runtime.v2.task/a/same" \
	"$T/fake/io.containerd.runtime.v2.task/b/same"
for ns in a b; do echo '{}' >"$T/fake/io.containerd.runtime.v2.task/$ns/same/config.json"; done
ctl pause --state "$T/fake" same 2>"$T/err"
grep -q "'same' could be any of: a/same, b/same; give NAMESPACE/ID" "$T/err" || fail "words: $(cat "$T/err")"
ctl pause --state "$T/fake" a/same 2>"$T/err"
grep -q "a/same has no shim" "$T/err" || fail "words: $(cat "$T/err")"
expect "no shim" "a no
b no" "$(ctl ps --state "$T/fake" 2>/dev/null | awk 'NR > 1 { print $1, $3 }')"
# More than are asked at a time.
for i in $(seq 70); do
	mkdir "$T/fake/io.containerd.runtime.v2.task/a/n$i"
	echo '{}' >"$T/fake/io.containerd.runtime.v2.task/a/n$i/config.json"
done
expect "all are listed" 72 "$(ctl ps --state "$T/fake" 2>/dev/null | grep -c "no shim")"
rmdir "/run/ctd/io.containerd.runtime.v2.task/$NS/lost"

for id in theirs ours; do
	ctr task delete "$id" >/dev/null 2>&1
	ctr container rm "$id" || fail "rm"
done
nothing_left
finish
