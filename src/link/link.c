// SPDX-License-Identifier: GPL-2.0-or-later
//
// What is asked about interfaces, and done to one.
#include "link/link.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "link/link_read.h"
#include "link/link_talk.h"

#define ATTEMPTS 16 // at a list that something changed in while it was read

// ---- lists ----

struct list {
	struct link_interface *interfaces;
	struct link_address *addresses;
	size_t count, capacity;
	bool failed; // out of memory
};

static void take_interface(void *context, const struct nlmsghdr *message)
{
	struct list *list = context;
	struct link_interface interface;
	if (list->failed || !link_read_interface(message, &interface))
		return;
	if (array_room(&list->interfaces, list->count, &list->capacity, sizeof interface) < 0)
		list->failed = true;
	else
		list->interfaces[list->count++] = interface;
}

static void take_address(void *context, const struct nlmsghdr *message)
{
	struct list *list = context;
	struct link_address address;
	if (list->failed || !link_read_address(message, &address))
		return;
	if (array_room(&list->addresses, list->count, &list->capacity, sizeof address) < 0)
		list->failed = true;
	else
		list->addresses[list->count++] = address;
}

// A list that was interrupted may lack what has not changed, or name it twice: it is begun again.
static int fill(struct link *link, void (*request)(struct link_message *), link_reply_fn take,
                struct list *list, struct problems *problems, const char *what)
{
	struct link_message message;
	int error = -EINTR;
	for (unsigned i = 0; i < ATTEMPTS && error == -EINTR; i++) {
		list->count = 0;
		request(&message);
		error = link_ask(link, &message, take, list);
	}
	if (!error && list->failed)
		error = -ENOMEM;
	if (error) {
		link_complain(link, problems, error, "list", what, NULL);
		free(list->interfaces);
		free(list->addresses);
	}
	return error;
}

int link_interfaces(struct link *link, struct link_interface **ret, size_t *ret_count,
                    struct problems *problems)
{
	struct list list = {0};
	int error = fill(link, link_message_interfaces, take_interface, &list, problems, "interfaces");
	*ret = error ? NULL : list.interfaces;
	*ret_count = error ? 0 : list.count;
	return error;
}

int link_addresses(struct link *link, struct link_address **ret, size_t *ret_count, struct problems *problems)
{
	struct list list = {0};
	int error = fill(link, link_message_addresses, take_address, &list, problems, "addresses");
	*ret = error ? NULL : list.addresses;
	*ret_count = error ? 0 : list.count;
	return error;
}

int link_find(struct link *link, const char *name, struct link_interface *ret, struct problems *problems)
{
	struct link_interface *all;
	size_t count;
	int error = link_interfaces(link, &all, &count, problems);
	if (error)
		return error;
	error = -ENODEV;
	for (size_t i = 0; i < count && error; i++) {
		if (strcmp(all[i].name, name) != 0)
			continue;
		*ret = all[i];
		error = 0;
	}
	free(all);
	return error;
}

// ---- one interface ----

int link_up(struct link *link, const struct link_interface *interface, struct problems *problems)
{
	struct link_message message;
	link_message_flags(&message, interface->index, true);
	return link_do(link, &message, problems, "bring up", interface->name);
}

int link_down(struct link *link, const struct link_interface *interface, struct problems *problems)
{
	struct link_message message;
	link_message_flags(&message, interface->index, false);
	return link_do(link, &message, problems, "take down", interface->name);
}

int link_delete(struct link *link, const struct link_interface *interface, struct problems *problems)
{
	struct link_message message;
	link_message_delete(&message, interface->index);
	return link_do(link, &message, problems, "delete", interface->name);
}

static const char *why_no_port(int error)
{
	switch (error) {
	case -EBUSY:
		return "something else has it: a macvlan, a bond or a packet switch";
	case -ELOOP:
		return "it is a bridge itself";
	case -EINVAL:
	case -EOPNOTSUPP:
		return "this kind of interface cannot be in a bridge";
	default:
		return NULL;
	}
}

int link_join(struct link *link, const struct link_interface *interface, const struct link_interface *bridge,
              struct problems *problems)
{
	struct link_message message;
	link_message_master(&message, interface->index, bridge->index);
	int error = link_ask(link, &message, NULL, NULL);
	if (error)
		link_complain(link, problems, error, "make a port of", interface->name, why_no_port(error));
	return error;
}

int link_leave(struct link *link, const struct link_interface *interface, struct problems *problems)
{
	struct link_message message;
	link_message_master(&message, interface->index, 0);
	return link_do(link, &message, problems, "take out of its bridge", interface->name);
}

// ---- addresses ----

// "set 10.20.1.250 on": for a complaint about an interface.
static void complain(struct link *link, struct problems *problems, int error, const char *verb,
                     const struct prefix *address, const char *name)
{
	char text[PREFIX_TEXT_MAX], what[PREFIX_TEXT_MAX + 32];
	snprintf(what, sizeof what, "%s %s", verb, prefix_print(address, text));
	link_complain(link, problems, error, what, name, NULL);
}

int link_address_add(struct link *link, const struct link_interface *interface, const struct prefix *address,
                     uint8_t length, struct problems *problems)
{
	struct link_message message;
	link_message_address(&message, true, interface->index, address, length);
	int error = link_ask(link, &message, NULL, NULL);
	if (error == -EEXIST)
		error = 0;
	if (error)
		complain(link, problems, error, "set the address", address, interface->name);
	return error;
}

int link_address_remove(struct link *link, const struct link_interface *interface,
                        const struct link_address *address, struct problems *problems)
{
	struct link_message message;
	link_message_address(&message, false, interface->index, &address->prefix, address->length);
	int error = link_ask(link, &message, NULL, NULL);
	if (error == -EADDRNOTAVAIL)
		error = 0;
	if (error)
		complain(link, problems, error, "remove the address", &address->prefix, interface->name);
	return error;
}
