#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Hooks: the runtime runs each at its place, with the container's state on its stdin, and nothing of the
# shim's in its hands; one that fails is told in the runtime's own words, and no container is left.
. "$(dirname "$0")/lib.sh"

cat >"$T/hook" <<-'END'
	#!/bin/sh
	# hook DIR NAME: notes that it ran, what it was told, and what of the shim's it holds. (runc 1.1 and
	# 1.3 leave sockets of their own to createContainer.)
	state=$(cat)
	case $state in *'"id"'*) told=state ;; *) told=nothing ;; esac
	held=$(cd /proc/self/fd && for fd in *; do
		[ "$fd" -gt 2 ] && readlink "$fd"
	done | grep -E 'signalfd|eventpoll|pidfd|/log$' | tr '\n' ' ')
	echo "$2 $told${held:+ holds $held}" >>"$1/hooks"
	env | grep -E '^(TTRPC_|NOTIFY_|SECRET|GRPC_)' >>"$1/env"
	[ "$3" != fail ] || { echo "hook $2 says no" >&2; exit 3; }
END
chmod 755 "$T/hook"

# hook NAME [fail]: a member of "hooks". Those in the container need their program there.
hook() {
	echo "\"$1\": [ { \"path\": \"$T/hook\", \"args\": [\"hook\", \"$T\", \"$1\"${2:+, \"$2\"}],
	  \"env\": [\"PATH=/usr/bin:/bin\"] } ]"
}

bundle() { # HOOKS
	rm -rf "$T/b" "$T/hooks" "$T/env"
	mkdir -p "$T/b"
	cat >"$T/b/config.json" <<-END
	{ "ociVersion": "1.0.2", "root": { "path": "$T/rootfs" },
	  "process": { "args": ["/bin/sh", "-c", "exit 5"], "cwd": "/", "user": { "uid": 0, "gid": 0 },
	    "env": ["PATH=/bin"] },
	  "hooks": { $1 },
	  "mounts": [ { "destination": "/proc", "type": "proc", "source": "proc" },
	    { "destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["mode=755"] } ],
	  "linux": { "cgroupsPath": "/belay/hooks-$$",
	    "namespaces": [ { "type": "mount" }, { "type": "pid" } ] } }
	END
}

go() {
	SECRET=1 timeout -k 1 30 "$BELAYCTL" run --runtime "$RUNTIME" --state "$T/state" --bundle "$T/b" \
		>"$T/out" 2>"$T/err"
	echo $?
}

bundle "$(hook prestart), $(hook createRuntime), $(hook createContainer), $(hook poststart), $(hook poststop)"
expect "with hooks: status" 5 "$(go)"
expect "each hook, in order" "prestart state
createRuntime state
createContainer state
poststart state
poststop state" "$(cat "$T/hooks")"
expect "the environment of hooks" "" "$(cat "$T/env")"
nothing_left

for name in createRuntime createContainer; do
	bundle "$(hook $name fail), $(hook poststop)"
	expect "$name fails: status" 125 "$(go)"
	expect_words "$name fails" "OCI runtime create failed: " "$T/err"
	nothing_left
done
finish
