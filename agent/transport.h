/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Which transport to try first in a network: UDP, except for a day after HTTPS won there. Pure:
 * what is remembered is a text that the caller keeps. */

#include <stdbool.h>
#include <stdint.h>

#include "session/session.h"

/* What tells networks apart: the default route's interface, gateway and the gateway's hardware
 * address. Each may be empty: no route, a link without gateway, nobody has asked for it yet. */
struct network {
	char interface[16];
	char gateway[48];
	char hardware[24];
};

bool network_is_same(const struct network *a, const struct network *b);

/* "auto", "coap" or "https"; what is none is "auto". */
enum session_transport transport_parse(const char *text);

/* memory: NULL at first. now_s: wall clock. SESSION_COAP or SESSION_HTTPS. */
enum session_transport transport_first(const char *memory, const struct network *n, int64_t now_s);
/* What to remember after a connect that began with `first` and was won by `won`. *ret is owned, and
 * NULL when nothing changed. -ENOMEM. */
int transport_note(const char *memory, const struct network *n, enum session_transport first,
		   enum session_transport won, int64_t now_s, char **ret) _must_check_;
