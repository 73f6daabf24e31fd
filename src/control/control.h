// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the command and the agent say to each other: fixed structures, one to a datagram of a local
// SOCK_SEQPACKET socket, in the machine's own byte order. Anything of variable length (a policy, a table of
// peers) travels as a sealed memfd beside the datagram (SCM_RIGHTS): no message is ever cut in pieces, and a
// slow reader keeps the agent waiting for nothing. Who asks is known from SO_PEERCRED.
#ifndef LEADGLASS_CONTROL_CONTROL_H
#define LEADGLASS_CONTROL_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/address.h"
#include "base/problem.h"

#define CONTROL_FOLDER "/run/leadglass"
#define CONTROL_SOCKET "control"  // in that folder
#define CONTROL_MAGIC 0x4c474335u // "LGC5"; changes with every change of a structure here
#define CONTROL_PAYLOAD_MAX (66u << 20)

enum control_kind {
	// For everybody who may connect (root and the group of the socket)
	CONTROL_STATUS = 1, // one struct control_status
	CONTROL_ALARMS,     // struct control_alarm each
	CONTROL_PEERS,      // struct control_peer each
	CONTROL_COUNTERS,   // struct control_counter each: what was dropped, by rule
	CONTROL_DROPS,      // struct control_drop each
	CONTROL_FOLLOW,  // an answer without payload, then one with a struct control_drop whenever one changes
	CONTROL_HISTORY, // struct control_entry each, oldest first
	CONTROL_SHOW,    // a policy bundle: `number`, 0: the standing one
	CONTROL_WINDOWS, // struct control_window each: timed access
	CONTROL_METRICS, // OpenMetrics text
	CONTROL_VERIFY,  // compares the kernel's rules with the standing policy; text: the differences
	CONTROL_PORTS,   // struct control_port each: the bridge and its ports; none without --ports
	// For root
	CONTROL_APPLY,    // payload: a policy bundle; `seconds`: window, 0: none
	CONTROL_CONFIRM,  // `number`: the policy that is to stay; 0: whichever waits
	CONTROL_ROLLBACK, // `number`: to which policy; 0: the one before
	CONTROL_ALLOW,    // `window`
	CONTROL_CLOSE,    // `window` (from, to, port), or all of them when its port is 0
	CONTROL_JUDGE,    // payload: a policy bundle; whether APPLY would take it, and nothing else comes of it
};
bool control_changes(enum control_kind kind); // needs root
#define CONTROL_WHO_MAX 64
#define CONTROL_REASON_MAX 96

// A service window.
struct control_window {
	struct prefix from, to; // exact
	uint8_t box;            // to this host or the gateway itself; `to` does not count
	uint8_t padding;
	uint16_t port;    // TCP
	uint32_t seconds; // how long; in answers: how long still
	uint64_t packets;
	char reason[CONTROL_REASON_MAX];
	char who[CONTROL_WHO_MAX];
};

struct control_request {
	uint32_t magic;
	uint16_t kind; // enum control_kind
	uint16_t padding;
	uint32_t payload; // octets in the memfd that comes with it; 0: none
	uint32_t seconds;
	uint64_t number;
	char who[CONTROL_WHO_MAX]; // as the command knows it: "alice from 10.20.9.77". For the log, never for a
	                           // decision
	struct control_window window;
};

struct control_answer {
	uint32_t magic;
	uint16_t kind;
	uint16_t last;    // 1: nothing more comes for this request
	int32_t error;    // 0 or -errno
	uint32_t payload; // octets in the memfd that comes with it; 0: none. With an error: text for the user
	uint64_t number;  // APPLY, ROLLBACK: the policy's; VERIFY: differences
	uint32_t seconds; // APPLY: the window
	uint32_t added, removed; // APPLY: elements
	uint32_t changes;        // APPLY: enum nft_change
	char text[256];          // one line, may be empty
};

enum control_wall {
	CONTROL_WALL_NONE,       // nothing could be loaded; see the reason
	CONTROL_WALL_CLOSED,     // the closed wall
	CONTROL_WALL_UP,         // the policy, verified
	CONTROL_WALL_UNVERIFIED, // the policy, but the last comparison failed or found differences
};
const char *control_wall_name(enum control_wall wall); // "up"

