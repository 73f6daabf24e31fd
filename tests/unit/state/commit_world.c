// SPDX-License-Identifier: GPL-2.0-or-later
//
// The world: carries out the machine's steps, well or badly, and checks after each of them what state_commit.h
// promises.
#include "commit_world.h"

#include <errno.h>

void world_init(struct world *world)
{
	*world = (struct world){.kernel = KERNEL_NOTHING, .now = 5000, .window_ends = COMMIT_NEVER};
}

static int64_t unix_now(const struct world *world)
{
	return WORLD_UNIX + world->now / 1000;
}

// ---- what goes wrong ----

static unsigned throw_dice(struct choices *choices, unsigned sides)
{
	choices->dice = choices->dice * 1664525u + 1013904223u;
	return (choices->dice >> 8) % sides;
}

static unsigned choose(struct world *world, unsigned limit)
{
	struct choices *choices = &world->choices;
	if (choices->dice)
		return throw_dice(choices, choices->odds) ? 0 : throw_dice(choices, limit);
	assert_true(choices->at < WORLD_CHOICES);
	if (choices->at == choices->count) {
		choices->made[choices->count] = 0;
		choices->count++;
	}
	choices->limit[choices->at] = (uint8_t)limit;
	return choices->made[choices->at++];
}

// 0: nothing.
static unsigned fault(struct world *world, unsigned kinds)
{
	if (world->faults == 0)
		return 0;
	unsigned kind = choose(world, kinds + 1);
	world->faults -= kind != 0;
	world->wrong += kind != 0;
	return kind;
}

// ---- what holds after every step ----

static void check_disk(const struct world *world)
{
	if (!world->has_record)
		return;
	const struct state_record *record = &world->disk;
	assert_true(record->confirmed < record->next && record->pending < record->next);
	// What a restart would load is there, and is what was applied under that number.
	if (record->confirmed) {
		assert_int_not_equal(world->policies[record->confirmed], 0);
		assert_int_equal(world->policies[record->confirmed], world->content[record->confirmed]);
		assert_true(record->confirmed == world->promised || record->confirmed == world->attempt ||
		            world->doubted[record->confirmed]);
	} else {
		assert_true(world->promised == 0 || world->doubted[0]);
	}
	for (size_t i = 0; i < record->count; i++)
		if (world->loaded[record->entries[i].number])
			assert_int_not_equal(world->policies[record->entries[i].number], 0);
}

static bool as_it_should_be(const struct world *world)
{
	const struct commit *c = &world->commit;
	uint64_t target = c->record.pending ? c->record.pending : c->record.confirmed;
	return c->wall && c->certain && c->standing == target && !c->unsaved;
}

static void check_idle(const struct world *world)
{
	const struct commit *c = &world->commit;
	int64_t next = commit_next(c);
	if (c->certain)
		assert_true(world->kernel == (int64_t)c->standing);
	// What nobody confirmed does not stay because the confirmed policy cannot be loaded.
	if (c->stand_in && !c->record.pending && !world->wrong && !world->refuses)
		assert_int_equal(c->standing, 0);
	if (!c->unsaved) {
		assert_int_equal(world->disk.confirmed, c->record.confirmed);
		assert_int_equal(world->disk.pending, c->record.pending);
		assert_int_equal(world->disk.count, c->record.count);
	}
	assert_int_equal(c->record.confirmed, world->promised);
	assert_int_equal(c->deadline, c->record.pending ? world->window_ends : COMMIT_NEVER);
	if (as_it_should_be(world))
		assert_int_equal(next, c->deadline);
	else
		assert_true(next <= world->now + COMMIT_RETRY);
	uint64_t previous = state_record_previous(&c->record);
	assert_true(!previous || world->policies[previous]);
	for (size_t i = 0; i < c->record.count; i++) {
		const struct state_entry *entry = &c->record.entries[i];
		if (!world->expected[entry->number])
			continue;
		if (world->expected[entry->number] != 1 + (uint8_t)entry->outcome)
			fail_msg("policy %u: %s", (unsigned)entry->number, state_outcome_name(entry->outcome));
		assert_int_equal(entry->decided_at == 0, entry->number == c->record.pending);
	}
}

// ---- the machine's steps ----

static int store_policy(struct world *world, uint64_t number)
{
	// Never one that was given to the kernel under the same number before.
	assert_false(world->loaded[number]);
	unsigned kind = world->broken ? 1 : fault(world, 4);
	if (kind == 0 || kind == 2 || kind == 4)
		world->policies[number] = world->content[number];
	world->crashed = kind >= 3;
	return kind == 0 ? 0 : -EIO;
}

