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
	struct keyring *ring;         /* how tokens are reached; may be NULL without key_home */
	const char *key_home;         /* pkcs11: URI of the token that new keys go to, labelled
					 EXECUTE_LABEL_PREFIX and their tag; NULL: the store */
};

#define EXECUTE_LABEL_PREFIX "onboardd %s " /* the device's UUID */

struct batch_result {
	size_t n_results;   /* journalled now or found in the journal */
	bool failed;        /* a command failed that may not fail: the rest was not run */
	bool finished;      /* the batch asked for finished and nothing failed */
	bool cloud_changed; /* a credential was written, generated or deleted */
};

/* What the commands need of keys (making them, proving, attesting), which may take seconds and so
 * comes before the transaction. */
struct prepared;

/* Plans, in the loop. -errno; STORE_E_* do not leave it. */
int execute_prepare(struct executor *e, const struct command_list *commands,
		    struct prepared **ret) _must_check_;
/* Nothing is planned: running it would do nothing. */
bool prepared_is_idle(const struct prepared *p);
/* Does it, on any thread (worker_fn). */
void prepared_run(void *prepared);
/* On another thread while it runs: the rest is not done. */
void prepared_give_up(struct prepared *p);
/* 0, KEY_E_* or -errno: what keeps the whole batch from being executed. */
int prepared_result(const struct prepared *p) _must_check_;
struct prepared *prepared_free(struct prepared *p);
DEFINE_CLEANUP(struct prepared *, prepared_free);

/* Executes in order until the first failure, one transaction for the whole batch with a savepoint a
 * command; each result is journalled in the same transaction; finished is acknowledged last and
 * only if nothing failed. A command found in the journal is not run again. prepared is of these
 * commands and has run, or NULL: what it lacks is done at once. A key that was made in a token and
 * then not used is left for key_sweep(). Only our own failures (-errno of the store, -ENODEV of a
 * token) are errors here: nothing is changed then. */
int execute_batch(struct executor *e, const struct command_list *commands,
		  const struct prepared *prepared, struct batch_result *ret) _must_check_;

/* What a config command stored under key. -ENOENT. *ret owned. */
int config_value_get(struct store *s, const char *key, char **ret) _must_check_;
/* The same as if the service had sent it; nothing is checked but the key's length (-EINVAL). */
int config_value_put(struct store *s, const char *key, const char *value) _must_check_;
