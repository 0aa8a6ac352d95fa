/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One connection to a PostgreSQL server that never blocks its caller for long: it is made step by
 * step, each answer has a deadline, and after a loss it is made again, at intervals that grow. */

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/macros.h"

struct pglink {
	const char *url;     /* borrowed */
	const char *session; /* borrowed; SQL that every new connection starts with */
	PGconn *conn;        /* owned; NULL when there is none */
	bool is_ready;
	bool is_quiet; /* the caller says why it failed */
	bool was_lost; /* said in the log */
	char why[256]; /* it was lost */
	PostgresPollingStatusType wants;
	uint64_t deadline_ms;     /* of the attempt */
	unsigned int patience_ms; /* what calls may still wait for this attempt */
	uint64_t retry_at_ms;
	unsigned int backoff_ms;
	uint64_t generation; /* counts connections: prepared statements are of one */
};

#define PGLINK_ANSWER_MS 15000
#define PGLINK_UPGRADE_MS 600000

/* 0 when it can be used; -EBUSY when it is being made, or waits for its next try. */
int pglink_ready(struct pglink *l, unsigned int patience_ms) _must_check_;
/* The same in steps that do not wait at all; poll for l->wants meanwhile. */
int pglink_step(struct pglink *l) _must_check_;
/* Reads what has arrived; false, and closed, when the server is gone. Its last words come before
 * its end does. */
bool pglink_is_alive(struct pglink *l);
/* Closes it. why is logged when it was in use. */
void pglink_drop(struct pglink *l, const char *why);
void pglink_done(struct pglink *l);

/* The answer to what was sent: the last result, or the first that is an error. -EBUSY when the
 * connection is lost or the server is silent. The result may be an error itself. */
int pglink_answer(struct pglink *l, unsigned int timeout_ms, PGresult **ret) _must_check_;
/* Simple statements; 0 or what pglink_err() says. */
int pglink_exec(struct pglink *l, const char *sql, unsigned int timeout_ms) _must_check_;
/* 0 for success, -errno else; the message is in the debug log. */
int pglink_err(const PGresult *result);
