/* SPDX-License-Identifier: Apache-2.0 */
#include "service/store/pglink.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

#define ATTEMPT_MS 5000
#define BACKOFF_FIRST_MS 50
#define BACKOFF_MAX_MS 5000

/* The most common first. Classes: PostgreSQL manual, appendix A. */
static int state_err(const char *state)
{
	static const struct {
		const char *prefix;
		int err;
	} table[] = {
		{"23", -EINVAL},    /* constraints */
		{"55P03", -EBUSY},  /* lock_timeout */
		{"57014", -EBUSY},  /* statement_timeout */
		{"40", -EBUSY},     /* deadlock, serialization */
		{"57P", -EBUSY},    /* the server goes down or is not up yet */
		{"08", -EBUSY},     /* connection */
		{"53100", -ENOSPC}, /* disk full */
		{"53200", -ENOMEM},  {"53", -EBUSY},
		{"25006", -EROFS}, /* a server that only follows another */
		{"42501", -EACCES},  {"28", -EACCES},
		{"3D", -ENOENT}, /* no such data base */
		{"XX001", -EBADMSG}, {"XX002", -EBADMSG},
	};

	for (size_t i = 0; state && i < ARRAY_SIZE(table); i++)
		if (strncmp(state, table[i].prefix, strlen(table[i].prefix)) == 0)
			return table[i].err;
	return -EIO;
}

int pglink_err(const PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);
	const char *state;

	if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK)
		return 0;
	state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	log_debug("postgresql: %s %s", state ? state : "-", PQresultErrorMessage(result));
	return state_err(state);
}

static void notice(void *userdata, const char *message)
{
	(void)userdata;
	log_debug("postgresql: %s", message);
}

/* libpq's messages are lines, which may be several. */
static void message_copy(const char *message, char *ret, size_t size)
{
	snprintf(ret, size, "%s", message ? message : "");
	for (char *p = ret; *p; p++)
		if ((unsigned char)*p < ' ')
			*p = p[1] ? ' ' : 0;
}

void pglink_drop(struct pglink *l, const char *why)
{
	if (l->conn) {
		message_copy(why, l->why, sizeof(l->why));
		if (!l->was_lost && !l->is_quiet)
			log_warning("store=lost why=\"%s\", trying again", l->why);
	}
	l->was_lost = true;
	PQfinish(TAKE_PTR(l->conn));
	l->is_ready = false;
	l->backoff_ms = l->backoff_ms ? MIN(l->backoff_ms * 2, BACKOFF_MAX_MS) : BACKOFF_FIRST_MS;
	l->retry_at_ms = clock_ms() + l->backoff_ms;
}

void pglink_done(struct pglink *l)
{
	PQfinish(TAKE_PTR(l->conn));
	l->is_ready = false;
}

static int attempt_start(struct pglink *l)
{
	const char *const names[] = {"dbname",           "application_name", "client_encoding",
				     "tcp_user_timeout", "keepalives_idle",  NULL};
	const char *const values[] = {l->url, "onboard-service", "UTF8", "10000", "30", NULL};

	if (clock_ms() < l->retry_at_ms)
		return -EBUSY;
	l->conn = PQconnectStartParams(names, values, 1);
	if (!l->conn)
		return -ENOMEM;
	PQsetNoticeProcessor(l->conn, notice, NULL);
	l->deadline_ms = clock_ms() + ATTEMPT_MS;
	l->wants = PGRES_POLLING_WRITING;
	if (PQstatus(l->conn) == CONNECTION_BAD)
		l->wants = PGRES_POLLING_FAILED;
	return 0;
}

/* 1 when it has what it wants, 0 when not within timeout_ms. */
static int wait_for(const struct pglink *l, short events, unsigned int timeout_ms)
{
	struct pollfd fd = {.fd = PQsocket(l->conn), .events = events};
	int r;

	do
		r = poll(&fd, 1, (int)timeout_ms);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : r;
}

static int session_start(struct pglink *l)
{
	int r;

	l->is_ready = true;
	l->generation++;
	if (PQsetnonblocking(l->conn, 1) < 0)
		return -ENOMEM;
	r = pglink_exec(l, l->session, PGLINK_ANSWER_MS);
	if (r < 0) {
		pglink_drop(l, "the session could not be set up");
		return -EBUSY;
	}
	if (l->was_lost && !l->is_quiet)
		log_notice("store=found");
	l->was_lost = false;
	l->backoff_ms = 0;
	return 0;
}

