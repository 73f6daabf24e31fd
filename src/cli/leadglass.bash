# SPDX-License-Identifier: GPL-2.0-or-later
# bash completion for leadglass(8)

_leadglass_offer()
{
	mapfile -t COMPREPLY < <(compgen "$@" -- "${COMP_WORDS[COMP_CWORD]}")
}

_leadglass()
{
	local commands="check render print diff explain load verify list remove"
	local current="${COMP_WORDS[COMP_CWORD]}" command="${COMP_WORDS[1]-}" previous="${COMP_WORDS[COMP_CWORD-1]}"
	local options="" operand=0 i

	COMPREPLY=()
	if ((COMP_CWORD == 1)); then
		_leadglass_offer -W "$commands help --help --version"
		return
	fi
	case $command in
	check) options="--json --strict" ;;
	print | explain | list) options="--json" ;;
	diff | verify) options="--json --all" ;;
	load) options="--json --no-read-back --verbose" ;;
	remove) options="--yes" ;;
	render) ;;
	help)
		if ((COMP_CWORD == 2)); then
			_leadglass_offer -W "$commands"
		fi
		return
		;;
	*) return ;;
	esac
	if [[ $current == -* && $current != - ]]; then
		_leadglass_offer -W "$options --help"
		return
	fi

	# Which operand this is. Bash breaks words at colons: ADDRESS:PORT comes as three.
	for ((i = 2; i < COMP_CWORD; i++)); do
		if [[ ${COMP_WORDS[i]} == : ]]; then
			((++i))
		elif [[ ${COMP_WORDS[i]} != -* || ${COMP_WORDS[i]} == - ]]; then
			((++operand))
		fi
	done
	if [[ $current == : || $previous == : ]]; then
		return
	fi
	case $command:$operand in
	check:0 | render:0 | print:0 | diff:[01] | explain:0 | load:0 | verify:0)
		compopt -o filenames 2>/dev/null
		_leadglass_offer -f
		;;
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
