/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/duration.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* Largest first; the first name of each size is the one written. */
static const struct {
	const char *name;
	uint64_t ms;
} units[] = {
	{"d", 24 * 3600 * 1000}, {"h", 3600 * 1000}, {"min", 60 * 1000}, {"s", 1000},
	{"sec", 1000},           {"ms", 1},          {"", 1000},
};

int duration_parse(const char *text, uint64_t *ret_ms)
{
	size_t digits = strspn(text, "0123456789");
	const char *unit = text + digits;
	uint64_t n;
	int r;

	unit += strspn(unit, " ");
	if (unit != text + digits && !*unit)
		return -EINVAL;
	r = decimal_parse(text, digits, UINT64_MAX, &n);
	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (strcmp(unit, units[i].name) != 0)
			continue;
		if (n > DURATION_MAX_MS / units[i].ms)
			return -ERANGE;
		*ret_ms = n * units[i].ms;
		return 0;
	}
	return -EINVAL;
}

void duration_format(uint64_t ms, char ret[static DURATION_TEXT_MAX])
{
	size_t i = 0;

	if (ms == 0) {
		memcpy(ret, "0s", 3);
		return;
	}
	while (ms % units[i].ms != 0)
		i++;
	snprintf(ret, DURATION_TEXT_MAX, "%" PRIu64 "%s", ms / units[i].ms, units[i].name);
}

void duration_describe(uint64_t s, char ret[static DURATION_TEXT_MAX])
{
	static const struct {
		uint64_t s;
		const char *name;
	} words[] = {{86400, "day"}, {3600, "hour"}, {60, "minute"}, {1, "second"}};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (s >= 2 * words[i].s || s == words[i].s || words[i].s == 1) {
			uint64_t n = s / words[i].s;

			snprintf(ret, DURATION_TEXT_MAX, "%" PRIu64 " %s%s", n, words[i].name,
				 n == 1 ? "" : "s");
			return;
		}
}
