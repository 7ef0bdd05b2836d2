#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# kill -9 of containerd, of the shim, or of both, at each step from before the birth of a shim to after the
# start of its container: wanted() says what then must be there. Whatever it is can be deleted.
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
fake_logger=$SHIM_DIR/../tests/fake/fake-logger
[ -x "$fake_logger" ] || fake_logger=$(dirname "$0")/../fake/fake-logger
cat >"$T/logger" <<END
#!/bin/bash
. "$T/steps"
at "before logger"
exec "$fake_logger" "\$@"
END
chmod 0755 "$T" "$T/logger" "$T/runtime" "$T/bin/containerd-shim-belay-v2"
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
	grep -qs "$T/bin/\|$T/runtime\|$T/logger" /proc/[0-9]*/cmdline && return 1
	case $* in
	*shim* | *birth*) ;;
	*"before start"* | *"after start"*) [ -e "$T/did start" ] ;;
	*) [ -e "$T/did create" ] ;;
	esac
}

# What is there afterwards: a container whose shim is gone, or was not told of it, is not.
wanted() { # STEP VICTIM...
	case $* in
	*shim* | *birth*) ;;
	"before start"* | "after start"*) echo RUNNING ;;
	*) echo CREATED ;;
	esac
}

is_as_wanted() { # ID STATUS
	[ "$(task_status "$1")" = "$2" ] && is_true "$1"
}

# The shim is what was told to start one, before it has.
pid_of_shim() { # ID STEP
	if [ "$2" = "before birth" ]; then
		grep -ls "$T/bin/containerd-shim-belay-v2" /proc/[0-9]*/cmdline | grep -o '[0-9]*' | head -n 1
	else
		shim_of "$1"
	fi
}

kill_victims() { # SHIM VICTIM...
	local shim=$1 victim

	shift
	for victim; do
		if [ "$victim" = containerd ]; then
			kill_containerd KILL
			is_gone "$containerd_pid" || fail "containerd lives"
		else
			kill -KILL "$shim" && wait_for "the death of shim $shim" is_gone "$shim"
		fi
	done
}

begin() { # ID STEP: $client runs it, and the step is reached
	local streams=()

	rm -f "$T/reached" "$T/did "*
	echo "$2" >"$T/step"
	[[ $2 == *logger* ]] && streams=(--log-uri "binary://$T/logger?file=/dev/null&ready=close")
	timeout -k 1 20 ctr run -d --runtime "$RUNTIME" --runtime-config-path "$T/options.toml" "${streams[@]}" \
		--rootfs "$T/rootfs" "$1" /bin/sleep 1000 >"$T/out" 2>&1 &
	client=$!
	wait_for "$2" test -e "$T/reached" || { cat "$T/out"; return 1; }
}

crash() { # ID STEP VICTIM...
	local id=$1 step=$2 client shim

	shift 2
	begin "$id" "$step" || return
	if ! shim=$(pid_of_shim "$id" "$step") || [ -z "$shim" ]; then
		fail "$step, $*: there is no shim"
		return
	fi
	kill_victims "$shim" "$@"
	sleep 0.2 # so that the gate is open for nobody, if its runtime went with the shim
	echo >&9
	wait_for "the end of what was begun" is_over "$step" "$*"
	read -r -t 0.1 <&9 # nobody took it
	[[ " $* " == *" containerd "* ]] && start_containerd
	wait "$client"
	[ $? -lt 124 ] || fail "$step, $*: the client waited for ever"
	wait_for "'$(wanted "$step" "$*")' of $id, $* killed $step" is_as_wanted "$id" "$(wanted "$step" "$*")" ||
		echo "it is '$(task_status "$id")'"
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

	begin "$id" "$step" || return
	kill_containerd KILL
	start_containerd
	wait "$client"
	[ $? -lt 124 ] || fail "$step: the client waited for ever"
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
for step in "before birth" "after birth" "before logger" "before features" "before create" "after create" \
	"before start" "after start"; do
	for victims in containerd shim "containerd shim"; do
		if [[ "$step $victims" == *"birth containerd" && $version == v1.6.* ]]; then
			echo "SKIPPED crash.sh, $step, $victims: a shim without a container stays where containerd is 1.6"
			continue
		fi
		if [[ "$step" == "after birth" && $victims == *shim* ]]; then
			echo "SKIPPED crash.sh, $step, $victims: no containerd has heard of it, and none looks for its socket"
			continue
		fi
		if [[ "$step $victims" == "before features containerd" ]]; then
			echo "SKIPPED crash.sh, $step, $victims: the client removes the streams of a Create that has" \
				"not opened them; what then becomes of it is a race of theirs"
			continue
		fi
		[ "$step" = "before features" ] && rm -rf /run/containerd-shim-belay
		# shellcheck disable=SC2086 # two words
		crash "c$((n += 1))" "$step" $victims
	done
done
for step in "before create" "after create"; do
	if [[ $version == v1.6.* ]]; then
		echo "SKIPPED crash.sh, $step, containerd that is back early: 1.6 does not look for lost shims"
	else
		back_early "c$((n += 1))" "$step"
	fi
done
printf '%s\n' "${ended[@]}"
nothing_left
finish
