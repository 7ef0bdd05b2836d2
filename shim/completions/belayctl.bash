# SPDX-License-Identifier: Apache-2.0
# Completion of belayctl for bash; tests/lint/options.sh holds it against belayctl --help.

# Containers, by the namespace and by themselves; none where belayctl may not look.
_belayctl_containers() {
	belayctl ps 2>/dev/null | awk 'NR > 1 { print $2; print $1 "/" $2 }'
}

_belayctl() {
	local commands='run ps inspect exec kill pause resume wait stats top events dump doctor'
	local current=$2 previous=$3 command=${COMP_WORDS[1]} options=

	COMPREPLY=()
	if [ "$COMP_CWORD" = 1 ]; then
		mapfile -t COMPREPLY < <(compgen -W "$commands --help --version" -- "$current")
		return
	fi
	case $command in
	run) options='--rootfs --bundle --interactive --tty --env --user --cwd --mount --read-only --memory --cpus --runtime --name --state --shim --debug --help' ;;
	ps) options='--namespace --state --json --help' ;;
	inspect) options='--namespace --state --json --help' ;;
	exec) options='--namespace --state --interactive --tty --exec-id --env --user --cwd --help' ;;
	kill) options='--namespace --state --all --exec-id --help' ;;
	pause) options='--namespace --state --help' ;;
	resume) options='--namespace --state --help' ;;
	wait) options='--namespace --state --exec-id --help' ;;
	stats) options='--namespace --state --json --prometheus --help' ;;
	top) options='--namespace --state --help' ;;
	events) options='--namespace --state --address --json --help' ;;
	dump) options='--namespace --state --json --help' ;;
	doctor) options='--config --json --help' ;;
	*) return ;;
	esac
	case $previous in
	--rootfs | --bundle | --state | --cwd)
		mapfile -t COMPREPLY < <(compgen -d -- "$current")
		return
		;;
	--shim | --config | --address | --mount)
		mapfile -t COMPREPLY < <(compgen -f -- "$current")
		return
		;;
	--runtime)
		mapfile -t COMPREPLY < <(compgen -W 'runc crun youki' -- "$current")
		return
		;;
	--namespace | -n | --name | --exec-id | --env | -e | --user | -u | --memory | --cpus)
		return
		;;
	esac
	if [ "${current#-}" != "$current" ]; then
		mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
		return
	fi
	case $command in
	inspect | exec | kill | pause | resume | wait | stats | dump)
		mapfile -t COMPREPLY < <(compgen -W "$(_belayctl_containers)" -- "$current")
		;;
	run)
		mapfile -t COMPREPLY < <(compgen -c -- "$current")
		;;
	esac
}

complete -F _belayctl belayctl
