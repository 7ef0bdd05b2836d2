# SPDX-License-Identifier: Apache-2.0
# Sourced by the scripts beside it: a real containerd whose CRI service is on (containerd/lib.sh), networks of
# pods by the bridge plugin in a network namespace of our own, and the questions of a kubelet.
#
# A call is one gRPC message over HTTP/2: protoc writes and reads it (runtime.proto), curl carries it.
#
# Each script is called with the folder of the shim under test and one with containerd, ctr, runc and, beside it,
# cni: TEST.sh BUILD/shim BIN

BELAY_UNSHARE=--net
BELAY_TOOLS="curl protoc ip tar sha256sum"
HERE=$(realpath "$(dirname "$0")")

# The tables a node has, as the guides say, with what keeps this containerd to itself. STOCK_PATH, if it is set, is
# the shim of the runtime that everything uses by default.
containerd_config() {
	local runtime images sandbox_image path=

	[ -z "${STOCK_PATH:-}" ] || path="runtime_path = \"$STOCK_PATH\""
	if [ "$(containerd --version | sed -E 's/.* v?([0-9]+)\.[0-9]+\.[0-9]+.*/\1/')" = 1 ]; then
		runtime=io.containerd.grpc.v1.cri
		echo "version = 2"
		sandbox_image="sandbox_image = \"localhost/box:1\""
	else
		runtime=io.containerd.cri.v1.runtime
		images=io.containerd.cri.v1.images
		echo "version = 3"
		sandbox_image=
	fi
	cat <<-EOF
	root = "$T/root"
	state = "/run/ctd"
	disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs",
	  "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.nri.v1.nri"]
	[grpc]
	  address = "/run/ctd/containerd.sock"
	[ttrpc]
	  address = "/run/ctd/containerd.sock.ttrpc"
	[debug]
	  level = "debug"
	[plugins."$runtime"]
	  $sandbox_image
	  restrict_oom_score_adj = true
	  [plugins."$runtime".cni]
	    bin_dir = "$CNI"
	    conf_dir = "$T/net.d"
	  [plugins."$runtime".containerd]
	    default_runtime_name = "stock"
	    [plugins."$runtime".containerd.runtimes.stock]
	      runtime_type = "io.containerd.runc.v2"
	      $path
	    [plugins."$runtime".containerd.runtimes.belay]
	      runtime_type = "io.containerd.belay.v2"
	      [plugins."$runtime".containerd.runtimes.belay.options]
	        BinaryName = "$T/runc-of-belay"
	        Root = "/run/roots/belay"
	    [plugins."$runtime".containerd.runtimes.belay-path]
	      runtime_type = "io.containerd.runc.v2"
	      runtime_path = "$(realpath "$SHIM_DIR/containerd-shim-belay-v2")"
	      [plugins."$runtime".containerd.runtimes.belay-path.options]
	        BinaryName = "$T/runc-of-belay-path"
	        Root = "/run/roots/belay-path"
	EOF
	[ -z "${images:-}" ] || printf '[plugins."%s".pinned_images]\n  sandbox = "localhost/box:1"\n' "$images"
}

# Runtimes that leave a word before they are runc: the proof that their option arrived.
make_runtimes() {
	local name

	for name in belay belay-path; do
		cat >"$T/runc-of-$name" <<-EOF
		#!/bin/sh
		echo "\$*" >>"$T/calls-of-$name"
		exec "$(command -v runc)" "\$@"
		EOF
		chmod 755 "$T/runc-of-$name"
	done
}

make_network() {
	mkdir -p "$T/net.d" "$T/lib"
	# Where the plugins and their caller remember what they gave to whom.
	mount --bind "$T/lib" /var/lib
	ip link set lo up
	cat >"$T/net.d/10-test.conflist" <<-EOF
	{ "cniVersion": "0.4.0", "name": "test", "plugins": [ { "type": "bridge", "bridge": "pods0",
	  "isGateway": true, "ipam": { "type": "host-local", "dataDir": "$T/addresses",
	  "ranges": [ [ { "subnet": "10.88.0.0/24" } ] ], "routes": [ { "dst": "0.0.0.0/0" } ] } } ] }
	EOF
}

