#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# install.sh DEBIAN PACKAGES - a fresh Debian 12 gets the packages while containers run, and loses them again: the demo
# runs, the stock shim steps aside and comes back, containers that run keep theirs, and nothing is left.
set -u -o pipefail

if [ -z "${BELAY_INSIDE:-}" ]; then
	skip() { echo "SKIPPED install: $*"; exit 77; }
	[ "$(id -u)" = 0 ] || skip "needs root"
	[ -e "$1/complete" ] || skip "there is no fresh Debian"
	ls "$2"/belay_*.deb >/dev/null 2>&1 || skip "there are no packages"
	BELAY_INSIDE=$(mktemp -d /tmp/belay-install.XXXXXX)
	export BELAY_INSIDE
	timeout -k 5 200 unshare --mount --pid --net --fork --mount-proc --propagation private bash "$0" "$@" </dev/null
	status=$?
	rm -rf --one-file-system "$BELAY_INSIDE"
	exit $status
fi

# A layer in memory above the fresh Debian; its containers have control groups of their own.
T=$BELAY_INSIDE R=$BELAY_INSIDE/root NS=belay-install-$(basename "$BELAY_INSIDE" | tr -d '.')
failures=0
mkdir "$R" && mount -t tmpfs tmpfs "$T" && mkdir "$R" "$T/upper" "$T/work" &&
	mount -t overlay -o "lowerdir=$(realpath "$1/root"),upperdir=$T/upper,workdir=$T/work" overlay "$R" &&
	mount -t proc proc "$R/proc" && mount --rbind /sys "$R/sys" && mount --rbind /dev "$R/dev" &&
	mount -t tmpfs tmpfs "$R/run" && mount -t tmpfs tmpfs "$R/tmp" || exit 1
cp "$2"/*.deb "$R/tmp/"
inside() { chroot "$R" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
	CONTAINERD_NAMESPACE=$NS DEBIAN_FRONTEND=noninteractive "$@"; }

fail() {
	echo "FAILED: $*" >&2
	failures=$((failures + 1))
}
expect() { # WHAT WANTED GOT
	[ "$2" = "$3" ] || fail "$1: wanted '$2', got '$3'"
}
wait_for() { # WHAT COMMAND...
	local what=$1 i

	shift
	for i in $(seq 200); do
		"$@" >/dev/null 2>&1 && return 0
		sleep 0.05
	done
	fail "gave up waiting for $what"
}

# What dpkg itself writes down, and logs, are nobody's leftovers; what containerd keeps is its own.
files() {
	(cd "$R" && find . -xdev \( -path ./var/lib/dpkg -o -path ./var/log -o -path ./var/lib/containerd -o -path ./var/cache \
		-o -path ./srv -o -path ./root \) -prune -o -print | sort)
	inside dpkg-divert --list
	inside dpkg-query -W -f '${Package} ${db:Status-Status}\n'
}
begin() { # ID RUNTIME
	inside ctr run -d --runtime "$2" --rootfs /srv/rootfs "$1" /bin/sh -c 'trap "exit 6" TERM; while :; do sleep 0.1; done' ||
		fail "run $1"
}
# The program of the shim of a container: its name, and whether it is static, which only ours is.
lives_with() { # ID stock|ours
	local pid exe

	pid=$(pgrep -f "^[^ ]*containerd-shim-[^ ]* .*-id $1( |$)")
	exe=/proc/$pid/exe
	expect "the shim of $1" "$2" "$(grep -q -a 'belay' "$exe" && echo ours || echo stock)"
	expect "exec in $1" 4 "$(inside ctr task exec --exec-id x "$1" /bin/sh -c 'exit 4'; echo $?)"
}
end() { # ID
	inside ctr task kill -s TERM "$1" || fail "kill $1"
	wait_for "the end of $1" sh -c "chroot $R env CONTAINERD_NAMESPACE=$NS ctr task ls | grep -q '^$1 .*STOPPED'"
	inside ctr task delete "$1" 2>"$T/said"
	grep -q 'non-zero exit code 6' "$T/said" || fail "status of $1: $(cat "$T/said")"
	inside ctr container rm "$1"
}
install_one() { inside dpkg -i "/tmp/$1" >"$T/dpkg" 2>&1 || fail "dpkg -i $1: $(cat "$T/dpkg")"; }
purge() { inside dpkg -P "$1" >"$T/dpkg" 2>&1 || fail "dpkg -P $1: $(cat "$T/dpkg")"; }

mkdir -p "$R"/srv/rootfs/{bin,proc,sys,dev,tmp}
cp "$R/bin/busybox" "$R/srv/rootfs/bin/"
for applet in sh sleep echo; do
	ln -s busybox "$R/srv/rootfs/bin/$applet"
done
main=$(cd "$R/tmp" && echo belay_*.deb) diversion=$(cd "$R/tmp" && echo belay-as-runc-v2_*.deb)
inside containerd >"$T/log" 2>&1 &
containerd=$!
wait_for containerd inside ctr version
files >"$T/before"
stock=$(sha256sum <"$R/usr/bin/containerd-shim-runc-v2")

install_one "$main"
expect "the demo" "hello 7" "$(inside belayctl run --rootfs /srv/rootfs -- /bin/sh -c 'echo hello; exit 7' | tr '\n' ' ')$(
	inside belayctl run --rootfs /srv/rootfs -- /bin/sh -c 'exit 7'; echo $?)"
begin before io.containerd.runc.v2
begin named io.containerd.belay.v2
lives_with before stock
lives_with named ours

install_one "$diversion"
install_one "$diversion" # an upgrade
expect "the stock shim, aside" "$stock" "$(sha256sum <"$R/usr/bin/containerd-shim-runc-v2.stock")"
# An upgrade of containerd's package meanwhile goes to where the stock shim is.
inside sh -c 'dpkg -i --force-confold /var/cache/apt/archives/containerd_*.deb' >"$T/dpkg" 2>&1 ||
	fail "containerd again: $(cat "$T/dpkg")"
begin during io.containerd.runc.v2
lives_with before stock
lives_with during ours

purge belay-as-runc-v2
expect "the stock shim, back" "$stock" "$(sha256sum <"$R/usr/bin/containerd-shim-runc-v2")"
begin after io.containerd.runc.v2
lives_with during ours
lives_with after stock
purge belay
lives_with named ours
for id in before named during after; do
	end "$id"
done
files >"$T/after"
diff "$T/before" "$T/after" >"$T/diff" || fail "what is left: $(cat "$T/diff")"

kill "$containerd"
wait "$containerd"
find /sys/fs/cgroup -depth -type d -path "*/$NS*" -exec rmdir {} + 2>/dev/null
[ "$failures" = 0 ] && echo "ok install" || tail -n 20 "$T/log"
exit $((failures > 0))
