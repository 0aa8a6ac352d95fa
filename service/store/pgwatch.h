/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* How processes that share a PostgreSQL data base tell each other that there are new events: a
 * connection of its own that listens, and one descriptor that is readable when there is something
 * to do for it. */

#include "service/store/pglink.h"

struct pgwatch;

int pgwatch_new(const char *url, struct pgwatch **ret) _must_check_;
struct pgwatch *pgwatch_free(struct pgwatch *w);

/* The same one throughout, whatever happens to the connection. */
int pgwatch_fd(const struct pgwatch *w);
/* Goes on with what there is to do; true when there may be news. Does not block. */
bool pgwatch_take(struct pgwatch *w);
/* Reads what has arrived when nobody takes it: the server keeps notifications for all of its
 * listeners until the slowest one has read them, and refuses commits when it has no room left. */
void pgwatch_drain(struct pgwatch *w);
/* Tells all listeners. false when that cannot be done here now. */
bool pgwatch_notify(struct pgwatch *w);

#define PGWATCH_NOTIFY "NOTIFY onboard_events"
