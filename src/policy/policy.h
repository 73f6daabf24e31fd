// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a policy file says, as plain data. Filled by policy_parse, judged by policy_lint, written back by
// policy_print, compiled by ruleset_compile. Lists of all peers share flat arrays (a span names a part of one)
// so that 100,000 peers cost a few large allocations; words point into the source text.
#ifndef LEADGLASS_POLICY_POLICY_H
#define LEADGLASS_POLICY_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "base/problem.h"
#include "base/source.h"

struct buffer;

// Limits, all stated in leadglass-policy(5) and enforced with an error that names them.
#define POLICY_FILE_MAX (64u << 20) // octets in one file, and in all files together
#define POLICY_INCLUDE_DEPTH_MAX 8  // files within files
#define POLICY_FILES_MAX 1024       // files of one policy
#define POLICY_BLOCK_DEPTH_MAX 1    // a block inside a block is always an error
#define POLICY_WORD_MAX 1024        // octets in one word
#define POLICY_WORDS_MAX 1024       // words in one directive
#define POLICY_PEERS_MAX 1000000
#define POLICY_DEVICES_MAX 1024
#define POLICY_SERVICES_MAX 1024
#define POLICY_NAME_MAX 63       // octets in the name of a device, peer or service
#define POLICY_AE_TITLE_MAX 16   // DICOM PS3.5 6.2, VR AE
#define POLICY_PORTS_MAX 64      // in one `port` list
#define POLICY_TITLES_MAX 64     // in the `ae-title` list of one block
#define POLICY_INTERFACES_MAX 64 // in the `interface` list of one block

// A word of the file: not NUL-terminated, and kept alive by the policy.
struct word {
	const char *text; // NULL when the directive was not given
	uint32_t size;
	source_pos at;
};

// items[first] ... items[first + count - 1] of one of the policy's arrays
struct span {
	uint32_t first;
	uint32_t count;
};

struct policy_prefix {
	struct prefix prefix;
	source_pos at;
};

struct policy_ports {
	uint16_t first, last; // last == first for a single port
	source_pos at;
};

enum policy_role {
	POLICY_ROLE_NONE, // not given (an error)
	POLICY_ROLE_HOST,
	POLICY_ROLE_ROUTER,
	POLICY_ROLE_BRIDGE,
};

// DICOM services (service classes of PS3.4), as bits of a set. policy_service_name gives the words.
enum policy_dicom {
	POLICY_ECHO,
	POLICY_STORAGE,
	POLICY_STORAGE_COMMITMENT,
	POLICY_WORKLIST,
	POLICY_MPPS,
	POLICY_QUERY_RETRIEVE,
	POLICY_PRINT,
	POLICY_INSTANCE_AVAILABILITY,
	POLICY_MEDIA_CREATION,
	POLICY_UNIFIED_PROCEDURE_STEP,
	POLICY_RELEVANT_PATIENT_INFORMATION,
	POLICY_HANGING_PROTOCOL,
	POLICY_COLOR_PALETTE,
	POLICY_IMPLANT_TEMPLATE,
	POLICY_SUBSTANCE_ADMINISTRATION,
	POLICY_PROTOCOL_APPROVAL,
	POLICY_DISPLAY_SYSTEM,
	POLICY_RT_MACHINE_VERIFICATION,
	POLICY_INVENTORY,
	POLICY_DICOM_COUNT,
};

struct policy_device {
	struct word name;
	struct span addresses; // policy.prefixes, all exact
	struct span titles;    // policy.titles
	struct span ports;     // policy.ports, single ports
	struct mac mac;
	source_pos mac_at; // 0: no mac given
};

struct policy_peer {
	struct word name;
	struct span addresses; // policy.prefixes
	struct span titles;    // policy.titles
	struct span ports;     // policy.ports, single ports; the default (2762 with tls) is already filled in
	struct span devices;   // policy.device_refs; count 0: every device
	uint32_t initiates;    // 1u << enum policy_dicom: associations the device opens to this peer
	uint32_t accepts;      // associations this peer opens to the device
	source_pos initiates_at, accepts_at; // 0: not given
	source_pos tls_at;                   // 0: no tls
};

enum policy_service_kind {
	POLICY_SERVICE_DNS,    // udp and tcp 53
	POLICY_SERVICE_NTP,    // udp 123
	POLICY_SERVICE_DHCP,   // RFC 2131, RFC 8415, as a client
	POLICY_SERVICE_PING,   // ICMP and ICMPv6 echo
	POLICY_SERVICE_SYSLOG, // udp 514
	POLICY_SERVICE_CUSTOM,
};

enum policy_protocol {
	POLICY_TCP,
	POLICY_UDP,
	POLICY_ICMP_ECHO,
};

// One line of a service block: who may open what to whom. `to`: the device (or box) opens it; `from`: it is
// opened to the device (or box). dns has two of them for each `to`, dhcp without `to` has none, with it udp
// port 67.
struct policy_opening {
	enum policy_protocol protocol;
	bool inbound;       // from
	struct span ports;  // policy.ports; empty for ICMP echo
	struct span remote; // policy.prefixes
	source_pos at;
};

struct policy_service {
	struct word name;
	enum policy_service_kind kind;
	bool for_box;         // `for box`; in role host the box is the device and this is false
	source_pos for_at;    // 0: not given
	struct span openings; // policy.openings
};

struct policy_manage {
	source_pos at;          // 0: no manage block
	struct span from;       // policy.prefixes
	struct span ports;      // policy.ports; 22 by default
	struct span interfaces; // policy.interfaces; empty: any
};

struct policy_box {
	source_pos at;          // 0: no box block
	struct span addresses;  // policy.prefixes: the exact addresses ...
	struct span lengths;    // ... and policy.box_lengths, one for each: the network's prefix length
	struct span interfaces; // policy.interfaces
};

