/* SPDX-License-Identifier: Apache-2.0 */
/* The floor: what a session costs the service before anybody says anything on it. */
#include <stdio.h>
#include <string.h>

#include "bench/simulator/device.h"
#include "bench/simulator/probe.h"
#include "session/session.h"

static void on_connected(struct session *s, int r, const char *detail, void *userdata)
{
	struct device *d = userdata;

	(void)s;
	if (d->state != DEVICE_RUNNING)
		return;
	d->admitted_us = d->started_us;
	d->provisioned_us = d->ended_us = now_us();
	d->state = r == 0 ? DEVICE_DONE : DEVICE_LOST;
	if (r != 0)
		snprintf(d->why, sizeof(d->why), "connect: %s", detail);
	fleet_device_ended(d->fleet, r != 0);
}

int handshake_start(struct device *d, const char *ca_pem)
{
	const struct config *c = &d->config;
	const struct session_config config = {
		.name = "provisioning",
		.server = c->server,
		.address = c->address,
		.port = c->port,
		.ca_pem = ca_pem,
		.resumption = c->resumption,
		.tickets = c->tickets,
		.cid = c->cid,
		.handshake_timeout_ms = (unsigned int)c->handshake_timeout_ms,
	};
	int r = session_new(d->fleet->event, &config, &d->session);

	if (r != 0)
		return r;
	d->state = DEVICE_RUNNING;
	d->started_us = now_us();
	return session_connect(d->session, on_connected, d);
}
