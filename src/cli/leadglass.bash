# SPDX-License-Identifier: GPL-2.0-or-later
# bash completion for leadglass(8)

_leadglass_offer()
{
	mapfile -t COMPREPLY < <(compgen "$@" -- "${COMP_WORDS[COMP_CWORD]}")
}

# Numbers of the policies that the agent keeps (that of the --run already typed), each after the prefix given.
# Nothing without an agent, or for who may not ask it.
_leadglass_numbers()
{
	local number rest i run=()

	for ((i = 2; i < COMP_CWORD - 1; i++)); do
		if [[ ${COMP_WORDS[i]} == --run ]]; then
			if [[ ${COMP_WORDS[i+1]} == = ]]; then ((++i)); fi
			if ((i + 1 < COMP_CWORD)); then run=(--run "${COMP_WORDS[i+1]}"); fi
		fi
	done
	while read -r number rest; do
		if [[ $number == [0-9]* ]]; then
			printf '%s%s\n' "$1" "$number"
		fi
	done < <("${COMP_WORDS[0]}" history ${run[@]+"${run[@]}"} 2>/dev/null)
}

# A policy: a file, or with @ one that the agent keeps.
_leadglass_policy()
{
	if [[ ${COMP_WORDS[COMP_CWORD]} == @* ]]; then
		_leadglass_offer -W "@running $(_leadglass_numbers @)"
	else
		compopt -o filenames 2>/dev/null
		_leadglass_offer -f
	fi
}

_leadglass()
{
	local commands="check explain diff print render status drops apply confirm rollback history show allow verify"
	local current="${COMP_WORDS[COMP_CWORD]}" command="${COMP_WORDS[1]-}" previous="${COMP_WORDS[COMP_CWORD-1]}"
	local options="" operand=0 i
	commands+=" metrics load list remove"

	COMPREPLY=()
	if ((COMP_CWORD == 1)); then
		_leadglass_offer -W "$commands help --help --version"
		return
	fi
	case $command in
	check) options="--json --strict --run" ;;
	explain | print | history) options="--json --run" ;;
	diff | status | verify) options="--json --all --run" ;;
	render | show | metrics) options="--run" ;;
	drops) options="--json --all --follow --run" ;;
	apply) options="--confirm-within --dry-run --yes --offline --json --all --run --state" ;;
	confirm) options="--json --run" ;;
	rollback) options="--confirm-within --dry-run --yes --json --all --run" ;;
	allow) options="--for --from --to --to-port --reason --list --close --all --json --run" ;;
	load) options="--json --no-read-back --verbose --run" ;;
	list) options="--json" ;;
	remove) options="--yes --run" ;;
	help)
		if ((COMP_CWORD == 2)); then
			_leadglass_offer -W "$commands"
		fi
		return
		;;
	*) return ;;
	esac

	# What follows an option is its value. Bash breaks words at equal signs too: --run=DIR comes as three.
	if [[ $current == = ]]; then
		return
	elif [[ $previous == = ]]; then
		previous="${COMP_WORDS[COMP_CWORD-2]}"
	fi
	case $previous in
	--run | --state)
		compopt -o filenames 2>/dev/null
		_leadglass_offer -d
		return
		;;
	--confirm-within) _leadglass_offer -W "60s 2m 5m 10m"; return ;;
	--for) _leadglass_offer -W "30m 1h 2h 8h"; return ;;
	--to-port) _leadglass_offer -W "22 443 3389 5900"; return ;;
	--from | --to | --reason) return ;;
	esac
	if [[ $current == -* && $current != - ]]; then
		_leadglass_offer -W "$options --help"
		return
	fi

	# Which operand this is. Bash breaks words at colons: ADDRESS:PORT comes as three.
	for ((i = 2; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		: | =) ((++i)) ;;
		--run | --state | --confirm-within) if [[ ${COMP_WORDS[i+1]} != = ]]; then ((++i)); fi ;;
		-?*) ;;
		*) ((++operand)) ;;
		esac
	done
	if [[ $current == : || $previous == : ]]; then
		return
	fi
	case $command:$operand in
	check:0 | render:0 | print:0 | diff:[01] | explain:0 | load:0 | verify:0 | apply:0) _leadglass_policy ;;
	show:0 | rollback:0) _leadglass_offer -W "$(_leadglass_numbers '')" ;;
	explain:1) _leadglass_offer -W "in out forward" ;;
	explain:2) _leadglass_offer -W "tcp udp icmp icmpv6 arp" ;;
	explain:[34]) ;;
	explain:*)
		if [[ $previous == [io]if ]]; then
			_leadglass_offer -W "$(cd /sys/class/net 2>/dev/null && echo *)"
		else
			_leadglass_offer -W "iif oif mac established reply related invalid spoofed"
		fi
		;;
	esac
}
complete -F _leadglass leadglass
