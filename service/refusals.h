/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Lines in the log about devices' requests that were refused. Peers decide how many there would be:
 * beyond some a second they are counted only. */

#include "service/device_dispatch.h"

/* Starts as all zero. */
struct refusals {
	uint64_t since_ms;
	unsigned int logged, dropped;
};

/* answer has a reason. peer: where it came from. */
void refusals_log(struct refusals *r, const struct device_request *request,
		  const struct device_answer *answer, const char *peer, uint64_t now_ms);
