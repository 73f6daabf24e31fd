// SPDX-License-Identifier: GPL-2.0-or-later
//
// Loading, verifying, removing: read, plan, send once, read back.
#include "nft/nft.h"

#include <errno.h>
#include <string.h>

#include "base/buffer.h"
#include "base/problem.h"
#include "nft/nft_conntrack.h"
#include "nft/nft_encode.h"
#include "nft/nft_flowtable.h"
#include "nft/nft_plan.h"
#include "nft/nft_read.h"
#include "nft/nft_refusal.h"
#include "nft/nft_talk.h"

#define ATTEMPTS 8          // transactions begun again because somebody changed rules in between
#define PATIENCE 3          // of them, before a wall is put up where none stands whatever others do meanwhile
#define DIFFERENCES_TOLD 20 // after a load, before "and more"

// Not for us to change when another process owns one of our tables.
static int check_owner(const struct nft_state *state, struct problems *problems)
{
	const struct nft_table_state *tables[] = {
	        [RULESET_INET] = &state->inet, [RULESET_BRIDGE] = &state->bridge};
	for (enum ruleset_family family = RULESET_INET; family <= RULESET_BRIDGE; family++)
		if (tables[family]->owned && !tables[family]->mine) {
			nft_owner_report(tables[family], family, problems);
			return -EPERM;
		}
	return 0;
}

// Before 6.9 a table that outlives its owner is not to be had, and one that goes with it would leave the box
// open.
static bool refused_persistence(const struct nft_batch *batch, const struct nft_refusal *refusal)
{
	const struct nft_message *message = nft_batch_find(batch, refusal->sequence);
	return message && message->subject == NFT_SUBJECT_TABLE &&
	       (refusal->error == EOPNOTSUPP || refusal->error == EINVAL);
}

static int make_room(struct nft *nft, size_t size, struct problems *problems)
{
	int r = nft->io.room(nft->io.context, size);
	if (r < 0)
		problem_addf(problems, PROBLEM_ERROR, 0, 0,
		             "raise net.core.wmem_max, or run it with CAP_NET_ADMIN (older kernels: outside a "
		             "user namespace)",
		             "the transaction takes %zu octets in one piece, more than the socket may send: %s",
		             size, strerror(-r));
	return r;
}

#define AGAIN 1 // no error: read and plan again

// Sends a finished batch. 0; AGAIN; or -errno with a problem.
static int commit(struct nft *nft, const struct nft_batch *batch, struct problems *problems)
{
	struct nft_refusal refusal = {0};
	int r = make_room(nft, batch->data.size, problems);
	if (r < 0)
		return r;
	// The last message but the batch's own end answers.
	r = nft_send(nft, batch->data.data, batch->data.size, batch->first,
	             batch->first + (uint32_t)batch->count - 2, &refusal);
	nft->sequence = batch->first + (uint32_t)batch->count - 1;
	if (r == -ENOBUFS)
		return AGAIN; // done or not: what is read next tells
	if (r == -EBADMSG) {
		if (refusal.error == ERESTART || refusal.error == EAGAIN)
			return AGAIN;
		if (!nft->do_not_own && refused_persistence(batch, &refusal)) {
			nft->do_not_own = true;
			return AGAIN;
		}
		nft_refusal_report(batch, &refusal, problems);
		return -refusal.error;
	}
	if (r < 0)
		problem_addf(problems, PROBLEM_ERROR, 0, 0, NULL, "cannot send the rules to the kernel: %s",
		             strerror(-r));
	return r;
}

static int batch_problem(int error, struct problems *problems)
{
	problem_addf(problems, PROBLEM_ERROR, 0, 0, NULL, "cannot write the transaction: %s", strerror(-error));
	return error;
}

// A load under way, through all its rounds.
struct load {
	struct nft *nft;
	const struct ruleset *meant;
	const struct nft_load_options *options;
	struct problems *problems;
	struct nft_load_result *ret;
	bool distrust;       // all is to be read, whatever the caller knows
	unsigned attempts;   // made so far
	uint32_t generation; // that our transaction made; 0: not known
	size_t octets;       // sent so far
	bool woke;           // a table was switched off as a whole
	bool created;        // there was no wall before
};

