// SPDX-License-Identifier: GPL-2.0-or-later
//
// The commit machine: one life after the other by hand, then everything that can happen within three operations
// and three faults, then long lives by dice, then days of simulated time.
#include "commit_world.h"

#include <errno.h>
#include <stdio.h>

#define HOUR 3600000LL
#define FAULTS 3

static struct world *fresh(void)
{
	struct world *world = malloc(sizeof *world);
	assert_non_null(world);
	world_init(world);
	world_boot(world);
	return world;
}

static enum state_outcome outcome(struct world *world, uint64_t number)
{
	const struct state_entry *entry = state_record_find(&world->disk, number);
	assert_non_null(entry);
	return entry->outcome;
}

static void first_ever(void **state)
{
	(void)state;
	struct world *w = fresh();
	assert_int_equal(w->kernel, KERNEL_CLOSED);
	assert_int_equal(w->error, 0);
	assert_int_equal(commit_confirm(&w->commit, w->now, 1), -ENOENT);
	assert_int_equal(commit_rollback(&w->commit, 1, 1), -ENOENT);
	assert_int_equal(commit_next(&w->commit), COMMIT_NEVER);
	world_apply(w, WORLD_WINDOW);
	assert_int_equal(w->kernel, 1);
	assert_int_equal(w->disk.pending, 1);
	world_do(w, OPERATION_WAIT, 0); // back to the closed wall
	assert_int_equal(w->kernel, KERNEL_CLOSED);
	assert_int_equal(outcome(w, 1), STATE_EXPIRED);
	world_apply(w, 0);
	assert_int_equal(w->kernel, 2);
	assert_int_equal(w->disk.confirmed, 2);
	free(w);
}

static void windows(void **state)
{
	(void)state;
	struct world *w = fresh();
	world_apply(w, 0);
	world_apply(w, WORLD_WINDOW);
	assert_int_equal(commit_apply(&w->commit, &(struct state_entry){0}, 0, w->now, 1), -EBUSY);
	world_do(w, OPERATION_CONFIRM, 0);
	assert_int_equal(w->disk.confirmed, 2);
	assert_int_equal(outcome(w, 2), STATE_CONFIRMED);
	world_pass(w, 2 * WORLD_WINDOW);
	assert_int_equal(w->kernel, 2);
	world_apply(w, WORLD_WINDOW);
	world_do(w, OPERATION_ROLLBACK, 0);
	assert_int_equal(w->kernel, 2);
	assert_int_equal(outcome(w, 3), STATE_ROLLED_BACK);
	world_apply(w, WORLD_WINDOW);
	world_do(w, OPERATION_RESTART, 0);
	assert_int_equal(w->kernel, 2);
	assert_int_equal(outcome(w, 4), STATE_RESTARTED);
	assert_int_equal(w->disk.next, 5);
	assert_int_equal(state_record_previous(&w->disk), 1);
	free(w);
}

// The end of a window counts, not when somebody looks at the clock.
static void late(void **state)
{
	(void)state;
	struct world *w = fresh();
	world_apply(w, 0);
	world_apply(w, WORLD_WINDOW);
	assert_int_equal(commit_confirm(&w->commit, w->commit.deadline, 1), -ENOENT);
	assert_int_equal(w->commit.record.pending, 2);
	assert_int_equal(commit_confirm(&w->commit, w->commit.deadline - 1, 1), 0);
	free(w);
}

// Nothing starts while something is being done.
static void one_at_a_time(void **state)
{
	(void)state;
	struct world *w = fresh();
	struct state_entry entry = {0};
	assert_int_equal(commit_apply(&w->commit, &entry, 1000, w->now, 1), 0);
	assert_int_equal(commit_apply(&w->commit, &entry, 1000, w->now, 1), -EBUSY);
	assert_int_equal(commit_confirm(&w->commit, w->now, 1), -EBUSY);
	assert_int_equal(commit_rollback(&w->commit, 1, 1), -EBUSY);
	assert_int_equal(commit_next(&w->commit), COMMIT_NEVER);
	commit_tick(&w->commit, COMMIT_NEVER, 1);
	assert_int_equal(w->commit.step, COMMIT_STORE_POLICY);
	free(w);
}

