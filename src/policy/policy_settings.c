// SPDX-License-Identifier: GPL-2.0-or-later
//
// What is said about the box itself: box, manage and log blocks, what else than IP its bridge passes on, and
// where it has a flow table.
#include "policy/policy_names.h"
#include "policy/policy_parse.h"

#include <string.h>

// An address of the box with the length of its network: the host part is what matters here.
static bool box_address_read(struct policy_parser *p, const struct word *word, struct prefix *ret,
                             uint8_t *ret_length)
{
	const char *slash = memchr(word->text, '/', word->size);
	size_t size = slash ? (size_t)(slash - word->text) : word->size;
	struct prefix network = {0}, address;

	enum prefix_error error = prefix_parse(word->text, word->size, &network);
	if (error != PREFIX_OK && error != PREFIX_HOST_BITS) {
		policy_address_refuse(p, word, error, &network, POLICY_ADDRESS_DEVICE);
		return false;
	}
	error = prefix_parse(word->text, size, &address);
	if (error != PREFIX_OK || !policy_address_suits(p, word, &address, POLICY_ADDRESS_DEVICE))
		return false;
	uint8_t first[16], last[16];
	size_t octets = address_octets(address.family);
	bool net = network.length < octets * 8 - 1; // RFC 3021, RFC 6164: a /31 or /127 has no such addresses
	prefix_range(&network, first, last);
	if (net && memcmp(first, address.octets, octets) == 0)
		return policy_error_word(p, word, "write the box's own address, such as 10.20.1.250/24",
		                         "'%s' is the whole network, not an address in it", SHOW(word));
	if (net && address.family == ADDRESS_IPV4 && memcmp(last, address.octets, octets) == 0)
		return policy_error_word(p, word, "write the box's own address, such as 10.20.1.250/24",
		                         "'%s' is the broadcast address of its network", SHOW(word));
	*ret = address;
	*ret_length = network.length;
	return true;
}

static bool box_address(struct policy_parser *p, void *block)
{
	struct policy *policy = p->policy;
	struct policy_box *box = block;
	bool good = true;
	for (uint32_t i = 1; i < p->line.count; i++) {
		struct prefix prefix;
		uint8_t length = 0;
		if (!box_address_read(p, &p->line.words[i], &prefix, &length)) {
			good = false;
			continue;
		}
		struct policy_prefix *item = policy_push(p, &policy->prefixes, &policy->prefix_count,
		                                         &policy->prefix_capacity, sizeof *item);
		uint8_t *kept = policy_push(p, &policy->box_lengths, &policy->box_length_count,
		                            &policy->box_length_capacity, sizeof *kept);
		if (!item || !kept)
			return false;
		*item = (struct policy_prefix){.prefix = prefix, .at = p->line.words[i].at};
		*kept = length;
		policy_span_add(&box->addresses, policy->prefix_count - 1);
		policy_span_add(&box->lengths, policy->box_length_count - 1);
	}
	return good;
}

static bool box_interface(struct policy_parser *p, void *block)
{
	return policy_interfaces_read(p, &((struct policy_box *)block)->interfaces);
}

#define BOX_EXAMPLE "box { address 10.20.1.250/24; interface service }"

static const struct policy_form box_forms[] = {
        {POLICY_NAME("address"), 1, POLICY_ANY, false, "address 10.20.1.250/24", box_address},
        {POLICY_NAME("interface"), 1, POLICY_ANY, false, "interface service", box_interface},
};
static const struct policy_block box_block = {"a box block", box_forms, sizeof box_forms / sizeof box_forms[0]};

bool policy_box_read(struct policy_parser *p, void *unused)
{
	(void)unused;
	struct policy_box *box = &p->policy->box;
	struct word name = p->line.words[0];
	box->at = name.at;
	if (!policy_block_read(p, &box_block, box, BOX_EXAMPLE))
		return false;
	if (box->addresses.count == 0 && box->interfaces.count == 0)
		return policy_error_word(p, &name, ADVICE("write, for example: %s", BOX_EXAMPLE),
		                         "a box block with nothing in it");
	return true;
}

static bool manage_from(struct policy_parser *p, void *block)
{
	return policy_addresses_read(p, 1, p->line.count, POLICY_ADDRESS_MANAGER,
	                             &((struct policy_manage *)block)->from);
}

static bool manage_port(struct policy_parser *p, void *block)
{
	return policy_ports_read(p, 1, p->line.count, false, &((struct policy_manage *)block)->ports);
}

static bool manage_interface(struct policy_parser *p, void *block)
{
	return policy_interfaces_read(p, &((struct policy_manage *)block)->interfaces);
}

#define MANAGE_EXAMPLE "manage { from 10.20.9.0/24; port 22 }"
#define SSH_PORT 22

