#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A node is moved to our shim while pods run, and back. A pod keeps the shim it has, whatever comes into it
# later; new pods get what config.toml says when they start.
. "$(dirname "$0")/lib.sh"

ours=$(realpath "$SHIM_DIR/containerd-shim-belay-v2")
stock=$(realpath "$(command -v containerd-shim-runc-v2)")
forever='trap "exit 6" TERM; while :; do sleep 0.1; done'
declare -A pod first later

restart_with() { # PATH
	STOCK_PATH=$1
	kill_containerd TERM
	start_containerd
	wait_for "the CRI service" serves
}
begin() { # NAME
	pod[$1]=$(run_pod "$1" "")
	first[$1]=$(create_container "$1" "${pod[$1]}" first 0 "$forever")
	start_container "${first[$1]}" || fail "$1: start the first"
}
joins() { # NAME
	later[$1]=$(create_container "$1" "${pod[$1]}" later 0 "$forever")
	start_container "${later[$1]}" || fail "$1: start a later one"
}
lives_with() { # NAME PROGRAM
	local id

	expect "the program behind $1" "$2" "$(realpath "/proc/$(shim_of "${pod[$1]}")/exe")"
	for id in "${first[$1]}" ${later[$1]:-}; do
		expect "$1 runs" 1 "$(container_status "$id" | field state)"
		expect "a probe in $1" 5 "$(exec_sync "$id" 10 'exit 5' | field exit_code)"
	done
}
end() { # NAME
	local id

	for id in "${first[$1]}" ${later[$1]:-}; do
		stop_container "$id"
		expect "status in $1" 6 "$(container_status "$id" | field exit_code)"
		remove_container "$id"
	done
	stop_pod "${pod[$1]}"
	remove_pod "${pod[$1]}"
}

begin before
restart_with "$ours"
begin during
joins before
lives_with before "$stock"
lives_with during "$ours"

restart_with "" # and back
begin after
joins during
lives_with before "$stock"
lives_with during "$ours"
lives_with after "$stock"
expect "shims of three pods" 3 "$(pgrep -P 1 -f -c '^[^ ]*containerd-shim-')"
for name in before during after; do
	end $name
done
wait_for "the end of all shims" sh -c '! pgrep -f "^[^ ]*containerd-shim-"'
nothing_left
finish_cri