// Whether the standing policy was signed by somebody this box trusts.
enum control_trust {
	CONTROL_TRUST_UNSIGNED, // nobody asks: there is no trust anchor
	CONTROL_TRUST_SIGNED,
	CONTROL_TRUST_NOT,     // there are anchors, and it was not: it will not be loaded at the next start
	CONTROL_TRUST_UNKNOWN, // the trust folder cannot be read: no policy is taken
};
const char *control_trust_name(enum control_trust trust); // "signed"

// The flow table of role router.
enum control_flowtable {
	CONTROL_FLOWTABLE_NONE,    // the policy that stands has none
	CONTROL_FLOWTABLE_ACTIVE,  // the kernel holds it
	CONTROL_FLOWTABLE_WAITING, // it cannot stand at this moment
	CONTROL_FLOWTABLE_LACKING, // the kernel has none
};
const char *control_flowtable_name(enum control_flowtable flowtable); // "active"

struct control_status {
	int64_t now, started_at, verified_at, applied_at, repaired_at; // seconds since 1970; 0: never
	uint8_t wall;                                                  // enum control_wall
	uint8_t role;                                                  // enum policy_role
	uint8_t owned; // the kernel keeps others from our tables
	uint8_t persistent;
	uint8_t seccomp, landlock, capabilities; // 1: in force
	uint8_t outside;                         // 1: the process that reads drops runs
	uint8_t trust;                           // enum control_trust
	uint8_t flowtable;                       // enum control_flowtable
	uint8_t padding[6];
	uint64_t number, confirmed; // standing policy; last confirmed one
	uint64_t serial;            // 0: none
	uint32_t confirm_seconds;   // left to confirm; 0: nothing waits
	uint32_t peers, elements, windows, alarms, repairs;
	uint32_t generation;       // of the kernel's rules
	uint32_t notes;            // worth knowing, no alarms
	uint64_t drops;            // packets dropped since the wall was loaded, by the kernel's counters
	uint64_t drops_suppressed; // lines of the log that were suppressed
	uint64_t heard;            // packets whose records were read: all that CONTROL_DROPS can tell of
	uint64_t forgotten;        // rows of CONTROL_DROPS given up for others
	uint8_t hash[32];          // SHA-256 of the bundle
	char version[32];
	char site[64], unit[64];
	int64_t not_after; // of the policy, seconds since 1970; 0: none
	int64_t signer_to; // until when the signer's certificates are valid; 0: no such end
	char signer[160];  // its subject; "": not signed, or not checked
	char anchor[64];   // who vouches for it
	char who[CONTROL_WHO_MAX];
	char reason[256];       // why the wall is not up; else ""
	char repaired_from[64]; // "nft (pid 4711)"; "" unknown
	char collector[96];     // where the log goes: "local", "udp 10.20.0.7:514 (12 lines lost)"
	char flowtable_why[96]; // it does not stand; else ""
};

struct control_alarm {
	int64_t since;
	char name[32];  // "foreign-flowtable", "state-unwritable", ...
	uint8_t note;   // 1: worth knowing, nothing is wrong with the wall
	char text[319]; // one line
};

struct control_peer {
	char name[64];
	uint8_t kind;    // enum policy_owner
	uint8_t counted; // 0: its list is too long to be counted element by element
	uint16_t elements;
	uint32_t padding;
	uint64_t packets, octets;
	uint64_t connections; // new ones since the agent started
	int64_t last_heard;   // seconds since 1970; 0: not since the agent started
};

struct control_counter {
	char family[8], chain[32], rule[128];
	uint64_t packets, octets;
};

struct control_drop {
	struct prefix source, destination;
	uint8_t protocol, icmp_type;
	uint16_t ether_type;
	uint16_t ports[4];
	uint32_t port_count;
	uint64_t count;
	int64_t first_seen, last_seen;
	char in_interface[16], out_interface[16];
	char chain[32]; // "input", "input spoofed"
	char mac[18];
	char reason[222]; // in the policy's words
};

