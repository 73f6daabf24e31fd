// SPDX-License-Identifier: GPL-2.0-or-later
//
// All shapes, and in each all classes of packets. The argument stands in prove.h.
#include "prove/prove.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/buffer.h"
#include "prove/prove_cut.h"
#include "prove/prove_reading.h"
#include "prove/prove_ruleset.h"

struct prover {
	const struct ruleset *ruleset;
	struct prove_reading reading;
	struct prove_space space;
	struct prove_question q;
	struct prove_stack stack;
	struct prove_cutter *cutter;
	struct prove_shape shape;
	prove_values values;
	uint64_t covered; // packets of this shape in classes decided, modulo PROVE_PRIME
	prove_fn each;
	void *context;
	struct problems *problems;
	struct prove_result *result;
	int error; // sticky
};

// A class: both sides' verdicts are certain.
struct verdicts {
	bool policy, ruleset;
};

static void contradict(struct prover *p, const char *what)
{
	problem_add(p->problems, PROBLEM_ERROR, 0, 0, what, "please report this, with the policy");
	p->error = -EBADE;
}

// Asks everything anew of the packet that stands for the class, without classes, cuts and what was left out:
// the policy's sentences with all rows, and ruleset_evaluate.
static void tell(struct prover *p, const struct verdicts *verdicts)
{
	struct prove_class class = {0};
	bool accepts;
	prove_packet(&p->shape, p->values, &class.packet);
	ruleset_evaluate(p->ruleset, &class.packet, &class.outcome);
	const struct prove_rule *rule = prove_judge(&p->q, PROVE_POLICY, p->values, &accepts, &class.at);
	class.accepts = accepts;
	class.sentence = rule ? rule->sentence : NULL;
	p->result->classes++;
	p->result->accepted += class.accepts;
	if (class.accepts != class.outcome.accepted)
		p->result->differences++;
	if (class.accepts != verdicts->policy || class.outcome.accepted != verdicts->ruleset)
		contradict(p, "the proof is wrong: a packet is decided otherwise than the class that it is in");
	else if (p->each && !p->each(p->context, &class))
		p->error = -ECANCELED;
}

static uint64_t take_usual(struct prover *p, enum prove_variable variable)
{
	struct prove_domain domain = prove_domain(&p->space, &p->shape, variable);
	uint8_t value[PROVE_VALUE_MAX];
	prove_usual(&p->space, &p->shape, variable, p->values, value);
	bool inside = false;
	for (size_t i = 0; i < domain.count && !inside; i++)
		inside = memcmp(value, domain.intervals[i].first, domain.size) >= 0 &&
		         memcmp(value, domain.intervals[i].last, domain.size) <= 0;
	memcpy(p->values[variable], inside ? value : domain.intervals[0].first, PROVE_VALUE_MAX);
	return prove_domain_size(&domain);
}

static bool is_present(const struct prover *p, enum prove_variable variable)
{
	return p->shape.present & PROVE_BIT(variable);
}

// The variables from `variable` on decide nothing.
static void decided(struct prover *p, enum prove_variable variable, uint64_t size,
                    const struct verdicts *verdicts)
{
	for (; variable < PROVE_VARIABLE_COUNT; variable++)
		if (is_present(p, variable))
			size = prove_times(size, take_usual(p, variable));
	p->covered = (p->covered + size) % PROVE_PRIME;
	tell(p, verdicts);
}

static bool needs(const struct prover *p, const bool *needed, enum prove_variable variable)
{
	for (size_t atom = 0; atom < p->q.atom_count; atom++)
		if (needed[atom] && p->q.atoms[atom].mask & PROVE_BIT(variable))
			return true;
	return false;
}

