/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One CoAP GET over bare UDP, with retransmission, Echo and blocks (session/exchange.h). Whoever is
 * on the LAN can read the answer and forge it: the caller judges what it says. */

#include <stdint.h>
#include <systemd/sd-event.h>

#include "base/macros.h"
#include "session/resolve.h"
#include "session/session.h"

struct fetch;

/* reply is NULL unless r is 0; r is as exchange_request_result() says, or -errno. The fetch may be
 * freed inside. */
typedef void (*fetch_fn)(int r, const struct reply *reply, void *userdata);

/* -errno: it cannot even be sent. */
int fetch_new(sd_event *event, const struct resolve_address *to, const char *path, size_t max_reply,
	      fetch_fn fn, void *userdata, struct fetch **ret) _must_check_;
/* Before its callback: that will not run. */
struct fetch *fetch_free(struct fetch *f);
DEFINE_CLEANUP(struct fetch *, fetch_free);
