/* SPDX-License-Identifier: Apache-2.0 */

/* p/cmd: which commands a device gets now. The queue is a line of steps; a position in it is
 * (sequence number of the command, place of the step). A body is the longest run of steps from the
 * first one that was not answered, within what the device can take and what it can answer. What the
 * device says in "after" moves nothing: answered steps are not in the queue any more, and stock
 * devices also name commands whose report was lost, which would wait for ever. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "proto/at.h"
#include "service/queue.h"
#include "service/rules.h"

/* A body that cannot hold one short command is a mistake of the device. */
#define RX_MIN 64
#define TX_MIN 64
/* How stale "last seen" may be for a device that polls on a session of long ago. */
#define SEEN_PRECISION_S 600

/* Beside STORE_E_*. */
enum { FETCH_E_BLOCKED = 100 };

struct position {
	int64_t seq;
	unsigned int place;
};

static bool is_after(struct position a, struct position b)
{
	return a.seq > b.seq || (a.seq == b.seq && a.place > b.place);
}

struct body {
	const struct core_fetch *fetch;
	const struct core_caller *who;
	size_t rx_max, limit; /* what fetch asks for, within what we can */
	bool has_end;
	struct position end; /* a repeat: up to and including this */

	struct command steps[COMMANDS_MAX]; /* views of the queue's */
	size_t n, rx_used, tx_used;
	struct position last;
};

/* Bytes of the CBOR array's own head: COMMANDS_MAX is below 24. */
#define ARRAY_HEAD 1
_Static_assert(COMMANDS_MAX < 24, "the head of a body is one byte");

static int step_size(const struct command *step, size_t *ret)
{
	uint8_t buf[BODY_MAX];
	size_t len;
	int r;

	r = command_list_encode(step, 1, buf, sizeof(buf), &len);
	if (r < 0)
		return r;
	*ret = len - ARRAY_HEAD;
	return 0;
}

/* Bytes that the answer to a step will likely take. Generous: a report that does not fit is lost
 * with stock devices. */
static size_t reply_size(const struct command *step)
{
	struct at_fields f;
	size_t frame = 10 + strlen(step->correlation);

	if (step->type != COMMAND_AT)
		return frame;
	if (at_parse(step->parameters, &f) != 0)
		return frame + 32;
	if (strcmp(step->verb, "%KEYGEN") == 0)
		/* A request grows with the names in it, a public key does not. */
		return frame + (f.n >= 3 && f.items[2].number == 1
					? 380
					: 640 + (f.n >= 4 ? f.items[3].len * 4 / 3 : 0));
	if (strcmp(step->verb, "%ATTESTTOKEN") == 0)
		return frame + 220;
	if (strcmp(step->verb, "%CMNG") == 0 && f.n >= 1 && f.items[0].number != 0 &&
	    f.items[0].number != 3)
		return frame + 1024; /* list, read */
	return frame + 32;
}

static void body_push(struct body *b, const struct command *step, size_t size, struct position at)
{
	b->steps[b->n++] = *step;
	b->rx_used += size;
	b->tx_used += reply_size(step);
	b->last = at;
}

struct group {
	size_t first; /* step of the item */
	size_t n;
	size_t sizes[EXPAND_STEPS_MAX];
	size_t rx, tx;
};

/* The steps of an item that the device still has to get. */
static int group_make(const struct body *b, const struct queue_item *item, struct group *ret)
{
	struct group g = {.n = 0};
	int r;

	for (size_t i = 0; i < item->steps.n; i++) {
		struct position at = {item->row.seq, queue_place(item, i)};

		if ((at.place == 0 && item->row.prepared) || (b->has_end && is_after(at, b->end)))
			continue;
		if (g.n == 0)
			g.first = i;
		r = step_size(&item->steps.items[i], &g.sizes[g.n]);
		if (r < 0)
			return r;
		g.rx += g.sizes[g.n];
		g.tx += reply_size(&item->steps.items[i]);
		g.n++;
	}
	*ret = g;
	return 0;
}

