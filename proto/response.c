/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/response.h"

#include <errno.h>
#include <string.h>

#include "base/cursor.h"
#include "proto/item.h"

/* Items of a response's array, correlation and code included; 0 for an unknown code. */
static size_t response_arity(enum response_code code)
{
	switch (code) {
	case RESPONSE_ERROR:
		return 4;
	case RESPONSE_AT:
		return 3;
	case RESPONSE_CONFIG:
	case RESPONSE_FINISHED:
		return 2;
	}
	return 0;
}

static bool has_message(enum response_code code)
{
	return code == RESPONSE_ERROR || code == RESPONSE_AT;
}

static int message_decode(struct reader *r, struct response *ret)
{
	const struct item text = item_next(r);

	if (!item_is_text(&text, 0, AT_ANSWER_MAX))
		return RESPONSE_E_SYNTAX;
	ret->message = malloc(text.value + 1);
	if (!ret->message)
		return -ENOMEM;
	memcpy(ret->message, text.data, text.value);
	ret->message[text.value] = '\0';
	return 0;
}

static int response_decode(struct reader *r, struct response *ret)
{
	const struct item array = item_next(r);
	const struct item id = item_next(r);
	const struct item code = item_next(r);

	if (array.kind != ITEM_ARRAY || !item_is_text(&id, 1, CORRELATION_MAX) ||
	    code.kind != ITEM_UINT || code.value < RESPONSE_ERROR || code.value > RESPONSE_FINISHED)
		return RESPONSE_E_SYNTAX;
	memcpy(ret->correlation, id.data, id.value);
	ret->code = (enum response_code)code.value;
	if (array.value != response_arity(ret->code))
		return RESPONSE_E_SYNTAX;
	if (ret->code == RESPONSE_ERROR) {
		const struct item number = item_next(r);

		if (number.kind != ITEM_UINT)
			return RESPONSE_E_SYNTAX;
		ret->cme_error = number.value;
	}
	return has_message(ret->code) ? message_decode(r, ret) : 0;
}

/* Reads n responses. Whatever the outcome, l is to be released. */
static int items_read(struct reader *r, size_t n, struct response_list *l)
{
	int k;

	l->items = calloc(n, sizeof(*l->items));
	if (!l->items)
		return -ENOMEM;
	while (l->n < n) {
		k = response_decode(r, &l->items[l->n++]);
		if (k != 0)
			return k;
	}
	return reader_done(r) ? 0 : RESPONSE_E_SYNTAX;
}

int response_list_decode(const uint8_t *body, size_t len, struct response_list *ret)
{
	struct response_list list = RESPONSE_LIST_INIT;
	struct reader r;
	struct item array;
	int k;

	if (len > BODY_MAX)
		return RESPONSE_E_SYNTAX;
	reader_init(&r, body, len);
	array = item_next(&r);
	if (array.kind != ITEM_ARRAY)
		return RESPONSE_E_SYNTAX;
	if (array.value == 0)
		return reader_done(&r) ? RESPONSE_E_EMPTY : RESPONSE_E_SYNTAX;
	if (array.value > COMMANDS_MAX)
		return RESPONSE_E_TOO_MANY;
	k = items_read(&r, array.value, &list);
	if (k != 0) {
		response_list_done(&list);
		return k;
	}
	*ret = list;
	return 0;
}

size_t response_size(const struct response *r)
{
	const size_t id_len = strlen(r->correlation);
	size_t size = 1 + item_head_size(id_len) + id_len + item_head_size((uint64_t)r->code);

	if (r->code == RESPONSE_ERROR)
		size += item_head_size(r->cme_error);
	if (has_message(r->code)) {
		const size_t len = strlen(r->message);

		size += item_head_size(len) + len;
	}
	return size;
}

static bool response_is_valid(const struct response *r)
{
	if (!memchr(r->correlation, '\0', sizeof(r->correlation)) || r->correlation[0] == '\0' ||
	    !item_text_is_clean(r->correlation, strlen(r->correlation)) ||
	    response_arity(r->code) == 0)
		return false;
	if (!has_message(r->code))
		return true;
	return r->message && strlen(r->message) <= AT_ANSWER_MAX &&
	       item_text_is_clean(r->message, strlen(r->message));
}

static void response_write(struct writer *w, const struct response *r)
{
	item_write_array(w, response_arity(r->code));
	item_write_text(w, r->correlation, strlen(r->correlation));
	item_write_uint(w, (uint64_t)r->code);
	if (r->code == RESPONSE_ERROR)
		item_write_uint(w, r->cme_error);
	if (has_message(r->code))
		item_write_text(w, r->message, strlen(r->message));
}

int response_list_encode(const struct response *items, size_t n, uint8_t *ret, size_t size,
			 size_t *ret_len, size_t *ret_n)
{
	/* The head of an array of up to COMMANDS_MAX takes one byte. */
	_Static_assert(COMMANDS_MAX < 24, "");
	size_t used = 1, fit = 0;
	struct writer w;

	if (n == 0)
		return -EINVAL;
	size = MIN(size, (size_t)BODY_MAX);
	for (; fit < MIN(n, (size_t)COMMANDS_MAX); fit++) {
		if (!response_is_valid(&items[fit]))
			return -EINVAL;
		used += response_size(&items[fit]);
		if (used > size)
			break;
	}
	if (fit == 0)
		return -ENOBUFS;
	writer_init(&w, ret, size);
	item_write_array(&w, fit);
	for (size_t i = 0; i < fit; i++)
		response_write(&w, &items[i]);
	if (!writer_ok(&w))
		return -ENOBUFS;
	*ret_len = w.len;
	*ret_n = fit;
	return 0;
}

static bool line_is(const char *line, size_t len, const char *word)
{
	return len == strlen(word) && memcmp(line, word, len) == 0;
}

bool response_at_ok(const char *message)
{
	bool is_error = false;

	for (const char *at = message; *at != '\0';) {
		const size_t len = strcspn(at, "\r\n");

		if (line_is(at, len, "OK"))
			return true;
		if (len > 0)
			is_error = line_is(at, len, "ERROR");
		at += len;
		at += strspn(at, "\r\n");
	}
	return !is_error;
}

void response_done(struct response *r)
{
	free(r->message);
	*r = (struct response){0};
}

void response_list_done(struct response_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		response_done(&l->items[i]);
	free(l->items);
	*l = RESPONSE_LIST_INIT;
}
