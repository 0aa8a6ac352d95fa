/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Devices that cannot use UDP: the HTTP twin of each of their requests (proto/twin.h,
 * docs/protocol.md §3.6), answered by what answers the CoAP one. There is no session here: each
 * request shows its token, which is judged as p/auth-jwt or auth/jwt judges it, and proves only
 * that half. API keys and cookies are no tokens. */

#include "service/admission.h"
#include "service/refusals.h"
#include "service/router.h"

struct device_http {
	uint32_t max_age_s;      /* of a login, unless its token ends before */
	struct metrics *metrics; /* borrowed; or NULL */
	/* Of the devices over UDP, borrowed: while it lets nobody in, a login is answered 503 here.
	 * What is dropped there tries this way after two seconds. NULL: everybody may. */
	const struct admission *admission;
	struct refusals refusals;
};

/* The handler of every row with ROLE_DEVICE. */
unsigned int device_http(const struct router_call *call, struct answer *ret);
