// SPDX-License-Identifier: GPL-2.0-or-later
//
// Inside the module: datagrams with at most one descriptor, and sealed memfds. Every descriptor is
// close-on-exec from its first moment.
#ifndef LEADGLASS_CONTROL_CONTROL_WIRE_H
#define LEADGLASS_CONTROL_CONTROL_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/control.h"

bool control_known(uint16_t kind);
bool control_takes_payload(enum control_kind kind);

// A datagram, with the descriptor `payload` unless that is -1. `flags` as sendmsg's. 0 or -errno.
int control_wire_send(int fd, const void *message, size_t size, int payload, int flags);

// Receives one datagram of exactly `size` octets. `flags` as recvmsg's. 0 and *ret_payload (-1: no descriptor
// came); -EAGAIN; -ECONNRESET the other side has gone; -EPROTO another size or more than one descriptor
// (*ret_why says which). Whatever came with a refused datagram is closed.
int control_wire_receive(int fd, void *message, size_t size, int flags, int *ret_payload, const char **ret_why);

// The datagram's texts: terminated, well-formed UTF-8, no control characters nor such as make a line read as
// something else. Clears what stands after the end.
bool control_text_good(char *text, size_t room);

// Makes a line of text of whatever is there: cut off at its room or inside a character, with line ends.
void control_text_mend(char *text, size_t room);

// Reads such a memfd of exactly `size` octets. 0 and *ret (malloc'ed, NUL after it); -EPROTO with *ret_why;
// else -errno. With -1, no payload came: 0 and *ret as it was. `wrong` is what is wrong with its datagram
// (NULL: nothing): it is then not read, and -EPROTO. Closes it in every case.
int control_payload_take(int payload, size_t size, const char *wrong, char **ret, const char **ret_why);

#endif
