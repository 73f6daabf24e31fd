# SPDX-License-Identifier: GPL-2.0-or-later
# The outside process and the keeper's side of it, each with no more of the agent than it needs.
leadglass_unit_test(agent-syslog SOURCES syslog_test.c ${agent}/agent_syslog.c DEPENDS base)
leadglass_unit_test(agent-outside_message
	SOURCES outside_message_test.c ${agent}/agent_outside_message.c
	DEPENDS drops base)
leadglass_unit_test(agent-outside_target
	SOURCES outside_target_test.c ${agent}/agent_outside_target.c
	DEPENDS base)
leadglass_unit_test(agent-outside_collector
	SOURCES outside_collector_test.c ${agent}/agent_outside_collector.c ${agent}/agent_outside_target.c
		${agent}/agent_syslog.c
	DEPENDS base)
leadglass_unit_test(agent-outside_talk
	SOURCES outside_talk_test.c ${agent}/agent_outside_talk.c ${agent}/agent_outside_message.c
	DEPENDS drops base)
# The keeper against a process that lies, floods, dies.
leadglass_unit_test(agent-outside_keeper
	SOURCES outside_keeper_test.c outside_world.c ${agent}/agent_outside.c ${agent}/agent_outside_shown.c ${agent}/agent_outside_message.c
		${agent}/agent_outside_target.c
	DEPENDS drops base)
# The real one, and real packets: as root; without it is skipped (77).
leadglass_unit_test(agent-outside_process
	SOURCES outside_process_test.c outside_world.c ${agent}/agent_outside.c ${agent}/agent_outside_shown.c ${agent}/agent_outside_child.c
		${agent}/agent_outside_collector.c ${agent}/agent_outside_message.c
		${agent}/agent_outside_netlink.c ${agent}/agent_outside_talk.c ${agent}/agent_outside_target.c
		${agent}/agent_syslog.c
	DEPENDS drops sandbox base)
set_tests_properties(unit.agent-outside_process unit.agent-outside_process.sanitised
	PROPERTIES LABELS net SKIP_RETURN_CODE 77)
