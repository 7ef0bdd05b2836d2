#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# kill -9 of containerd, of the shim, or of both, at each step from before the birth of a shim to after the
# start of its container: wanted() says what then must be there. Whatever it is can be deleted.
. "$(dirname "$0")/lib.sh"

# A mount, a shim and a runtime that wait at the step $T/step names until somebody writes into the gate.
mkfifo "$T/gate" || exit 1
exec 9<>"$T/gate"
cat >"$T/steps" <<END
at() {
	[ "\$(cat "$T/step" 2>/dev/null)" = "\$1" ] || return 0
	mv "$T/step" "$T/reached"
	read -r <"$T/gate"
	mv "$T/reached" "$T/passed"
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
fakes=$SHIM_DIR/../tests/fake
[ -x "$fakes/fake-logger" ] || fakes=$(dirname "$0")/../fake
mkdir "$T/bin"
cat >"$T/bin/containerd-shim-belay-v2" <<END
#!/bin/bash
. "$T/steps"
[ "\${!#}" = start ] || exec "$SHIM_DIR/containerd-shim-belay-v2" "\$@"
at "before birth"
answer=\$("$fakes/mount-gate" "[ ! -e '$T/step' ] || bash -c '. $T/steps; at \"before mount\"'" \
	"$SHIM_DIR/containerd-shim-belay-v2" "\$@") || exit
at "after birth"
printf %s "\$answer"
END
cat >"$T/logger" <<END
#!/bin/bash
. "$T/steps"
at "before logger"
exec "$fakes/fake-logger" "\$@"
END
chmod 0755 "$T" "$T/logger" "$T/runtime" "$T/bin/containerd-shim-belay-v2"
echo "BinaryName = \"$T/runtime\"" >"$T/options.toml"
make_image docker.io/library/box:1
kill_containerd KILL
PATH="$T/bin:$PATH"
start_containerd

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
	[[ "$1" != "before mount" || -e "$T/passed" ]] || return 1 # who holds it up outlives who wants it
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

# A containerd of 1.6 that finds a shim without a container has it stay, the stock one as well, until
# somebody ends it.
end_by_hand() { # ID STEP VICTIM...
	local shim

	[[ $version == v1.6.* && "$2 $3" == *"birth containerd" ]] || return
	shim=$(shim_of "$1") || fail "the shim of $1 has not stayed"
	kill_victims "$shim" shim
}

# No containerd looks for the socket of a shim that it had not heard of; the next shim of that name does.
is_to_be_retried() { # STEP VICTIM...
	case $* in
	"after birth"*shim*) ;;
	*"birth containerd") [[ $version == v1.6.* ]] ;;
	*) return 1 ;;
	esac
}

begin() { # ID STEP: $client runs it
	local streams=()

	rm -f "$T/reached" "$T/passed" "$T/did "*
	case $2 in
	*logger*) streams=(--log-uri "binary://$T/logger?file=/dev/null&ready=close") ;;
	# A client whose containerd is gone removes the FIFOs that no Create has opened.
	*features* | *mount*) streams=(--null-io) ;;
	esac
	timeout -k 1 20 ctr run -d --runtime "$RUNTIME" --runtime-config-path "$T/options.toml" "${streams[@]}" \
		docker.io/library/box:1 "$1" >"$T/out" 2>&1 &
	client=$!
}

begin_to() { # ID STEP: the step is reached
	echo "$2" >"$T/step"
	begin "$1" "$2"
	wait_for "$2" test -e "$T/reached" || { cat "$T/out"; return 1; }
}

crash() { # ID STEP VICTIM...
	local id=$1 step=$2 client shim wanted

	shift 2
	begin_to "$id" "$step" || return
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
	wanted=$(wanted "$step" "$*")
	end_by_hand "$id" "$step" "$*"
	if is_to_be_retried "$step" "$*"; then
		ctr container rm "$id" >/dev/null 2>&1
		begin "$id" again
		wait "$client" || fail "$step, $*: once more: $(cat "$T/out")"
		wanted=RUNNING
	fi
	wait_for "'$wanted' of $id, $* killed $step" is_as_wanted "$id" "$wanted" ||
		echo "it is '$(task_status "$id")'"
	ended+=("$step, $*: $(task_status "$id")")
	ctr task kill -s KILL "$id" >/dev/null 2>&1
	[ -z "$(task_status "$id")" ] || wait_for "the end of $id" has_status "$id" STOPPED
	ctr task delete "$id" >/dev/null 2>&1
	ctr container rm "$id" >/dev/null 2>&1
	nothing_left || echo "that was $* killed $step"
	expect "known after $* was killed $step" "" "$(ctr container ls -q)"
}

# A containerd that is back while the Create still runs: it hears of no container, and has the shim end.
back_early() { # ID STEP
	local id=$1 step=$2 client

	begin_to "$id" "$step" || return
	kill_containerd KILL
	start_containerd
	wait "$client"
	[ $? -lt 124 ] || fail "$step: the client waited for ever"
	[ "$step" = "before mount" ] && echo >&9
	nothing_left || echo "that was containerd back $step"
	ctr container rm "$id" >/dev/null 2>&1
	expect "known after containerd was back $step" "" "$(ctr container ls -q)"
}

version=$(containerd --version | grep -o 'v\?1\.[67]\.[0-9]*\|v\?2\.[0-9.]*' | head -n 1)
version=v${version#v}
ended=()
n=0
for step in "before birth" "after birth" "before logger" "before features" "before mount" "before create" "after create" \
	"before start" "after start"; do
	for victims in containerd shim "containerd shim"; do
		[ "$step" = "before features" ] && rm -rf /run/containerd-shim-belay
		# shellcheck disable=SC2086 # two words
		crash "c$((n += 1))" "$step" $victims
	done
done
for step in "before mount" "before create" "after create"; do
	if [[ $version == v1.6.* ]]; then
		echo "SKIPPED crash.sh, $step, containerd that is back early: 1.6 does not look for lost shims"
	else
		back_early "c$((n += 1))" "$step"
	fi
done
printf '%s\n' "${ended[@]}"
nothing_left
finish
