/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Values as PostgreSQL's binary protocol has them. */

#include <libpq-fe.h>
#include <stddef.h>
#include <stdint.h>

#include "service/store/db.h"

/* Parameters, in the arrays that libpq takes. */
struct pgvalues {
	uint64_t numbers[DB_PARAMETERS];
	const char *data[DB_PARAMETERS];
	int len[DB_PARAMETERS], formats[DB_PARAMETERS];
	Oid types[DB_PARAMETERS];
	char *owned[DB_PARAMETERS];
	size_t n;
};

/* Texts that are not UTF-8 are made so: a data base refuses them, and what a device says may be
 * anything. */
int pgvalues_make(const struct db_value *values, size_t n, struct pgvalues *a) _must_check_;
void pgvalues_done(struct pgvalues *a);

/* DB_NULL also for types that are none of ours. */
void pgvalue_read(const PGresult *result, int row, int column, struct db_value *ret);
