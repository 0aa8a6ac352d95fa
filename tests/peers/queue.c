/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/peers/queue.h"

#include <cbor.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

int hex_decode(const char *hex, uint8_t *ret, size_t size, size_t *ret_len)
{
	size_t n = strlen(hex);

	if (n % 2 || n / 2 > size)
		return -EINVAL;
	for (size_t i = 0; i < n / 2; i++) {
		int high = digit(hex[2 * i]), low = digit(hex[2 * i + 1]);

		if (high < 0 || low < 0)
			return -EINVAL;
		ret[i] = (uint8_t)(high << 4 | low);
	}
	*ret_len = n / 2;
	return 0;
}

/* The id that a command or a response starts with. */
static bool first_text(cbor_item_t *item, char ret[static QUEUE_ID_MAX])
{
	cbor_item_t *text;
	bool ok = false;

	if (!cbor_isa_array(item) || cbor_array_size(item) < 2)
		return false;
	text = cbor_array_get(item, 0);
	if (cbor_isa_string(text) && cbor_string_is_definite(text) &&
	    cbor_string_length(text) < QUEUE_ID_MAX) {
		memcpy(ret, cbor_string_handle(text), cbor_string_length(text));
		ret[cbor_string_length(text)] = '\0';
		ok = true;
	}
	cbor_decref(&text);
	return ok;
}

static uint64_t second_uint(cbor_item_t *item)
{
	cbor_item_t *number = cbor_array_get(item, 1);
	uint64_t value = cbor_isa_uint(number) ? cbor_get_int(number) : 0;

	cbor_decref(&number);
	return value;
}

int queue_add(struct queue *q, const char *hex)
{
	struct queue_body *b;
	struct cbor_load_result result;
	cbor_item_t *root;
	int r;

	if (q->n == QUEUE_BODIES_MAX)
		return -EINVAL;
	b = calloc(1, sizeof(*b));
	if (!b)
		return -ENOMEM;
	r = hex_decode(hex, b->bytes, sizeof(b->bytes), &b->len);
	if (r < 0) {
		free(b);
		return r;
	}
	q->bodies[q->n++] = b;
	root = cbor_load(b->bytes, b->len, &result);
	if (!root)
		return 0;
	if (cbor_isa_array(root)) {
		for (size_t i = 0; i < cbor_array_size(root) && b->n_ids < QUEUE_IDS_MAX; i++) {
			cbor_item_t *command = cbor_array_get(root, i);

			if (first_text(command, b->ids[b->n_ids]))
				b->n_ids++;
			cbor_decref(&command);
		}
	}
	cbor_decref(&root);
	return 0;
}

void queue_done(struct queue *q)
{
	for (size_t i = 0; i < q->n; i++)
		free(q->bodies[i]);
	q->n = 0;
}

const struct queue_body *queue_body(struct queue *q)
{
	return q->current < q->n ? q->bodies[q->current] : NULL;
}

static void answered(struct queue *q, const char *id, bool error)
{
	struct queue_body *b = q->current < q->n ? q->bodies[q->current] : NULL;
	size_t left = 0;
	bool known = false;

	if (!b)
		return;
	for (size_t i = 0; i < b->n_ids; i++) {
		if (!strcmp(b->ids[i], id))
			known = b->answered[i] = true;
		left += !b->answered[i];
	}
	if (known && (error || !left))
		q->current++;
}

int queue_report(struct queue *q, const uint8_t *body, size_t len)
{
	struct cbor_load_result result;
	cbor_item_t *root = cbor_load(body, len, &result);
	int r = 0;

	if (!root)
		return -EINVAL;
	if (!cbor_isa_array(root) || result.read != len)
		r = -EINVAL;
	for (size_t i = 0; r == 0 && i < cbor_array_size(root); i++) {
		cbor_item_t *response = cbor_array_get(root, i);
		char id[QUEUE_ID_MAX];

		if (first_text(response, id))
			answered(q, id, second_uint(response) == 99);
		else
			r = -EINVAL;
		cbor_decref(&response);
	}
	cbor_decref(&root);
	return r;
}