// Sets `needed`. True: both verdicts are certain, and in *ret.
static bool settle(struct prover *p, const struct prove_left *left, bool *needed, struct verdicts *ret)
{
	size_t count = p->q.atom_count;
	struct prove_mark mark = prove_stack_mark(&p->stack);
	enum prove_answer *answers = prove_stack_take(&p->stack, count * sizeof *answers);
	bool *here = prove_stack_take(&p->stack, count * sizeof *here);
	unsigned verdicts[2] = {0};
	memset(needed, 0, count * sizeof *needed);
	if (!answers || !here) {
		p->error = -ENOMEM;
		return false;
	}
	for (size_t i = 0; i < count; i++)
		answers[i] = left[i].answer;
	for (unsigned side = 0; side < 2; side++) {
		memset(here, 0, count * sizeof *here);
		verdicts[side] = prove_settle(&p->q, side, answers, here);
		for (size_t i = 0; i < count && verdicts[side] == (PROVE_ACCEPTS | PROVE_DROPS); i++)
			needed[i] = needed[i] || here[i];
	}
	prove_stack_release(&p->stack, mark);
	ret->policy = verdicts[PROVE_POLICY] == PROVE_ACCEPTS;
	ret->ruleset = verdicts[PROVE_RULESET] == PROVE_ACCEPTS;
	return verdicts[0] != (PROVE_ACCEPTS | PROVE_DROPS) && verdicts[1] != (PROVE_ACCEPTS | PROVE_DROPS);
}

// What is left of the atoms in one class of `variable`; `rows` takes what they are left with.
static void narrow(const struct prover *p, const struct prove_left *left, const bool *needed,
                   enum prove_variable variable, const struct prove_kin *kin, struct prove_left *ret,
                   uint32_t *rows)
{
	size_t hit = 0;
	for (size_t i = 0; i < kin->hit_count; i++)
		rows[i] = kin->hits[i].row;
	for (size_t atom = 0; atom < p->q.atom_count; atom++) {
		uint32_t mask = p->q.atoms[atom].mask;
		ret[atom] = left[atom];
		if (!needed[atom] || !(mask & PROVE_BIT(variable)))
			continue;
		size_t first = hit;
		while (hit < kin->hit_count && kin->hits[hit].atom == atom)
			hit++;
		bool last = mask >> variable == 1;
		ret[atom] = (struct prove_left){.rows = rows + first, .count = hit - first};
		if (hit == first)
			ret[atom].answer = PROVE_NO;
		else if (last)
			ret[atom].answer = PROVE_YES;
	}
}

static void decide(struct prover *p, enum prove_variable variable, const struct prove_left *left,
                   uint64_t size);

static void split(struct prover *p, enum prove_variable variable, const struct prove_left *left,
                  const bool *needed, uint64_t size)
{
	uint8_t usual[PROVE_VALUE_MAX];
	prove_usual(&p->space, &p->shape, variable, p->values, usual);
	bool number = variable == PROVE_SOURCE_PORT || variable == PROVE_DESTINATION_PORT;
	struct prove_cut cut = {
	        .q = &p->q,
	        .left = left,
	        .needed = needed,
	        .variable = variable,
	        .domain = prove_domain(&p->space, &p->shape, variable),
	        .usual = usual,
	        .neighbours = (variable >= PROVE_SOURCE && variable <= PROVE_QUOTED_SERVER) ||
	                      (number && variable == p->shape.called) || variable == PROVE_QUOTED_PORT,
	};
	const struct prove_kin *kin = NULL;
	size_t cells = 0;
	p->error = prove_cut(p->cutter, &p->stack, &cut, &kin, &cells);
	p->result->cells += cells;
	for (; kin && !p->error; kin = kin->next) {
		struct prove_mark mark = prove_stack_mark(&p->stack);
		struct prove_left *rest = prove_stack_take(&p->stack, p->q.atom_count * sizeof *rest);
		uint32_t *rows = prove_stack_take(&p->stack, kin->hit_count * sizeof *rows);
		if (rest && rows) {
			memcpy(p->values[variable], kin->value, PROVE_VALUE_MAX);
			narrow(p, left, needed, variable, kin, rest, rows);
			decide(p, variable + 1, rest, prove_times(size, kin->size));
		} else {
			p->error = -ENOMEM;
		}
		prove_stack_release(&p->stack, mark);
	}
}