static int attempt_go_on(struct pglink *l, unsigned int timeout_ms)
{
	int r;

	r = l->wants == PGRES_POLLING_FAILED
		    ? 1
		    : wait_for(l, l->wants == PGRES_POLLING_READING ? POLLIN : POLLOUT, timeout_ms);
	if (r < 0)
		return r;
	if (r == 0 && clock_ms() < l->deadline_ms)
		return -EBUSY;
	if (r > 0 && l->wants != PGRES_POLLING_FAILED)
		l->wants = PQconnectPoll(l->conn);
	if (l->wants == PGRES_POLLING_OK)
		return session_start(l);
	if (r == 0 || l->wants == PGRES_POLLING_FAILED) {
		pglink_drop(l, r == 0 ? "the server does not answer" : PQerrorMessage(l->conn));
		return -EBUSY;
	}
	return -EAGAIN;
}

int pglink_ready(struct pglink *l, unsigned int patience_ms)
{
	uint64_t from;
	int r;

	if (l->is_ready)
		return 0;
	if (!l->conn) {
		r = attempt_start(l);
		if (r < 0)
			return r;
		l->patience_ms = patience_ms;
	}
	do {
		from = clock_ms();
		r = attempt_go_on(l, l->patience_ms);
		l->patience_ms -= (unsigned int)MIN(clock_ms() - from, l->patience_ms);
	} while (r == -EAGAIN);
	return r;
}

int pglink_step(struct pglink *l)
{
	int r;

	r = pglink_ready(l, 0);
	return r == -EAGAIN ? -EBUSY : r;
}

/* Until all is sent and an answer is there. */
static int answer_wait(struct pglink *l, uint64_t deadline_ms)
{
	uint64_t now;
	int flushing, r;

	for (;;) {
		flushing = PQflush(l->conn);
		if (flushing < 0)
			return -EBUSY;
		if (flushing == 0 && !PQisBusy(l->conn))
			return 0;
		now = clock_ms();
		if (now >= deadline_ms)
			return -ETIMEDOUT;
		r = wait_for(l, (short)(POLLIN | (flushing ? POLLOUT : 0)),
			     (unsigned int)(deadline_ms - now));
		if (r < 0)
			return r;
		if (r > 0 && !PQconsumeInput(l->conn))
			return -EBUSY;
	}
}

bool pglink_is_alive(struct pglink *l)
{
	if (!l->is_ready)
		return false;
	while (wait_for(l, POLLIN, 0) > 0)
		if (!PQconsumeInput(l->conn)) {
			pglink_drop(l, PQerrorMessage(l->conn));
			return false;
		}
	return true;
}

int pglink_answer(struct pglink *l, unsigned int timeout_ms, PGresult **ret)
{
	uint64_t deadline_ms = clock_ms() + timeout_ms;
	PGresult *kept = NULL, *next;
	bool has_failed = false;
	int r;

	while ((r = answer_wait(l, deadline_ms)) == 0) {
		next = PQgetResult(l->conn);
		if (!next)
			break;
		if (has_failed) {
			PQclear(next);
			continue;
		}
		PQclear(kept);
		kept = next;
		has_failed = PQresultStatus(kept) != PGRES_COMMAND_OK &&
			     PQresultStatus(kept) != PGRES_TUPLES_OK;
	}
	if (r == 0 && PQstatus(l->conn) == CONNECTION_OK && kept) {
		*ret = kept;
		return 0;
	}
	PQclear(kept);
	pglink_drop(l, r == -ETIMEDOUT ? "the server does not answer" : PQerrorMessage(l->conn));
	return -EBUSY;
}

int pglink_exec(struct pglink *l, const char *sql, unsigned int timeout_ms)
{
	PGresult *result;
	int r;

	if (!PQsendQuery(l->conn, sql)) {
		pglink_drop(l, PQerrorMessage(l->conn));
		return -EBUSY;
	}
	r = pglink_answer(l, timeout_ms, &result);
	if (r < 0)
		return r;
	r = pglink_err(result);
	PQclear(result);
	return r;
}
