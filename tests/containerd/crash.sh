#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# kill -9 of containerd, of the shim, or of both, at each step from the birth of a shim to the start of
# its container: afterwards there is a task that lives and can be deleted, or there is nothing.
. "$(dirname "$0")/lib.sh"

# A shim and a runtime that wait at the step $T/step names until somebody writes into the gate.
mkfifo "$T/gate" || exit 1
exec 9<>"$T/gate"
cat >"$T/steps" <<END
at() {
	[ "\$(cat "$T/step" 2>/dev/null)" = "\$1" ] || return 0
	mv "$T/step" "$T/reached"
	read -r <"$T/gate"
}
END
cat >"$T/runtime" <<END
#!/bin/bash
. "$T/steps"
for verb; do case \$verb in create | start | delete | features) break ;; esac; done
at "before \$verb"
runc "\$@"
code=\$?
: >"$T/did \$verb"
at "after \$verb"
exit \$code
END
mkdir "$T/bin"
cat >"$T/bin/containerd-shim-belay-v2" <<END
#!/bin/bash
. "$T/steps"
[ "\${!#}" = start ] || exec "$SHIM_DIR/containerd-shim-belay-v2" "\$@"
at "before birth"
answer=\$("$SHIM_DIR/containerd-shim-belay-v2" "\$@") || exit
at "after birth"
printf %s "\$answer"
END
chmod 0755 "$T" "$T/runtime" "$T/bin/containerd-shim-belay-v2"
echo "BinaryName = \"$T/runtime\"" >"$T/options.toml"
kill_containerd KILL
PATH="$T/bin:$PATH"
start_containerd

is_clean() {
	[ -z "$(leftover_processes)" ] && ! grep -q "io.containerd.runtime.v2.task" /proc/self/mountinfo &&
		[ -z "$(ls /run/containerd/s 2>/dev/null)" ] &&
		[ -z "$(ls "/run/ctd/io.containerd.runtime.v2.task/$NS" 2>/dev/null)" ] &&
		[ -z "$(ls "/run/containerd/runc/$NS" 2>/dev/null)" ] &&
		[ -z "$(find /sys/fs/cgroup -mindepth 2 -path "*/$NS/*" -type d 2>/dev/null)" ]
}

# What `ctr task ls` says of it is so.
is_true() { # ID
	local status='' pid=''

	read -r _ pid status < <(ctr task ls | awk -v id="$1" '$1 == id { print }')
	case $status in
	RUNNING | CREATED) ! is_gone "$pid" && shim_of "$1" ;;
	STOPPED) is_gone "$pid" && shim_of "$1" ;;
	"") is_clean ;;
	*) return 1 ;;
	esac
}

# Nobody does what comes behind the gate any more. A containerd that is back before a Create has ended
# asks for its processes, hears of none, and takes the shim for lost.
is_over() { # STEP VICTIM...
	grep -qs "$T/bin/\|$T/runtime" /proc/[0-9]*/cmdline && return 1
	case $* in
	*shim* | *birth*) ;;
	*start*) [ -e "$T/did start" ] ;;
	*) [ -e "$T/did create" ] ;;
	esac
}

crash() { # ID STEP VICTIM...
	local id=$1 step=$2 client shim victim

	shift 2
	rm -f "$T/reached" "$T/did "*
	echo "$step" >"$T/step"
	timeout -k 1 20 ctr run -d --runtime "$RUNTIME" --runtime-config-path "$T/options.toml" \
		--rootfs "$T/rootfs" "$id" /bin/sleep 1000 >"$T/out" 2>&1 &
	client=$!
	wait_for "$step" test -e "$T/reached" || { cat "$T/out"; return; }
	shim=$(shim_of "$id")
	for victim; do
		[ "$victim" = containerd ] && kill_containerd KILL
		[ "$victim" = shim ] && kill -KILL "$shim"
	done
	sleep 0.2 # so that the gate is open for nobody, if its runtime went with the shim
	echo >&9
	wait_for "the end of what was begun" is_over "$step" "$*"
	read -r -t 0.1 <&9 # nobody took it
	[[ " $* " == *" containerd "* ]] && start_containerd
	wait "$client"
	wait_for "the truth of $id, $* killed $step" is_true "$id"
	ended+=("$step, $*: $(task_status "$id")")
	ctr task kill -s KILL "$id" >/dev/null 2>&1
	[ -z "$(task_status "$id")" ] || wait_for "the end of $id" has_status "$id" STOPPED
	ctr task delete "$id" >/dev/null 2>&1
	ctr container rm "$id" >/dev/null 2>&1
	wait_for "the cleaning up after $* killed $step" is_clean || nothing_left
	expect "known after $* was killed $step" "" "$(ctr container ls -q)"
}

# A containerd that is back while the Create still runs: it hears of no container, and has the shim end.
back_early() { # ID STEP
	local id=$1 step=$2 client

	rm -f "$T/reached" "$T/did "*
	echo "$step" >"$T/step"
	timeout -k 1 20 ctr run -d --runtime "$RUNTIME" --runtime-config-path "$T/options.toml" \
		--rootfs "$T/rootfs" "$id" /bin/sleep 1000 >"$T/out" 2>&1 &
	client=$!
	wait_for "$step" test -e "$T/reached" || { cat "$T/out"; return; }
	kill_containerd KILL
	start_containerd
	wait "$client"
	wait_for "the cleaning up after containerd was back $step" is_clean || nothing_left
	ctr container rm "$id" >/dev/null 2>&1
	expect "known after containerd was back $step" "" "$(ctr container ls -q)"
}

# The first that looks for shims without a container when it starts is 1.7: in 1.6 such a shim, the
# stock one as well, stays until somebody ends it.
version=$(containerd --version | grep -o 'v\?1\.[67]\.[0-9]*\|v\?2\.[0-9.]*' | head -n 1)
version=v${version#v}
ended=()
n=0
for step in "before birth" "after birth" "before features" "before create" "after create" \
	"before start" "after start"; do
	for victims in containerd shim "containerd shim"; do
		[[ $step == *birth && $victims == *shim* ]] && continue # there is none yet, or nobody knows it
		[[ $step == *birth && $version == v1.6.* ]] && continue
		# The client removes its streams when it has lost containerd: what then becomes of a Create
		# that has not opened them is a race of theirs.
		[[ "$step $victims" == "before features containerd" ]] && continue
		[ "$step" = "before features" ] && rm -rf /run/containerd-shim-belay
		# shellcheck disable=SC2086 # two words
		crash "c$((n += 1))" "$step" $victims
	done
done
for step in "before create" "after create"; do
	[[ $version == v1.6.* ]] || back_early "c$((n += 1))" "$step"
done
printf '%s\n' "${ended[@]}"
nothing_left
finish
