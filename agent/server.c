/* SPDX-License-Identifier: Apache-2.0 */
/* Which provisioning server the agent asks: the configured one, or one in `lan-server-domain` that
 * the network names. docs/decisions/0027-found-on-the-lan.md has the rules. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/internal.h"
#include "base/log.h"
#include "base/text.h"

#define OWNER_VALUE "server-of-owner"
#define OWNER_CONFIGURED "configured"
#define OWNER_NONE "unclaimed"

enum owner {
	OWNER_IS_NOBODY,    /* whoever is found first may be asked */
	OWNER_IS_BY_CONFIG, /* the configured server knows this device */
	OWNER_IS_BY_FOUND,  /* one that was found does */
};

static void set(struct agent_server *s, const char *name, const char *address, uint16_t port,
		bool is_found)
{
	*s = (struct agent_server){.port = port, .is_found = is_found};
	snprintf(s->name, sizeof(s->name), "%s", name);
	snprintf(s->address, sizeof(s->address), "%s", address ? address : "");
}

static void set_configured(struct agent *a)
{
	const struct config *c = a->config;

	set(&a->server, c->server, c->address, c->port, false);
}

/* "NAME PORT", of a server in the domain. */
static bool read_owner(const struct agent *a, const char *text, struct agent_server *ret)
{
	const char *blank = strchr(text, ' ');
	char name[HOSTNAME_MAX + 2], checked[HOSTNAME_MAX + 1];
	uint64_t port;

	if (!blank || (size_t)(blank - text) >= sizeof(name))
		return false;
	snprintf(name, sizeof(name), "%.*s", (int)(blank - text), text);
	if (!hostname_read(name, checked) ||
	    !hostname_is_in(checked, a->config->lan_server_domain) ||
	    decimal_parse(blank + 1, strlen(blank + 1), UINT16_MAX, &port) != 0 || port == 0)
		return false;
	set(ret, checked, NULL, (uint16_t)port, true);
	return true;
}

static enum owner owner_of(struct agent *a, struct agent_server *ret)
{
	_cleanup_(freep) char *text = NULL;

	if (store_value_get(a->store, OWNER_VALUE, &text) != 0)
		/* One that was provisioned before anybody looked for servers. */
		return store_credential_exists(a->store, a->config->cloud_tag,
					       CREDENTIAL_PRIVATE_KEY)
			       ? OWNER_IS_BY_CONFIG
			       : OWNER_IS_NOBODY;
	if (strcmp(text, OWNER_NONE) == 0)
		return OWNER_IS_NOBODY;
	return read_owner(a, text, ret) ? OWNER_IS_BY_FOUND : OWNER_IS_BY_CONFIG;
}

void agent_server_init(struct agent *a)
{
	set_configured(a);
	if (a->config->lan_server_domain)
		(void)owner_of(a, &a->server);
}

static void use(struct agent *a, const struct agent_server *s)
{
	if (strcmp(s->name, a->server.name) != 0 || s->port != a->server.port)
		log_info("server found=%s port=%u", s->name, s->port);
	a->server = *s;
}

static void on_found(const struct finder_server *found, void *userdata)
{
	struct agent *a = userdata;

	a->finder = finder_free(a->finder);
	a->has_looked = true;
	a->found = (struct agent_server){.port = 0};
	if (found)
		set(&a->found, found->srv.host, found->address, found->srv.port, true);
	agent_do_connect(a);
}

/* False while it is being looked for. */
static bool has_looked(struct agent *a)
{
	int r;

	if (a->has_looked)
		return true;
	r = finder_new(a->event, a->config->lan_server_domain, on_found, a, &a->finder);
	if (r == 0)
		return false;
	log_warning("server: not looked for: %s", strerror(-r));
	a->has_looked = true;
	return true;
}

bool agent_server_choose(struct agent *a)
{
	struct agent_server owners;
	enum owner owner;

	set_configured(a);
	if (!a->config->lan_server_domain)
		return true;
	owner = owner_of(a, &owners);
	if (owner == OWNER_IS_BY_CONFIG)
		return true;
	if (owner == OWNER_IS_NOBODY && a->found_failed)
		return true;
	if (!has_looked(a))
		return false;
	if (owner == OWNER_IS_NOBODY && a->found.port > 0)
		use(a, &a->found);
	if (owner != OWNER_IS_BY_FOUND)
		return true;
	/* The network may say where that one is now, and nothing else. */
	use(a,
	    a->found.port > 0 && strcasecmp(a->found.name, owners.name) == 0 ? &a->found : &owners);
	return true;
}

bool agent_server_failed(struct agent *a, const char *why)
{
	struct agent_server owners;

	if (!a->server.is_found || owner_of(a, &owners) == OWNER_IS_BY_FOUND)
		return false;
	log_warning("server %s, which the network names, is not taken: %s; asking %s, which is "
		    "configured",
		    a->server.name, why, a->config->server);
	a->found_failed = true;
	return true;
}

void agent_server_forget(struct agent *a)
{
	a->finder = finder_free(a->finder);
	a->has_looked = a->found_failed = false;
}

void agent_server_note(struct agent *a, bool is_claimed)
{
	_cleanup_(freep) char *before = NULL;
	char text[HOSTNAME_MAX + 8];
	int r;

	if (!a->config->lan_server_domain)
		return;
	if (!is_claimed)
		snprintf(text, sizeof(text), OWNER_NONE);
	else if (!a->server.is_found)
		snprintf(text, sizeof(text), OWNER_CONFIGURED);
	else
		snprintf(text, sizeof(text), "%s %u", a->server.name, a->server.port);
	if (store_value_get(a->store, OWNER_VALUE, &before) == 0 && strcmp(before, text) == 0)
		return;
	r = store_value_put(a->store, OWNER_VALUE, text);
	if (r != 0)
		log_warning("server of the owner not stored: %s, ignoring", strerror(abs(r)));
}