// "10.20.9.5 -> 10.20.1.10 tcp 22, 23, 80, 443 and 996 more"
struct buffer;
void control_drop_print(const struct control_drop *drop, struct buffer *out);

struct control_port {
	char name[16];
	uint8_t bridge;  // 1: the bridge itself, which comes first
	uint8_t joined;  // of the bridge: a port has
	uint8_t missing; // there is no such interface
	uint8_t carrier; // somebody is at the other end of the cable
	uint32_t padding;
	char why[160]; // it has not joined; else ""
};

// How things stand, by the agent's word. Lists may be NULL where their count is 0.
struct control_lists {
	const struct control_status *status;
	const struct control_alarm *alarms;
	const struct control_peer *peers;
	const struct control_counter *counters;
	const struct control_window *windows;
	const struct control_port *ports; // the bridge first
	size_t alarm_count, peer_count, counter_count, window_count, port_count;
};

struct control_entry {
	uint64_t number, serial, copy_of;
	int64_t applied_at, decided_at;
	uint32_t peers;
	uint8_t standing, confirmed, pending, padding;
	uint8_t hash[32];
	char outcome[16];
	char who[CONTROL_WHO_MAX];
};

// ---- the command's side ----

struct control; // a connection

// 0; or -errno with a problem: -ENOENT and -ECONNREFUSED no agent runs, -EACCES not for this user.
int control_connect(const char *folder, struct control **ret, struct problems *problems);
void control_disconnect(struct control *control);

// Sends a request (magic, kind and payload are filled in) and waits for an answer, `timeout` ms (-1: for ever).
// *ret_payload malloc'ed with a NUL after it, or NULL; *ret_size its octets. An answer with an error is no
// failure of this function. 0, or -errno with a problem (-ETIMEDOUT, -EPROTO: versions differ, -ECONNRESET).
int control_ask(struct control *control, enum control_kind kind, struct control_request *request,
                const void *payload, size_t size, int timeout, struct control_answer *ret, char **ret_payload,
                size_t *ret_size, struct problems *problems);
// The next answer to the same request (CONTROL_FOLLOW).
int control_next(struct control *control, int timeout, struct control_answer *ret, char **ret_payload,
                 size_t *ret_size, struct problems *problems);

// ---- the agent's side ----

struct control_peer_id {
	pid_t pid;
	uid_t uid;
	gid_t gid;
};

// Makes and binds the socket `control` in the open folder at `path`: mode 0660, `group` (-1: leave it). An old
// socket file is replaced: the caller holds the lock. The descriptor (non-blocking, close-on-exec), or -errno.
int control_listen(const char *path, gid_t group);
int control_accept(int listener, struct control_peer_id *ret); // descriptor or -errno

// Receives one request without waiting, checked: size, magic, kind, no control characters in texts, texts
// terminated; a payload only where the kind has one, sealed against change (F_SEAL_WRITE, SHRINK, GROW) and as
// long as it says. 0 with *ret_payload (malloc'ed, NUL after it; or NULL); -EAGAIN; -ECONNRESET the other side
// has gone; -EPROTO it talks nonsense (*ret_why says what; close it, after control_hang_up); -EPERM it sends a
// descriptor and is neither root nor who we are: that is left where it is, so nothing more can be received
// (close it likewise).
int control_receive(int fd, struct control_request *ret, char **ret_payload, size_t *ret_size,
                    const char **ret_why);
// Sends without waiting. 0; -EAGAIN the other side does not read; else -errno.
int control_send(int fd, struct control_answer *answer, const void *payload, size_t size);

// A sealed memfd for control_send_shared, which several answers can share. The descriptor or -errno.
int control_payload_new(const void *data, size_t size);
int control_send_shared(int fd, struct control_answer *answer, int payload, size_t size);

// Before a connection is closed: hangs up on it and takes what the other side had still sent. True: to close it
// takes no time. False: it holds descriptors of somebody who is neither root nor who we are. Whoever frees them
// may have to wait as long as their owner likes (a TCP socket with SO_LINGER, whose other end does not read),
// so it has to be a process that ends: agent_discard.c.
bool control_hang_up(int fd);

#endif
