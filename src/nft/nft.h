// SPDX-License-Identifier: GPL-2.0-or-later
//
// The door to the kernel's nf_tables: a struct ruleset goes in as one transaction, what the kernel holds comes
// out as a struct ruleset. Nothing else in the tree speaks netlink for rules, and only table "leadglass" is
// ever touched, and the flow table's beside it (nft_flowtable.h).
#ifndef LEADGLASS_NFT_NFT_H
#define LEADGLASS_NFT_NFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "ruleset/ruleset.h"

struct nft; // one netlink socket

// The seam to the kernel: netlink messages out, netlink messages in. The default is a NETLINK_NETFILTER socket;
// tests put a failing one around it.
struct nft_io {
	ssize_t (*send)(void *context, const void *data, size_t size); // all of it in one message; or -1, errno
	ssize_t (*receive)(void *context, void *data, size_t size, bool wait); // one datagram; or -1, errno
	int (*room)(void *context, size_t size); // make the send buffer hold `size`; 0 or -errno
	uint32_t (*port)(void *context);
	void (*close)(void *context);
	void *context;
};

// 0, or -errno with a problem that says what is missing (permission, kernel support).
int nft_open(struct nft **ret, struct problems *problems);
// Leaves our tables without an owner, as kernels before 6.9 do: others may change them, and only a guard
// notices.
void nft_do_not_own(struct nft *nft);
int nft_open_io(const struct nft_io *io, struct nft **ret); // takes the io over on success
void nft_close(struct nft *nft);

// How our table stands in the kernel.
struct nft_table_state {
	bool present;
	bool owned;      // by some socket: others get EPERM
	bool mine;       // by this one
	bool persistent; // survives its owner
	bool dormant; // switched off as a whole: no rule of it is asked (verify reports its chains as changed)
	uint32_t owner; // netlink port of the owner; 0 when not owned
};

struct nft_state {
	struct nft_table_state inet, bridge;
	struct nft_table_state flow; // that of the flow table (nft_flowtable.h); no part of the wall
	uint32_t generation;         // of the whole nf_tables of this namespace
};

// Reads all our tables: chains, rules, sets, elements with counters. What we would never write is kept as
// `foreign` text in its place. Dumps interrupted by a change are begun again (at most 16 times, then -EINTR).
// 0 (also when there is no table: table_count 0), or -errno with a problem.
int nft_read(struct nft *nft, struct ruleset *ret, struct nft_state *ret_state, struct problems *problems);

enum nft_change {
	NFT_CREATED,   // there was no table
	NFT_UNCHANGED, // the kernel held it already; nothing was sent but, where it was free, the claim to the
	               // table
	NFT_ELEMENTS,  // only set elements were exchanged
	NFT_EXCHANGED, // rules and sets were exchanged inside the standing chains
};

struct nft_load_options {
	// Do not compare afterwards: the result is then "loaded, not verified". Long lists of elements (over
	// 8,192) are then not read beforehand either, but sent whole: reading one costs more than writing it.
	bool skip_read_back;
	// What the caller found the kernel to hold, and the generation of the rules then (nft_load_result,
	// nft_state). While it still is that one, elements of long lists are taken from here and not read
	// before the load: the kernel takes the transaction for that generation alone. What is read back
	// afterwards is read whole. NULL: not known.
	const struct ruleset *known;
	uint32_t known_at;
};

struct nft_load_result {
	bool committed; // the kernel has taken it; set also when what comes after fails
	enum nft_change change;
	bool verified;
	bool persistent; // the table outlives this process (kernel 6.9 on); nobody owns it then until it is
	                 // taken over
	size_t added, removed; // set elements; what is in a list that was not read is not counted as removed
	size_t octets;         // sent
	uint32_t generation;   // of the kernel's rules, when they were found to be what is meant; 0: were not
};

// Makes the kernel hold `meant`, in one transaction, without deleting or remaking a base chain that stands
// (facts: remaking one leaks packets), then reads back and compares. A flow table goes in the same transaction.
// Where there was no wall before, TCP connections that conntrack took for the wrong way round are put right
// (nft_conntrack.h). 0; -EPERM no permission, or the table belongs to another process (the problem names it);
// -EBADE what was read back is not what was meant (problems list the differences); -EMSGSIZE the transaction is
// larger than the socket may send (the problem names the limit); -EBUSY others changed rules each time between
// reading and sending, or changed ours right after it was committed; else -errno of the kernel with a problem
// at the policy line the refused message came from, the kernel's own words quoted. On every failure before the
// commit the old rules stand. `sources` is for messages and may be NULL.
int nft_load(struct nft *nft, const struct ruleset *meant, const struct sources *sources,
             const struct nft_load_options *options, struct problems *problems, struct nft_load_result *ret);

// Reads back and compares. 0 and *ret_differences (0: the kernel holds exactly `meant`), or -errno. `report`
// gets each difference; it may be NULL.
int nft_verify(struct nft *nft, const struct ruleset *meant, ruleset_difference_fn report, void *context,
               struct problems *problems, size_t *ret_differences);

// Takes the wall down: deletes our tables. 0, -ENOENT when there is none, or -errno with a problem.
int nft_remove(struct nft *nft, struct problems *problems);

// ---- br_netfilter (nft_bridge_netfilter.c) ----

#define NFT_PROC_SYS_NET "/proc/sys/net" // the `proc_sys_net` of both but in tests

// Whether the kernel module br_netfilter is loaded, or built in: it takes bridged frames through the rules of
// iptables and family inet, and on Linux 6.1 past bridge chains at priority 0. 1, 0, or -errno when it cannot
// be told (no proc there): a caller that lets frames through on the answer takes that for a 1. Allowed to the
// keeper under seccomp and Landlock.
int nft_bridge_netfilter_loaded(const char *proc_sys_net);
// The same as an error, for a policy that lets anything cross a bridge: 0 when it does not, or br_netfilter is
// not loaded; -EEXIST, or -errno when it cannot be told, with a problem that says what to do. Not asked where a
// wall is better than none: at a start, and of the closed wall, which is taken in any case.
int nft_bridge_netfilter_refuse(const struct policy *policy, const char *proc_sys_net,
                                struct problems *problems);
// A descriptor that is readable when something happened to a kernel module or a device, for
// nft_bridge_netfilter_heard; -errno where the kernel tells nobody. Needs no privilege, but no seccomp filter
// yet.
int nft_bridge_netfilter_watch(void);
// Reads what it has to say, without waiting: whether br_netfilter may have come or gone.
bool nft_bridge_netfilter_heard(int fd);

#endif
