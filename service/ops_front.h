/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What operators' programs ask over plain HTTP: GET /metrics (Prometheus), /health/live and
 * /health/ready. A listener of its own, so that neither owners nor devices reach it, and no key is
 * needed. */

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "service/core.h"
#include "service/http_loop.h"
#include "service/metrics.h"

struct ops_front;

struct ops_front_config {
	const char *listen;    /* "ADDRESS:PORT" or "[ADDRESS]:PORT"; port 0 picks one */
	bool may_be_reachable; /* from other machines */
	/* Called before metrics are written, to bring levels up to date; or NULL. */
	void (*refresh)(void *userdata);
	void *userdata;
};

enum { OPS_FRONT_E_REFUSED = HTTP_LOOP_E_REFUSED };

/* 0, -errno, or OPS_FRONT_E_REFUSED with *ret_detail (owned). core and metrics are borrowed. */
int ops_front_new(sd_event *event, struct core *core, struct metrics *metrics,
		  const struct ops_front_config *config, struct ops_front **ret,
		  char **ret_detail) _must_check_;
struct ops_front *ops_front_free(struct ops_front *f);
DEFINE_CLEANUP(struct ops_front *, ops_front_free);
uint16_t ops_front_port(const struct ops_front *f);