// A disk that takes nothing: no policy is changed but to the confirmed one.
static void broken_disk(void **state)
{
	(void)state;
	struct world *w = fresh();
	world_apply(w, 0);
	world_apply(w, WORLD_WINDOW);
	w->broken = true;
	world_do(w, OPERATION_CONFIRM, 0);
	assert_int_equal(w->error, -EIO);
	assert_int_equal(w->kernel, 2);
	world_pass(w, WORLD_WINDOW);
	assert_int_equal(w->kernel, 1);
	assert_true(w->commit.unsaved);
	unsigned steps = w->steps;
	world_apply(w, 0);
	world_apply(w, WORLD_WINDOW);
	assert_int_equal(w->error, -EIO);
	assert_int_equal(w->kernel, 1);
	assert_int_equal(w->steps, steps + 6); // policy, answer, remove
	w->broken = false;
	world_pass(w, COMMIT_RETRY);
	assert_false(w->commit.unsaved);
	assert_int_equal(outcome(w, 2), STATE_EXPIRED);
	world_apply(w, 0);
	assert_int_equal(w->kernel, 5); // 3 and 4 are not given again
	free(w);
}

// Room for the policy, none for the record: the policy does not stay.
static void half_written(void **state)
{
	(void)state;
	struct world *w = fresh();
	w->faults = 1;
	w->choices = (struct choices){.made = {0, 1}, .count = 2};
	world_apply(w, WORLD_WINDOW);
	assert_int_equal(w->error, -EIO);
	assert_int_equal(w->policies[1], 0);
	assert_int_equal(w->kernel, KERNEL_CLOSED);
	assert_int_equal(w->loads, 1); // that of the start
	free(w);
}

// The record of a confirmation is on the disk, and then the disk fails: it is refused, and not there any more.
static void written_after_all(void **state)
{
	(void)state;
	struct world *w = fresh();
	world_apply(w, 0);
	world_apply(w, WORLD_WINDOW);
	w->faults = 1;
	w->choices = (struct choices){.made = {2}, .count = 1};
	world_do(w, OPERATION_CONFIRM, 0);
	assert_int_equal(w->error, -EIO);
	assert_int_equal(w->disk.confirmed, 1);
	assert_int_equal(w->disk.pending, 2);
	assert_false(w->commit.unsaved);
	free(w);
}

// A kernel that takes nothing is asked again every ten seconds, for as long as it takes.
static void refusing_kernel(void **state)
{
	(void)state;
	struct world *w = fresh();
	world_apply(w, 0);
	world_apply(w, WORLD_WINDOW);
	w->refuses = true;
	world_do(w, OPERATION_WAIT, 0);
	assert_int_equal(w->event, COMMIT_EVENT_EXPIRE);
	assert_int_equal(w->error, -EPERM);
	assert_int_equal(w->kernel, 2); // what stands, stands
	assert_int_equal(commit_confirm(&w->commit, w->now, 1), -ENOENT);
	unsigned loads = w->loads;
	world_pass(w, 24 * HOUR);
	// Each attempt takes a few milliseconds of the world's time.
	assert_in_range(w->loads - loads, 24 * HOUR / (COMMIT_RETRY + 100), 24 * HOUR / COMMIT_RETRY);
	assert_int_equal(w->event, COMMIT_EVENT_RETRY);
	assert_int_equal(w->kernel, 2);
	w->refuses = false;
	world_pass(w, COMMIT_RETRY);
	assert_int_equal(w->kernel, 1);
	assert_int_equal(w->error, 0);
	assert_int_equal(commit_next(&w->commit), COMMIT_NEVER);

	w->refuses = true;
	world_do(w, OPERATION_RESTART, 0);
	assert_false(w->commit.wall);
	assert_int_equal(w->kernel, KERNEL_NOTHING);
	loads = w->loads;
	world_pass(w, HOUR); // the policy and the closed wall each time
	assert_in_range(w->loads - loads, 2 * HOUR / (COMMIT_RETRY + 100), 2 * HOUR / COMMIT_RETRY);
	w->refuses = false;
	world_pass(w, COMMIT_RETRY);
	assert_int_equal(w->kernel, 1);
	free(w);
}

// What else was left undone does not wait for the kernel.
static void both_broken(void **state)
{
	(void)state;
	struct world *w = fresh();
	world_apply(w, 0);
	world_apply(w, WORLD_WINDOW);
	w->refuses = w->broken = true;
	world_do(w, OPERATION_WAIT, 0);
	assert_true(w->commit.unsaved);
	w->broken = false;
	world_pass(w, COMMIT_RETRY);
	assert_false(w->commit.unsaved);
	assert_int_equal(w->kernel, 2);
	assert_int_equal(outcome(w, 2), STATE_EXPIRED);
	free(w);
}

