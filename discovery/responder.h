/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The UDP port on which a device that waits for an owner answers the LAN (answer.h): unicast, and
 * the groups of all CoAP nodes, 224.0.1.187 and ff02::fd (RFC 7252 §12.8). Answers live for one hop
 * (TTL 1), so no router carries them, whoever's address the question bears; they are metered, and
 * those to a group come after a random while (§8.2). */

#include <stdint.h>
#include <systemd/sd-event.h>

#include "base/macros.h"
#include "discovery/record.h"

#define RESPONDER_LEISURE_MS 5000

struct responder;

struct responder_config {
	uint16_t port; /* 0: any, for tests */
};

/* -EADDRINUSE: somebody else answers there. -errno. */
int responder_new(sd_event *event, const struct responder_config *config,
		  struct responder **ret) _must_check_;
struct responder *responder_free(struct responder *r);
DEFINE_CLEANUP(struct responder *, responder_free);

uint16_t responder_port(const struct responder *r);
/* What it says from now on: both copied; token NULL is not for the LAN. -ENOMEM. */
int responder_set(struct responder *r, const struct record *record, const char *token) _must_check_;
/* Joins the groups on interfaces that came since. */
void responder_join(struct responder *r);
