/* SPDX-License-Identifier: Apache-2.0 */
#include "service/queue.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

/* "<uuid>.<counter>" and room for ".s" in CORRELATION_MAX: six digits of the counter. */
#define COUNTER_MASK 0xffffff

int queue_reserve(struct core *c, const char *device, size_t n, int64_t *ret_number)
{
	int64_t first;
	size_t open;
	int r;

	r = c->store->ops->command_count_open(c->store, device, &open);
	if (r < 0)
		return r;
	if (n > QUEUE_OPEN_MAX || open > QUEUE_OPEN_MAX - n)
		return QUEUE_E_FULL;
	r = c->store->ops->identity_count(c->store, device, n, &first);
	if (r != 0)
		return r < 0 ? r : -ENOENT;
	*ret_number = first;
	/* No more can be closed than were ever made. */
	if (first <= QUEUE_CLOSED_MAX)
		return 0;
	return c->store->ops->command_prune(c->store, device, QUEUE_CLOSED_MAX);
}

static void id_make(int64_t number, char *ret, size_t size)
{
	char uuid[CORE_UUID_TEXT];

	core_uuid(uuid);
	snprintf(ret, size, "%s.%x", uuid, (unsigned int)(number & COUNTER_MASK));
}

static int row_fill(const struct expansion *e, const char *description, struct store_command *row)
{
	uint8_t *wire;
	int r;

	wire = malloc(BODY_MAX);
	if (!wire)
		return -ENOMEM;
	row->wire = wire;
	r = command_list_encode(e->steps, e->n, wire, BODY_MAX, &row->wire_len);
	if (r < 0) {
		row->wire_len = 0;
		return r;
	}
	row->request = json_dumps(e->shown, JSON_COMPACT);
	row->description = description ? strdup(description) : NULL;
	if (!row->request || (description && !row->description))
		return -ENOMEM;
	row->status = STORE_PENDING;
	row->created_at = row->updated_at = clock_wall_s();
	return 0;
}

int queue_add(struct core *c, const char *device, const struct queue_order *order,
	      struct store_command *ret, char **ret_detail)
{
	_cleanup_(store_command_done) struct store_command row = {.seq = 0};
	_cleanup_(expansion_done) struct expansion e = {.n = 0};
	int r;

	snprintf(row.device, sizeof(row.device), "%s", device);
	snprintf(row.rule, sizeof(row.rule), "%s", order->rule);
	id_make(order->number, row.id, sizeof(row.id));
	r = expand_request(order->request, row.id, &e, ret_detail);
	if (r != 0)
		return r < 0 ? r : QUEUE_E_REFUSED;
	r = row_fill(&e, order->description, &row);
	if (r == -ENOBUFS || r == -EINVAL) {
		core_detail(ret_detail, "the command is larger than a device could take");
		return QUEUE_E_REFUSED;
	}
	if (r < 0)
		return r;
	r = c->store->ops->command_add(c->store, &row, &row.seq);
	if (r != 0)
		return r < 0 ? r : -EEXIST;
	*ret = row;
	memset(&row, 0, sizeof(row));
	return 0;
}

static int queue_push(void *userdata, struct store_command *row)
{
	struct queue *q = userdata;
	struct queue_item *item;
	int r;

	if (q->n == q->size) {
		size_t size = q->size ? q->size * 2 : QUEUE_OPEN_MAX;
		struct queue_item *items = reallocarray(q->items, size, sizeof(*items));

		if (!items)
			return -ENOMEM;
		q->items = items;
		q->size = size;
	}
	item = &q->items[q->n];
	memset(item, 0, sizeof(*item));
	if (!row->wire)
		return -EBADMSG;
	r = command_list_decode(row->wire, row->wire_len, EXPAND_STEPS_MAX, &item->steps);
	if (r != 0)
		return r < 0 ? r : -EBADMSG;
	item->row = *row;
	memset(row, 0, sizeof(*row));
	q->n++;
	return 0;
}

int queue_load(struct core *c, const char *device, struct queue *ret)
{
	return c->store->ops->command_each(c->store, device, true, queue_push, ret);
}

void queue_done(struct queue *q)
{
	for (size_t i = 0; i < q->n; i++) {
		store_command_done(&q->items[i].row);
		command_list_done(&q->items[i].steps);
	}
	free(q->items);
	memset(q, 0, sizeof(*q));
}

unsigned int queue_place(const struct queue_item *item, size_t step)
{
	return step + 1 == item->steps.n ? 1 : 0;
}

int queue_save(struct core *c, struct queue *q)
{
	int r;

	for (size_t i = 0; i < q->n; i++) {
		struct queue_item *item = &q->items[i];

		if (!item->is_changed)
			continue;
		r = c->store->ops->command_update(c->store, &item->row);
		if (r != 0)
			return r < 0 ? r : -ENOENT;
		item->is_changed = false;
	}
	return 0;
}

int queue_close(struct core *c, struct queue_item *item, enum store_status status, char *error,
		char *response)
{
	struct store_command *row = &item->row;
	struct store_command update;

	free(row->error);
	free(row->response);
	row->error = error;
	row->response = response;
	row->status = status;
	row->updated_at = clock_wall_s();
	item->is_changed = false;
	update = *row;
	update.wire = NULL;
	update.wire_len = 0;
	return c->store->ops->command_update(c->store, &update);
}
