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
fi
NODE_NAME=install NODE_DEBIAN=$1
. "$(dirname "$0")/lib.sh"
cp "$2"/*.deb "$R/tmp/"

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
	wait_for "the end of $1" sh -c "chroot $R ctr task ls | grep -q '^$1 .*STOPPED'"
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
begin stock-dies io.containerd.runc.v2
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
begin ours-dies io.containerd.runc.v2
lives_with before stock
lives_with during ours

# A shim that dies is cleaned up after by what is in its place then, which is not what it was.
dies() { # ID
	local init shim

	init=$(inside ctr task ls | awk -v id="$1" '$1 == id { print $2 }')
	shim=$(pgrep -f "^[^ ]*containerd-shim-[^ ]* .*-id $1( |$)")
	kill -KILL "$shim"
	wait_for "the end of $1's process" sh -c "! kill -0 $init"
	wait_for "the end of $1's bundle" sh -c "! [ -e $R/run/containerd/io.containerd.runtime.v2.task/default/$1 ]"
	inside ctr container rm "$1" || fail "rm $1"
}
dies stock-dies

purge belay-as-runc-v2
dies ours-dies
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
[ "$failures" = 0 ] && echo "ok install" || tail -n 20 "$T/log"
exit $((failures > 0))
