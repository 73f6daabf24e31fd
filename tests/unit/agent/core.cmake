# SPDX-License-Identifier: GPL-2.0-or-later
# The agent's own: walls, files, the carrying out of changes, the control socket, the log.
leadglass_unit_test(agent-wall SOURCES wall_test.c ${agent}/agent_wall.c ${agent}/agent_text.c
	DEPENDS ruleset trust policy base)
leadglass_unit_test(agent-copy SOURCES copy_test.c ${agent}/agent_copy.c DEPENDS state base)
leadglass_unit_test(agent-log SOURCES log_test.c ${agent}/agent_log.c ${agent}/agent_syslog.c DEPENDS base)
leadglass_unit_test(agent-server SOURCES server_test.c ${agent}/agent_server.c DEPENDS control base)
leadglass_unit_test(agent-discard SOURCES discard_test.c ${agent}/agent_discard.c DEPENDS control base)
foreach(name IN ITEMS trust trust_standing)
	leadglass_unit_test(agent-${name}
		SOURCES ${name}_test.c trust_world.c change_world.c ${agent}/agent_apply.c ${agent}/agent_change.c
			${agent}/agent_copy.c ${agent}/agent_disk.c ${agent}/agent_text.c ${agent}/agent_trust.c
			${agent}/agent_trust_floor.c ${agent}/agent_trust_folder.c ${agent}/agent_trust_standing.c
			${agent}/agent_wall.c
		DEPENDS state ruleset trust policy base)
endforeach()
leadglass_unit_test(agent-change
	SOURCES change_test.c change_world.c ${agent}/agent_apply.c ${agent}/agent_change.c ${agent}/agent_copy.c ${agent}/agent_disk.c
		${agent}/agent_text.c ${agent}/agent_trust.c ${agent}/agent_trust_floor.c ${agent}/agent_trust_folder.c
		${agent}/agent_trust_standing.c ${agent}/agent_wall.c
	DEPENDS state ruleset trust policy base)
leadglass_unit_test(agent-flowtable SOURCES flowtable_test.c ${agent}/agent_flowtable.c DEPENDS policy base)
# Real interfaces: as root; without it is skipped (77).
leadglass_unit_test(agent-ports
	SOURCES ports_test.c ports_world.c ${agent}/agent_box.c ${agent}/agent_ports.c
		${agent}/agent_ports_names.c ${agent}/agent_ports_tell.c
	DEPENDS link control ruleset policy base)
set_tests_properties(unit.agent-ports unit.agent-ports.sanitised PROPERTIES LABELS net SKIP_RETURN_CODE 77)
