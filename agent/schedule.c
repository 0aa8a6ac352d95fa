/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/schedule.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "credstore/execute.h"
#include "credstore/store.h"

#define NEXT_VALUE "schedule" /* "<interval> <next run>": of another interval it is void */
#define YEAR_9999_S INT64_C(253402300799)

bool schedule_is_allowed(uint64_t interval_s)
{
	return interval_s == 0 ||
	       (interval_s >= SCHEDULE_INTERVAL_MIN_S && interval_s <= SCHEDULE_INTERVAL_MAX_S);
}

int schedule_parse(const char *text, uint64_t *ret_s)
{
	uint64_t s;

	if (decimal_parse(text, strlen(text), SCHEDULE_INTERVAL_MAX_S, &s) != 0 ||
	    !schedule_is_allowed(s))
		return -EINVAL;
	*ret_s = s;
	return 0;
}

static uint64_t spread_of(uint64_t interval_s)
{
	return interval_s / 10;
}

static struct schedule draw(uint64_t interval_s, int64_t now_s, uint32_t random)
{
	uint64_t more = random % (spread_of(interval_s) + 1);

	return (struct schedule){interval_s, now_s + (int64_t)(interval_s + more)};
}

struct schedule schedule_plan(const struct schedule *known, uint64_t interval_s, int64_t now_s,
			      uint32_t random)
{
	if (interval_s == 0)
		return (struct schedule){0, 0};
	/* Further away than any run of this interval: the clock was set back. */
	if (known->next_s == 0 || known->interval_s != interval_s ||
	    known->next_s > now_s + (int64_t)(interval_s + spread_of(interval_s)))
		return draw(interval_s, now_s, random);
	return *known;
}

bool schedule_is_due(const struct schedule *s, int64_t now_s)
{
	return s->next_s != 0 && s->next_s <= now_s;
}

struct schedule schedule_advance(const struct schedule *known, int64_t began_s, int64_t now_s,
				 uint32_t random)
{
	return schedule_is_due(known, began_s) ? draw(known->interval_s, now_s, random) : *known;
}

uint64_t schedule_get_interval(struct store *store)
{
	_cleanup_(freep) char *text = NULL;
	uint64_t s = SCHEDULE_INTERVAL_DEFAULT_S;

	if (config_value_get(store, INTERVAL_KEY, &text) == 0 && schedule_parse(text, &s) != 0)
		s = SCHEDULE_INTERVAL_DEFAULT_S;
	return s;
}

int schedule_set_interval(struct store *store, uint64_t interval_s)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, interval_s);
	return config_value_put(store, INTERVAL_KEY, text);
}

struct schedule schedule_load(struct store *store)
{
	_cleanup_(freep) char *text = NULL;
	uint64_t interval_s, next_s;
	char *blank;

	if (store_value_get(store, NEXT_VALUE, &text) != 0)
		return (struct schedule){0, 0};
	blank = strchr(text, ' ');
	if (!blank ||
	    decimal_parse(text, (size_t)(blank - text), SCHEDULE_INTERVAL_MAX_S, &interval_s) !=
		    0 ||
	    decimal_parse(blank + 1, strlen(blank + 1), (uint64_t)YEAR_9999_S, &next_s) != 0)
		return (struct schedule){0, 0};
	return (struct schedule){interval_s, (int64_t)next_s};
}

int schedule_save(struct store *store, const struct schedule *s)
{
	char text[48];

	snprintf(text, sizeof(text), "%" PRIu64 " %" PRId64, s->interval_s, s->next_s);
	return store_value_put(store, NEXT_VALUE, text);
}
