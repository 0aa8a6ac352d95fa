/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One request of an owner's and its answer, as those see them who answer it (service/routes*.c, the
 * portal): no type of the HTTP library is in here. owner_front implements it.
 *
 * A handler fills an answer and returns its HTTP status. What takes more than a moment returns
 * EXCHANGE_LATER instead, after exchange_later(): the connection is put aside, the loop goes on,
 * and the answer comes in another of its turns,
 *  - by work in slices: step() runs once in each turn of the loop until it returns a status; or
 *  - by an event elsewhere (a thread's result): without step, exchange_answer() when it is there.
 * What is said bit by bit, as server-sent events are, is an answer with a stream.
 *
 * An exchange lives until its answer is sent or its connection is lost. A connection that was put
 * aside is not watched: that its client went away shows when it is taken up again. Then, and when
 * the front is freed, the job's and the stream's free() is the last call that names the exchange.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

#include "base/macros.h"

#define EXCHANGE_LATER 0U
#define ANSWER_HEADERS_MAX 6

struct exchange;

struct answer_header {
	const char *name; /* borrowed, for good */
	char *value;      /* owned */
};

struct answer_stream {
	/* At most size bytes, now; 0 when there are none: exchange_wake() when there are. Negative
	 * ends the answer. */
	ssize_t (*read)(void *data, char *ret, size_t size);
	void (*free)(void *data);
	void *data; /* owned */
};

/* One body, or none. */
struct answer {
	json_t *json;                /* owned */
	char *text;                  /* owned */
	const void *bytes;           /* borrowed, for good: embedded in the program */
	struct answer_stream stream; /* owned; NULL in read: none */
	size_t len;                  /* of text or bytes */
	const char *type;            /* borrowed, for good: media type; JSON has its own */
	struct answer_header
		headers[ANSWER_HEADERS_MAX]; /* take the place of what the front says */
	size_t n_headers;
};

/* Takes the stream, too. */
void answer_done(struct answer *a);
/* False when there is no memory or no room for it. The value is one line. */
bool answer_header(struct answer *a, const char *name, const char *format, ...)
	_printf_(3, 4) _must_check_;

struct exchange_job {
	void *data; /* owned by the exchange from exchange_later() on */
	unsigned int (*step)(void *data, struct answer *ret); /* or NULL */
	void (*free)(void *data);
};

/* Once, in a handler, which then returns EXCHANGE_LATER. */
void exchange_later(struct exchange *x, const struct exchange_job *job);
/* Ends it. Takes over what the answer owns. Only in another turn of the loop. */
void exchange_answer(struct exchange *x, unsigned int status, struct answer *answer);
/* The stream has something to say. In any turn of the loop, as often as one likes. */
void exchange_wake(struct exchange *x);

/* What the request says. Borrowed until the exchange ends. */
const char *exchange_method(const struct exchange *x);
const char *exchange_path(const struct exchange *x); /* as it was sent, without its query */
const char *exchange_header(const struct exchange *x, const char *name); /* NULL: absent */
/* What follows "Bearer" in Authorization; NULL: another scheme, or absent. */
const char *exchange_bearer(const struct exchange *x);
const char *exchange_cookie(const struct exchange *x, const char *name); /* NULL: absent */
const char *exchange_address(const struct exchange *x); /* of the client: numeric, without port */
bool exchange_is_tls(const struct exchange *x);
sd_event *exchange_event(const struct exchange *x);
