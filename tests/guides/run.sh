#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# run.sh GUIDE DEBIAN PACKAGES BIN - does what a guide says, block after block, on a node of its own (package/lib.sh)
# that has the containerd, docker and kubectl of BIN, and for BIN "-" Debian 12's own containerd.
#
# A guide says to a reader and to this script, before a block of code:
#	<!-- write: FILE -->	the block is that file; <!-- add: FILE --> goes at its end
#	<!-- containerd: 1 -->	only for that release; the other is told of as skipped
#	<!-- skip: WHY -->	cannot be done here, and why
# and in a block of sh "# prints: TEXT", which its output must contain. Each other block of sh is run, and must succeed.
set -u -o pipefail

if [ -z "${BELAY_INSIDE:-}" ]; then
	skip() { echo "SKIPPED $(basename "$1"): $2"; exit 77; }
	[ "$(id -u)" = 0 ] || skip "$1" "needs root"
	[ -e "$2/complete" ] || skip "$1" "there is no fresh Debian"
	ls "$3"/belay_*.deb >/dev/null 2>&1 || skip "$1" "there are no packages"
	[ "$4" = - ] || [ -x "$4/dockerd" ] || skip "$1" "$4 has no docker"
fi
NODE_NAME=$(basename "$1") NODE_DEBIAN=$2
. "$(dirname "$0")/../package/lib.sh"
guide=$1 major=1

# The daemons of the node, started and restarted as a systemctl would.
make_systemctl() {
	cat >"$R/usr/bin/systemctl" <<-'END'
	#!/bin/bash
	[ "$1" = restart ] || { echo "systemctl: only restart, not $1" >&2; exit 1; }
	if [ -e "/run/$2.daemon" ]; then
		kill "$(cat "/run/$2.daemon")"
		while kill -0 "$(cat "/run/$2.daemon")" 2>/dev/null; do sleep 0.05; done
	fi
	case $2 in
	containerd) setsid containerd >>/var/log/containerd 2>&1 </dev/null & ask="ctr version" ;;
	docker)
		# No bridge and no rules: the node has no network.
		setsid dockerd --containerd /run/containerd/containerd.sock --bridge none --iptables=false --ip6tables=false \
			--init-path /usr/bin/tini-static >>/var/log/docker 2>&1 </dev/null & ask="docker version" ;;
	*) exit 1 ;;
	esac
	echo $! >"/run/$2.daemon"
	for i in $(seq 200); do $ask >/dev/null 2>&1 && exit 0; sleep 0.05; done
	tail -n 5 "/var/log/$2"
	exit 1
	END
	chmod 755 "$R/usr/bin/systemctl"
}

make_node() { # BIN
	local versions program

	cp "$3"/*.deb "$R/root/"
	cp "$(dirname "$guide")"/*.yaml "$R/root/" 2>/dev/null
	echo 1 >/proc/sys/net/ipv4/ip_forward # of our namespace: or docker warns
	make_systemctl
	if [ "$4" != - ]; then
		versions=$(realpath "$4/..")
		mkdir -p "$R$versions"
		mount --bind "$versions" "$R$versions"
		for program in containerd ctr containerd-shim-runc-v2 runc docker dockerd docker-proxy tini-static kubectl; do
			cp "$4/$program" "$R/usr/bin/"
		done
		major=$(inside containerd --version | sed -E 's/.* v?([0-9]+)\.[0-9]+\.[0-9]+.*/\1/')
	fi
	[ "$major" = 1 ] || echo "version = 3" >"$R/etc/containerd/config.toml"
	inside systemctl restart containerd || fail "containerd does not start"
	[ "$4" = - ] || inside systemctl restart docker || fail "docker does not start"
}

# The blocks, as files NUMBER.KIND; NUMBER.marks are the comments before, NUMBER.line where it begins.
split() {
	awk -v to="$T/blocks/" '
		/^```/ && !within { within = 1; n++; kind = substr($0, 4); name = sprintf("%s%03d", to, n)
			printf "%s", marks >(name ".marks"); print NR >(name ".line"); print kind >(name ".kind")
			printf "" >(name ".text"); marks = ""; next }
		/^```/ { within = 0; close(name ".text"); next }
		within { print >(name ".text"); next }
		/^<!-- .* -->$/ { sub(/^<!-- /, ""); sub(/ -->$/, ""); marks = marks $0 "\n"; next }
		/./ { marks = "" }
	' "$guide"
}

say_skipped() { echo "SKIPPED $(basename "$guide"): line $line: $*"; }

run_block() { # TEXT
	local wanted

	cp "$1" "$R/tmp/block"
	(cd "$R/root" && inside bash -c 'cd /root && exec bash -e -o pipefail /tmp/block') >"$T/out" 2>&1 </dev/null ||
		fail "line $line: the block failed: $(tail -c 1500 "$T/out")"
	while read -r wanted; do
		grep -qF -- "$wanted" "$T/out" || fail "line $line: nothing says '$wanted' in: $(head -c 1500 "$T/out")"
	done < <(sed -n 's/^.*# prints: //p' "$1")
}

do_block() { # NUMBER
	local at=$1 kind line mark value text=$1.text
	kind=$(cat "$at.kind") line=$(cat "$at.line")

	while IFS=: read -r mark value; do
		value=${value# }
		case $mark in
		skip) say_skipped "$value"; return ;;
		containerd) [ "$value" = "$major" ] || { say_skipped "for containerd $value"; return; } ;;
		write) mkdir -p "$R$(dirname "$value")"; cp "$text" "$R$value"; kind=done ;;
		add) cat "$text" >>"$R$value"; kind=done ;;
		*) fail "line $line: a mark '$mark'" ;;
		esac
	done <"$at.marks"
	case $kind in
	done) ;;
	sh) run_block "$text" ;;
	text) ;; # what is seen
	*) fail "line $line: a block of '$kind' that says neither where it goes nor why not" ;;
	esac
}

mkdir "$T/blocks"
make_node "$@"
split
for block in "$T"/blocks/*.text; do
	do_block "${block%.text}"
done
[ "$failures" = 0 ] && echo "ok $(basename "$guide")" || tail -n 15 "$R/var/log/containerd" | cut -c1-300
for daemon in docker containerd; do
	[ -e "$R/run/$daemon.daemon" ] || continue
	kill "$(cat "$R/run/$daemon.daemon")"
	wait_for "the end of $daemon" sh -c "! kill -0 $(cat "$R/run/$daemon.daemon")"
done
exit $((failures > 0))
