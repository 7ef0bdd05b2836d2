#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# As the default runtime, and back again: containers that run keep the shim they have, whatever the daemon
# is told meanwhile, and outlive a restart of it (live-restore).
. "$(dirname "$0")/lib.sh"

ours=$(realpath "$SHIM_DIR/containerd-shim-belay-v2")
stock=$(realpath "$(command -v containerd-shim-runc-v2)")

begin() { # NAME [OPTION...]
	local name=$1

	shift
	docker run -d --name "$name" "$@" box sh -c 'trap "exit 6" TERM; while :; do sleep 0.1; done' >/dev/null ||
		fail "run $name"
}
lives_with() { # NAME PROGRAM
	expect "$1 runs" running "$(status_of "$1")"
	expect "the program behind $1" "$2" "$(program_of "$1")"
	expect "exec in $1" "here 4" "$(docker exec "$1" sh -c 'echo here; exit 4') $?"
}
restart() { # LINES
	daemon_json "$1"
	stop_dockerd
	start_dockerd
}
end() { # NAME
	docker stop "$1" >/dev/null || fail "stop $1"
	expect "status of $1" 6 "$(docker inspect -f '{{.State.ExitCode}}' "$1")"
	docker rm "$1" >/dev/null
}

daemon_json '"live-restore": true,'
start_dockerd
make_image
begin before
lives_with before "$stock"

restart '"live-restore": true, "default-runtime": "belay",'
begin during
begin beside --runtime io.containerd.runc.v2
lives_with before "$stock"
lives_with during "$ours"
lives_with beside "$stock"

# kill -9 of the daemon, and the way back.
daemon_json '"live-restore": true,'
stop_dockerd KILL
start_dockerd
begin after
lives_with during "$ours"
lives_with after "$stock"
for name in before during beside after; do
	end "$name"
done
nothing_left_of_docker
finish_docker
