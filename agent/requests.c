/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/requests.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "credstore/store.h"

#define DONE_VALUE "request/shadow-done"

static const char *const names[REQUEST_N] = {
	[REQUEST_BUS] = "bus",
	[REQUEST_SIGNAL] = "signal",
	[REQUEST_SHADOW] = "shadow",
};

#define NAME_MAX_LEN 32

static void value_name(enum request_source source, char ret[static NAME_MAX_LEN])
{
	snprintf(ret, NAME_MAX_LEN, "request/%s", names[source]);
}

/* A number that is not one is as good as none: the shadow still has the command. */
static int load_number(struct store *s, const char *name, bool *ret_there, uint32_t *ret)
{
	_cleanup_(freep) char *text = NULL;
	uint64_t n;
	int r = store_value_get(s, name, &text);

	*ret_there = r == 0;
	if (r != 0)
		return r == -ENOENT ? 0 : r;
	*ret = decimal_parse(text, strlen(text), UINT32_MAX, &n) == 0 ? (uint32_t)n : 0;
	return 0;
}

int requests_load(struct requests *r, struct store *store)
{
	struct requests loaded = {.store = store};
	char name[NAME_MAX_LEN];
	bool is_there;
	int e;

	*r = loaded;
	e = load_number(store, DONE_VALUE, &is_there, &loaded.done);
	for (int i = 0; i < REQUEST_N && e == 0; i++) {
		uint32_t n = 0;

		value_name((enum request_source)i, name);
		e = load_number(store, name, &loaded.pending[i], &n);
		if (i == REQUEST_SHADOW)
			loaded.command = n;
	}
	if (e != 0)
		return e < 0 ? e : -EIO;
	memcpy(loaded.durable, loaded.pending, sizeof(loaded.durable));
	loaded.pending[REQUEST_SHADOW] = loaded.pending[REQUEST_SHADOW] && loaded.command != 0;
	*r = loaded;
	return 0;
}

static int put(struct requests *r, enum request_source source, uint32_t number)
{
	char name[NAME_MAX_LEN], text[16];
	int e;

	value_name(source, name);
	snprintf(text, sizeof(text), "%" PRIu32, number);
	e = store_value_put(r->store, name, text);
	r->durable[source] = e == 0;
	return e > 0 ? -EIO : e;
}

int requests_add(struct requests *r, enum request_source source)
{
	r->pending[source] = true;
	r->taken[source] = false;
	return r->durable[source] ? 0 : put(r, source, 0);
}

int requests_add_command(struct requests *r, uint32_t command)
{
	if (command == r->done)
		return REQUESTS_E_DONE;
	if (r->pending[REQUEST_SHADOW] && r->command == command)
		return REQUESTS_E_PENDING;
	r->pending[REQUEST_SHADOW] = true;
	r->taken[REQUEST_SHADOW] = false;
	r->command = command;
	return put(r, REQUEST_SHADOW, command);
}

void requests_take(struct requests *r)
{
	memcpy(r->taken, r->pending, sizeof(r->taken));
}

static int forget(struct requests *r, enum request_source source)
{
	char name[NAME_MAX_LEN], text[16];
	int e;

	value_name(source, name);
	e = store_value_delete(r->store, name);
	if (e == -ENOENT) /* it was never durable */
		e = 0;
	if (e != 0 || source != REQUEST_SHADOW)
		return e;
	snprintf(text, sizeof(text), "%" PRIu32, r->command);
	return store_value_put(r->store, DONE_VALUE, text);
}

/* In a transaction of the caller. */
static int forget_taken(struct requests *r)
{
	int e = 0;

	for (int i = 0; i < REQUEST_N && e == 0; i++)
		if (r->taken[i])
			e = forget(r, (enum request_source)i);
	return e;
}

static bool are_taken(const struct requests *r)
{
	for (int i = 0; i < REQUEST_N; i++)
		if (r->taken[i])
			return true;
	return false;
}

int requests_finish(struct requests *r)
{
	int e;

	if (!are_taken(r))
		return 0;
	e = store_begin(r->store);
	if (e == 0)
		e = store_end(r->store, forget_taken(r));
	if (e != 0)
		return e < 0 ? e : -EIO;
	if (r->taken[REQUEST_SHADOW])
		r->done = r->command;
	for (int i = 0; i < REQUEST_N; i++) {
		r->pending[i] = r->pending[i] && !r->taken[i];
		r->durable[i] = r->durable[i] && !r->taken[i];
		r->taken[i] = false;
	}
	return 0;
}

bool requests_are_waiting(const struct requests *r)
{
	for (int i = 0; i < REQUEST_N; i++)
		if (r->pending[i] && !r->taken[i])
			return true;
	return false;
}

void requests_describe(const struct requests *r, bool waiting_only,
		       char ret[static REQUESTS_TEXT_MAX])
{
	size_t len = 0;

	ret[0] = '\0';
	for (int i = 0; i < REQUEST_N; i++) {
		if (!r->pending[i] || (waiting_only && r->taken[i]))
			continue;
		len += (size_t)snprintf(ret + len, REQUESTS_TEXT_MAX - len, "%s%s",
					len > 0 ? ", " : "", names[i]);
		if (i == REQUEST_SHADOW)
			len += (size_t)snprintf(ret + len, REQUESTS_TEXT_MAX - len,
						" command %" PRIu32, r->command);
	}
}
