/* SPDX-License-Identifier: Apache-2.0 */
#include "wifi/central/queue.h"

#include <string.h>

void queue_put(struct queue *q, bool is_response, const void *data, size_t len)
{
	struct message *m;

	if (q->n == QUEUE_MAX || len > WIFI_MESSAGE_MAX) {
		q->has_lost = true;
		return;
	}
	m = malloc(sizeof(*m) + len);
	if (!m) {
		q->has_lost = true;
		return;
	}
	m->next = NULL;
	m->is_response = is_response;
	m->len = len;
	if (len > 0)
		memcpy(m->data, data, len);
	if (q->last)
		q->last->next = m;
	else
		q->first = m;
	q->last = m;
	q->n++;
}

static struct message *take(struct queue *q, struct message *before, struct message *m)
{
	if (before)
		before->next = m->next;
	else
		q->first = m->next;
	if (q->last == m)
		q->last = before;
	q->n--;
	m->next = NULL;
	return m;
}

struct message *queue_take(struct queue *q, bool is_response)
{
	struct message *before = NULL;

	for (struct message *m = q->first; m; before = m, m = m->next)
		if (m->is_response == is_response)
			return take(q, before, m);
	return NULL;
}

struct message *queue_take_any(struct queue *q)
{
	return q->first ? take(q, NULL, q->first) : NULL;
}

void queue_clear(struct queue *q)
{
	struct message *m;

	while ((m = queue_take_any(q)))
		free(m);
	q->has_lost = false;
}
