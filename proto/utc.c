/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/utc.h"

#include <time.h>

int64_t utc_seconds(int year, int month, int day, int hour, int minute, int second)
{
	struct tm tm = {
		.tm_year = year - 1900,
		.tm_mon = month - 1,
		.tm_mday = day,
		.tm_hour = hour,
		.tm_min = minute,
		.tm_sec = second,
	};

	return timegm(&tm);
}
