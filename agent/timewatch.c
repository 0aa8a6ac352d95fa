/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/timewatch.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/timex.h>

#include "base/text.h"

#define VALUE_NAME "time-floor"
#define YEAR_9999_S INT64_C(253402300799)
#define DAY_S 86400

bool timewatch_is_synchronised(void)
{
	struct timex t = {.modes = 0};

	if (adjtimex(&t) >= 0 && !(t.status & STA_UNSYNC))
		return true;
	return access("/run/systemd/timesync/synchronized", F_OK) == 0;
}

int64_t timewatch_built_at(void)
{
	return (int64_t)ONBOARD_BUILD_TIME;
}

bool timewatch_is_good(int64_t now_s, int64_t floor_s, bool is_synchronised, bool require_sync)
{
	if (now_s < (int64_t)ONBOARD_BUILD_TIME || now_s > YEAR_9999_S)
		return false;
	return is_synchronised || (now_s >= floor_s && !require_sync);
}

static int64_t stored_floor(struct store *s)
{
	_cleanup_(freep) char *text = NULL;
	uint64_t value;

	if (store_value_get(s, VALUE_NAME, &text) != 0)
		return 0;
	if (decimal_parse(text, strlen(text), (uint64_t)YEAR_9999_S, &value) != 0)
		return 0;
	return (int64_t)value;
}

int64_t timewatch_floor(struct store *s)
{
	return MAX(stored_floor(s), (int64_t)ONBOARD_BUILD_TIME);
}

int timewatch_note(struct store *s, int64_t now_s, bool is_synchronised)
{
	int64_t floor = stored_floor(s);
	char text[24];

	if (now_s < floor + DAY_S && !(is_synchronised && now_s < floor - DAY_S))
		return 0;
	snprintf(text, sizeof(text), "%" PRId64, now_s);
	return store_value_put(s, VALUE_NAME, text);
}
