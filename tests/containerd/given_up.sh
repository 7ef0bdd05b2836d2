#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A create whose client gives up, by its deadline or for good, is undone, and its shim goes.
. "$(dirname "$0")/lib.sh"

runc=$(command -v runc)
mkdir "$T/bin"
cat >"$T/bin/runc" <<EOF
#!/bin/sh
case " \$* " in *" create "*)
	: >"$T/creating"
	exec sleep 1000 ;;
esac
exec $runc "\$@"
EOF
chmod 755 "$T/bin/runc"
kill_containerd TERM
PATH=$T/bin:$PATH
start_containerd

# run_slowly ID CTR-OPTION...: its process is $client.
run_slowly() {
	local id=$1

	shift
	rm -f "$T/creating"
	ctr "$@" run --rm --runtime "$RUNTIME" --rootfs "$T/rootfs" "$id" \
		/bin/true >"$T/$id" 2>&1 &
	client=$!
	wait_for "its create" test -e "$T/creating" || cat "$T/$id" >&2
	shim=$(shim_of "$id") || fail "there is no shim of $id"
}

run_slowly late --timeout 15s
wait "$client" && fail "it ran: $(cat "$T/late")"
wait_for "the end of a shim whose create was too late" is_gone "$shim"
nothing_left

run_slowly left
kill -TERM "$client"
wait "$client"
wait_for "the end of a shim whose client has left" is_gone "$shim"
nothing_left
finish