// At a start, and only then, the closed wall stands in.
static void stand_in(void **state)
{
	(void)state;
	struct world *w = fresh();
	world_apply(w, 0);
	commit_boot(&w->commit, &w->disk, w->now);
	assert_int_equal(w->commit.step, COMMIT_LOAD);
	assert_int_equal(w->commit.number, 1);
	commit_done(&w->commit, -EBADMSG, false, w->now, 1);
	assert_int_equal(w->commit.step, COMMIT_LOAD_CLOSED);
	commit_done(&w->commit, 0, false, w->now, 1);
	assert_int_equal(w->commit.step, COMMIT_ANSWER);
	assert_int_equal(w->commit.error, -EBADMSG);
	assert_true(w->commit.wall);
	commit_done(&w->commit, 0, false, w->now, 1);
	assert_int_equal(commit_next(&w->commit), w->now + COMMIT_RETRY);
	commit_tick(&w->commit, w->now + COMMIT_RETRY, 1);
	assert_int_equal(w->commit.step, COMMIT_LOAD);
	commit_done(&w->commit, -EBADMSG, false, w->now, 1);
	assert_int_equal(w->commit.step, COMMIT_ANSWER); // the closed wall stands already
	free(w);
}

// A life in which the confirmed policy cannot be loaded at the start: its file is damaged, say, or nobody
// trusts who has signed it any more.
static struct world *closed(void)
{
	struct world *w = fresh();
	world_apply(w, 0);
	w->kernel = KERNEL_NOTHING;
	commit_boot(&w->commit, &w->disk, w->now);
	commit_done(&w->commit, -EKEYREJECTED, false, w->now, 1);
	w->kernel = KERNEL_CLOSED;
	commit_done(&w->commit, 0, true, w->now, 1);
	commit_done(&w->commit, 0, false, w->now, 1);
	assert_true(w->commit.stand_in);
	return w;
}

// Where a window began at the closed wall, its end is the closed wall, and not what could not be loaded.
static void stand_in_comes_back(void **state)
{
	(void)state;
	struct world *w = closed();
	world_apply(w, WORLD_WINDOW);
	assert_int_equal(w->kernel, 2);
	world_do(w, OPERATION_ROLLBACK, 0);
	assert_int_equal(w->error, 0);
	assert_int_equal(w->kernel, KERNEL_CLOSED);
	world_apply(w, WORLD_WINDOW);
	world_do(w, OPERATION_WAIT, 0);
	assert_int_equal(w->event, COMMIT_EVENT_EXPIRE);
	assert_int_equal(w->kernel, KERNEL_CLOSED);
	// Then it is tried again, as before.
	world_do(w, OPERATION_WAIT, 0);
	assert_int_equal(w->event, COMMIT_EVENT_RETRY);
	assert_int_equal(w->kernel, 1);
	assert_false(w->commit.stand_in);
	world_apply(w, WORLD_WINDOW);
	world_do(w, OPERATION_WAIT, 0);
	assert_int_equal(w->kernel, 1);
	free(w);
}

// The kernel refuses the closed wall when the window ends: what nobody confirmed goes at the next attempt,
// although the confirmed policy still cannot be loaded.
static void stand_in_comes_late(void **state)
{
	(void)state;
	struct world *w = closed();
	world_apply(w, WORLD_WINDOW);
	w->now = w->window_ends;
	commit_tick(&w->commit, w->now, 1);
	assert_int_equal(w->commit.step, COMMIT_LOAD_CLOSED);
	commit_done(&w->commit, -ENOMEM, false, w->now, 1);
	assert_int_equal(w->commit.step, COMMIT_STORE_RECORD);
	commit_done(&w->commit, 0, false, w->now, 1);
	commit_done(&w->commit, 0, false, w->now, 1);
	assert_int_equal(w->commit.step, COMMIT_IDLE);
	assert_int_equal(w->commit.standing, 2);
	w->now += COMMIT_RETRY;
	commit_tick(&w->commit, w->now, 1);
	assert_int_equal(w->commit.step, COMMIT_LOAD);
	assert_int_equal(w->commit.number, 1);
	commit_done(&w->commit, -EKEYREJECTED, false, w->now, 1);
	assert_int_equal(w->commit.step, COMMIT_LOAD_CLOSED);
	commit_done(&w->commit, 0, true, w->now, 1);
	assert_int_equal(w->commit.standing, 0);
	free(w);
}

static void stand_in_ends(void **state)
{
	(void)state;
	for (int window = 0; window <= 1; window++) {
		struct world *w = closed();
		world_apply(w, window ? WORLD_WINDOW : 0);
		if (window)
			world_do(w, OPERATION_CONFIRM, 0);
		assert_false(w->commit.stand_in);
		world_apply(w, WORLD_WINDOW);
		world_do(w, OPERATION_ROLLBACK, 0);
		assert_int_equal(w->kernel, 2);
		free(w);
	}
}

