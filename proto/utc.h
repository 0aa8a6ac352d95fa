/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A date and time in UTC, as certificates have it, in seconds since 1970. Pure. */

#include <stdint.h>

/* month and day from 1. What is out of range carries over. */
int64_t utc_seconds(int year, int month, int day, int hour, int minute, int second);