// What the flow table has taken over is to come before the wall again, in the same moment. Whatever others do
// to the rules meanwhile (`regardless`), only an owned one is sure to be there still.
static void put_flowtable_away(struct nft_batch *batch, const struct nft_found *found, bool regardless)
{
	const struct nft_table_state *flow = &found->state.flow;
	if (nft_flowtable_goes(flow) && (flow->mine || !regardless))
		nft_put_flowtable_delete(batch);
}

// Sends what is planned. As commit.
static int send_plan(struct load *load, const struct nft_found *found, struct nft_batch *batch,
                     const struct nft_plan *plan)
{
	int r = nft_batch_end(batch);
	r = r < 0 ? batch_problem(r, load->problems) : commit(load->nft, batch, load->problems);
	if (r == 0)
		load->nft->flowtable = false;
	if (r != 0)
		return r;
	load->octets += batch->data.size;
	load->woke = load->woke || found->state.inet.dormant || found->state.bridge.dormant;
	return plan->claims_only ? AGAIN : 0;
}

static void fill_result(const struct load *load, const struct nft_found *found, const struct nft_plan *plan)
{
	const struct nft_table_state *inet = &found->state.inet;
	*load->ret = (struct nft_load_result){
	        .committed = true,
	        .change = plan->change == NFT_UNCHANGED && load->woke ? NFT_EXCHANGED : plan->change,
	        .verified = plan->change == NFT_UNCHANGED, // what was read is what is meant
	        .persistent = inet->present ? inet->persistent : !load->nft->do_not_own,
	        .added = plan->added,
	        .removed = plan->removed,
	        .octets = load->octets,
	        .generation = plan->change == NFT_UNCHANGED ? found->state.generation : 0,
	};
}

static int read_before(const struct load *load, struct nft_found *ret)
{
	const struct nft_load_options *options = load->options;
	if (options->known && !load->distrust)
		return nft_read_known(load->nft, options->known, options->known_at, ret, load->problems);
	return nft_read_all(load->nft, options->skip_read_back ? load->meant : NULL, ret, load->problems);
}

// One round: read, compare, send what differs. As commit.
static int load_once(struct load *load)
{
	struct nft *nft = load->nft;
	struct nft_found found;
	struct nft_batch batch;
	struct nft_plan plan;
	int r = read_before(load, &found);
	if (r < 0)
		return r;
	r = check_owner(&found.state, load->problems);
	if (r < 0) {
		nft_found_fini(&found);
		return r;
	}
	// Where nothing of ours stands a rival who changes rules in a loop would keep it so. Were it ours that
	// he made meanwhile, reading back finds it.
	bool regardless = load->attempts++ >= PATIENCE && found.ruleset.table_count == 0;
	nft_batch_begin(&batch, nft->sequence + 1, regardless ? 0 : found.state.generation);
	load->generation = regardless ? 0 : found.state.generation + 1;
	nft_plan(&batch, &found, load->meant, !nft->do_not_own, &plan);
	load->created = load->created || plan.change == NFT_CREATED;
	// Nothing would be read of what is then called verified.
	load->distrust = found.borrowed && plan.change == NFT_UNCHANGED;
	if (load->distrust)
		r = AGAIN;
	else if (plan.change != NFT_UNCHANGED || plan.claims || batch.error) {
		put_flowtable_away(&batch, &found, regardless);
		r = send_plan(load, &found, &batch, &plan);
	}
	if (r == 0)
		fill_result(load, &found, &plan);
	nft_batch_fini(&batch);
	nft_found_fini(&found);
	return r;
}

struct telling {
	const struct sources *sources;
	struct problems *problems;
	size_t told;
};

static source_pos origin_of(const struct ruleset_difference *d)
{
	if (d->meant_rule)
		return d->meant_rule->origin.at;
	if (d->meant_set && d->meant_set->origins &&
	    (d->kind == DIFFERENCE_ELEMENT_MISSING || d->kind == DIFFERENCE_ELEMENT_CHANGED))
		return d->meant_set->origins[d->meant_element].at;
	return 0;
}