static void no_record(void **state)
{
	struct commit commit;
	(void)state;
	commit_boot(&commit, NULL, 0);
	assert_int_equal(commit.step, COMMIT_LOAD_CLOSED);
	assert_int_equal(commit.record.next, 1);
}

// A day and more with a window open, to the millisecond; and windows without end.
static void long_windows(void **state)
{
	(void)state;
	struct world *w = fresh();
	world_apply(w, 0);
	world_apply(w, 24 * HOUR);
	assert_int_equal(commit_next(&w->commit), w->window_ends);
	int64_t left = w->window_ends - w->now;
	world_pass(w, left - 1);
	assert_int_equal(w->kernel, 2);
	world_pass(w, 1);
	assert_int_equal(w->kernel, 1);
	world_apply(w, INT64_MAX);
	assert_int_equal(w->kernel, 3);
	assert_int_equal(commit_next(&w->commit), COMMIT_NEVER);
	world_do(w, OPERATION_CONFIRM, 0);
	assert_int_equal(w->disk.confirmed, 3);
	free(w);
}

// ---- everything that can happen ----

// The next row of choices; false when all were tried.
static bool advance(struct choices *choices)
{
	while (choices->count && choices->made[choices->count - 1] + 1 >= choices->limit[choices->count - 1])
		choices->count--;
	if (choices->count == 0)
		return false;
	choices->made[choices->count - 1]++;
	return true;
}

// What tells two worlds apart, times being relative.
struct key {
	uint64_t confirmed, pending, next, standing, promised, disk_confirmed, disk_pending, disk_next;
	int64_t kernel, deadline, retry;
	uint32_t policies, loaded, doubted;
	uint8_t outcomes[8], disk_outcomes[8], flags, faults, count, disk_count;
};

static struct key key_of(const struct world *w)
{
	const struct commit *c = &w->commit;
	struct key key;
	memset(&key, 0, sizeof key); // also what lies between its members
	key.confirmed = c->record.confirmed;
	key.pending = c->record.pending;
	key.next = c->record.next;
	key.standing = c->standing;
	key.promised = w->promised;
	key.disk_confirmed = w->disk.confirmed;
	key.disk_pending = w->disk.pending;
	key.disk_next = w->disk.next;
	key.kernel = w->kernel;
	key.deadline = c->deadline == COMMIT_NEVER ? -1 : c->deadline - w->now;
	key.retry = c->retry_at == COMMIT_NEVER ? -1 : c->retry_at - w->now;
	for (unsigned i = 0; i < 16; i++) {
		key.policies |= (uint32_t)(w->policies[i] != 0) << i;
		key.loaded |= (uint32_t)w->loaded[i] << i;
		key.doubted |= (uint32_t)w->doubted[i] << i;
	}
	for (unsigned i = 0; i < 8; i++) {
		key.outcomes[i] = (uint8_t)(c->record.entries[i].outcome * 16 + c->record.entries[i].number);
		key.disk_outcomes[i] = (uint8_t)(w->disk.entries[i].outcome * 16 + w->disk.entries[i].number);
	}
	key.flags = (uint8_t)(c->wall | c->certain << 1 | c->unsaved << 2 | w->has_record << 3);
	key.faults = (uint8_t)w->faults;
	key.count = (uint8_t)c->record.count;
	key.disk_count = (uint8_t)w->disk.count;
	return key;
}

struct worlds {
	struct world *items;
	struct key *keys;
	size_t count, capacity;
};

static void remember(struct worlds *worlds, const struct world *world)
{
	struct key key = key_of(world);
	for (size_t i = 0; i < worlds->count; i++)
		if (memcmp(&worlds->keys[i], &key, sizeof key) == 0)
			return;
	if (worlds->count == worlds->capacity) {
		worlds->capacity = worlds->capacity ? worlds->capacity * 2 : 64;
		worlds->items = realloc(worlds->items, worlds->capacity * sizeof *worlds->items);
		worlds->keys = realloc(worlds->keys, worlds->capacity * sizeof *worlds->keys);
		assert_true(worlds->items && worlds->keys);
	}
	worlds->items[worlds->count] = *world;
	worlds->keys[worlds->count++] = key;
}

static void forget(struct worlds *worlds)
{
	free(worlds->items);
	free(worlds->keys);
	*worlds = (struct worlds){0};
}

