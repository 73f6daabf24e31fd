// SPDX-License-Identifier: GPL-2.0-or-later
//
// For tests of the agent's ports: real interfaces and real bridges in a network namespace of the test's own, an
// agent filled by hand, and stand-ins for the wall, the clock and the log. As root; without it a program ends
// with 77.
#ifndef LEADGLASS_TESTS_PORTS_WORLD_H
#define LEADGLASS_TESTS_PORTS_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/agent.h"
#include "agent/agent_ports.h"
#include "base/buffer.h"

#define PORTS_POLICY                                                                                           \
	"role bridge\n"                                                                                        \
	"device ct { ae-title CT; address 10.20.1.10; port 11112 }\n"                                          \
	"peer pacs { address 10.20.0.5; ae-title PACS; port 104; initiates storage }\n"
#define PORTS_HOST "role host\ndevice ct { ae-title CT; port 11112 }\nmanage { from 10.20.0.5 }\n"

struct ports_world {
	struct agent agent;
	int64_t now;       // ms
	bool wall;         // the kernel holds one of role bridge
	bool dormant;      // switched off
	int netfilter;     // what nft_bridge_netfilter_loaded says
	int verify;        // what agent_guard_verify returns
	bool verified;     // what it finds
	unsigned verifies; // how often it was asked
	struct buffer log; // "ID text" lines
};

extern struct ports_world *ports_world;

int ports_begin(void **state); // interfaces device, hospital, service, each with a peer
int ports_end(void **state);
void ports_start(void); // agent_ports_open with --ports device,hospital
void ports_stop(void);  // as killed: everything stays

// Makes this the standing policy, verified. NULL: none stands; number 0: as the closed wall.
void ports_stand(uint64_t number, const char *policy);
void ports_run(void); // what the loop would do now, until nothing more is to be heard

void ports_do(const char *format, ...) __attribute__((format(printf, 1, 2))); // a shell command; has to succeed
bool ports_is(const char *interface, const char *words);                      // `ip -d addr show` says so
bool ports_in(const char *interface, const char *bridge);                     // is up, and in it
bool ports_out(const char *interface);                                        // is in nothing

bool ports_alarm(const char *name, const char *words); // an alarm stands that says so
size_t ports_lines(const char *words);                 // lines of the log that hold them

#define ports_test(f) cmocka_unit_test_setup_teardown(f, ports_begin, ports_end)

#endif
