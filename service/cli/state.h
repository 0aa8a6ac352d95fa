/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What --state and --store name: the directory with the service's own CA and, unless the store is
 * in PostgreSQL, the data base, and a core over them. */

#include "service/core.h"
#include "service/store.h"

struct state {
	struct service_store *store; /* owned */
	struct core *core;           /* owned */
};

/* dir or store may be NULL, but not both; without dir nothing that needs the CA works. Makes the
 * directory (0700) when create is set and it is not there. config: store and ca_dir are filled in
 * here. Logs why when it fails; 0 or an exit code. */
int state_open(const char *dir, const char *store, bool create, struct core_config config,
	       struct state *ret) _must_check_;
void state_close(struct state *s);
