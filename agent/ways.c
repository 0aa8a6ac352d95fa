/* SPDX-License-Identifier: Apache-2.0 */
/* The agent's two ways to its servers: how they are configured, which goes first here, and what is
 * remembered of it. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/internal.h"
#include "agent/network.h"
#include "base/clock.h"
#include "base/log.h"

#define VALUE_NAME "network/transport"

void agent_set_ways(const struct config *c, struct session_config *ret)
{
	ret->transport = transport_parse(c->transport);
	ret->https_port = c->https_port;
	ret->proxy = c->proxy;
	ret->proxy_file = c->proxy_file;
}

static char *memory_of(struct agent *a)
{
	char *text = NULL;
	int r = store_value_get(a->store, VALUE_NAME, &text);

	if (r != 0 && r != -ENOENT)
		log_warning("how networks were reached is not known: %s, ignoring",
			    strerror(abs(r)));
	return r == 0 ? text : NULL;
}

void agent_choose_way(struct agent *a)
{
	_cleanup_(freep) char *memory = NULL;
	struct network n;

	a->first_way = transport_parse(a->config->transport);
	if (a->first_way == SESSION_AUTO) {
		memory = memory_of(a);
		network_now(&n);
		a->first_way = transport_first(memory, &n, clock_wall_s());
	}
	session_set_first(a->session, a->first_way);
}

void agent_note_way(struct agent *a)
{
	_cleanup_(freep) char *memory = NULL, *changed = NULL;
	enum session_transport won = session_get_transport(a->session);
	struct network n;
	int r;

	if (transport_parse(a->config->transport) != SESSION_AUTO)
		return;
	/* The gateway's hardware address is known now, after something was sent there. */
	network_now(&n);
	memory = memory_of(a);
	r = transport_note(memory, &n, a->first_way, won, clock_wall_s(), &changed);
	if (r == 0 && changed)
		r = store_value_put(a->store, VALUE_NAME, changed);
	if (r != 0)
		log_warning("how this network was reached is not remembered: %s, ignoring",
			    strerror(abs(r)));
	else if (changed)
		log_notice("transport first=%s interface=%s gateway=%s",
			   won == SESSION_HTTPS ? "https" : "coap",
			   n.interface[0] ? n.interface : "-", n.gateway[0] ? n.gateway : "-");
}
