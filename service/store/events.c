/* SPDX-License-Identifier: Apache-2.0 */

/* Events have to be read once each, in an order that stands, while others are being written. Rows
 * get their numbers when they are written, but are seen when their transaction commits: a reader
 * that has seen number 8 may find number 7 behind itself. SQLite has one writer at a time, so that
 * there the numbers are in the order of commits. PostgreSQL has many: there the number of the
 * transaction leads, and a reader stops in front of the oldest transaction that is still open,
 * since all that come later have higher numbers than what it passed. */

#include "service/store/sql.h"

static const struct field fields[] = {
	FIELD(FIELD_INT, struct store_event, position.commit),
	FIELD(FIELD_INT, struct store_event, position.seq),
	FIELD(FIELD_TEXT, struct store_event, team),
	FIELD(FIELD_TEXT, struct store_event, device),
	FIELD(FIELD_TEXT, struct store_event, kind),
	FIELD(FIELD_TEXT, struct store_event, trace),
	FIELD(FIELD_OWNED, struct store_event, detail),
	FIELD(FIELD_INT, struct store_event, at_ms),
};
ROW_TYPE(event_type, struct store_event, fields);

#define COLUMNS "team, device, kind, trace, detail, at_ms"
#define SELECT "SELECT tx, seq, " COLUMNS " FROM events "
#define SETTLED "tx < pg_snapshot_xmin(pg_current_snapshot())::text::bigint"

int sql_event_add(struct service_store *s, const struct store_event *row)
{
	struct db *db = db_of(s);
	bool began;
	int r;

	r = db_begin(db, "", &began);
	if (r < 0)
		return r;
	r = row_add(db, &event_type, row,
		    "INSERT INTO events (" COLUMNS ") VALUES ($3, $4, $5, $6, $7, $8)");
	db->adds_events = true;
	return db_end(db, began, r);
}

static int walk(struct query *q, store_event_fn fn, void *userdata)
{
	struct store_event row;
	int r;

	while ((r = row_next(q, &event_type, &row)) > 0) {
		r = fn(userdata, &row);
		store_event_done(&row);
		if (r != 0)
			break;
	}
	return r;
}

#define AFTER " AND (tx, seq) > ($2, $3) "
#define OLDEST_FIRST " ORDER BY tx, seq LIMIT $4"

int sql_event_after(struct service_store *s, const char *team, const char *device,
		    const struct store_position *after, size_t limit, store_event_fn fn,
		    void *userdata)
{
	_cleanup_(query_done) struct query q = {NULL};
	struct db *db = db_of(s);
	int r;

	if (device)
		r = query_start(db, &q,
				DB_SQL(db,
				       SELECT "WHERE device = $1 AND team = $5" AFTER OLDEST_FIRST,
				       SELECT "WHERE device = $1 AND team = $5" AFTER
					      "AND " SETTLED OLDEST_FIRST),
				"tiiit", device, after->commit, after->seq, (int64_t)limit, team);
	else
		r = query_start(db, &q,
				DB_SQL(db, SELECT "WHERE team = $1" AFTER OLDEST_FIRST,
				       SELECT "WHERE team = $1" AFTER "AND " SETTLED OLDEST_FIRST),
				"tiii", team, after->commit, after->seq, (int64_t)limit);
	if (r < 0)
		return r;
	return walk(&q, fn, userdata);
}

int sql_event_before(struct service_store *s, const char *device,
		     const struct store_position *before, size_t limit, store_event_fn fn,
		     void *userdata)
{
	_cleanup_(query_done) struct query q = {NULL};
	bool is_newest = before->commit == 0 && before->seq == 0;
	int r;

	r = query_start(db_of(s), &q,
			SELECT "WHERE device = $1 AND (tx, seq) < ($2, $3)"
			       " ORDER BY tx DESC, seq DESC LIMIT $4",
			"tiii", device, is_newest ? INT64_MAX : before->commit,
			is_newest ? INT64_MAX : before->seq, (int64_t)limit);
	if (r < 0)
		return r;
	return walk(&q, fn, userdata);
}

int sql_event_last(struct service_store *s, const char *team, struct store_position *ret)
{
	_cleanup_(query_done) struct query q = {NULL};
	struct db *db = db_of(s);
	int r;

	r = query_start(db, &q,
			DB_SQL(db,
			       "SELECT tx, seq FROM events WHERE team = $1"
			       " ORDER BY tx DESC, seq DESC LIMIT 1",
			       "SELECT tx, seq FROM events WHERE team = $1 AND " SETTLED
			       " ORDER BY tx DESC, seq DESC LIMIT 1"),
			"t", team);
	if (r < 0)
		return r;
	r = query_row(&q);
	if (r < 0)
		return r;
	*ret = (struct store_position){0, 0};
	if (r > 0)
		*ret = (struct store_position){query_number(&q, 0), query_number(&q, 1)};
	return 0;
}

int sql_event_prune(struct service_store *s, const char *device, size_t keep)
{
	return db_run(db_of(s), NULL,
		      "DELETE FROM events WHERE device = $1 AND (tx, seq) <="
		      " (SELECT tx, seq FROM events WHERE device = $1"
		      "  ORDER BY tx DESC, seq DESC LIMIT 1 OFFSET $2)",
		      "ti", device, (int64_t)keep);
}
