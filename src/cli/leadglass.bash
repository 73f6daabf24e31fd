# SPDX-License-Identifier: GPL-2.0-or-later
# bash completion for leadglass(8)

_leadglass_offer()
{
	mapfile -t COMPREPLY < <(compgen "$@" -- "${COMP_WORDS[COMP_CWORD]}")
}

# Runs the command as it is typed, with the option (--run, --trust) and value that were typed already. Nothing
# where it fails: without an agent, or for who may not ask.
_leadglass_ask()
{
	local option=$1 i typed=()
	shift

	for ((i = 2; i < COMP_CWORD - 1; i++)); do
		if [[ ${COMP_WORDS[i]} == "$option" ]]; then
			if [[ ${COMP_WORDS[i+1]} == = ]]; then ((++i)); fi
			if ((i + 1 < COMP_CWORD)); then typed=("$option" "${COMP_WORDS[i+1]}"); fi
		fi
	done
	"${COMP_WORDS[0]}" "$@" ${typed[@]+"${typed[@]}"} 2>/dev/null
}

# Numbers of the policies that the agent keeps, each after the prefix given.
_leadglass_numbers()
{
	local number rest

	while read -r number rest; do
		if [[ $number == [0-9]* ]]; then
			printf '%s%s\n' "$1" "$number"
		fi
	done < <(_leadglass_ask --run history)
}

# Names of the trust anchors.
_leadglass_anchors()
{
	local label name rest

	while read -r label name rest; do
		if [[ $label == anchor ]]; then
			printf '%s\n' "$name"
		fi
	done < <(_leadglass_ask --trust trust list)
}

_leadglass_files()
{
	compopt -o filenames 2>/dev/null
	_leadglass_offer -f
}

# A policy: a file, or with @ one that the agent keeps.
_leadglass_policy()
{
	if [[ ${COMP_WORDS[COMP_CWORD]} == @* ]]; then
		_leadglass_offer -W "@running $(_leadglass_numbers @)"
	else
		_leadglass_files
	fi
}

_leadglass()
{
	local commands="check explain prove diff print render sign verify-signature status drops apply confirm rollback"
	local current="${COMP_WORDS[COMP_CWORD]}" command="${COMP_WORDS[1]-}" previous="${COMP_WORDS[COMP_CWORD-1]}"
	local options="" first="" operand=0 i
	commands+=" history show allow verify metrics report probe load list remove trust update"

	COMPREPLY=()
	if ((COMP_CWORD == 1)); then
		_leadglass_offer -W "$commands help --help --version"
		return
	fi
	# Which operand this is, and the first. Bash breaks words at colons and equal signs too: ADDRESS:PORT and
	# --run=DIR come as three.
	for ((i = 2; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		: | =) ((++i)) ;;
		--run | --state | --trust | --confirm-within | --key | --certificate | --output | --anchor | --site | --unit | --for | --role | --box | --sample)
			if [[ ${COMP_WORDS[i+1]} != = ]]; then ((++i)); fi
			;;
		-?*) ;;
		*) first=${first:-${COMP_WORDS[i]}} && ((++operand)) ;;
		esac
	done

	case $command in
	check) options="--json --strict --run" ;;
	prove) options="--live --json --all --sample --run" ;;
	explain | print | history) options="--json --run" ;;
	diff | status | verify) options="--json --all --run" ;;
	render | show | metrics) options="--run" ;;
	drops) options="--json --all --follow --run" ;;
	report) options="--html --json --run --trust" ;;
	sign) options="--key --certificate --output" ;;
	verify-signature) options="--trust --anchor --json" ;;
	trust)
		case $first in
		list) options="--json --trust" ;;
		add) options="--for --site --unit --trust --run" ;;
		remove) options="--yes --trust --run" ;;
		*) options="--json --yes --for --site --unit --trust --run" ;;
		esac
		;;
	apply) options="--confirm-within --dry-run --yes --offline --json --all --run --state --trust" ;;
	confirm) options="--json --run" ;;
	rollback) options="--confirm-within --dry-run --yes --json --all --run" ;;
	allow) options="--for --from --to --to-port --reason --list --close --all --json --run" ;;
	probe) options="--role --all --json --run" ;;
	load) options="--json --no-read-back --verbose --yes --run --state --trust" ;;
	list) options="--json" ;;
	remove) options="--yes --run" ;;
	update) options="--dry-run --status --accept --reset --reset-done --json --trust --box" ;;
	help)
		if ((COMP_CWORD == 2)); then
			_leadglass_offer -W "$commands"
		fi
		return
		;;
	*) return ;;
	esac

	# What follows an option is its value.
	if [[ $current == = ]]; then
		return
	elif [[ $previous == = ]]; then
		previous="${COMP_WORDS[COMP_CWORD-2]}"
	fi
	case $previous in
	--run | --state | --trust | --box)
		compopt -o filenames 2>/dev/null
		_leadglass_offer -d
		return
		;;
	--confirm-within) _leadglass_offer -W "60s 2m 5m 10m"; return ;;
	--key | --certificate | --anchor | --output) _leadglass_files; return ;;
	--for)
		if [[ $command == trust ]]; then
			_leadglass_offer -W "site oem"
		else
			_leadglass_offer -W "30m 1h 2h 8h"
		fi
		return
		;;
	--role) _leadglass_offer -W "host router bridge"; return ;;
	--to-port) _leadglass_offer -W "22 443 3389 5900"; return ;;
	--from | --to | --reason | --site | --unit) return ;;
	esac
	if [[ $current == -* && $current != - ]]; then
		_leadglass_offer -W "$options --help"
		return
	fi

	if [[ $current == : || $previous == : ]]; then
		return
	fi
	case $command:$operand in
	check:0 | render:0 | print:0 | diff:[01] | explain:0 | probe:0 | load:0 | verify:0 | apply:0 | report:0) _leadglass_policy ;;
	sign:0 | verify-signature:0 | update:0) _leadglass_files ;;
	trust:0) _leadglass_offer -W "list add remove" ;;
	trust:1)
		case $first in
		add) _leadglass_files ;;
		remove) _leadglass_offer -W "$(_leadglass_anchors)" ;;
		esac
		;;
	show:0 | rollback:0) _leadglass_offer -W "$(_leadglass_numbers '')" ;;
	explain:1) _leadglass_offer -W "in out forward" ;;
	explain:2) _leadglass_offer -W "tcp udp icmp icmpv6 arp eapol lldp stp" ;;
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
