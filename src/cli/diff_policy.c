// SPDX-License-Identifier: GPL-2.0-or-later
//
// What two policies say, compared: both lists of facts are walked side by side.
#include "cli/diff.h"

#include "base/json.h"

// The facts about one thing (a peer, the log, ...) in both policies; either side may be empty.
struct group {
	const struct diff_facts *old_facts, *new_facts;
	size_t old, old_end;
	size_t new, new_end;
};

typedef int (*order_fn)(const struct diff_fact *a, const struct diff_fact *b);

// Makes `ret` the first run of `within` that `order` calls equal; false at the end.
static bool first_run(const struct group *within, order_fn order, struct group *ret)
{
	const struct diff_fact *olds = within->old_facts->items, *news = within->new_facts->items;
	const struct diff_fact *fact;

	*ret = *within;
	if (ret->old == ret->old_end && ret->new == ret->new_end)
		return false;
	if (ret->old == ret->old_end)
		fact = &news[ret->new];
	else if (ret->new == ret->new_end)
		fact = &olds[ret->old];
	else
		fact = order(&olds[ret->old], &news[ret->new]) <= 0 ? &olds[ret->old] : &news[ret->new];
	ret->old_end = ret->old;
	while (ret->old_end < within->old_end && order(&olds[ret->old_end], fact) == 0)
		ret->old_end++;
	ret->new_end = ret->new;
	while (ret->new_end < within->new_end && order(&news[ret->new_end], fact) == 0)
		ret->new_end++;
	return true;
}

static void step_over(struct group *within, const struct group *run)
{
	within->old = run->old_end;
	within->new = run->new_end;
}

// Steps to the next fact that only one side has. NULL at the end; *ret_added says which side it is.
static const struct diff_fact *next_single(struct group *group, bool *ret_added)
{
	while (group->old < group->old_end || group->new < group->new_end) {
		const struct diff_fact *old = &group->old_facts->items[group->old];
		const struct diff_fact *new = &group->new_facts->items[group->new];
		int order = group->old == group->old_end ? 1
		            : group->new == group->new_end
		                    ? -1
		                    : diff_compare(group->old_facts, old, group->new_facts, new);

		group->old += order <= 0;
		group->new += order >= 0;
		if (order) {
			*ret_added = order > 0;
			return order > 0 ? new : old;
		}
	}
	return NULL;
}

static const char *value_of(const struct group *group, const struct diff_fact *fact, bool added)
{
	return (added ? group->new_facts : group->old_facts)->values.data + fact->value;
}

static const struct diff_fact *any_fact(const struct group *group)
{
	return group->old < group->old_end ? &group->old_facts->items[group->old]
	                                   : &group->new_facts->items[group->new];
}

static char sign_of(const struct group *group)
{
	return group->old == group->old_end ? '+' : group->new == group->new_end ? '-' : '~';
}

// Looks for the next thing that differs. `rest` is what is still to walk.
static bool next_change(struct group *rest, struct group *ret)
{
	while (first_run(rest, diff_compare_name, ret)) {
		struct group look = *ret;
		bool added;

		step_over(rest, ret);
		if (next_single(&look, &added))
			return true;
	}
	return false;
}

static struct group whole(const struct diff_facts *old, const struct diff_facts *new)
{
	return (struct group){.old_facts = old, .new_facts = new, .old_end = old->count, .new_end = new->count};
}

// ---- text ----

// The values of one key that differ, after the key: "address +10.20.0.6 -10.20.0.5", "port 104 -> 11112" or,
// for something that is only in one policy, "address 10.20.0.6 10.20.0.7".
static void write_values(const struct group *key, char sign, size_t most, struct buffer *out)
{
	const struct diff_fact *fact, *removed_fact = NULL, *added_fact = NULL;
	struct group look = *key;
	size_t added = 0, removed = 0, shown = 0;
	const char *name = diff_key_name(any_fact(key)->key);
	bool each = diff_key_style(any_fact(key)->key) == DIFF_EACH, is_added;

	while ((fact = next_single(&look, &is_added))) {
		added += is_added;
		removed += !is_added;
		*(is_added ? &added_fact : &removed_fact) = fact;
	}
	if (added == 1 && removed == 1) {
		buffer_printf(out, " %s -> %s", value_of(key, removed_fact, false),
		              value_of(key, added_fact, true));
		return;
	}
	look = *key;
	for (; (fact = next_single(&look, &is_added)) && shown < most; shown++) {
		if (each && shown)
			buffer_printf(out, "; %s", name);
		buffer_printf(out, " %s%s",
		              sign != '~' ? ""
		              : is_added  ? "+"
		                          : "-",
		              value_of(key, fact, is_added));
	}
	if (added + removed > most)
		buffer_printf(out, " and %zu more", added + removed - most);
}

