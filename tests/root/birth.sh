#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A shim is born by somebody careless: with an open umask, stray descriptors and blocked signals. It
# keeps none of them, and nobody but root can reach it.
. "$(dirname "$0")/lib.sh"

shim=$1/containerd-shim-belay-v2
mkdir "$T/real"
ln -s real "$T/bundle" # containerd's state may lie behind a link
cd "$T/bundle" || exit 1
echo '{ "ociVersion": "1.0.0", "root": { "path": "rootfs" } }' >config.json
mkfifo log pipe stray
exec 8<>log 9<>stray 10<"$shim"
umask 000
address=$("$shim" -namespace birth -id b1 -address /run/nobody.sock start) || fail "start"
umask 022
socket=${address#unix://}
for pid in /proc/[0-9]*; do
	tr '\0' ' ' 2>/dev/null <"$pid/cmdline" | grep -q '^[^ ]*containerd-shim-belay-v2 .*-id b1 ' && break
done
wait_for "its socket" test -S "$socket"

expect "mode and owner of its socket" "600 0 0" "$(stat -c '%a %u %g' "$socket")"
expect "mode of the folder" "700" "$(stat -c %a "$(dirname "$socket")")"
expect "descriptors that were not meant for it" "" "$(find "$pid/fd" -lname "$T/*" ! -lname '*/log' \
	-o -lname "$shim")"
for name in $(find "$pid/fd" -lname 'socket:*' -printf '%l\n' | tr -dc '0-9\n'); do
	expect "abstract names" "" "$(awk -v inode="$name" '$7 == inode { print $8 }' /proc/net/unix |
		grep '^@')"
done
expect "who else may read its memory" "0" "$(stat -c %u "$pid/environ")"

# Neither by its path nor past the folder: another user is shut out twice.
for mode in 700 777; do
	chmod $mode "$(dirname "$socket")"
	[ $mode = 777 ] && chmod 666 "$socket"
	expect "what another user gets, $mode" "" "$(timeout 5 setpriv --reuid 65534 --regid 65534 \
		--clear-groups perl -MSocket -e 'socket(S, AF_UNIX, SOCK_STREAM, 0) or die;
		connect(S, sockaddr_un($ARGV[0])) or exit 0;
		syswrite(S, pack("NNCC", 0, 1, 1, 0)); sysread(S, $b, 100) and print "an answer"' \
		"$socket" 2>&1)"
done
chmod 600 "$socket"
expect "what root gets" "an answer" "$(timeout 5 perl -MSocket -e 'socket(S, AF_UNIX, SOCK_STREAM, 0) or die;
	connect(S, sockaddr_un($ARGV[0])) or die;
	syswrite(S, pack("NNCC", 0, 1, 1, 0)); sysread(S, $b, 100) and print "an answer"' "$socket" 2>&1)"

kill -TERM "${pid#/proc/}"
wait_for "its end" is_gone "${pid#/proc/}"
expect "sockets left" "" "$(ls "$(dirname "$socket")")"
finish
