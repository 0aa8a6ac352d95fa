/* SPDX-License-Identifier: Apache-2.0 */
#include "discovery/browse.h"

#include <errno.h>
#include <string.h>

#include "discovery/avahi.h"

#define STRINGS_MAX 16 /* of a TXT record that are looked at */

/* An instance on one interface, in one family. */
struct item {
	struct browse *browse; /* borrowed */
	char *name;            /* owned, as the next */
	sd_bus_slot *call;     /* that resolves it; NULL: done */
	int32_t interface, protocol;
	bool has_asked; /* for the address, too */
	bool is_found;  /* and told */
	struct item *next;
};

struct browse {
	sd_bus *bus; /* borrowed */
	char *type;  /* owned, as all below */
	struct browse_events events;
	char *path; /* of Avahi's browser */
	sd_bus_slot *owner, *signals, *call;
	struct item *items;
	size_t n_items, n_resolving;
	bool has_settled; /* Avahi said so; told when nothing is being resolved any more */
};

static void fail(struct browse *b, const char *detail)
{
	if (b->events.failed)
		b->events.failed(detail, b->events.userdata);
}

static void settle(struct browse *b)
{
	if (!b->has_settled || b->n_resolving > 0)
		return;
	b->has_settled = false;
	if (b->events.settled)
		b->events.settled(b->events.userdata);
}

static void item_free(struct item *item)
{
	struct browse *b = item->browse;

	for (struct item **at = &b->items; *at; at = &(*at)->next)
		if (*at == item) {
			*at = item->next;
			b->n_items--;
			break;
		}
	if (item->call)
		b->n_resolving--;
	sd_bus_slot_unref(item->call);
	free(item->name);
	free(item);
}

/* ---- what a service says ---- */

static int read_record(sd_bus_message *m, struct record *ret)
{
	int r = sd_bus_message_enter_container(m, 'a', "ay");

	for (size_t i = 0; r > 0; i++) {
		const void *string;
		size_t len;

		r = sd_bus_message_read_array(m, 'y', &string, &len);
		if (r > 0 && i < STRINGS_MAX)
			record_take(ret, string, len);
	}
	return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int read_service(sd_bus_message *m, struct browse_service *ret,
			char host[static HOSTNAME_MAX + 1])
{
	const char *name, *type, *domain, *target, *address;
	int32_t interface, protocol, family;
	uint16_t port;
	int r = sd_bus_message_read(m, "iissssisq", &interface, &protocol, &name, &type, &domain,
				    &target, &family, &address, &port);

	if (r < 0)
		return r;
	if (port == 0 || !hostname_read(target, host) ||
	    (*address && resolve_literal(address, port, &ret->address) < 0))
		return -EINVAL;
	ret->port = port;
	if (ret->address.len > 0 && ret->address.any.sa_family == AF_INET6 &&
	    IN6_IS_ADDR_LINKLOCAL(&ret->address.v6.sin6_addr))
		ret->address.v6.sin6_scope_id = interface > 0 ? (uint32_t)interface : 0;
	ret->host = host;
	return read_record(m, &ret->record);
}

static int on_resolved(sd_bus_message *m, void *userdata, sd_bus_error *error);

static int ask(struct item *item, const char *type, const char *domain, uint32_t flags)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	struct browse *b = item->browse;
	int r = avahi_message(b->bus, "/", AVAHI_SERVER, "ResolveService", &m);

	if (r >= 0)
		r = sd_bus_message_append(m, "iisssiu", item->interface, item->protocol, item->name,
					  type, domain, item->protocol, flags);
	if (r >= 0)
		r = avahi_send(b->bus, m, on_resolved, item, &item->call);
	if (r >= 0)
		b->n_resolving++;
	return r;
}

/* With the address this time, which nobody but Avahi need know. */
static int ask_again(struct item *item)
{
	item->has_asked = true;
	return ask(item, item->browse->type, "local", 0);
}

static int on_resolved(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct item *item = userdata;
	struct browse *b = item->browse;
	struct browse_service service = {.host = NULL};
	char host[HOSTNAME_MAX + 1];

	(void)error;
	item->call = sd_bus_slot_unref(item->call);
	b->n_resolving--;
	/* One that does not answer, or says nonsense, is not there. */
	if (sd_bus_message_is_method_error(m, NULL) || read_service(m, &service, host) < 0) {
		settle(b);
		return 0;
	}
	if (service.address.len == 0 && hostname_is_in(host, "local")) {
		if (!item->has_asked && ask_again(item) >= 0)
			return 0;
	} else {
		item->is_found = true;
		service.name = item->name;
		if (b->events.found)
			b->events.found(&service, b->events.userdata);
	}
	settle(b);
	return 0;
}