static int store_record(struct world *world)
{
	const struct state_record *record = &world->commit.record;
	unsigned kind = world->broken ? 1 : fault(world, 4);
	uint64_t confirmed = record->confirmed;
	if (kind == 0 || kind == 2 || kind == 4) {
		world->disk = *record;
		world->has_record = true;
	}
	if (kind == 0) {
		memset(world->doubted, 0, sizeof world->doubted);
		if (confirmed != world->promised && confirmed == world->attempt)
			world->doubted[world->promised] = world->doubted[confirmed] = true; // until it is said
	} else {
		world->doubted[confirmed] = world->doubted[world->disk.confirmed] = true;
	}
	world->crashed = kind >= 3;
	return kind == 0 ? 0 : -EIO;
}

static int load(struct world *world, int64_t number, bool *touched)
{
	if (number == KERNEL_CLOSED) {
		uint64_t target = world->commit.record.pending ? world->commit.record.pending
		                                               : world->commit.record.confirmed;
		assert_true(target == 0 || !world->commit.wall || world->commit.stand_in);
	} else {
		// Durable before it is loaded, and named where a restart is to take it back.
		assert_int_equal(world->policies[number], world->content[number]);
		assert_true(number == (int64_t)world->promised || number == (int64_t)world->attempt ||
		            number == (int64_t)world->disk.pending);
		world->loaded[number] = true;
	}
	world->loads++;
	unsigned kind = world->refuses ? 1 : fault(world, 5);
	*touched = kind == 2 || kind == 3;
	if (kind == 0 || kind == 2 || kind == 5)
		world->kernel = number;
	world->crashed = kind >= 4;
	return kind == 0 ? 0 : -EPERM;
}

static void expect(struct world *world, uint64_t number, enum state_outcome outcome)
{
	world->expected[number] = (uint8_t)(1 + outcome);
}

static void answered_apply(struct world *world, uint64_t number)
{
	const struct commit *c = &world->commit;
	// One failure is no reason to leave anything but the old wall.
	if (c->error && world->wrong == 1 && world->held != KERNEL_NOTHING)
		assert_true(c->certain && world->kernel == world->held);
	if (c->error == 0) {
		expect(world, number, STATE_APPLIED);
		assert_int_equal(c->standing, number);
		if (c->record.pending)
			assert_int_equal(c->record.pending, number);
		else
			assert_int_equal(number, world->attempt);
	} else {
		assert_int_equal(c->record.pending, 0);
		if (state_record_find(&world->commit.record, number))
			expect(world, number, STATE_FAILED);
	}
}

static void answer(struct world *world)
{
	struct commit *c = &world->commit;
	world->answered = true;
	world->error = c->error;
	world->event = c->event;
	switch (c->event) {
	case COMMIT_EVENT_BOOT:
	case COMMIT_EVENT_RETRY:
		assert_int_equal(c->number, c->standing);
		break;
	case COMMIT_EVENT_APPLY:
		answered_apply(world, c->number);
		break;
	case COMMIT_EVENT_CONFIRM:
		if (c->error == 0)
			expect(world, c->number, STATE_CONFIRMED);
		assert_int_equal(c->record.pending, c->error ? c->number : 0);
		break;
	case COMMIT_EVENT_ROLLBACK:
		expect(world, c->number, STATE_ROLLED_BACK);
		break;
	case COMMIT_EVENT_EXPIRE:
		assert_true(world->now >= world->window_ends);
		expect(world, c->number, STATE_EXPIRED);
		break;
	}
	if (c->error == 0 && world->attempt) {
		world->promised = world->attempt;
		memset(world->doubted, 0, sizeof world->doubted);
		assert_false(c->unsaved);
	}
	world->attempt = 0;
	if (!c->record.pending)
		world->window_ends = COMMIT_NEVER;
}

static void step(struct world *world)
{
	struct commit *c = &world->commit;
	bool touched = false;
	int error = 0;
	world->steps++;
	switch (c->step) {
	case COMMIT_IDLE:
		fail();
		break;
	case COMMIT_STORE_POLICY:
		error = store_policy(world, c->number);
		break;
	case COMMIT_STORE_RECORD:
		error = store_record(world);
		break;
	case COMMIT_LOAD:
		assert_int_not_equal(c->number, 0);
		error = load(world, (int64_t)c->number, &touched);
		break;
	case COMMIT_LOAD_CLOSED:
		error = load(world, KERNEL_CLOSED, &touched);
		break;
	case COMMIT_REMOVE:
		assert_int_not_equal(c->number, 0);
		assert_int_not_equal(c->number, c->record.confirmed);
		assert_int_not_equal(c->number, c->record.pending);
		world->policies[c->number] = 0;
		break;
	case COMMIT_ANSWER:
		answer(world);
		break;
	}
	world->now += 7;
	if (world->crashed)
		return;
	if (c->event == COMMIT_EVENT_APPLY && c->step == COMMIT_LOAD && !error && c->record.pending)
		world->window_ends =
		        c->window > COMMIT_NEVER - world->now ? COMMIT_NEVER : world->now + c->window;
	commit_done(c, error, touched, world->now, unix_now(world));
	check_disk(world);
}

static void run(struct world *world)
{
	for (unsigned i = 0; !world->crashed && world->commit.step != COMMIT_IDLE; i++) {
		assert_true(i < 20);
		step(world);
	}
	if (!world->crashed)
		check_idle(world);
}

