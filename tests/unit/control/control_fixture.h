// SPDX-License-Identifier: GPL-2.0-or-later
//
// A real control socket in a folder of its own, with somebody connected to it who can send anything.
#ifndef LEADGLASS_TESTS_CONTROL_FIXTURE_H
#define LEADGLASS_TESTS_CONTROL_FIXTURE_H

#include <stddef.h>

#include "control/control.h"

struct world {
	char folder[64];
	int listener;
	int rude;   // a client, blocking
	int server; // its other end, as control_accept gave it
	struct control_peer_id id;
};

int world_open(void **state);  // cmocka setup
int world_close(void **state); // and teardown

// Connects another client; its end, *ret_server the agent's.
int world_connect(const struct world *world, int *ret_server);

// Open descriptors of this process.
size_t open_descriptors(void);

// Sends octets and `count` descriptors, as one datagram. 0 or -errno.
int send_raw(int fd, const void *data, size_t size, const int *descriptors, size_t count);

// A memfd with `size` octets 'x', with these seals (0: it could be sealed and is not).
int new_memfd(size_t size, int seals);
#define GOOD_SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW)

#endif
