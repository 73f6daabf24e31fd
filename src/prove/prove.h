// SPDX-License-Identifier: GPL-2.0-or-later
//
// Does a ruleset do what a policy says, for every packet there is? Not by sample: all packets fall into
// finitely many classes, each class is decided once, and the sizes of the classes add up to the whole space.
//
// How that is done, and why it may be done so:
//
// 1. A packet is a handful of variables (prove_space.h): addresses, ports, ICMP type, interface, what conntrack
//    and routing know of it. Hook, frame type, protocol and connection state together are its *shape*; shapes
//    are few and gone through one by one. In one shape every field that a rule can look at is one variable, a
//    constant, or absent.
// 2. Both sides are brought into one form (prove_question.h): rules that are tried in order, each a list of
//    questions "are these variables in this relation?", a relation being a list of rows, a row an interval for
//    each variable. A comparison is a relation of one row, a set is one of all its elements, and so is all that
//    a policy grants in one direction. The policy's side is written from the meaning of the language alone
//    (prove_reading.c); it shares nothing with the compiler but the parser before it.
// 3. One variable after the other is cut (prove_cut.c) at every boundary that a row of a question still open
//    names. Two cells are *the same class* when they lie in the same rows, as far as what these rows say of the
//    variables still to come goes: then each question is, from here on, the same question of the same
//    variables, for whatever value they take, and so the verdicts of both sides are the same. Of each class one
//    value is taken. 10,000 peers that are granted the same are one class of addresses; that they stand in sets
//    with both ends does not matter, because the rows say of the other end the same for all of them. A row is
//    only asked again where the values taken so far lie in it, so the other end is cut by what concerns this
//    one.
// 4. A question is dropped as soon as nobody's verdict depends on it: rules that cannot match any more, rules
//    behind one that does, chains nobody goes to (prove_settle.c). When each side's verdict is certain the
//    class is decided, whatever the other variables are.
// 5. For each class ruleset_evaluate, which shares no code with the above and is held against real packets by
//    the tests, is asked about a packet of it. It must say what the form of step 2 says, or prove() fails: then
//    prove() itself is wrong.
// 6. The number of packets in the classes, counted modulo a prime, must be that of the whole space, or prove()
//    fails.
//
// What one packet is cannot show: that conntrack calls a packet what prove_space.h lets it be called, and that
// the kernel does with a rule what ruleset_evaluate does. Packet tests hold against both.
//
// Memory: some hundred octets for each element and grant, whatever their number multiplied would be.
#ifndef LEADGLASS_PROVE_PROVE_H
#define LEADGLASS_PROVE_PROVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/source.h"
#include "ruleset/packet.h"

struct buffer;
struct policy;
struct problems;
struct ruleset;

// One class, by the packet that was taken of it.
struct prove_class {
	struct packet packet;
	bool accepts;           // the policy
	const char *sentence;   // of the policy language: what it accepts or drops the packet for
	source_pos at;          // the line of the policy that grants it; 0: none in particular
	struct outcome outcome; // of the ruleset
};

// Called for each class decided. False: enough.
typedef bool (*prove_fn)(void *context, const struct prove_class *class);

struct prove_result {
	uint64_t shapes;
	uint64_t classes;     // decided
	uint64_t differences; // of them; 0 and the function returned 0: equivalent
	uint64_t accepted;    // classes that the policy lets pass
	uint64_t cells;       // all parts that variables were cut into
	uint64_t granted;     // rows the policy was read as
	uint64_t windows;     // service windows that are open: taken as if the policy granted them
};

// Service windows of the ruleset (ruleset_is_window) belong to the policy as long as they last.
// 0; -EBADE with a problem when prove() contradicts itself (steps 5 and 6 above); -ENOMEM; -ECANCELED when
// `each` had enough. `each` may be NULL.
int prove(const struct policy *policy, const struct ruleset *ruleset, prove_fn each, void *context,
          struct problems *problems, struct prove_result *ret);

// What in a ruleset that was read from the kernel prove() cannot judge, because leadglass would never write it:
// a line each, appended. The number of lines; with any of them nothing is proven.
size_t prove_strange(const struct ruleset *ruleset, struct buffer *out);

// The packet as words of `leadglass explain`, after the policy. What these words cannot say of it and does not
// have its usual value is appended to `ret_unsaid`, in English, separated by commas; it stays empty when
// `explain` is asked about exactly this packet.
void prove_words(const struct policy *policy, const struct packet *packet, struct buffer *words,
                 struct buffer *ret_unsaid);

#endif