// ---- start ----

// As state_read_record and state_sweep do it.
static void read_record(struct world *world, struct state_record *ret)
{
	uint64_t newest = 0;
	*ret = world->has_record ? world->disk : (struct state_record){.next = 1};
	for (uint64_t number = 1; number < WORLD_NUMBERS; number++)
		if (world->policies[number])
			newest = number;
	if (ret->next <= newest)
		ret->next = newest + 1;
	for (uint64_t number = 1; number < newest; number++)
		if (world->has_record && !state_record_find(ret, number))
			world->policies[number] = 0;
}

static void boot_once(struct world *world)
{
	struct state_record record;
	uint64_t pending = 0;
	world->crashed = false;
	world->boots++;
	world->kernel = KERNEL_NOTHING;
	world->window_ends = COMMIT_NEVER;
	read_record(world, &record);
	// What was promised is found, or what was about to be; never what waited.
	assert_true(record.confirmed == world->promised || record.confirmed == world->attempt ||
	            world->doubted[record.confirmed]);
	world->promised = record.confirmed;
	world->attempt = 0;
	memset(world->doubted, 0, sizeof world->doubted);
	memset(world->expected, 0, sizeof world->expected);
	for (size_t i = 0; i < record.count; i++)
		expect(world, record.entries[i].number, record.entries[i].outcome);
	pending = record.pending;
	if (pending)
		expect(world, pending, STATE_RESTARTED);
	commit_boot(&world->commit, &record, world->now);
	assert_true(world->commit.step == COMMIT_LOAD || world->commit.step == COMMIT_LOAD_CLOSED);
	run(world);
	if (world->crashed)
		return;
	assert_int_equal(world->commit.record.pending, 0);
	assert_true(world->commit.wall || world->error);
	if (world->error == 0)
		assert_int_equal(world->commit.standing, record.confirmed);
}

void world_boot(struct world *world)
{
	do
		boot_once(world);
	while (world->crashed);
}

// ---- operations ----

void world_apply(struct world *world, int64_t window)
{
	struct commit *c = &world->commit;
	uint64_t number = c->record.next;
	struct state_entry entry = {.peers = 1};
	assert_true(number < WORLD_NUMBERS);
	if (commit_apply(c, &entry, window, world->now, unix_now(world)) < 0) {
		assert_int_not_equal(c->record.pending, 0);
		return;
	}
	assert_false(world->loaded[number]);
	world->content[number] = ++world->contents;
	world->expected[number] = 0;
	world->attempt = window ? 0 : number;
	run(world);
}

static void confirm(struct world *world)
{
	struct commit *c = &world->commit;
	uint64_t pending = c->record.pending;
	int r = commit_confirm(c, world->now, unix_now(world));
	assert_int_equal(r, pending && world->now < c->deadline ? 0 : -ENOENT);
	if (r < 0)
		return;
	world->attempt = pending;
	run(world);
}

static void roll_back(struct world *world)
{
	struct commit *c = &world->commit;
	uint64_t pending = c->record.pending;
	int r = commit_rollback(c, world->now, unix_now(world));
	assert_int_equal(r, pending ? 0 : -ENOENT);
	if (r < 0)
		return;
	run(world);
	if (!world->crashed && world->error == 0)
		assert_int_equal(c->standing, c->stand_in ? 0 : c->record.confirmed);
}

// Not a moment too early, and not late.
static void wait_for_it(struct world *world)
{
	struct commit *c = &world->commit;
	int64_t next = commit_next(c);
	if (next == COMMIT_NEVER)
		return;
	if (next > world->now) {
		commit_tick(c, next - 1, unix_now(world));
		assert_int_equal(c->step, COMMIT_IDLE);
		world->now = next;
	}
	commit_tick(c, world->now, unix_now(world));
	assert_int_not_equal(c->step, COMMIT_IDLE);
	run(world);
}

void world_do(struct world *world, enum operation operation, int64_t window)
{
	world->answered = false;
	world->wrong = 0;
	world->held = as_it_should_be(world) ? world->kernel : KERNEL_NOTHING;
	switch (operation) {
	case OPERATION_APPLY:
		world_apply(world, 0);
		break;
	case OPERATION_APPLY_WINDOW:
		world_apply(world, window);
		break;
	case OPERATION_CONFIRM:
		confirm(world);
		break;
	case OPERATION_ROLLBACK:
		roll_back(world);
		break;
	case OPERATION_WAIT:
		wait_for_it(world);
		break;
	case OPERATION_RESTART:
		world->crashed = true;
		break;
	case OPERATIONS:
		break;
	}
	if (world->crashed)
		world_boot(world);
}

void world_pass(struct world *world, int64_t milliseconds)
{
	int64_t until = world->now + milliseconds;
	while (commit_next(&world->commit) <= until)
		world_do(world, OPERATION_WAIT, 0);
	if (world->now < until)
		world->now = until;
}
