// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the agent remembers across restarts: the policies that were applied, and a record of which of them
// holds. One folder of small files, each replaced whole (file_write_durable) and carrying its own SHA-256, so
// that a truncated or flipped file is found out and never acted upon:
//
//	policy.N   the bundle of policy number N; never changed once written
//	record     which policy is confirmed, which waits for its confirmation, what became of earlier ones, who
//	           applied them and when
//	closed     the policy of the closed wall: role, box and manage of the last confirmed policy
//	accepted   the last signed policy that was accepted and stayed: what no later one may fall short of
//
// Each is text for a serial console (`cat record`): a first line that says which file it is, the content, and a
// last line with the SHA-256 of all before it. Nothing here knows the kernel or a clock.
#ifndef LEADGLASS_STATE_STATE_H
#define LEADGLASS_STATE_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/problem.h"
#include "trust/trust.h"

struct buffer;

// Entries. The oldest goes, and its policy with it; never the confirmed one, the pending one, or the one that
// held before the confirmed one.
#define STATE_HISTORY_MAX 16
#define STATE_WHO_MAX 64

enum state_outcome {
	STATE_APPLIED,     // without a window, or not decided yet
	STATE_CONFIRMED,   // within its window
	STATE_EXPIRED,     // its window ended unconfirmed
	STATE_ROLLED_BACK, // by hand, within its window
	STATE_RESTARTED,   // the agent or the machine restarted within its window
	STATE_FAILED,      // the kernel did not take it, or it could not be made durable
};
const char *state_outcome_name(enum state_outcome outcome); // "confirmed"

struct state_entry {
	uint64_t number;    // of the policy, from 1; never used again
	int64_t applied_at; // seconds since 1970
	int64_t decided_at; // 0: not yet; without a window as applied_at
	enum state_outcome outcome;
	uint8_t hash[TRUST_HASH_SIZE]; // of the bundle
	uint64_t serial;               // of the policy block; 0: none
	uint32_t peers;
	uint64_t copy_of;        // rollback N makes a new policy of an old one; 0: no
	char who[STATE_WHO_MAX]; // "alice from 10.20.9.77"
};

struct state_record {
	uint64_t confirmed;                            // 0: none ever was: the closed wall
	uint64_t pending;                              // loaded, waiting for its confirmation; 0: none
	uint64_t next;                                 // number of the next policy
	struct state_entry entries[STATE_HISTORY_MAX]; // oldest first
	size_t count;
};

struct state_entry *state_record_find(struct state_record *record, uint64_t number); // NULL: not kept
// Appends, dropping the oldest that may go. *ret_dropped: its number, 0: none.
void state_record_add(struct state_record *record, const struct state_entry *entry, uint64_t *ret_dropped);
// The policy that held before the confirmed one: what `rollback` means when nothing waits. 0: none is kept.
uint64_t state_record_previous(const struct state_record *record);

struct state_store;

// Opens the folder and locks it (flock: a forked child that is to outlive this process closes state_folder).
// The folder must belong to root or to this process's user and be writable by no other; so must each file that
// is read; symbolic links are refused. A folder on a read-only file system can be opened. 0; -EBUSY another
// process holds it; -EPERM wrong owner or mode; else -errno; each with a problem that says what to do. On
// failure *ret is NULL.
int state_open(const char *path, struct state_store **ret, struct problems *problems);
void state_close(struct state_store *store);
int state_folder(const struct state_store *store); // its file descriptor, for Landlock

// 0; -ENOENT there is none yet; -EBADMSG damaged; -EPERM wrong owner or mode; else -errno; all but -ENOENT with
// a problem. After a failure *ret is empty. `next` is in every case above the number of every policy file that
// is there: a number that a crash or a damaged record has made us forget is not given again. (So pass *ret to
// commit_boot after a failure, too.)
int state_read_record(struct state_store *store, struct state_record *ret, struct problems *problems);
int state_write_record(struct state_store *store, const struct state_record *record, struct problems *problems);

// Bundles. Read: *ret_text malloc'ed, NUL after it. Errors as above; NULL and 0 after a failure.
int state_read_policy(struct state_store *store, uint64_t number, char **ret_text, size_t *ret_size,
                      struct problems *problems);
int state_write_policy(struct state_store *store, uint64_t number, const char *text, size_t size,
                       struct problems *problems);
void state_remove_policy(struct state_store *store, uint64_t number); // as far as possible
// Removes leftover temporary files and policy files that no entry of the record names (left by a crash), but
// for the newest, whose number is thereby remembered. Only with a record that was read: not after a failure.
void state_sweep(struct state_store *store, const struct state_record *record);

int state_read_closed(struct state_store *store, char **ret_text, size_t *ret_size, struct problems *problems);
int state_write_closed(struct state_store *store, const char *text, size_t size, struct problems *problems);

// The floor of signed policies (trust_judge). Read: 0; -ENOENT there is none yet; -EBADMSG damaged; -EPERM;
// else -errno; all but -ENOENT with a problem. After a failure *ret is empty. Write: -EINVAL for one that is
// none (floor->any is false).
int state_read_accepted(struct state_store *store, struct trust_floor *ret, struct problems *problems);
int state_write_accepted(struct state_store *store, const struct trust_floor *floor, struct problems *problems);
// `accepted` is written after the record that names the policy as confirmed. Where it is behind that (cut off
// in between) or was lost, and nobody may vouch for the confirmed policy: raises the floor by trust_claim. 0,
// also where there is nothing to raise it by; else what reading the policy gave, with a problem.
int state_claim(struct state_store *store, struct state_record *record, struct trust_floor *floor,
                struct problems *problems);

// The form of such a file, for a copy elsewhere. `name` says what it is ("policy.7").
void state_seal(const char *name, const char *text, size_t size, struct buffer *out);
// *ret_name, *ret_text and *ret_size point into `file` (file[size] == 0), which is changed: the line end after
// the name becomes a NUL, and so does the first octet of the last line. 0 or -EBADMSG.
int state_unseal(char *file, size_t size, const char **ret_name, char **ret_text, size_t *ret_size);

#endif
