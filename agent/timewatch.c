/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/timewatch.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/timex.h>
#include <time.h>

#include "base/text.h"

#define VALUE_NAME "time-floor"
#define YEAR_9999_S INT64_C(253402300799)
#define DAY_S 86400
#define YEARS_S ((int64_t)TIMEWATCH_YEARS * 366 * DAY_S)

bool timewatch_is_synchronised(void)
{
	struct timex t = {.modes = 0};

	if (adjtimex(&t) >= 0 && !(t.status & STA_UNSYNC))
		return true;
	return access("/run/systemd/timesync/synchronized", F_OK) == 0;
}

const char *timewatch_fault(int64_t now_s, int64_t floor_s, bool is_synchronised, bool require_sync)
{
	if (now_s < (int64_t)ONBOARD_BUILD_TIME)
		return "before this program was built";
	if (now_s > YEAR_9999_S)
		return "no year that a token can name";
	if (is_synchronised)
		return NULL;
	if (now_s - (int64_t)ONBOARD_BUILD_TIME >= YEARS_S)
		return "too far in the future to be right";
	if (now_s < floor_s)
		return "before a time at which a service accepted this device";
	return require_sync ? "not synchronised, as `require-sync` in [time] asks for" : NULL;
}

int64_t timewatch_built_at(void)
{
	return (int64_t)ONBOARD_BUILD_TIME;
}

bool timewatch_is_good(int64_t now_s, int64_t floor_s, bool is_synchronised, bool require_sync)
{
	return !timewatch_fault(now_s, floor_s, is_synchronised, require_sync);
}

void timewatch_format(int64_t now_s, char ret[static TIMEWATCH_TEXT_MAX])
{
	time_t at = (time_t)now_s;
	struct tm tm;

	if (now_s < 0 || now_s > YEAR_9999_S || !gmtime_r(&at, &tm) ||
	    strftime(ret, TIMEWATCH_TEXT_MAX, "%F %T UTC", &tm) == 0)
		snprintf(ret, TIMEWATCH_TEXT_MAX, "%" PRId64 " s since 1970", now_s);
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
