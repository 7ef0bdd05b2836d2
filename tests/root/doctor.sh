#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What belayctl doctor says would break does, and what it calls fine is there.
. "$(dirname "$0")/lib.sh"

SHIM_DIR=$(realpath "$(dirname "$BELAYCTL")")
runtime_path=$(command -v "$RUNTIME")
mkdir "$T/bin"
ln -s "$SHIM_DIR/containerd-shim-belay-v2" "$T/bin/"
ln -s "$(command -v busybox)" "$T/bin/containerd-shim-runc-v2" # to be found, not run
ln -s "$(command -v busybox)" "$T/bin/containerd-shim-wasmtime-v1"
ln -s "$runtime_path" "$T/bin/runc"

# doctor CONFIG: what it says of containerd and the runtimes, into $T/out; its status.
doctor() {
	printf '%s\n' "$1" >"$T/config.toml"
	PATH="$T/bin" "$BELAYCTL" doctor --config "$T/config.toml" >"$T/out" 2>&1
}

# table VERSION LINES: a config with a runtime of that table.
table() {
	local plugin=io.containerd.grpc.v1.cri

	[ "$1" = 3 ] && plugin=io.containerd.cri.v1.runtime
	printf 'version = %s\n[plugins."%s".containerd.runtimes.one]\n%s\n' "$1" $plugin "$2"
}

says() { # WHAT STATUS WORDS CONFIG
	doctor "$4"
	expect "$1: status" "$2" $?
	expect_words "$1" "$3" "$T/out"
}

says "an empty one" 0 "leads to $T/bin/containerd-shim-runc-v2" ""
expect_words "the runtime of the machine" "$T/bin/runc: " "$T/out"
for version in 2 3; do
	says "belay, version $version" 0 "leads to $T/bin/containerd-shim-belay-v2" \
		"$(table $version 'runtime_type = "io.containerd.belay.v2" # ours')"
	says "a shim that is not there, version $version" 1 \
		"leads to containerd-shim-kata-v2, which is not in \$PATH" \
		"$(table $version 'runtime_type = "io.containerd.kata.v2"')"
done
says "runtime_path" 0 "leads to $SHIM_DIR/containerd-shim-belay-v2" \
	"$(table 2 "runtime_path = \"$SHIM_DIR/containerd-shim-belay-v2\"")"
says "runtime_path that is not there" 1 "leads to /no/such/shim, which is not there" \
	"$(table 2 'runtime_path = "/no/such/shim"')"
says "an old type" 1 "is gone since containerd 2.0" "$(table 2 'runtime_type = "io.containerd.runc.v1"')"
says "a type that is as old as version 1 of a shim" 0 "leads to $T/bin/containerd-shim-wasmtime-v1" \
	"$(table 2 'runtime_type = "io.containerd.wasmtime.v1"')"
says "a type that is none" 1 "names no shim" "$(table 2 'runtime_type = "runc"')"
says "BinaryName" 1 "wants the runtime /no/such/runc, which is not there" "$(table 2 \
	'[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.one.options]
	BinaryName = "/no/such/runc"')"
says "BinaryName in one line" 1 "wants the runtime /no/such/runc, which is not there" \
	"$(table 2 'options = { BinaryName = "/no/such/runc" }')"
says "BinaryName that is there" 0 "$runtime_path: " "$(table 2 \
	"options = {}
	[plugins.'io.containerd.grpc.v1.cri'.containerd.runtimes.two.options]
	  BinaryName = \"$runtime_path\"")"
says "SystemdCgroup without systemd" 1 "systemd does not run here" "$(table 2 \
	'[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.one.options]
	SystemdCgroup = true')"
says "the wrong place" 1 "are not read" "version = 3
$(table 2 'runtime_type = "io.containerd.belay.v2"' | sed 1d)"
says "the place of version 3" 1 "version = 3 has it" "version = 2
$(table 3 'runtime_type = "io.containerd.belay.v2"' | sed 1d)"
says "a default that is none" 1 "'two' is none of the runtimes" "version = 2
[plugins.'io.containerd.grpc.v1.cri'.containerd]
default_runtime_name = 'two'"
says "nonsense" 1 "line 2: '=' is missing" "version = 2
nonsense"

