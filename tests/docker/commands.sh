#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What people do with docker, with our shim by name and by path and with the stock one: what is printed, the
# statuses and the events are the same. Of events, how many there are of each: dockerd itself tells of an end and of
# the command that brought it in any order.
. "$(dirname "$0")/lib.sh"

# A command, its status, and what it prints; of two streams, the order is nobody's promise.
say() {
	"$@" >"$T/stdout" 2>"$T/stderr" </dev/null
	echo "$? $*: $(sed "s/$id/ID/g" "$T/stdout" "$T/stderr")"
}
on_terminal() { # COMMAND
	local status

	script -qec "$1" /dev/null >"$T/terminal" 2>&1 <&7
	status=$?
	echo "terminal: $status $(tr -d '\r' <"$T/terminal")"
}
# How many execs have been told of as ended, of all since the transcript began.
ended() {
	[ "$(docker events --since "$since" --until "$(date +%s.%N)" --filter event=exec_die --format x | wc -l)" = "$1" ]
}
running() { wait_for "$1 to run" is "$1" running; }

streams() { # RUNTIME
	say docker run --rm --runtime "$1" box sh -c 'echo out; exit 7'
	say docker run --rm --runtime "$1" box sh -c 'seq 1 20000 | md5sum; echo problem >&2'
	say docker run --rm --runtime "$1" box no-such-program
	echo "stdin: $(seq 1 9999 | docker run -i --rm --runtime "$1" box md5sum)"
	on_terminal "docker run -it --rm --runtime $1 box sh -c 'tty; exit 3'"
}

execs() {
	say docker exec cc sh -c 'echo in; exit 4'
	say docker exec -u 1000:1000 -w /tmp -e WORD=word cc sh -c 'id -u; pwd; echo $WORD'
	say docker exec cc no-such-program
	say docker exec -d cc sh -c 'echo done >/tmp/detached'
	wait_for "the detached exec" ended 3
	echo "stdin: $(echo through | docker exec -i cc cat)"
	on_terminal "docker exec -it cc sh -c 'tty; exit 5'"
}

while_it_runs() {
	say docker logs cc
	say docker exec cc cat /tmp/detached
	echo "top: $(docker top cc -o pid,args | awk '{ $1 = ""; print }')"
	say docker stats --no-stream --format '{{.Name}} {{.PIDs}}' cc
	docker stats --no-stream --format '{{.MemUsage}}' cc | grep -q '^0B' && fail "stats say no memory"
	say docker update --memory 64m --memory-swap 64m cc
	cat "/sys/fs/cgroup/memory$CGROUP/"*/memory.limit_in_bytes 2>/dev/null || true
	say docker pause cc
	say docker exec cc true
	say status_of cc
	say docker unpause cc
	say docker exec cc echo goes on
	echo copied >"$T/file"
	say docker cp -q "$T/file" cc:/tmp/file
	say docker exec cc cat /tmp/file
	docker cp -q cc:/tmp/file "$T/back"
	say cmp "$T/file" "$T/back"
}

ends() { # RUNTIME
	docker run -d --runtime "$1" --name tt box sh -c 'trap "exit 9" TERM; echo up; while :; do sleep 0.1; done' >/dev/null
	wait_for "its trap" sh -c 'docker logs tt | grep -q up'
	docker wait tt >"$T/waited" &
	say docker stop tt
	wait $!
	echo "wait: $(cat "$T/waited")"
	say docker start tt
	say docker kill -s KILL tt
	say docker wait tt
	say docker rm tt
	docker run -d --runtime "$1" --name again --restart on-failure:2 box sh -c 'echo once more; exit 3' >/dev/null
	wait_for "the last restart" sh -c '[ "$(docker inspect -f "{{.RestartCount}} {{.State.Status}}" again)" = "2 exited" ]'
	say docker logs again
	say docker inspect -f '{{.State.ExitCode}}' again
	say docker rm again
}

kinds() { # RUNTIME
	say docker run --rm --init --runtime "$1" box sh -c 'cat /proc/1/comm'
	say docker run --rm --pid host --runtime "$1" box sh -c 'cat /proc/1/comm'
	say docker run --rm --read-only --tmpfs /tmp --runtime "$1" box sh -c 'touch /tmp/a; touch /b'
	say docker run --rm --memory 32m --pids-limit 20 --cpus 0.5 --ulimit nofile=99 --runtime "$1" box sh -c 'ulimit -n'
	say docker run --rm -v "$T/rootfs:/data:ro" --runtime "$1" box sh -c 'ls /data; touch /data/x'
	say docker run --rm --privileged --ipc host --uts host --runtime "$1" box sh -c 'grep CapBnd /proc/1/status'
}

ten() { # RUNTIME
	local i

	for i in 0 1 2 3 4 5 6 7 8 9; do
		docker run -d --runtime "$1" --name "ten$i" box sleep 1000 >/dev/null &
	done
	wait $(jobs -p | grep -v -x -e "$containerd_pid" -e "$dockerd_pid")
	echo "running: $(docker ps -q --filter name=ten | wc -l)"
	docker rm -f ten0 ten1 ten2 ten3 ten4 ten5 ten6 ten7 ten8 ten9 | sort
}

transcript() { # RUNTIME
	local since

	since=$(date +%s.%N)
	streams "$1"
	docker run -d --runtime "$1" --name cc box sh -c 'echo first line; sleep 1000' >/dev/null
	id=$(docker inspect -f '{{.Id}}' cc)
	running cc
	[ "$1" = "$STOCK" ] || expect "the program behind it" \
		"$(realpath "$SHIM_DIR/containerd-shim-belay-v2")" "$(program_of cc)"
	execs
	while_it_runs
	say docker rm -f cc
	ends "$1"
	kinds "$1"
	docker events --since "$since" --until "$(date +%s.%N)" --filter type=container \
		--format '{{.Action}} {{.Actor.Attributes.exitCode}}' | sed "s/ <no value>//" | sort | uniq -c >"$T/events"
	ten "$1"
	cat "$T/events"
}

STOCK=io.containerd.runc.v2
id=no-id-yet
mkfifo "$T/keyboard"
exec 7<>"$T/keyboard" # nobody types, and nobody hangs up
daemon_json
start_dockerd
make_image
for runtime in $STOCK belay belay-path; do
	transcript "$runtime" 2>&1 | sed "s/--runtime $runtime /--runtime R /g" >"$T/said.$runtime"
done
# What is not there in the stock shim's transcript is nothing to be equal to.
for line in '^7 docker run' '^4 docker exec' '^stdin: through' '^wait: 9' '^once more' '^running: 10' '^ *1 exec_die 4'; do
	grep -q "$line" "$T/said.$STOCK" || fail "the stock shim's transcript has no '$line'"
done
for runtime in belay belay-path; do
	diff "$T/said.$STOCK" "$T/said.$runtime" >"$T/diff" || fail "$runtime differs: $(cat "$T/diff")"
done
[ -z "${BELAY_SHOW:-}" ] || cat "$T/said.belay"
nothing_left_of_docker
finish_docker