static bool group_fits(const struct body *b, const struct group *g)
{
	if (b->n + g->n > b->limit || b->rx_used + g->rx > b->rx_max)
		return false;
	/* One command alone has to be tried whatever its answer takes. */
	return b->n == 0 || b->tx_used + g->tx <= b->fetch->tx_max;
}

/* A step that can never fit would block the queue for ever. */
static bool group_is_impossible(const struct body *b, const struct group *g)
{
	for (size_t i = 0; i < g->n; i++)
		if (ARRAY_HEAD + g->sizes[i] > b->rx_max)
			return true;
	return false;
}

static int item_fail(struct core *c, struct queue_item *item, const struct body *b,
		     const struct group *g)
{
	char *error;

	core_detail(&error,
		    "the command takes %zu bytes and the device takes bodies of at most %zu",
		    ARRAY_HEAD + MAX(g->sizes[0], g->n > 1 ? g->sizes[1] : 0), b->rx_max);
	log_notice("device=%s trace=%s command=%s status=FAILED why=\"larger than the device's "
		   "buffer\"",
		   item->row.device, TRACE_OR_NONE(b->who->trace), item->row.id);
	return queue_close(c, item, STORE_FAILED, error, NULL);
}

/* Fills the body. Preparation and main step stay together unless the device cannot take both. */
static int body_fill(struct core *c, struct queue *q, struct body *b)
{
	struct group g;
	int r;

	b->rx_used = ARRAY_HEAD;
	for (size_t i = 0; i < q->n; i++) {
		struct queue_item *item = &q->items[i];
		size_t n;

		if (item->row.status == STORE_FAILED)
			continue;
		r = group_make(b, item, &g);
		if (r < 0)
			return r;
		if (g.n == 0)
			continue;
		if (group_is_impossible(b, &g)) {
			r = item_fail(c, item, b, &g);
			if (r != 0)
				return r < 0 ? r : -ENOENT;
			continue;
		}
		if (group_fits(b, &g))
			n = g.n;
		else
			n = b->n == 0 ? 1 : 0;
		for (size_t k = 0; k < n; k++)
			body_push(b, &item->steps.items[g.first + k], g.sizes[k],
				  (struct position){item->row.seq, queue_place(item, g.first + k)});
		if (n < g.n)
			break;
	}
	return 0;
}

/* Marks what is handed out, and tells of what is handed out for the first time. */
static int body_mark(struct core *c, const struct store_device *device, struct queue *q,
		     const struct body *b)
{
	_cleanup_(json_decrefp) json_t *ids = json_array();
	int64_t now = clock_wall_s();
	int r;

	if (!ids)
		return -ENOMEM;
	for (size_t i = 0; i < q->n; i++) {
		struct store_command *row = &q->items[i].row;

		if (row->status != STORE_PENDING ||
		    is_after((struct position){row->seq, 0}, b->last))
			continue;
		row->status = STORE_IN_PROGRESS;
		row->updated_at = now;
		row->handed_at = clock_wall_ms();
		r = c->store->ops->command_update(c->store, row);
		if (r != 0)
			return r < 0 ? r : -ENOENT;
		if (json_array_append_new(ids, json_string(row->id)) < 0)
			return -ENOMEM;
	}
	if (json_array_size(ids) == 0)
		return 0;
	return core_event(c, device->team, device->uuid, "commands-handed", b->who->trace,
			  json_pack("{s:O}", "ids", ids));
}

/* The same question gets the same answer until a report changes the queue: blocks of one body may
 * be fetched over a long time, and commands join meanwhile. */
static void batch_query(const struct body *b, char *ret, size_t size)
{
	snprintf(ret, size, "%zu/%zu/%zu", b->rx_max, b->fetch->tx_max, b->limit);
}