# imports: what two files say of a runtime comes together, the later one has its way.
mkdir "$T/conf.d"
echo 'no toml' >"$T/conf.d/readme"
table 2 'runtime_type = "io.containerd.belay.v2"' >"$T/conf.d/1.toml"
says "a folder that is imported" 0 "leads to $T/bin/containerd-shim-belay-v2" 'imports = ["conf.d/*.toml"]'
expect "of a table in one file alone nothing is said" "" "$(grep 'containerd 1 takes' "$T/out")"
table 2 'runtime_type = "io.containerd.kata.v2"' >"$T/conf.d/2.toml"
says "what is imported last" 1 "leads to containerd-shim-kata-v2, which is not in" \
	"imports = [ # all of them
		'$T/con*/?.toml', '$T/conf.d/*.toml', 'conf.d/1.toml' ]"
expect_words "a table in two files" "$T/conf.d/2.toml" "$T/out"
expect_words "a table in two files, what it means" "containerd 1 takes this one in its place" "$T/out"
doctor 'imports = ["conf.d/*.toml"]'
expect_words "a pattern beside the file" "imports 'conf.d/*.toml': containerd 1 looks for that below" "$T/out"
ln -s gone "$T/conf.d/4.toml"
says "a link that leads nowhere" 1 "$T/conf.d/4.toml: read it: no such file" 'imports = ["conf.d/*.toml"]'
rm "$T/conf.d/4.toml"
says "many slashes" 0 "leads to $T/bin/containerd-shim-belay-v2" \
	"imports = ['$T$(printf '/%.0s' $(seq 3000))conf.d//1*']"
says "nothing matches" 0 "leads to $T/bin/containerd-shim-runc-v2" 'imports = ["/no/such/folder/*"]'
says "an import that is not there" 1 "$T/gone.toml: read it: no such file" 'imports = ["gone.toml"]'
says "an import that is none" 1 "imports: a path that is no string" 'imports = [1]'
echo 'nonsense' >"$T/conf.d/3.toml"
says "nonsense in an import" 1 "$T/conf.d/3.toml: line 1: '=' is missing" 'imports = ["conf.d/*.toml"]'
table 3 'runtime_type = "io.containerd.belay.v2"' >"$T/conf.d/3.toml"
says "a newer import" 1 "its version 3 is higher than the 2 before it" \
	"version = 2
imports = ['conf.d/3.toml']"
says "an older import" 0 "leads to $T/bin/containerd-shim-belay-v2" "version = 3
imports = ['conf.d/1.toml']"
echo 'imports = ["./3.toml", "../config.toml"]' >"$T/conf.d/3.toml"
says "a circle" 0 "leads to $T/bin/containerd-shim-runc-v2" 'imports = ["conf.d/3.toml"]'
for i in $(seq 70); do echo >"$T/conf.d/many$i.toml"; done
says "very many" 1 "more than 64 files" 'imports = ["conf.d/many*"]'

rm "$T/bin/runc"
says "no runtime" 1 "wants the runtime runc, which is not there" ""

PATH="$T/bin" "$BELAYCTL" doctor --config /no/such/file --json >"$T/out"
expect "a line end behind the JSON" "]" "$(tail -n 1 "$T/out")"
expect "the last byte of the JSON" "" "$(tail -c 1 "$T/out")"
python3 - "$T/out" <<-'EOP' || fail "doctor --json: $(cat "$T/out")"
	import json, sys
	findings = json.load(open(sys.argv[1]))
	bad = [f["what"] for f in findings if f["verdict"] == "bad"]
	assert bad == ["runc"], bad
	kernel = [f["what"] for f in findings if f["section"] == "kernel"]
	assert {"clone3", "pidfd_open", "mount_setattr", "overlay lowerdir+"} <= set(kernel), kernel
EOP

# Each probe is one that fails where the kernel refuses: a seccomp profile would need a program of
# its own; without privileges, mounts are what is refused.
"$BELAYCTL" doctor >"$T/out"
expect "of the kernel nothing is missing to what runs all these tests" "" \
	"$(sed -n '/^kernel/,/^$/p' "$T/out" | grep '^  bad')"
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
	mkdir /sys/fs/cgroup/belay-doctor
	expect "cgroup.kill" "ok" "$("$BELAYCTL" doctor | awk '$2 == "cgroup.kill" { print $1 }')"
	rmdir /sys/fs/cgroup/belay-doctor
fi
chmod 755 "$T" && cp "$BELAYCTL" "$T/belayctl"
setpriv --reuid 65534 --regid 65534 --clear-groups "$T/belayctl" doctor >"$T/out" 2>"$T/err"
expect_words "without privileges" "id-mapped mount of /   not allowed here, so not known; try as root" "$T/out"
nothing_left
finish