static void write_key(const struct group *key, char sign, size_t most, struct buffer *out)
{
	const struct diff_fact *fact = any_fact(key);

	if (diff_key_style(fact->key) == DIFF_FLAG) {
		if (sign == '~')
			buffer_text(out, sign_of(key) == '+' ? "+" : "-");
		buffer_text(out, diff_key_name(fact->key));
		return;
	}
	buffer_text(out, diff_key_name(fact->key));
	write_values(key, sign, most, out);
}

static void write_change(const struct group *change, size_t most, struct buffer *out)
{
	const struct diff_fact *fact = any_fact(change);
	const char *separator = ": ";
	struct group rest = *change, key;
	char sign = sign_of(change);

	buffer_printf(out, "%c %s", sign, diff_part_name((enum diff_part)fact->part));
	if (fact->name_size)
		buffer_printf(out, " %.*s%s", (int)fact->name_size, fact->name,
		              diff_part_suffix((enum diff_part)fact->part));
	while (first_run(&rest, diff_compare_key, &key)) {
		struct group look = key;
		bool added;

		step_over(&rest, &key);
		fact = any_fact(&key);
		if (!fact->key || !next_single(&look, &added))
			continue;
		buffer_text(out, separator);
		separator = "; ";
		if (fact->part == DIFF_ROLE || fact->part == DIFF_PASS) {
			// "role: host -> router": the part's name says the key already
			struct buffer values = BUFFER_EMPTY;

			write_values(&key, sign, most, &values);
			buffer_text(out, values.data ? values.data + 1 : "");
			out->failed = out->failed || buffer_failed(&values);
			buffer_fini(&values);
			continue;
		}
		write_key(&key, sign, most, out);
	}
	buffer_text(out, "\n");
}

size_t diff_policy(const struct diff_facts *old, const struct diff_facts *new, const struct diff_bounds *bounds,
                   struct buffer *out)
{
	struct group rest = whole(old, new), change;
	size_t count = 0;

	while (next_change(&rest, &change)) {
		if (count++ < bounds->lines)
			write_change(&change, bounds->values, out);
	}
	if (count > bounds->lines)
		buffer_printf(out, "  and %zu more (--all shows them)\n", count - bounds->lines);
	return count;
}

// ---- JSON ----

static void json_side(const struct group *change, bool side, struct json *out)
{
	struct group rest = *change;
	const struct diff_fact *fact;
	bool added;

	json_key(out, side ? "added" : "removed");
	json_array(out);
	while ((fact = next_single(&rest, &added))) {
		if (added != side || !fact->key)
			continue;
		json_object(out);
		json_key_text(out, "key", diff_key_name(fact->key));
		json_key(out, "value");
		json_text_n(out, value_of(change, fact, added), fact->value_size);
		json_end(out);
	}
	json_end_array(out);
}

size_t diff_policy_json(const struct diff_facts *old, const struct diff_facts *new, struct json *out)
{
	struct group rest = whole(old, new), change;
	size_t count = 0;

	json_array(out);
	for (; next_change(&rest, &change); count++) {
		const struct diff_fact *fact = any_fact(&change);
		char sign = sign_of(&change);

		json_object(out);
		json_key_text(out, "change", sign == '+' ? "added" : sign == '-' ? "removed" : "changed");
		json_key_text(out, "part", diff_part_name((enum diff_part)fact->part));
		json_key(out, "name");
		if (fact->name_size)
			json_text_n(out, fact->name, fact->name_size);
		else
			json_text(out, NULL);
		json_key_bool(out, "for_box", fact->part == DIFF_BOX_SERVICE);
		json_side(&change, false, out);
		json_side(&change, true, out);
		json_end(out);
	}
	json_end_array(out);
	return count;
}
