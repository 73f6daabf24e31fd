// SPDX-License-Identifier: GPL-2.0-or-later
//
// Who was heard, and how much. The kernel counts on set elements; each element belongs to a peer, a service or
// manage. What is kept here are sums that never go backwards: an element's counter begins again when it or its
// set is made anew, so what is added up is how far each has risen since it was last read.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/agent_peers.h"
#include "base/array.h"
#include "base/buffer.h"
#include "nft/nft_read.h"
#include "ruleset/packet.h"

#define SAMPLE_PAUSE 1000 // ms between two samples, however often somebody asks
#define NOBODY UINT32_MAX

// The last reading of one element.
struct peers_tally {
	uint64_t packets, octets;
	uint32_t owner; // index into agent_peers.owners; NOBODY
};

// A set whose elements are read: its keys as the policy means them, in their order.
struct peers_set {
	enum ruleset_family family;
	char name[RULESET_NAME_MAX + 1];
	size_t element_size, count;
	uint8_t *keys;
	struct peers_tally *tallies;
};

struct peers_owner {
	uint32_t name; // in agent_peers.names
	uint8_t kind;  // enum policy_owner
	bool counted;
	uint32_t elements;
	uint64_t packets, octets, connections;
	int64_t last_heard;
};

// A rule that drops.
struct peers_counter {
	enum ruleset_family family;
	uint32_t twin; // how many before it have the same chain and comment
	char chain[RULESET_NAME_MAX + 1];
	char rule[RULESET_COMMENT_MAX + 1];
	uint64_t packets, octets;           // since we count
	uint64_t read_packets, read_octets; // as last read
};

struct agent_peers {
	struct peers_owner *owners; // peers, then services, then manage: the order of the policy
	size_t owner_count;
	struct buffer names; // NUL-terminated, one after the other
	struct peers_set *sets;
	size_t set_count;
	struct ruleset wanted; // names of all sets, in set_names; those with a count are not to be read
	struct ruleset_set *set_names;
	struct peers_counter *counters;
	size_t counter_count, counter_capacity;
	bool sampled;       // at least once
	int64_t sampled_at; // ms
};

static void free_sets(struct peers_set *sets, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(sets[i].keys);
		free(sets[i].tallies);
	}
	free(sets);
}

// What depends on the policy; counters of rules stay.
static void forget_policy(struct agent_peers *peers)
{
	free(peers->owners);
	buffer_fini(&peers->names);
	free_sets(peers->sets, peers->set_count);
	free(peers->set_names);
	peers->owners = NULL;
	peers->sets = NULL;
	peers->set_names = NULL;
	peers->wanted.table_count = 0;
	peers->owner_count = peers->set_count = 0;
}

int agent_peers_open(struct agent *agent)
{
	agent->peers = calloc(1, sizeof *agent->peers);
	if (!agent->peers)
		return -ENOMEM;
	agent_peers_wall_changed(agent);
	return 0;
}

void agent_peers_close(struct agent *agent)
{
	if (!agent->peers)
		return;
	forget_policy(agent->peers);
	free(agent->peers->counters);
	free(agent->peers);
	agent->peers = NULL;
}

// ---- a new policy ----

// The owner's place in agent_peers.owners, NOBODY for what is not shown (a device's own ARP).
static uint32_t slot_of(const struct policy *policy, uint32_t owner)
{
	size_t index = RULESET_OWNER_INDEX(owner);
	switch (RULESET_OWNER_KIND(owner)) {
	case POLICY_OWNER_PEER:
		return index < policy->peer_count ? (uint32_t)index : NOBODY;
	case POLICY_OWNER_SERVICE:
		return index < policy->service_count ? (uint32_t)(policy->peer_count + index) : NOBODY;
	case POLICY_OWNER_MANAGE:
		return policy->manage.at ? (uint32_t)(policy->peer_count + policy->service_count) : NOBODY;
	case POLICY_OWNER_DEVICE:
	case POLICY_OWNER_NONE:
		break;
	}
	return NOBODY;
}

static void add_owner(struct agent_peers *peers, enum policy_owner kind, const char *name, size_t size)
{
	peers->owners[peers->owner_count++] = (struct peers_owner){
	        .name = (uint32_t)peers->names.size, .kind = (uint8_t)kind, .counted = true};
	buffer_add(&peers->names, name, size);
	buffer_add(&peers->names, "", 1);
}

