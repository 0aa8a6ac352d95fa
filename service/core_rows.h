/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Lists of devices that are worked off row by row: what claims and onboarding have in common. */

#include "service/core_private.h"
#include "service/rows.h"

#define CORE_ROWS_MAX 1000

struct core_rows {
	struct core *core;       /* borrowed */
	struct core_owner owner; /* a copy: the list may outlive its request's turn */
	struct rows rows;
	size_t next;
	json_t *done;   /* owned; array of devices' ids */
	json_t *failed; /* owned; array of {"row", "status", "detail"} */
	char request[CORE_UUID_TEXT];
	/* One row: the status, with what became of it in *ret; device is known when it is not
	 * empty.
	 */
	unsigned int (*row)(struct core_rows *list, const struct row *row,
			    char device[static CORE_UUID_TEXT], json_t **ret);
	/* The answer for the whole. */
	unsigned int (*end)(struct core_rows *list, json_t **ret);
};

/* Reads the text; a first row whose first field is one of headers (up to NULL, in lower case) is
 * none. 0, or the status of the problem in *ret. */
unsigned int core_rows_new(struct core *c, const struct core_owner *o, const char *csv, size_t len,
			   const char *const *headers, struct core_rows **ret_rows,
			   json_t **ret) _must_check_;
DEFINE_CLEANUP(struct core_rows *, core_rows_free);

/* "a|b" as an array of tags, checked. NULL and a detail when it is none. */
json_t *core_rows_tags(const char *text, char **ret_detail);