// All packets whose variables before `variable` have the values taken for them; `size`: for how many values of
// those they stand.
static void decide(struct prover *p, enum prove_variable variable, const struct prove_left *left, uint64_t size)
{
	struct prove_mark mark = prove_stack_mark(&p->stack);
	bool *needed = prove_stack_take(&p->stack, p->q.atom_count * sizeof *needed);
	struct verdicts verdicts;
	if (!needed)
		p->error = -ENOMEM;
	else if (settle(p, left, needed, &verdicts) && !p->error)
		decided(p, variable, size, &verdicts);
	else if (!p->error) {
		// Nothing that is not needed now will be needed later.
		for (; variable < PROVE_VARIABLE_COUNT &&
		       !(is_present(p, variable) && needs(p, needed, variable));
		     variable++)
			if (is_present(p, variable))
				size = prove_times(size, take_usual(p, variable));
		if (variable < PROVE_VARIABLE_COUNT)
			split(p, variable, left, needed, size);
		else
			contradict(p, "the proof is wrong: a verdict depends on nothing that varies");
	}
	prove_stack_release(&p->stack, mark);
}

// All packets of one shape.
static void decide_shape(struct prover *p)
{
	uint64_t all = 1;
	if (p->error)
		return;
	prove_shape_finish(&p->shape);
	prove_question_clear(&p->q);
	memset(p->values, 0, sizeof p->values);
	p->covered = 0;
	p->result->shapes++;
	prove_sentences(&p->reading, &p->shape, &p->q);
	prove_rules(p->ruleset, &p->shape, &p->q);
	struct prove_left *left = prove_stack_take(&p->stack, p->q.atom_count * sizeof *left);
	p->error = left ? p->q.error : -ENOMEM;
	for (size_t i = 0; !p->error && i < p->q.atom_count; i++)
		left[i] = (struct prove_left){.all = true};
	if (!p->error)
		decide(p, 0, left, 1);
	prove_stack_release(&p->stack, (struct prove_mark){0});
	for (enum prove_variable v = 0; v < PROVE_VARIABLE_COUNT; v++) {
		struct prove_domain domain = prove_domain(&p->space, &p->shape, v);
		if (is_present(p, v))
			all = prove_times(all, prove_domain_size(&domain));
	}
	if (!p->error && all != p->covered)
		contradict(p, "the proof is wrong: the classes do not cover everything");
}

// ---- shapes ----

struct types {
	bool named[65536];
};

static void name_type(void *context, const uint8_t *value)
{
	((struct types *)context)->named[value[0] << 8 | value[1]] = true;
}

static void name_protocol(void *context, const uint8_t *value)
{
	((bool *)context)[value[0]] = true;
}

static void decide_states(struct prover *p)
{
	for (enum prove_state state = 0; state < PROVE_STATE_COUNT; state++) {
		p->shape.state = state;
		decide_shape(p);
	}
}

// IPv4 or IPv6: each protocol that somebody names, and one for all others.
static void decide_ip(struct prover *p, uint16_t ether_type)
{
	bool named[256] = {
	        [IPPROTO_ICMP] = true, [IPPROTO_TCP] = true, [IPPROTO_UDP] = true, [IPPROTO_ICMPV6] = true};
	bool others = false;
	prove_each_value(p->ruleset, FIELD_L4PROTO, name_protocol, named);
	p->shape.ether_type = ether_type;
	// Beginning with TCP: of several differences people understand that best.
	for (unsigned i = 0; i < 256; i++) {
		unsigned protocol = (IPPROTO_TCP + i) % 256;
		if (!named[protocol] && others)
			continue;
		others = others || !named[protocol];
		p->shape.protocol = (uint8_t)protocol;
		decide_states(p);
	}
}

static void decide_inet(struct prover *p)
{
	static const enum ruleset_hook hooks[] = {HOOK_INPUT, HOOK_OUTPUT, HOOK_FORWARD};
	for (size_t i = 0; i < sizeof hooks / sizeof *hooks; i++) {
		p->shape = (struct prove_shape){.table = RULESET_INET, .hook = hooks[i]};
		decide_ip(p, 0x0800);
		decide_ip(p, 0x86dd);
	}
}