static int make_owners(struct agent_peers *peers, const struct policy *policy)
{
	size_t count = policy->peer_count + policy->service_count + 1;
	peers->owners = calloc(count, sizeof *peers->owners);
	if (!peers->owners)
		return -ENOMEM;
	for (size_t i = 0; i < policy->peer_count; i++)
		add_owner(peers, POLICY_OWNER_PEER, policy->peers[i].name.text, policy->peers[i].name.size);
	for (size_t i = 0; i < policy->service_count; i++)
		add_owner(peers, POLICY_OWNER_SERVICE, policy->services[i].name.text,
		          policy->services[i].name.size);
	if (policy->manage.at)
		add_owner(peers, POLICY_OWNER_MANAGE, "manage", 6);
	return buffer_failed(&peers->names) ? -ENOMEM : 0;
}

static size_t element_size(const struct ruleset_set *set)
{
	return (size_t)set->key_size * (set->interval ? 2 : 1);
}

static int add_set(struct agent_peers *peers, const struct policy *policy, enum ruleset_family family,
                   const struct ruleset_set *meant)
{
	struct peers_set *set = &peers->sets[peers->set_count];
	uint8_t *keys = malloc(meant->count * element_size(meant));
	struct peers_tally *tallies = calloc(meant->count, sizeof *tallies);
	if (!keys || !tallies) {
		free(keys);
		free(tallies);
		return -ENOMEM;
	}
	memcpy(keys, meant->keys, meant->count * element_size(meant));
	for (size_t i = 0; i < meant->count; i++)
		tallies[i].owner = slot_of(policy, meant->origins[i].owner);
	*set = (struct peers_set){
	        .family = family,
	        .element_size = element_size(meant),
	        .count = meant->count,
	        .keys = keys,
	        .tallies = tallies,
	};
	memcpy(set->name, meant->name, sizeof set->name);
	peers->set_count++;
	return 0;
}

static void note_elements(struct agent_peers *peers, const struct policy *policy,
                          const struct ruleset_set *meant)
{
	for (size_t i = 0; meant->origins && i < meant->count; i++) {
		uint32_t slot = slot_of(policy, meant->origins[i].owner);
		if (slot == NOBODY)
			continue;
		peers->owners[slot].elements++;
		peers->owners[slot].counted = peers->owners[slot].counted && meant->detailed;
	}
}