static const struct policy_form manage_forms[] = {
        {POLICY_NAME("from"), 1, POLICY_ANY, false, "from 10.20.9.0/24", manage_from},
        {POLICY_NAME("interface"), 1, POLICY_ANY, false, "interface eth0", manage_interface},
        {POLICY_NAME("port"), 1, POLICY_ANY, false, "port 22", manage_port},
};
static const struct policy_block manage_block = {"a manage block", manage_forms,
                                                 sizeof manage_forms / sizeof manage_forms[0]};

bool policy_manage_read(struct policy_parser *p, void *unused)
{
	(void)unused;
	struct policy_manage *manage = &p->policy->manage;
	struct word name = p->line.words[0];
	manage->at = name.at;
	bool good = policy_block_read(p, &manage_block, manage, MANAGE_EXAMPLE);
	if (good && manage->from.count == 0)
		good = policy_error_word(p, &name, "add a line such as: from 10.20.9.0/24",
		                         "manage does not say from where");
	if (manage->ports.count == 0)
		policy_port_add(p, SSH_PORT, SSH_PORT, name.at, &manage->ports);
	return good;
}

static const struct {
	const char *name;
	uint32_t seconds;
} units[] = {{"second", 1}, {"minute", 60}, {"hour", 3600}};

#define DROPS_MAX 1000000

static bool log_drops(struct policy_parser *p, void *block)
{
	struct policy_log *log = block;
	const struct word *word = &p->line.words[1];
	log->drops_at = p->line.words[0].at;
	if (policy_word_equal(word, "off")) {
		log->drops = 0;
		return true;
	}
	const char *slash = memchr(word->text, '/', word->size);
	size_t before = slash ? (size_t)(slash - word->text) : word->size;
	uint64_t number;
	log->seconds = 0;
	for (size_t i = 0; slash && i < sizeof units / sizeof units[0]; i++)
		if (policy_word_equal(
		            &(struct word){.text = slash + 1, .size = (uint32_t)(word->size - before - 1)},
		            units[i].name))
			log->seconds = units[i].seconds;
	if (log->seconds == 0 || !policy_number(word->text, before, UINT64_MAX, &number))
		return policy_error_word(p, word, "write, for example, 10/second, 30/minute, 100/hour or off",
		                         "'%s' is not a rate", SHOW(word));
	if (number == 0)
		return policy_error_word(p, word, "to log none of them write: drops off", "a rate of 0");
	if (number > DROPS_MAX)
		return policy_error_word(p, word, NULL, "a rate over %d", DROPS_MAX);
	log->drops = (uint32_t)number;
	return true;
}

static bool log_group(struct policy_parser *p, void *block)
{
	struct policy_log *log = block;
	const struct word *word = &p->line.words[1];
	uint64_t number;
	log->group_at = p->line.words[0].at;
	if (!policy_number(word->text, word->size, UINT16_MAX, &number))
		return policy_error_word(p, word, "write a number from 0 to 65535",
		                         "'%s' is not an NFLOG group", SHOW(word));
	log->group = (uint16_t)number;
	return true;
}

#define LOG_EXAMPLE "log { drops 10/second; group 5 }"

static const struct policy_form log_forms[] = {
        {POLICY_NAME("drops"), 1, 1, true, "drops 10/second", log_drops},
        {POLICY_NAME("group"), 1, 1, true, "group 5", log_group},
};
static const struct policy_block log_block = {"a log block", log_forms, sizeof log_forms / sizeof log_forms[0]};

bool policy_log_read(struct policy_parser *p, void *unused)
{
	(void)unused;
	p->policy->log.at = p->line.words[0].at;
	return policy_block_read(p, &log_block, &p->policy->log, LOG_EXAMPLE);
}

#define FRAMES "eapol, lldp and stp"

static bool pass_word(struct policy_parser *p, const struct word *word)
{
	struct policy *policy = p->policy;
	int frame = policy_frame_from_word(word);
	if (frame < 0) {
		const char *nearest = policy_frame_nearest(word);
		return policy_error_word(
		        p, word,
		        nearest ? ADVICE("did you mean '%s'? frames that can be passed are " FRAMES, nearest)
		                : "frames that can be passed are " FRAMES "; IP and ARP need no word",
		        "'%s' is no kind of frame", SHOW(word));
	}
	if (policy->pass & 1u << frame)
		return policy_error_word(p, word, "leave one of them out", "%s is passed already, in %s",
		                         SHOW(word), WHERE(p, policy->pass_at[frame], word->at));
	policy->pass |= 1u << frame;
	policy->pass_at[frame] = word->at;
	return true;
}

bool policy_pass_read(struct policy_parser *p, void *unused)
{
	bool good = true;
	(void)unused;
	for (uint32_t i = 1; i < p->line.count; i++)
		good = pass_word(p, &p->line.words[i]) && good;
	return good;
}

bool policy_flowtable_read(struct policy_parser *p, void *unused)
{
	(void)unused;
	p->policy->flowtable_at = p->line.words[0].at;
	return policy_interfaces_read(p, &p->policy->flowtable);
}
