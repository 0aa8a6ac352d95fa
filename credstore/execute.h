/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Runs provisioning commands against the store with a modem's manners: the command table is the
 * whole of what the wire may do. docs/protocol.md §4.3. */

#include <stdbool.h>

#include "credstore/identity.h"
#include "credstore/store.h"
#include "proto/command.h"
#include "proto/response.h"

/* Says whether a config pair may be stored: NULL, or why not (static text). Provided by the
 * program. */
typedef const char *(*config_check_fn)(const char *key, const char *value);

struct executor {
	struct store *store;
	struct identity *identity;
	config_check_fn config_check; /* NULL refuses every pair */
	uint32_t cloud_tag;           /* whose predecessors are kept: staged.h */
};

struct batch_result {
	size_t n_results;   /* journalled now or found in the journal */
	bool failed;        /* a command failed that may not fail: the rest was not run */
	bool finished;      /* the batch asked for finished and nothing failed */
	bool cloud_changed; /* a credential was written, generated or deleted */
};

/* Executes in order until the first failure, one transaction for the whole batch with a savepoint a
 * command; each result is journalled in the same transaction; finished is acknowledged last and
 * only if nothing failed. A command found in the journal is not run again. Only our own failures
 * (-errno of the store) are errors here: nothing is changed then. */
int execute_batch(struct executor *e, const struct command_list *commands,
		  struct batch_result *ret) _must_check_;

/* What a config command stored under key. -ENOENT. *ret owned. */
int config_value_get(struct store *s, const char *key, char **ret) _must_check_;
