#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Options: as text (what any runtime name but runc's gets), and as runc's own message (runtime_path).
. "$(dirname "$0")/lib.sh"

# A runtime that tells how it was called.
cat >"$T/wrapper" <<EOF
#!/bin/sh
echo "\$@" >>"$T/calls"
exec runc "\$@"
EOF
chmod 0755 "$T" "$T/wrapper"
cat >"$T/options.toml" <<EOF
BinaryName = "$T/wrapper"
Root = "$T/elsewhere"
EOF
expect "a container with options as text" "hello" "$(ctr run --rm --runtime "$RUNTIME" \
	--runtime-config-path "$T/options.toml" --rootfs "$T/rootfs" t1 /bin/echo hello)"
grep -q -- "^--root $T/elsewhere/$NS --log .*/log.json --log-format json create --bundle " \
	"$T/calls" || fail "the runtime was not called as the options say: $(cat "$T/calls")"

echo 'SystemdCgruop = true' >>"$T/options.toml"
ctr run --rm --runtime "$RUNTIME" --runtime-config-path "$T/options.toml" --rootfs "$T/rootfs" t2 \
	/bin/true >"$T/out" 2>&1 && fail "a key nobody knows was not refused"
grep -q "runtime options: unknown key 'SystemdCgruop'" "$T/out" || fail "wrong words: $(cat "$T/out")"
ctr container rm t2 >/dev/null 2>&1

# Under the stock shim's own name, first in PATH; the options are runc's message then.
mkdir "$T/stock"
cp "$SHIM_DIR/containerd-shim-belay-v2" "$T/stock/containerd-shim-runc-v2"
kill_containerd TERM
PATH="$T/stock:$PATH" start_containerd
: >"$T/calls"
expect "in place of the stock shim" "hello" "$(ctr run --rm --runtime io.containerd.runc.v2 \
	--runc-binary "$T/wrapper" --rootfs "$T/rootfs" t3 /bin/echo hello)"
grep -q " create --bundle " "$T/calls" || fail "the runtime was not called: $(cat "$T/calls")"
nothing_left
finish