static void resolve(struct browse *b, int32_t interface, int32_t protocol, const char *name,
		    const char *domain)
{
	struct item *item = calloc(1, sizeof(*item));

	if (!item)
		return;
	item->browse = b;
	item->name = strdup(name);
	item->interface = interface;
	item->protocol = protocol;
	item->next = b->items;
	b->items = item;
	b->n_items++;
	if (!item->name ||
	    ask(item, b->type, domain, b->events.wants_names ? AVAHI_NO_ADDRESS : 0) < 0)
		item_free(item);
}

static void forget(struct item *item)
{
	struct browse *b = item->browse;

	if (item->is_found && b->events.gone)
		b->events.gone(item->name, b->events.userdata);
	item_free(item);
}

static struct item *find(struct browse *b, int32_t interface, int32_t protocol, const char *name)
{
	for (struct item *i = b->items; i; i = i->next)
		if (i->interface == interface && i->protocol == protocol &&
		    strcmp(i->name, name) == 0)
			return i;
	return NULL;
}

static void take_item(struct browse *b, sd_bus_message *m, bool is_new)
{
	const char *name, *type, *domain;
	int32_t interface, protocol;
	struct item *known;

	if (sd_bus_message_read(m, "iisss", &interface, &protocol, &name, &type, &domain) < 0 ||
	    strcmp(type, b->type) != 0)
		return;
	known = find(b, interface, protocol, name);
	if (is_new && !known && b->n_items < BROWSE_SERVICES_MAX)
		resolve(b, interface, protocol, name, domain);
	else if (!is_new && known)
		forget(known);
}

/* ---- Avahi's browser ---- */

static int on_signal(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct browse *b = userdata;
	const char *path = sd_bus_message_get_path(m), *detail;

	(void)error;
	/* Before the answer to ServiceBrowserNew signals of the browser may come; it has just one
	 * of its kind. */
	if (b->path && strcmp(path, b->path) != 0)
		return 0;
	if (sd_bus_message_is_signal(m, AVAHI_BROWSER, "ItemNew") > 0) {
		take_item(b, m, true);
	} else if (sd_bus_message_is_signal(m, AVAHI_BROWSER, "ItemRemove") > 0) {
		take_item(b, m, false);
		settle(b);
	} else if (sd_bus_message_is_signal(m, AVAHI_BROWSER, "AllForNow") > 0) {
		b->has_settled = true;
		settle(b);
	} else if (sd_bus_message_is_signal(m, AVAHI_BROWSER, "Failure") > 0) {
		if (sd_bus_message_read(m, "s", &detail) >= 0)
			fail(b, detail);
	}
	return 0;
}

static int on_browser(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct browse *b = userdata;
	const char *path;

	(void)error;
	b->call = sd_bus_slot_unref(b->call);
	if (sd_bus_message_is_method_error(m, NULL)) {
		fail(b, "avahi-daemon does not answer on the system bus");
		return 0;
	}
	if (sd_bus_message_read(m, "o", &path) >= 0) {
		free(b->path);
		b->path = strdup(path);
	}
	return 0;
}

static int start(struct browse *b)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	int r = avahi_message(b->bus, "/", AVAHI_SERVER, "ServiceBrowserNew", &m);

	if (r >= 0)
		r = sd_bus_message_append(m, "iissu", AVAHI_ANY, AVAHI_ANY, b->type, "", 0U);
	b->call = sd_bus_slot_unref(b->call);
	return r < 0 ? r : avahi_send(b->bus, m, on_browser, b, &b->call);
}

static int on_owner(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct browse *b = userdata;
	int came = avahi_came(m), r = 0;

	(void)error;
	free(TAKE_PTR(b->path));
	while (b->items)
		forget(b->items);
	b->has_settled = false;
	if (came >= 0)
		r = start(b);
	if (r < 0)
		fail(b, strerror(-r));
	return 0;
}

int browse_new(sd_bus *bus, const char *type, const struct browse_events *events,
	       struct browse **ret)
{
	_cleanup_(browse_freep) struct browse *b = calloc(1, sizeof(*b));
	int r;

	if (!b)
		return -ENOMEM;
	b->bus = bus;
	b->events = *events;
	b->type = strdup(type);
	if (!b->type)
		return -ENOMEM;
	r = avahi_watch(bus, on_owner, b, &b->owner);
	if (r >= 0)
		r = sd_bus_match_signal(bus, &b->signals, AVAHI_NAME, NULL, AVAHI_BROWSER, NULL,
					on_signal, b);
	if (r >= 0)
		r = start(b);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(b);
	return 0;
}

struct browse *browse_free(struct browse *b)
{
	if (!b)
		return NULL;
	while (b->items)
		item_free(b->items);
	sd_bus_slot_unref(b->owner);
	sd_bus_slot_unref(b->signals);
	sd_bus_slot_unref(b->call);
	if (b->path && sd_bus_is_open(b->bus) > 0) {
		_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;

		if (avahi_message(b->bus, b->path, AVAHI_BROWSER, "Free", &m) >= 0)
			(void)sd_bus_send(b->bus, m, NULL);
	}
	free(b->path);
	free(b->type);
	free(b);
	return NULL;
}
