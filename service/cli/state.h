/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What --state names: the directory with the data base and the service's own CA, and a core over
 * it. */

#include "service/core.h"
#include "service/store.h"

struct state {
	struct service_store *store; /* owned */
	struct core *core;           /* owned */
};

/* Makes the directory (0700) when create is set and it is not there. config: store and ca_dir are
 * filled in here. Logs why when it fails; 0 or an exit code. */
int state_open(const char *dir, bool create, struct core_config config,
	       struct state *ret) _must_check_;
void state_close(struct state *s);
