#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# userns-remap: root of a container is nobody of the host, with our shim as with the stock one.
. "$(dirname "$0")/lib.sh"

echo "daemon:231072:65536" >"$T/subid"
for file in subuid subgid; do
	[ -e /etc/$file ] || skip_docker "there is no /etc/$file to cover"
	mount --bind "$T/subid" /etc/$file
done

looks() { # RUNTIME
	docker run --rm --runtime "$1" box sh -c 'id -u; cat /proc/self/uid_map; touch /tmp/mine; ls -ln /tmp/mine' |
		awk '{ print $1, $2, $3, $4 }'
	docker run -d --name mapped --runtime "$1" box sleep 1000 >/dev/null
	stat -c '%u %g' "/proc/$(docker inspect -f '{{.State.Pid}}' mapped)"
	docker exec mapped id -u
	docker rm -f mapped
}

chmod 711 "$T" # the mapped root goes through it
daemon_json '"userns-remap": "daemon",'
start_dockerd
make_image
said=$(looks io.containerd.runc.v2)
grep -q '^0 231072 65536' <<<"$said" || fail "the stock shim maps nothing: $said"
for runtime in belay belay-path; do
	expect "$runtime" "$said" "$(looks $runtime)"
done
nothing_left_of_docker
finish_docker
