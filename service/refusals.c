/* SPDX-License-Identifier: Apache-2.0 */
#include "service/refusals.h"

#include "base/log.h"

#define LOGGED_MAX 20 /* a second */

void refusals_log(struct refusals *r, const struct device_request *request,
		  const struct device_answer *answer, const char *peer, uint64_t now_ms)
{
	if (now_ms - r->since_ms >= 1000) {
		if (r->dropped > 0)
			log_notice("device-refused dropped=%u", r->dropped);
		r->since_ms = now_ms;
		r->logged = r->dropped = 0;
	}
	if (r->logged >= LOGGED_MAX) {
		r->dropped++;
		return;
	}
	r->logged++;
	log_write(answer->code >> 5 == 5 ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO,
		  "device-refused code=%u.%02u method=%u path=%.40s device=%s trace=%s peer=%s "
		  "reason=\"%s\"",
		  answer->code >> 5, answer->code & 31, request->method, request->path,
		  answer->device[0] ? answer->device : "-", answer->trace[0] ? answer->trace : "-",
		  peer, answer->reason);
}
