/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* CoAP over DTLS for devices, on libcoap: p/auth-jwt, p/auth, p/cmd, p/rsp, .dtls/suspend,
 * auth/jwt, state, state/reported, state/desired. Default deny: a request runs only if the table of
 * (resource × method × what the session has proved) allows it. Translates; core decides. */

#include <systemd/sd-event.h>

#include "service/core.h"

struct admission;
struct device_front;

struct device_front_config {
	const char *listen;    /* "ADDRESS:PORT" or "[ADDRESS]:PORT"; port 0 picks one */
	const char *cert_file; /* PEM: leaf, then intermediates: the chain is sent in full */
	const char *key_file;
	unsigned int session_timeout_s; /* idle, suspended ones included; 600 */
	unsigned int max_sessions;      /* 10000 */
	uint32_t session_max_age_s;     /* Max-Age of an authentication; what core is told too */
	struct metrics *metrics;        /* borrowed; or NULL */
};

enum { DEVICE_FRONT_E_REFUSED = 1 };

/* 0, -errno, or DEVICE_FRONT_E_REFUSED with *ret_detail (owned) that names the file or address. */

int device_front_new(sd_event *event, struct core *core, const struct device_front_config *config,
		     struct device_front **ret, char **ret_detail) _must_check_;
struct device_front *device_front_free(struct device_front *f); /* close_notify to every session */
DEFINE_CLEANUP(struct device_front *, device_front_free);
uint16_t device_front_port(const struct device_front *f);
/* Who is let in; borrowed. */
const struct admission *device_front_admission(const struct device_front *f);
/* Brings the levels in the metrics up to date. */
void device_front_refresh(struct device_front *f);
/* Takes no new devices from now on, and answers what has arrived: for at most that long. */
void device_front_drain(struct device_front *f, unsigned int limit_ms);
