#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What a runtime would ignore is refused before anything happens; what it honours it is given.
. "$(dirname "$0")/lib.sh"

# bundle SCRIPT [MOUNT [NAMESPACE [LINUX]]]: a bundle whose init runs SCRIPT, with these besides.
bundle() {
	rm -rf "$T/b"
	mkdir -p "$T/b"
	cat >"$T/b/config.json" <<-END
	{ "ociVersion": "1.0.2", "hostname": "box", "root": { "path": "$T/rootfs" },
	  "process": { "args": ["/bin/sh", "-c", "$1"], "cwd": "/", "user": { "uid": 0, "gid": 0 },
	    "env": ["PATH=/bin"] },
	  "mounts": [ { "destination": "/proc", "type": "proc", "source": "proc" },
	    { "destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["mode=755"] }${2:+, $2} ],
	  "linux": { "cgroupsPath": "/belay/features-$$",
	    "namespaces": [ { "type": "pid" }, { "type": "mount" }, { "type": "uts" }${3:+, $3} ]${4:+, $4} } }
	END
}

go() { "$BELAYCTL" run --runtime "$RUNTIME" --state "$T/state" --bundle "$T/b" "$@"; }

# Whether the runtime says so of itself.
knows() { "$RUNTIME" features 2>/dev/null | tr -d ' \n\\' | grep -qF -- "$1"; }

refused() { # WHAT WORDS
	go >"$T/out" 2>"$T/err"
	expect "$1: status" 125 $?
	expect_words "$1" "$2" "$T/err"
	expect "$1: output" "" "$(cat "$T/out")"
	expect "$1: what the runtime made" "" "$(find "$T/state/runtime/belay" -mindepth 1 \
		! -path '*/.empty-directory' 2>/dev/null)"
	nothing_left
}

bundle 'echo fine'
expect "an ordinary container" fine "$(go 2>&1)"

# An id-mapped volume in a user namespace: what is 0's on the host is 0's inside.
mkdir -p "$T/volume" "$T/rootfs/mnt"
touch "$T/volume/root" "$T/volume/seven"
chown 7:7 "$T/volume/seven"
chmod 755 "$T" "$T/rootfs" "$T/volume"
map='[{ "containerID": 0, "hostID": 100000, "size": 65536 }]'
bundle "busybox stat -c '%u %g' /mnt/root /mnt/seven; busybox touch /mnt/new" \
	'{ "destination": "/mnt", "type": "bind", "source": "'"$T"'/volume", "options": ["rbind"],
	"uidMappings": '"$map"', "gidMappings": '"$map"' }' '{ "type": "user" }' \
	'"uidMappings": '"$map"', "gidMappings": '"$map"
if knows '"idmap":{"enabled":true'; then
	expect "owners in an id-mapped volume" "0 0 7 7" "$(go 2>&1 | tr '\n' ' ' | sed 's/ $//')"
	expect "an owner as the host sees it" "0 0" "$(stat -c '%u %g' "$T/volume/new" 2>&1)"
else
	refused "an id-mapped volume" "config.json: mounts[2].uidMappings is for an id-mapped mount"
	refused "its feature" "(linux.mountExtensions.idmap.enabled)"
	case $("$RUNTIME" --version | head -n 1) in
	crun*) refused "its name" "crun version 1.8.1 has no command 'features'" ;;
	*) refused "its name" "runc 1.1.5" ;;
	esac
	expect "the volume" "" "$(ls "$T/volume/new" 2>/dev/null)"
fi
nothing_left

bundle 'echo read-only' '{ "destination": "/mnt", "type": "bind", "source": "'"$T"'/volume",
	"options": ["rbind", "rro"] }'
expect "recursively read-only" read-only "$(go 2>&1)"

# A runtime that says what it can is held to it.
if "$RUNTIME" features >/dev/null 2>&1; then
	bundle true '' '{ "type": "time" }'
	if knows '"time"' || "$RUNTIME" --version | grep -q ^crun; then
		go || fail "a time namespace: $?"
	else
		refused "a time namespace" 'linux.namespaces[3].type is "time"'
	fi
	bundle true '' '' '"netDevices": { "nosuch0": {} }'
	knows '"netDevices"' || refused "a network device" "linux.netDevices is set"
fi

# It is asked once for each binary and boot.
cat >"$T/counting" <<-END
	#!/bin/sh
	[ "\$1" = features ] && echo >>$T/asked
	exec "$(command -v "$RUNTIME")" "\$@"
END
chmod 755 "$T/counting"
bundle true
for i in 1 2 3; do
	"$BELAYCTL" run --runtime "$T/counting" --state "$T/state" --bundle "$T/b" || fail "run $i"
done
expect "times asked" 1 "$(wc -l <"$T/asked")"
nothing_left
finish