static int fetch_fill(struct core *c, struct store_device *device, struct body *b, uint8_t *ret,
		      size_t size, size_t *ret_len)
{
	_cleanup_(queue_done) struct queue q = {.n = 0};
	char query[STORE_QUERY_MAX];
	int r;

	r = queue_load(c, device->uuid, &q);
	if (r < 0)
		return r;
	batch_query(b, query, sizeof(query));
	b->has_end = strcmp(query, device->batch_query) == 0;
	b->end = (struct position){device->batch_seq, device->batch_step};
	r = body_fill(c, &q, b);
	if (r < 0)
		return r;
	if (b->n == 0 && b->has_end) {
		/* What was handed out is no more: a new answer. */
		b->has_end = false;
		r = body_fill(c, &q, b);
		if (r < 0)
			return r;
	}
	if (b->n == 0) {
		*ret_len = 0;
		return 0;
	}
	r = body_mark(c, device, &q, b);
	if (r < 0)
		return r;
	if (!b->has_end) {
		snprintf(device->batch_query, sizeof(device->batch_query), "%s", query);
		device->batch_seq = b->last.seq;
		device->batch_step = b->last.place;
	}
	return command_list_encode(b->steps, b->n, ret, MIN(size, b->rx_max), ret_len);
}

static int fetch_run(struct core *c, struct body *b, uint8_t *ret, size_t size, size_t *ret_len)
{
	_cleanup_(store_device_done) struct store_device device = {.tags = NULL};
	_cleanup_(store_txn_rollback) struct store_txn t = {NULL};
	int r;

	r = store_txn_begin(&t, c->store, STORE_WRITE_RELAXED, b->who->device);
	if (r < 0)
		return r;
	r = c->store->ops->device_get(c->store, b->who->device, &device);
	if (r != 0)
		return r;
	if (device.blocked_at)
		return FETCH_E_BLOCKED;
	r = rules_apply(c, &device);
	if (r < 0)
		return r;
	r = fetch_fill(c, &device, b, ret, size, ret_len);
	if (r < 0)
		return r;
	device.seen_at = MAX(device.seen_at, clock_wall_s());
	r = c->store->ops->device_update(c->store, &device);
	if (r != 0)
		return r < 0 ? r : -ENOENT;
	return store_txn_commit(&t);
}

/* Polls of devices that have nothing to do are most of all requests: they only read. */
static int fetch_is_idle(struct core *c, const char *uuid, bool *ret)
{
	_cleanup_(store_device_done) struct store_device device = {.tags = NULL};
	_cleanup_(store_txn_rollback) struct store_txn t = {NULL};
	bool pending;
	size_t n;
	int r;

	r = store_txn_begin(&t, c->store, STORE_READ, uuid);
	if (r < 0)
		return r;
	r = c->store->ops->device_get(c->store, uuid, &device);
	if (r != 0)
		return r;
	if (device.blocked_at)
		return FETCH_E_BLOCKED;
	*ret = false;
	if (clock_wall_s() - device.seen_at >= SEEN_PRECISION_S)
		return 0;
	r = c->store->ops->command_count_open(c->store, uuid, &n);
	if (r < 0 || n > 0)
		return r;
	r = rules_pending(c, &device, &pending);
	if (r < 0)
		return r;
	*ret = !pending;
	return 0;
}

enum core_verdict core_fetch(struct core *c, struct core_caller *who, const struct core_fetch *f,
			     uint8_t *ret, size_t size, size_t *ret_len)
{
	_cleanup_(freep) struct body *b = NULL;
	enum core_verdict verdict;
	bool idle;
	int r;

	if (f->rx_max < RX_MIN || f->tx_max < TX_MIN || f->limit == 0)
		return CORE_INVALID;
	verdict = limits_request(c->limits, who);
	if (verdict != CORE_OK)
		return verdict;
	r = fetch_is_idle(c, who->device, &idle);
	if (r == 0 && idle) {
		*ret_len = 0;
		return CORE_OK;
	}
	if (r == 0) {
		b = calloc(1, sizeof(*b));
		if (!b)
			return core_fail(-ENOMEM, "cannot fetch commands", who->device);
		b->fetch = f;
		b->who = who;
		b->rx_max = MIN(MIN(f->rx_max, size), (size_t)BODY_MAX);
		b->limit = MIN(f->limit, (size_t)COMMANDS_MAX);
		r = fetch_run(c, b, ret, size, ret_len);
	}
	if (r == STORE_E_NOT_FOUND)
		return CORE_UNCLAIMED;
	if (r == FETCH_E_BLOCKED)
		return CORE_REJECTED;
	return r < 0 ? core_fail(r, "cannot fetch commands", who->device) : CORE_OK;
}