// Every type of frame there is: those that have a length in its place come as 1 or 4 (ETH_P_802_3,
// ETH_P_802_2).
static void decide_bridge(struct prover *p)
{
	struct types *types = calloc(1, sizeof *types);
	bool others = false;
	if (!types) {
		p->error = -ENOMEM;
		return;
	}
	for (const uint16_t *type = (const uint16_t[]){0x0806, 0x888e, 0x88cc, PACKET_802_2, 0}; *type; type++)
		types->named[*type] = true;
	prove_each_value(p->ruleset, FIELD_ETHER_TYPE, name_type, types);
	p->shape = (struct prove_shape){.table = RULESET_BRIDGE, .hook = HOOK_FORWARD};
	decide_ip(p, 0x0800);
	decide_ip(p, 0x86dd);
	for (unsigned type = 1; type < 65536; type++) {
		bool exists = type == 1 || type == PACKET_802_2 || type >= 0x0600;
		if (!exists || type == 0x0800 || type == 0x86dd || (!types->named[type] && others && type != 1))
			continue;
		others = others || (!types->named[type] && type != 1);
		p->shape.ether_type = (uint16_t)type;
		p->shape.protocol = 0;
		p->shape.state = PROVE_INVALID; // conntrack does not look at it
		decide_shape(p);
	}
	free(types);
}

// ---- interfaces ----

struct names {
	uint8_t (*items)[PROVE_VALUE_MAX];
	size_t count, capacity;
	int error;
};

static void add_name(void *context, const uint8_t *value)
{
	struct names *names = context;
	if (!names->error)
		names->error = array_room(&names->items, names->count, &names->capacity, sizeof *names->items);
	if (!names->error)
		memcpy(names->items[names->count++], value, PROVE_VALUE_MAX);
}

static int name_interfaces(struct prover *p)
{
	struct names names = {0};
	const struct prove_relation *manage = &p->reading.manage_interfaces.relation;
	prove_each_value(p->ruleset, FIELD_IIFNAME, add_name, &names);
	prove_each_value(p->ruleset, FIELD_OIFNAME, add_name, &names);
	for (size_t i = 0; i < manage->count; i++)
		add_name(&names, prove_row_first(manage, i, 0));
	for (size_t t = 0; t < p->ruleset->table_count; t++) {
		for (size_t s = 0; s < p->ruleset->tables[t].set_count; s++) {
			const struct ruleset_set *set = &p->ruleset->tables[t].sets[s];
			for (size_t i = 0; set->types[0] == TYPE_IFNAME && i < set->count; i++)
				add_name(&names, set->keys + i * set->key_size * (set->interval ? 2 : 1));
		}
	}
	int r = names.error ? names.error : prove_space_init(&p->space, names.items, names.count);
	free(names.items);
	return r;
}

int prove(const struct policy *policy, const struct ruleset *ruleset, prove_fn each, void *context,
          struct problems *problems, struct prove_result *ret)
{
	struct prover *p = calloc(1, sizeof *p);
	*ret = (struct prove_result){0};
	if (!p)
		return -ENOMEM;
	p->ruleset = ruleset;
	p->each = each;
	p->context = context;
	p->problems = problems;
	p->result = ret;
	p->cutter = prove_cutter_new();
	p->error = prove_read(&p->reading, policy, ruleset);
	if (!p->error)
		p->error = p->cutter ? name_interfaces(p) : -ENOMEM;
	ret->granted = prove_reading_size(&p->reading);
	ret->windows = p->reading.windows;
	if (!p->error)
		decide_inet(p);
	if (!p->error && policy->role == POLICY_ROLE_BRIDGE)
		decide_bridge(p);
	int r = p->error;
	prove_stack_fini(&p->stack);
	prove_cutter_free(p->cutter);
	prove_question_fini(&p->q);
	prove_space_fini(&p->space);
	prove_reading_fini(&p->reading);
	free(p);
	return r;
}