if [ -n "${BELAY_INSIDE:-}" ]; then
	T=$BELAY_INSIDE SHIM_DIR=$1 CNI=$(realpath "$2/../cni")
	export PATH="$2:$PATH"
	make_network
	make_runtimes
fi
. "$HERE/../containerd/lib.sh"
NS=k8s.io CONTAINERD_NAMESPACE=k8s.io
CGROUP=/belay-cri-$(basename "$T" | tr -d '.')

# call METHOD REQUEST RESPONSE TEXT: the answer as text, or the error.
call() {
	local bytes=$T/call.$BASHPID

	echo "$4" | protoc -I "$HERE" --encode="runtime.v1.$2" runtime.proto >"$bytes" || return 1
	# A message is preceded by "not compressed" and its length.
	# shellcheck disable=SC2059 # the format is the bytes
	{ printf "\\0$(printf '%08x' "$(stat -c %s "$bytes")" | sed 's/../\\x&/g')"; cat "$bytes"; } >"$bytes.framed"
	curl -sS --max-time 60 --http2-prior-knowledge --unix-socket /run/ctd/containerd.sock -D "$bytes.headers" -o "$bytes.answer" \
		-H 'content-type: application/grpc' -H 'te: trailers' --data-binary "@$bytes.framed" \
		"http://localhost/runtime.v1.RuntimeService/$1" || return 1
	if ! grep -qi '^grpc-status: 0' "$bytes.headers"; then
		sed -n 's/\r$//; s/^grpc-message: //p' "$bytes.headers"
		return 1
	fi
	tail -c +6 "$bytes.answer" | protoc -I "$HERE" --decode="runtime.v1.$3" runtime.proto
}

# field NAME: of an answer.
field() { sed -n -E "s/^ *$1: \"?([^\"]*)\"?$/\\1/p"; }

pod_config() { # NAME
	echo "metadata { name: '$1' uid: '$1' namespace: 'default' } hostname: '$1' log_directory: '$T/logs/$1'
		linux { cgroup_parent: '$CGROUP/$1' }"
}
run_pod() { # NAME HANDLER
	call RunPodSandbox RunPodSandboxRequest RunPodSandboxResponse \
		"config { $(pod_config "$1") } runtime_handler: '$2'" | field pod_sandbox_id
}
pod_status() { call PodSandboxStatus PodRequest PodStatusResponse "pod_sandbox_id: '$1'"; }
create_container() { # POD-NAME POD-ID NAME ATTEMPT SCRIPT
	call CreateContainer CreateContainerRequest CreateContainerResponse "pod_sandbox_id: '$2'
		config { metadata { name: '$3' attempt: $4 } image { image: 'localhost/box:1' } log_path: '$3-$4.log'
		command: ['/bin/sh', '-c', '$5'] linux { resources { memory_limit_in_bytes: 67108864 } } }
		sandbox_config { $(pod_config "$1") }" | field container_id
}
start_container() { call StartContainer ContainerRequest Empty "container_id: '$1'"; }
container_status() { call ContainerStatus ContainerRequest ContainerStatusResponse "container_id: '$1'"; }
exec_sync() { # ID TIMEOUT SCRIPT
	call ExecSync ExecSyncRequest ExecSyncResponse "container_id: '$1' timeout: $2 cmd: ['/bin/sh', '-c', '$3']"
}
stop_container() { call StopContainer StopContainerRequest Empty "container_id: '$1' timeout: ${2:-5}"; }
remove_container() { call RemoveContainer ContainerRequest Empty "container_id: '$1'"; }
stop_pod() { call StopPodSandbox PodRequest Empty "pod_sandbox_id: '$1'"; }
remove_pod() { call RemovePodSandbox PodRequest Empty "pod_sandbox_id: '$1'"; }
has_exited() { [ "$(container_status "$1" | field state)" = 2 ]; }
serves() { call Status StatusRequest StatusResponse '' >/dev/null; }

finish_cri() {
	find /sys/fs/cgroup -depth -type d -path "*$CGROUP*" -exec rmdir {} + 2>/dev/null
	finish
}

for applet in $(busybox --list); do
	[ "$applet" = busybox ] || ln -sf busybox "$T/rootfs/bin/$applet"
done
make_image localhost/box:1
wait_for "the CRI service" serves || finish_cri