static int add_table(struct agent_peers *peers, const struct policy *policy, const struct ruleset_table *table,
                     struct ruleset_set *names)
{
	struct ruleset_table *wanted = &peers->wanted.tables[peers->wanted.table_count++];
	*wanted = (struct ruleset_table){.family = table->family, .sets = names};
	for (size_t i = 0; i < table->set_count; i++) {
		const struct ruleset_set *meant = &table->sets[i];
		bool counts = meant->detailed && meant->origins && meant->count > 0;
		struct ruleset_set *name = &wanted->sets[wanted->set_count++];
		memcpy(name->name, meant->name, sizeof name->name);
		// nft_read_all leaves out what is long, and takes its length from here.
		name->count = counts ? 0 : SIZE_MAX;
		note_elements(peers, policy, meant);
		if (counts && add_set(peers, policy, table->family, meant) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int make(struct agent_peers *peers, const struct agent_wall *wall)
{
	const struct ruleset *ruleset = &wall->ruleset;
	size_t sets = 0, names = 0;
	int r = make_owners(peers, &wall->policy);
	for (size_t i = 0; i < ruleset->table_count; i++)
		sets += ruleset->tables[i].set_count;
	peers->sets = calloc(sets + 1, sizeof *peers->sets);
	peers->set_names = calloc(sets + 1, sizeof *peers->set_names);
	if (!peers->sets || !peers->set_names)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < ruleset->table_count; i++) {
		r = add_table(peers, &wall->policy, &ruleset->tables[i], peers->set_names + names);
		names += ruleset->tables[i].set_count;
	}
	return r;
}

// Elements that were there before go on counting where they were.
static void carry_set(struct peers_set *to, const struct peers_set *from)
{
	size_t t = 0, f = 0;
	while (t < to->count && f < from->count) {
		int order = memcmp(to->keys + t * to->element_size, from->keys + f * from->element_size,
		                   to->element_size);
		if (order == 0) {
			to->tallies[t].packets = from->tallies[f].packets;
			to->tallies[t].octets = from->tallies[f].octets;
		}
		t += order <= 0;
		f += order >= 0;
	}
}

struct named {
	const char *name;
	const struct peers_owner *owner;
};

static int compare_named(const void *a, const void *b)
{
	const struct named *one = a, *other = b;
	if (one->owner->kind != other->owner->kind)
		return one->owner->kind < other->owner->kind ? -1 : 1;
	return strcmp(one->name, other->name);
}

static int carry_owners(struct agent_peers *to, const struct agent_peers *from)
{
	struct named *names = malloc((from->owner_count + 1) * sizeof *names);
	if (!names)
		return -ENOMEM;
	for (size_t i = 0; i < from->owner_count; i++)
		names[i] = (struct named){from->names.data + from->owners[i].name, &from->owners[i]};
	qsort(names, from->owner_count, sizeof *names, compare_named);
	for (size_t i = 0; i < to->owner_count; i++) {
		struct peers_owner *owner = &to->owners[i];
		struct named key = {to->names.data + owner->name, owner};
		const struct named *old = bsearch(&key, names, from->owner_count, sizeof *names, compare_named);
		if (!old)
			continue;
		owner->packets = old->owner->packets;
		owner->octets = old->owner->octets;
		owner->connections = old->owner->connections;
		owner->last_heard = old->owner->last_heard;
	}
	free(names);
	return 0;
}

static int carry(struct agent_peers *to, const struct agent_peers *from)
{
	for (size_t t = 0; t < to->set_count; t++)
		for (size_t f = 0; f < from->set_count; f++)
			if (to->sets[t].family == from->sets[f].family &&
			    to->sets[t].element_size == from->sets[f].element_size &&
			    strcmp(to->sets[t].name, from->sets[f].name) == 0)
				carry_set(&to->sets[t], &from->sets[f]);
	return carry_owners(to, from);
}

void agent_peers_wall_changed(struct agent *agent)
{
	struct agent_peers *peers = agent->peers;
	struct agent_peers made = {0};
	if (!peers || !agent->standing)
		return;
	int r = make(&made, agent->standing);
	if (r == 0)
		r = carry(&made, peers);
	if (r < 0) {
		// What is kept must be the policy's own; without memory nothing is counted.
		forget_policy(&made);
		made = (struct agent_peers){0};
		agent_alarm(agent, "not-counting",
		            "out of memory: packets of peers are not counted until the next "
		            "policy");
	} else {
		agent_alarm_lift(agent, "not-counting");
	}
	forget_policy(peers);
	peers->owners = made.owners;
	peers->owner_count = made.owner_count;
	peers->names = made.names;
	peers->sets = made.sets;
	peers->set_count = made.set_count;
	peers->set_names = made.set_names;
	peers->wanted = made.wanted;
	// What the elements have counted before we looked is nobody's news.
	peers->sampled_at = 0;
	agent_peers_sample(agent);
}

// ---- reading ----

static uint64_t risen(uint64_t now, uint64_t before)
{
	return now >= before ? now - before : now;
}

static void add_element(struct agent_peers *peers, struct peers_tally *tally,
                        const struct ruleset_detail *detail, int64_t now)
{
	if (tally->owner < peers->owner_count) {
		struct peers_owner *owner = &peers->owners[tally->owner];
		uint64_t packets = risen(detail->packets, tally->packets);
		owner->packets += packets;
		owner->octets += risen(detail->octets, tally->octets);
		if (packets && peers->sampled)
			owner->last_heard = now;
	}
	tally->packets = detail->packets;
	tally->octets = detail->octets;
}

static void add_elements(struct agent_peers *peers, struct peers_set *set, const struct ruleset_set *found,
                         int64_t now)
{
	size_t s = 0, f = 0;
	if (!found->details || element_size(found) != set->element_size)
		return;
	while (s < set->count && f < found->count) {
		int order = memcmp(set->keys + s * set->element_size, found->keys + f * set->element_size,
		                   set->element_size);
		if (order == 0)
			add_element(peers, &set->tallies[s], &found->details[f], now);
		s += order <= 0;
		f += order >= 0;
	}
}

static const struct ruleset_statement *drops_counted(const struct ruleset_rule *rule)
{
	const struct ruleset_statement *last = rule->count ? &rule->statements[rule->count - 1] : NULL;
	if (!last || rule->foreign || last->kind != STATEMENT_VERDICT || last->verdict.verdict != VERDICT_DROP)
		return NULL;
	for (size_t i = 0; i < rule->count; i++)
		if (rule->statements[i].kind == STATEMENT_COUNTER)
			return last;
	return NULL;
}

static struct peers_counter *find_counter(struct agent_peers *peers, const struct peers_counter *wanted)
{
	for (size_t i = 0; i < peers->counter_count; i++) {
		struct peers_counter *counter = &peers->counters[i];
		if (counter->family == wanted->family && counter->twin == wanted->twin &&
		    strcmp(counter->chain, wanted->chain) == 0 && strcmp(counter->rule, wanted->rule) == 0)
			return counter;
	}
	if (array_room(&peers->counters, peers->counter_count, &peers->counter_capacity, sizeof *wanted) < 0)
		return NULL;
	peers->counters[peers->counter_count] = *wanted;
	return &peers->counters[peers->counter_count++];
}

static uint32_t twins_before(const struct ruleset_chain *chain, size_t rule)
{
	uint32_t twins = 0;
	for (size_t i = 0; i < rule; i++)
		twins += drops_counted(&chain->rules[i]) && chain->rules[i].comment &&
		         strcmp(chain->rules[i].comment, chain->rules[rule].comment) == 0;
	return twins;
}

// Rules of ours only: a rival's are not to fill the memory.
#define COUNTERS_MAX 256

static void add_rules(struct agent_peers *peers, enum ruleset_family family, const struct ruleset_chain *chain)
{
	for (size_t i = 0; i < chain->count && peers->counter_count < COUNTERS_MAX; i++) {
		const struct ruleset_rule *rule = &chain->rules[i];
		if (!rule->comment || !drops_counted(rule))
			continue;
		struct peers_counter wanted = {.family = family, .twin = twins_before(chain, i)};
		memcpy(wanted.chain, chain->name, sizeof wanted.chain);
		snprintf(wanted.rule, sizeof wanted.rule, "%s", rule->comment);
		struct peers_counter *counter = find_counter(peers, &wanted);
		if (!counter)
			return;
		counter->packets += risen(rule->packets, counter->read_packets);
		counter->octets += risen(rule->octets, counter->read_octets);
		counter->read_packets = rule->packets;
		counter->read_octets = rule->octets;
	}
}

static void add_found(struct agent *agent, const struct nft_found *found)
{
	struct agent_peers *peers = agent->peers;
	int64_t now = agent_unix();
	for (size_t t = 0; t < found->ruleset.table_count; t++) {
		const struct ruleset_table *table = &found->ruleset.tables[t];
		for (size_t i = 0; i < table->set_count; i++)
			for (size_t s = 0; s < peers->set_count; s++)
				if (peers->sets[s].family == table->family &&
				    strcmp(peers->sets[s].name, table->sets[i].name) == 0)
					add_elements(peers, &peers->sets[s], &table->sets[i], now);
		for (size_t i = 0; i < table->chain_count; i++)
			add_rules(peers, table->family, &table->chains[i]);
	}
	agent->kernel = found->state;
	peers->sampled = true;
}

void agent_peers_sample(struct agent *agent)
{
	struct agent_peers *peers = agent->peers;
	struct nft_found found;
	struct problems problems;
	int64_t now = agent_now();
	if (!peers || !agent->standing || (peers->sampled_at && now - peers->sampled_at < SAMPLE_PAUSE))
		return;
	peers->sampled_at = now;
	problem_init(&problems);
	// What cannot be read is told by the guard, which compares.
	if (nft_read_all(agent->nft, &peers->wanted, &found, &problems) == 0) {
		add_found(agent, &found);
		nft_found_fini(&found);
	}
	problem_fini(&problems);
}

// ---- connections ----

static void fill_packet(const struct prefix *source, const struct prefix *destination, uint8_t protocol,
                        uint16_t port, struct packet *ret)
{
	bool six = source->family == ADDRESS_IPV6;
	*ret = (struct packet){
	        .ether_type = six ? 0x86dd : 0x0800,
	        .source = *source,
	        .destination = *destination,
	        .protocol = protocol,
	        .source_port = 49152,
	        .destination_port = port,
	        .icmp_type = six ? 128 : 8,
	        .hop_limit = 64,
	        .ct_state = CT_NEW,
	        .ct_source = *source,
	        .ct_destination = *destination,
	        .ct_protocol = protocol,
	        .ct_destination_port = port,
	};
}

// Whose element lets the packet pass, at this hook; NOBODY.
static uint32_t passes_for(const struct agent_wall *wall, struct packet *packet, enum ruleset_family table,
                           enum ruleset_hook hook)
{
	struct outcome outcome;
	packet->table = table;
	packet->hook = hook;
	ruleset_evaluate(&wall->ruleset, packet, &outcome);
	if (!outcome.accepted || !outcome.set || !outcome.set->origins || outcome.set->timed)
		return NOBODY;
	return slot_of(&wall->policy, outcome.set->origins[outcome.element].owner);
}

// Where manage is tied to an interface, it came by that one: the kernel has let it pass.
static void name_interface(const struct policy *policy, struct packet *packet)
{
	if (!policy->manage.interfaces.count)
		return;
	const struct word *word = &policy->interfaces[policy->manage.interfaces.first];
	size_t size = word->size < sizeof packet->in_interface ? word->size : sizeof packet->in_interface - 1;
	memcpy(packet->in_interface, word->text, size);
	memcpy(packet->out_interface, word->text, size);
}

void agent_peers_connection(struct agent *agent, const struct prefix *source, const struct prefix *destination,
                            uint8_t protocol, uint16_t port, uint32_t count)
{
	static const struct {
		enum ruleset_family table;
		enum ruleset_hook hook;
	} places[] = {{RULESET_BRIDGE, HOOK_FORWARD},
	              {RULESET_INET, HOOK_FORWARD},
	              {RULESET_INET, HOOK_INPUT},
	              {RULESET_INET, HOOK_OUTPUT}};
	struct agent_peers *peers = agent->peers;
	const struct agent_wall *wall = agent->standing;
	struct packet packet;
	uint32_t slot = NOBODY;
	if (!peers || !wall || source->family != destination->family)
		return;
	fill_packet(source, destination, protocol, port, &packet);
	name_interface(&wall->policy, &packet);
	for (size_t i = 0; slot == NOBODY && i < sizeof places / sizeof *places; i++)
		if (places[i].table == RULESET_INET || wall->ruleset.table_count > 1)
			slot = passes_for(wall, &packet, places[i].table, places[i].hook);
	if (slot >= peers->owner_count)
		return;
	peers->owners[slot].connections += count;
	// Of what is in a list too long to be counted nothing else is heard.
	if (!peers->owners[slot].counted)
		peers->owners[slot].last_heard = agent_unix();
}

// ---- answers ----

size_t agent_peers_count(const struct agent *agent)
{
	return agent->peers ? agent->peers->owner_count : 0;
}

void agent_peers_row(const struct agent *agent, size_t index, struct control_peer *ret)
{
	const struct peers_owner *owner = &agent->peers->owners[index];
	*ret = (struct control_peer){
	        .kind = owner->kind,
	        .counted = owner->counted,
	        .elements = owner->elements < UINT16_MAX ? (uint16_t)owner->elements : UINT16_MAX,
	        .packets = owner->packets,
	        .octets = owner->octets,
	        .connections = owner->connections,
	        .last_heard = owner->last_heard,
	};
	snprintf(ret->name, sizeof ret->name, "%s", agent->peers->names.data + owner->name);
}

void agent_peers_answer(struct agent *agent, struct buffer *out)
{
	agent_peers_sample(agent);
	for (size_t i = 0; i < agent_peers_count(agent); i++) {
		struct control_peer row;
		agent_peers_row(agent, i, &row);
		buffer_add(out, &row, sizeof row);
	}
}

void agent_counters_answer(struct agent *agent, struct buffer *out)
{
	agent_peers_sample(agent);
	for (size_t i = 0; agent->peers && i < agent->peers->counter_count; i++) {
		const struct peers_counter *counter = &agent->peers->counters[i];
		struct control_counter row = {.packets = counter->packets, .octets = counter->octets};
		snprintf(row.family, sizeof row.family, "%s",
		         counter->family == RULESET_INET ? "inet" : "bridge");
		snprintf(row.chain, sizeof row.chain, "%s", counter->chain);
		snprintf(row.rule, sizeof row.rule, "%s", counter->rule);
		buffer_add(out, &row, sizeof row);
	}
}

uint64_t agent_counters_drops(const struct agent *agent)
{
	uint64_t sum = 0;
	for (size_t i = 0; agent->peers && i < agent->peers->counter_count; i++)
		sum += agent->peers->counters[i].packets;
	return sum;
}
