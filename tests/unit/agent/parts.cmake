# SPDX-License-Identifier: GPL-2.0-or-later
# The parts of the agent behind agent.h, with stand-ins for the kernel and the rest (parts.h).
foreach(name IN ITEMS guard peers drops access metrics)
	leadglass_unit_test(agent-${name}
		SOURCES ${name}_test.c parts.c ${agent}/agent_guard.c ${agent}/agent_peers.c ${agent}/agent_drops.c
			${agent}/agent_access.c ${agent}/agent_status.c ${agent}/agent_metrics.c
		DEPENDS ruleset trust)
endforeach()
