#!/bin/bash
# options.sh - the commands and options that belayctl --help names are those of the man page and the completions.
. "$(dirname "$0")/lib.sh"

ctl=$build/shim/belayctl
man=shim/man/belayctl.1
bash=shim/completions/belayctl.bash
zsh=shim/completions/_belayctl
if [ ! -x "$ctl" ]; then
	echo "SKIPPED options: there is no $ctl"
	exit 77
fi

# Long options anywhere in the text, one a line; "\-" is how a man page writes a dash.
options() { sed 's/\\-/-/g' | grep -oE -- '--[a-z][a-z-]+' | sort -u; }

# What several commands have is told once.
shared=$(printf '%s\n' --help --json --namespace --state)

help_commands() { "$ctl" --help | sed -n 's/^  \([a-z]\{1,\}\)  *[a-z].*/\1/p' | sort; }
help_options() { "$ctl" "$1" --help | sed -n '/^Options:/,$p' | grep -E '^  -' | cut -c1-30 | options; }

# Heads of paragraphs only: the text may name others' options.
man_heads() { awk -v from="$1" '$0 == from { on = 1; next } /^\.S[SH]/ { on = 0 } on && head { print } { head = /^\.TP/ }' "$man"; }
man_options() { man_heads ".SS \"belayctl $1\"" | options; }
bash_options() { sed -n "s/^	$1) options='\(.*\)' ;;/\1/p" "$bash" | options; }
zsh_options() { awk -v from="	$1)" '$0 == from { on = 1 } /;;/ { on = 0 } on' "$zsh" | sed 's/\[.*//' | options; }

compare() { # WHERE WHAT WANTED GOT
	local line

	while read -r line; do
		[ -n "$line" ] && complain "$1: $2: $line is missing"
	done < <(comm -23 <(echo "$3") <(echo "$4"))
	while read -r line; do
		[ -n "$line" ] && complain "$1: $2: there is no $line"
	done < <(comm -13 <(echo "$3") <(echo "$4"))
}

commands=$(help_commands)
[ "$(wc -l <<<"$commands")" -gt 5 ] || complain "belayctl --help lists but: $commands"
compare $man commands "$commands" "$(sed -n 's/^\.SS "belayctl \(.*\)"/\1/p' $man | sort)"
compare $man synopsis "$commands" "$(sed -n 's/^\.B belayctl \([a-z]*\)$/\1/p' $man | sort -u)"
compare $bash commands "$commands" "$(sed -n "s/^	local commands='\(.*\)'/\1/p" $bash | tr ' ' '\n' | sort)"
compare $zsh commands "$commands" "$(sed -n "s/^		'\([a-z]*\):.*/\1/p" $zsh | sort)"
compare $man "shared options" "$shared" "$(man_heads ".SS Options of more than one command" | options)"
for command in $commands; do
	wanted=$(help_options "$command")
	[ -n "$wanted" ] || complain "belayctl $command --help: there are no options"
	compare $man "$command" "$(comm -23 <(echo "$wanted") <(echo "$shared"))" \
		"$(man_options "$command" | comm -23 - <(echo "$shared"))"
	compare $bash "$command" "$wanted" "$(bash_options "$command")"
	compare $zsh "$command" "$wanted" "$(zsh_options "$command")"
done

# And bash takes it: what it offers is what is typed.
offered() { # WORD...: the last is being typed
	bash -c '. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
		_belayctl belayctl "${!#}" "${COMP_WORDS[COMP_CWORD - 1]}"; echo "${COMPREPLY[*]}"' - "$bash" "$@"
}
[ "$(offered belayctl p)" = "ps pause" ] || complain "$bash: offers '$(offered belayctl p)' for p"
[ "$(offered belayctl ps --j)" = "--json" ] || complain "$bash: offers '$(offered belayctl ps --j)' for --j"
[ "$(offered belayctl run --runtime c)" = "crun" ] ||
	complain "$bash: offers '$(offered belayctl run --runtime c)' for --runtime c"
finish
