#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Log URIs: a logger of the client's (binary://) and a file (file://).
. "$(dirname "$0")/lib.sh"

logger=$SHIM_DIR/../tests/fake/fake-logger
[ -x "$logger" ] || logger=$(dirname "$0")/../fake/fake-logger
cp "$logger" "$T/logger"
chmod 0755 "$T" "$T/logger"

run() { # URI ID COMMAND...
	local uri=$1 id=$2
	shift 2
	timeout -k 1 30 ctr run -d --log-uri "$uri" --runtime "$RUNTIME" --rootfs "$T/rootfs" "$id" "$@"
}
drop() { # ID
	wait_for "the end of $1" has_status "$1" STOPPED
	ctr task delete "$1" 2>/dev/null
	ctr container rm "$1" || fail "rm $1"
}

run "binary://$T/logger?file=$T/b1" l1 /bin/sh -c 'echo hello; echo oops >&2' || fail "run l1"
drop l1
expect "what the logger got" "out: hello
err: oops" "$(cat "$T/b1")"
expect "its environment" "CONTAINER_ID=l1
CONTAINER_NAMESPACE=$NS" "$(sort "$T/b1.env")"
expect "its descriptors" "0 1 2 3 4 5" "$(sort -n "$T/b1.fds" | tr '\n' ' ' | sed 's/ $//')"

run "binary://$T/logger?file=$T/b2&ready=close" l2 /bin/seq 1 50000 || fail "run l2"
drop l2
expect "nothing is lost" "$(seq 1 50000 | md5sum)" "$(sed 's/^out: //' "$T/b2" | md5sum)"

run "binary-v2://$T/logger?file=$T/b3&ready=close" l3 /bin/true >"$T/out" 2>&1 && fail "l3 ran"
grep -q "logging binary did not call ready" "$T/out" || fail "wrong words: $(cat "$T/out")"
ctr container rm l3 >/dev/null 2>&1

ln -s logger "$T/link"
run "binary://$T/link?file=$T/b5" l6 /bin/true >"$T/out" 2>&1 && fail "l6 ran"
grep -q "is not a regular file that only root can write" "$T/out" ||
	fail "wrong words: $(cat "$T/out")"
ctr container rm l6 >/dev/null 2>&1

chmod 0777 "$T/logger"
run "binary://$T/logger?file=$T/b4" l4 /bin/true >"$T/out" 2>&1 && fail "l4 ran"
grep -q "is not a regular file that only root can write" "$T/out" ||
	fail "wrong words: $(cat "$T/out")"
ctr container rm l4 >/dev/null 2>&1

run "file://$T/logs/of/l5" l5 /bin/sh -c 'echo one; echo two >&2; echo three' || fail "run l5"
drop l5
expect "the file" "one
two
three" "$(cat "$T/logs/of/l5")"
nothing_left
finish
