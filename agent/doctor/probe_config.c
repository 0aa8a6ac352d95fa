/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration as the next start of onboardd will have it. */

#include <errno.h>

#include "agent/doctor/probe.h"

static void take_target(struct doctor_facts *f, const struct config *c)
{
	f->has_target = true;
	fact_set(f->server, sizeof(f->server), c->server);
	fact_set(f->literal, sizeof(f->literal), c->address);
	f->port = c->port;
	f->needs_default_route = c->network_wait;
	f->require_sync = c->time_require_sync;
	fact_set(f->state_dir, sizeof(f->state_dir), c->state_dir);
	f->wifi_enabled = c->wifi_enable;
	fact_set(f->wifi_interface, sizeof(f->wifi_interface), c->wifi_interface);
}

int probe_config(struct probe *p, const char *file)
{
	struct doctor_facts *f = p->facts;
	_cleanup_(freep) char *detail = NULL;
	int r = config_load(file, &p->config, &detail);

	if (r == -ENOMEM)
		return r;
	fact_set(f->config_text, sizeof(f->config_text), detail);
	if (r == 0)
		take_target(f, p->config);
	else
		f->config = r == -EACCES ? FACTS_CONFIG_UNREADABLE : FACTS_CONFIG_BAD;
	return 0;
}
