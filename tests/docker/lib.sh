# SPDX-License-Identifier: Apache-2.0
# Sourced by the scripts beside it: a real dockerd with a containerd of its own (containerd/lib.sh), root,
# state, socket and control group, in a network namespace without a network. Nothing of the machine's is touched.
#
# Each script is called with the folder of the shim under test and one with dockerd, docker, containerd and
# runc: TEST.sh BUILD/shim BIN

BELAY_UNSHARE=--net
BELAY_TOOLS="dockerd docker script tar"
. "$(dirname "$0")/../containerd/lib.sh"

CGROUP=/belay-docker-$(basename "$T" | tr -d '.')
dockerd_pid=
export DOCKER_HOST=unix:///run/docker.sock DOCKER_CONFIG=$T/docker-config
ip link set lo up
echo 1 >/proc/sys/net/ipv4/ip_forward # of our namespace: or each command warns

# daemon_json [LINES]: what the guide for Docker says goes there, and what keeps the daemon to itself.
daemon_json() {
	cat >"$T/daemon.json" <<-EOF
	{ "data-root": "$T/docker", "exec-root": "/run/docker", "pidfile": "/run/docker.pid",
	  "hosts": ["unix:///run/docker.sock"], "containerd": "/run/ctd/containerd.sock",
	  "bridge": "none", "iptables": false, "ip6tables": false, "ip-forward": false,
	  "userland-proxy": false, "cgroup-parent": "$CGROUP", "exec-opts": ["native.cgroupdriver=cgroupfs"],
	  "init-path": "$(command -v tini-static)", "debug": true, ${1:-}
	  "runtimes": {
	    "belay": { "runtimeType": "io.containerd.belay.v2" },
	    "belay-path": { "runtimeType": "$(realpath "$SHIM_DIR/containerd-shim-belay-v2")" } } }
	EOF
}

start_dockerd() {
	dockerd --config-file "$T/daemon.json" >>"$T/dockerd.log" 2>&1 &
	dockerd_pid=$!
	wait_for dockerd docker version || finish_docker
}

stop_dockerd() { # [SIGNAL]
	[ -n "$dockerd_pid" ] || return 0
	kill "-${1:-TERM}" "$dockerd_pid"
	wait "$dockerd_pid" 2>/dev/null
	dockerd_pid=
}

# The image all containers are of: busybox, and nothing else.
make_image() {
	local applet

	for applet in $(busybox --list); do
		[ "$applet" = busybox ] || ln -sf busybox "$T/rootfs/bin/$applet"
	done
	tar -C "$T/rootfs" -c . | docker import - box >/dev/null || fail "docker import"
}

status_of() { docker inspect -f '{{.State.Status}}' "$1"; }
is() { [ "$(status_of "$1")" = "$2" ]; }

# Which program stands behind a container: the id on the shim's command line is the long one.
program_of() {
	realpath "/proc/$(shim_of "$(docker inspect -f '{{.Id}}' "$1")")/exe"
}

skip_docker() {
	echo "SKIPPED $(basename "$0"): $*"
	exit 77
}

nothing_left_of_docker() {
	expect "containers left" "" "$(docker ps -aq)"
	stop_dockerd
	NS=moby nothing_left
	expect "mounts left of images" "" "$(grep "$T/docker/overlay2/" /proc/self/mountinfo)"
	expect "cgroups left of containers" "" "$(find /sys/fs/cgroup -mindepth 3 -path "*$CGROUP/*" -type d)"
}

# Both daemons' logs, if something failed; the daemon and its control groups, in any case.
finish_docker() {
	[ "$failures" = 0 ] || tail -n 30 "$T/dockerd.log" | cut -c1-300 >&2
	stop_dockerd
	find /sys/fs/cgroup -depth -type d -path "*$CGROUP*" -exec rmdir {} + 2>/dev/null
	finish
}
