#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# belayctl ps and a shim that hangs up in the middle: what it did not say is not made up.
. "$(dirname "$0")/lib.sh"

cat >"$T/shim.py" <<-'END'
	# Answers the first question (State), after a while, with a container that runs, and hangs up.
	import socket, struct, sys, time

	def text(number, data):
	    return bytes([number << 3 | 2, len(data)]) + data

	bundle, delay = sys.argv[1], float(sys.argv[2])
	listening = socket.socket(socket.AF_UNIX)
	listening.bind(bundle + "/s")
	listening.listen()
	with open(bundle + "/address", "w") as f:
	    f.write("unix://" + bundle + "/s")
	client = listening.accept()[0]
	stream = struct.unpack(">IIBB", client.recv(10))[1]
	reply = text(2, text(1, b"the-id") + bytes([3 << 3, 7, 4 << 3, 2]))  # id, pid and status
	time.sleep(delay)
	client.sendall(struct.pack(">IIBB", len(reply), stream, 2, 0) + reply)
	client.close()
	listening.close()
END
# While c2 is waited for, c1 is seen to have gone.
for id in c1 c2; do
	bundle=$T/state/io.containerd.runtime.v2.task/ns/$id
	mkdir -p "$bundle"
	echo '{}' >"$bundle/config.json"
	python3 "$T/shim.py" "$bundle" "$([ $id = c1 ] && echo 0 || echo 0.5)" &
	wait_for "the shim" test -s "$bundle/address"
done
"$BELAYCTL" ps --state "$T/state" --json >"$T/out" 2>"$T/err"
expect "what it said, and what it did not" "running 7 None None" "$(python3 -c '
import json, sys
row = json.load(open(sys.argv[1]))[0]
print(row["status"], row["pid"], row["shim_pid"], row["shim_version"])' "$T/out")"
wait
finish
