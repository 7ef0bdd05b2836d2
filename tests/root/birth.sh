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
exec 8>&- 9>&- 10>&-

# A birth that fails leaves nobody who serves, and no socket.
fails() { # WHAT WORDS COMMAND...: with the options of `start` behind
	local what=$1 words=$2
	shift 2
	"$@" -namespace birth -id b2 -address /run/nobody.sock start >"${out:-$T/out}" 2>"$T/err"
	expect "$what: status" 1 $?
	expect_words "$what" "$words" "$T/err"
	wait_for "$what: that nobody serves" has_no_processes
	expect "$what: sockets" "" "$(ls "$(dirname "$socket")")"
}
rm -f address
mkdir address
fails "no file for the address" "write address: " "$shim"
rmdir address
out=/dev/full fails "nobody reads the answer" "print the address: no space left on device" "$shim"
cat >"$T/die.py" <<-'END'
	# Runs a program of whom whoever calls setpgid(), as the daemon does before it serves, is killed.
	import ctypes, os, platform, struct, sys

	number = {"x86_64": 109}.get(platform.machine(), 154)
	code = [(0x20, 0, 0, 0), (0x15, 0, 1, number), (0x06, 0, 0, 0x80000000), (0x06, 0, 0, 0x7fff0000)]
	text = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *c) for c in code))
	program = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(code), ctypes.addressof(text)))
	prctl = ctypes.CDLL(None, use_errno=True).prctl
	if prctl(38, 1, 0, 0, 0) or prctl(22, 2, program):
	    sys.exit("no seccomp: " + os.strerror(ctypes.get_errno()))
	os.execv(sys.argv[1], sys.argv[1:])
END
fails "a daemon that is killed" "died before it served" python3 "$T/die.py" "$shim"
expect "sockets left" "" "$(ls "$(dirname "$socket")")"
finish