static bool tell(void *context, const struct ruleset_difference *difference)
{
	struct telling *telling = context;
	struct buffer text = BUFFER_EMPTY;
	if (telling->told++ == DIFFERENCES_TOLD) {
		problem_add(telling->problems, PROBLEM_ERROR, 0, 0, "and more differences",
		            "leadglass verify shows all of them");
		return false;
	}
	ruleset_difference_print(difference, telling->sources, &text);
	problem_addf(telling->problems, PROBLEM_ERROR, origin_of(difference), 0, NULL,
	             "the kernel does not hold what was sent: %s",
	             buffer_failed(&text) || !text.data ? "?" : text.data);
	buffer_fini(&text);
	return true;
}

static int read_back(const struct load *load, const struct sources *sources)
{
	struct telling telling = {.sources = sources, .problems = load->problems};
	struct ruleset found;
	struct nft_state state;
	int r = nft_read(load->nft, &found, &state, load->problems);
	if (r < 0)
		return r;
	bool others = state.generation != load->generation;
	size_t differences = ruleset_compare(load->meant, &found, others ? NULL : tell, &telling);
	ruleset_fini(&found);
	load->ret->verified = differences == 0;
	load->ret->generation = differences == 0 ? state.generation : 0;
	if (differences && others)
		problem_add(load->problems, PROBLEM_ERROR, 0, 0,
		            "another program changed the rules right after they were loaded",
		            "leadglass verify shows how they differ");
	return differences == 0 ? 0 : others ? -EBUSY : -EBADE;
}

static int give_up(struct problems *problems)
{
	problem_addf(problems, PROBLEM_ERROR, 0, 0,
	             "another program keeps changing the rules of this namespace", "gave up after %d attempts",
	             ATTEMPTS);
	return -EBUSY;
}

int nft_load(struct nft *nft, const struct ruleset *meant, const struct sources *sources,
             const struct nft_load_options *options, struct problems *problems, struct nft_load_result *ret)
{
	struct load load = {.nft = nft, .meant = meant, .options = options, .problems = problems, .ret = ret};
	int r = AGAIN;
	for (unsigned i = 0; r == AGAIN && i < ATTEMPTS; i++)
		r = load_once(&load);
	if (r == AGAIN)
		return give_up(problems);
	// At once: what is cut until then has to be sent again.
	if (r == 0 && load.created)
		nft_conntrack_turn(nft, meant, problems);
	if (r < 0 || ret->verified || options->skip_read_back)
		return r;
	return read_back(&load, sources);
}

int nft_verify(struct nft *nft, const struct ruleset *meant, ruleset_difference_fn report, void *context,
               struct problems *problems, size_t *ret_differences)
{
	struct ruleset found;
	struct nft_state state;
	int r = nft_read(nft, &found, &state, problems);
	if (r < 0)
		return r;
	*ret_differences = ruleset_compare(meant, &found, report, context);
	ruleset_fini(&found);
	return 0;
}

static int remove_once(struct nft *nft, struct problems *problems)
{
	struct nft_found found;
	struct nft_batch batch;
	int r = nft_read_all(nft, NULL, &found, problems);
	if (r < 0)
		return r;
	r = check_owner(&found.state, problems);
	if (r == 0 && found.ruleset.table_count == 0)
		r = -ENOENT;
	if (r < 0) {
		nft_found_fini(&found);
		return r;
	}
	nft_batch_begin(&batch, nft->sequence + 1, found.state.generation);
	for (size_t i = 0; i < found.ruleset.table_count; i++)
		nft_put_table_delete(&batch, &found.ruleset.tables[i]);
	put_flowtable_away(&batch, &found, false);
	r = nft_batch_end(&batch);
	r = r < 0 ? batch_problem(r, problems) : commit(nft, &batch, problems);
	if (r == 0)
		nft->flowtable = false;
	nft_batch_fini(&batch);
	nft_found_fini(&found);
	return r;
}

int nft_remove(struct nft *nft, struct problems *problems)
{
	int r = AGAIN;
	for (unsigned i = 0; r == AGAIN && i < ATTEMPTS; i++)
		r = remove_once(nft, problems);
	return r == AGAIN ? give_up(problems) : r;
}
