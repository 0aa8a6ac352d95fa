/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Query parameters of devices' requests. Unknown ones are ignored; known ones are strict. */

#include "proto/limits.h"
#include "service/device_dispatch.h"

struct fetch_query {
	char after[CORRELATION_MAX + 1];
	size_t rx_max, tx_max, limit;
};

/* after, rxMaxSize, txMaxSize, limit of p/cmd; defaults "", 1024, 2048, 10. Larger numbers than we
 * can use are cut to BODY_MAX and COMMANDS_MAX. -EINVAL: not a number, zero, an id that is too long
 * or not printable, a parameter given twice. */
int fetch_query_parse(const struct device_request *request, struct fetch_query *ret) _must_check_;
/* delta of state: "true" (default) or "false". -EINVAL. */
int state_query_parse(const struct device_request *request, bool *ret_delta) _must_check_;