// Kinds of frames, besides IP and ARP, that role bridge can pass on (`pass`). policy_frame_name gives the
// words.
enum policy_frame {
	POLICY_EAPOL, // IEEE 802.1X: ethertype 0x888e
	POLICY_LLDP,  // IEEE 802.1AB: ethertype 0x88cc
	POLICY_STP,   // IEEE 802.1D: BPDUs, 802.2 frames to 01:80:c2:00:00:00
	POLICY_FRAME_COUNT,
};

struct policy_log {
	source_pos at; // 0: the defaults stand
	source_pos drops_at, group_at;
	uint32_t drops;   // records a unit of time, per chain; 0: drops are counted, never logged (`drops off`)
	uint32_t seconds; // the unit: 1, 60 or 3600
	uint16_t group;   // NFLOG group
};
#define POLICY_LOG_DROPS_DEFAULT 10
#define POLICY_LOG_GROUP_DEFAULT 5

// The `policy` block: what a signed policy is bound to. Kept as written; src/trust judges it.
struct policy_header {
	source_pos at; // 0: none
	struct word site, unit, serial, not_before, not_after;
	uint64_t serial_number;
	int64_t not_before_time, not_after_time; // seconds since 1970, both included; 0 when not given
};

struct policy {
	struct sources sources;
	struct policy_header header;
	enum policy_role role;
	source_pos role_at;
	struct policy_box box;
	uint32_t pass;                          // 1u << enum policy_frame; role bridge only
	source_pos pass_at[POLICY_FRAME_COUNT]; // of the word; 0: not given
	source_pos flowtable_at;                // 0: not given
	struct span flowtable;                  // policy.interfaces; role router only
	struct policy_manage manage;
	struct policy_log log;

	struct policy_device *devices;
	size_t device_count, device_capacity;
	struct policy_peer *peers;
	size_t peer_count, peer_capacity;
	struct policy_service *services;
	size_t service_count, service_capacity;

	struct policy_prefix *prefixes;
	size_t prefix_count, prefix_capacity;
	struct policy_ports *ports;
	size_t port_count, port_capacity;
	struct word *titles;
	size_t title_count, title_capacity;
	struct word *interfaces;
	size_t interface_count, interface_capacity;
	struct policy_opening *openings;
	size_t opening_count, opening_capacity;
	uint32_t *device_refs; // indices into devices
	size_t device_ref_count, device_ref_capacity;
	uint8_t *box_lengths;
	size_t box_length_count, box_length_capacity;

	char **unescaped; // texts of words that were written with escapes
	size_t unescaped_count, unescaped_capacity;
};

void policy_init(struct policy *policy);
void policy_fini(struct policy *policy);

// How the reader gets the file an `include` names; the parser itself touches no file.
struct policy_loader {
	// `path` as resolved against the including file's folder. 0 with *ret_text (malloc'ed, NUL after it),
	// or -errno, which becomes the error at the include line.
	int (*load)(void *context, const char *path, char **ret_text, size_t *ret_size);
	void *context;
};

// Reads and validates a whole policy from `text` (malloc'ed, text[size] == 0; taken over in every case). `name`
// is what messages call the file and what includes are relative to. `loader` may be NULL: includes are then
// errors. All errors are reported, not the first only. A signed policy (base/signed_text.h) is read up to its
// signature and includes nothing; its source is the whole text.
// 0: `policy` is complete and valid (there may be warnings of policy_lint still to ask for);
// -EINVAL: `problems` says why; -ENOMEM. After a failure `policy` may only be given to policy_fini and its
// sources to problem_print. `policy` need not be initialised.
int policy_parse(struct policy *policy, const char *name, char *text, size_t size,
                 const struct policy_loader *loader, struct problems *problems);

// policy_parse on a file ("-": standard input) with includes from the file system.
// 0, -EINVAL, -ENOMEM, or the errno of reading `path` (also said in `problems`).
int policy_read(struct policy *policy, const char *path, struct problems *problems);
// The first half of it, for who has to look at the text before the parser does: the file's text (malloc'ed, NUL
// after it). 0, or the errno of reading it with a problem.
int policy_read_text(const char *path, char **ret_text, size_t *ret_size, struct problems *problems);

// Adds warnings for what is valid but probably not meant: see leadglass-policy(5), WARNINGS. 0 or -ENOMEM.
int policy_lint(const struct policy *policy, struct problems *problems);

// Writes the canonical form: one file, includes in place, fixed order and spelling. print(parse(print(p))) is
// the same text. Comments are not kept.
void policy_print(const struct policy *policy, struct buffer *out);
// Two parts of it: role and box; everything else but the policy block.
void policy_print_frame(const struct policy *policy, struct buffer *out);
void policy_print_rest(const struct policy *policy, struct buffer *out);

// The policy as JSON (what `leadglass print --json` shows), appended as one value.
struct json;
void policy_json(const struct policy *policy, struct json *out);

const char *policy_role_name(enum policy_role role);
const char *policy_dicom_name(enum policy_dicom service);            // "storage-commitment"
const char *policy_frame_name(enum policy_frame frame);              // "eapol"
const char *policy_service_kind_name(enum policy_service_kind kind); // "dns", NULL for custom
bool policy_word_equal(const struct word *word, const char *text);

// Which part of the policy something was made from: for "10.20.0.5 (main-pacs)".
enum policy_owner {
	POLICY_OWNER_NONE,
	POLICY_OWNER_DEVICE,
	POLICY_OWNER_PEER,
	POLICY_OWNER_SERVICE,
	POLICY_OWNER_MANAGE,
};

#endif