// Everything that `operation` can lead to.
static size_t branch(const struct world *from, enum operation operation, struct worlds *ret)
{
	static struct world world;
	struct choices choices = {0};
	size_t lives = 0;
	do {
		choices.at = 0;
		world = *from;
		world.choices = choices;
		world_do(&world, operation, WORLD_WINDOW);
		// What was not asked for this time does not count.
		choices = world.choices;
		choices.count = choices.at;
		lives++;
		remember(ret, &world);
	} while (advance(&choices));
	return lives;
}

// When nothing goes wrong any more, everything comes right, after a restart too.
static void comes_right(const struct world *from)
{
	static struct world world;
	world = *from;
	world.faults = 0;
	world_pass(&world, COMMIT_RETRY + WORLD_WINDOW + 1000);
	assert_true(world.kernel == (int64_t)world.promised);
	assert_false(world.commit.unsaved);
	assert_int_equal(commit_next(&world.commit), COMMIT_NEVER);
	world_do(&world, OPERATION_RESTART, 0);
	assert_int_equal(world.error, 0);
	assert_true(world.kernel == (int64_t)world.promised);
	world = *from;
	world.faults = 0;
	world_do(&world, OPERATION_RESTART, 0);
	assert_int_equal(world.error, 0);
	assert_true(world.kernel == (int64_t)world.promised);
}

static void everything(void **state)
{
	struct worlds now = {0}, next = {0};
	size_t lives = 0;
	(void)state;
	struct world *w = fresh();
	w->faults = FAULTS;
	remember(&now, w);
	world_apply(w, 0);
	w->choices = (struct choices){0};
	w->faults = FAULTS;
	remember(&now, w);
	free(w);
	for (unsigned depth = 0; depth < 3; depth++) {
		for (size_t i = 0; i < now.count; i++) {
			comes_right(&now.items[i]);
			for (enum operation operation = 0; operation < OPERATIONS; operation++)
				lives += branch(&now.items[i], operation, &next);
		}
		print_message("after %u operations: %zu worlds, %zu lives\n", depth + 1, next.count, lives);
		forget(&now);
		now = next;
		next = (struct worlds){0};
	}
	for (size_t i = 0; i < now.count; i++)
		comes_right(&now.items[i]);
	assert_true(lives > 10000);
	forget(&now);
}

static void dice(void **state)
{
	(void)state;
	struct world *w = malloc(sizeof *w);
	unsigned boots = 0, wrong = 0;
	assert_non_null(w);
	for (uint32_t life = 1; life <= 3000; life++) {
		world_init(w);
		w->choices.dice = life;
		w->choices.odds = 4 + life % 16;
		w->faults = UINT32_MAX;
		world_boot(w);
		uint32_t own = life * 2654435761u; // what is done is not to depend on what goes wrong
		for (unsigned i = 0; i < 80; i++) {
			own = own * 1664525u + 1013904223u;
			world_do(w, (enum operation)((own >> 8) % OPERATIONS), 1 + (own >> 16));
			wrong += w->answered && w->error;
		}
		w->choices = (struct choices){0};
		comes_right(w);
		boots += w->boots;
	}
	assert_true(boots > 10000 && wrong > 10000);
	free(w);
}

// The history when it is full: what is kept is on the disk, what is not kept is not.
static void full_history(void **state)
{
	(void)state;
	struct world *w = fresh();
	for (unsigned i = 0; i < 100; i++) {
		world_do(w, i % 3 ? OPERATION_APPLY_WINDOW : OPERATION_APPLY, WORLD_WINDOW);
		world_do(w, i % 2 ? OPERATION_CONFIRM : OPERATION_ROLLBACK, 0);
	}
	assert_int_equal(w->disk.count, STATE_HISTORY_MAX);
	for (uint64_t number = 1; number < w->disk.next; number++)
		assert_int_equal(w->policies[number] != 0, state_record_find(&w->disk, number) != NULL);
	assert_int_equal(w->disk.next, 101);
	free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(first_ever),
	        cmocka_unit_test(windows),
	        cmocka_unit_test(late),
	        cmocka_unit_test(one_at_a_time),
	        cmocka_unit_test(broken_disk),
	        cmocka_unit_test(half_written),
	        cmocka_unit_test(written_after_all),
	        cmocka_unit_test(refusing_kernel),
	        cmocka_unit_test(stand_in),
	        cmocka_unit_test(stand_in_comes_back),
	        cmocka_unit_test(stand_in_comes_late),
	        cmocka_unit_test(stand_in_ends),
	        cmocka_unit_test(both_broken),
	        cmocka_unit_test(no_record),
	        cmocka_unit_test(long_windows),
	        cmocka_unit_test(everything),
	        cmocka_unit_test(full_history),
	        cmocka_unit_test(dice),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
