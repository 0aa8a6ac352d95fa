/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/line.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/clock.h"
#include "session/dtls.h"
#include "session/message.h"
#include "tests/fuzz/fuzz.h"

#define QUEUE_MAX 16

struct dtls {
	int fd; /* borrowed; an eventfd of world.c */
	bool running, established, has_session, abbreviated, refused;
	int end; /* DTLS_E_*: the line is dead, 0: it is not */
	unsigned int number;
	uint64_t deadline_ms;
	struct {
		uint8_t data[MESSAGE_MAX + 64];
		size_t len;
	} queue[QUEUE_MAX];
	size_t n;
	struct dtls_counters counters;
};

static unsigned int handshakes;

static void wake(struct dtls *d)
{
	if (d->fd >= 0)
		(void)!eventfd_write(d->fd, 1);
}

void line_say(struct dtls *d, const void *data, size_t len)
{
	if (!d->established || d->n == QUEUE_MAX || len > sizeof(d->queue[0].data))
		return;
	memcpy(d->queue[d->n].data, data, len);
	d->queue[d->n++].len = len;
	wake(d);
}

void line_end(struct dtls *d, int how)
{
	d->end = how;
	wake(d);
}

void line_refuse(struct dtls *d)
{
	d->refused = true;
	wake(d);
}

unsigned int line_number(const struct dtls *d)
{
	return d->number;
}

/* ---- session/dtls.h ---- */

int dtls_new(const struct dtls_config *config, struct dtls **ret)
{
	struct dtls *d = calloc(1, sizeof(*d));

	FUZZ_ASSERT(d && config->ca_pem && config->server);
	d->fd = -1;
	*ret = d;
	return 0;
}

struct dtls *dtls_free(struct dtls *d)
{
	server_leave(d);
	free(d);
	return NULL;
}

void dtls_binding(const struct dtls *d, uint8_t ret[static SAVED_BINDING_LEN])
{
	(void)d;
	memset(ret, 3, SAVED_BINDING_LEN);
}

int dtls_start(struct dtls *d, int fd, bool offer, uint32_t first_timeout_ms)
{
	dtls_stop(d);
	d->abbreviated = offer && d->has_session;
	d->fd = fd;
	d->running = true;
	d->number = ++handshakes;
	d->deadline_ms = clock_ms() + first_timeout_ms;
	wake(d);
	return 0;
}

int dtls_handshake(struct dtls *d)
{
	int r;

	if (!d->running)
		return -EINVAL;
	if (d->established)
		return 0;
	d->counters.datagrams_tx++;
	r = server_greet(d);
	if (r != -EAGAIN) /* somebody answered */
		d->counters.datagrams_rx++;
	d->established = r == 0;
	d->has_session |= r == 0;
	d->deadline_ms = clock_ms() + 1000;
	(void)!eventfd_read(d->fd, &(eventfd_t){0});
	return r;
}

bool dtls_is_abbreviated(const struct dtls *d)
{
	return d->established && d->abbreviated;
}

bool dtls_has_session(const struct dtls *d)
{
	return d->has_session;
}

void dtls_forget_session(struct dtls *d)
{
	d->has_session = false;
}

void dtls_lend_session(const struct dtls *d, struct dtls *to)
{
	to->has_session = d->has_session;
}

uint64_t dtls_deadline(const struct dtls *d)
{
	return d->running && !d->established ? d->deadline_ms : DTLS_NEVER;
}

int dtls_read(struct dtls *d, uint8_t *buf, size_t *ret_len)
{
	FUZZ_ASSERT(d->running);
	if (d->n > 0) {
		*ret_len = d->queue[0].len;
		memcpy(buf, d->queue[0].data, *ret_len);
		memmove(d->queue, d->queue + 1, --d->n * sizeof(d->queue[0]));
		d->counters.datagrams_rx++;
		return 0;
	}
	if (d->end != 0)
		return d->end;
	(void)!eventfd_read(d->fd, &(eventfd_t){0});
	return -EAGAIN;
}

int dtls_write(struct dtls *d, const uint8_t *data, size_t len)
{
	FUZZ_ASSERT(d->established && len <= MESSAGE_MAX);
	d->counters.datagrams_tx++;
	if (d->end == 0)
		server_take(d, data, len);
	return 0;
}

void dtls_close_notify(struct dtls *d)
{
	(void)d;
}

bool dtls_has_cid(struct dtls *d)
{
	(void)d;
	return false;
}

void dtls_set_fd(struct dtls *d, int fd)
{
	(void)d;
	(void)fd;
}

bool dtls_is_savable(struct dtls *d)
{
	return d->established && server_may_save();
}

int dtls_save(struct dtls *d, struct secret *ret)
{
	int fd = d->fd;
	int r;

	if (!d->established)
		return DTLS_E_NOT_SAVABLE;
	r = secret_set(ret, &d->number, sizeof(d->number));
	FUZZ_ASSERT(r == 0);
	d->running = d->established = false;
	d->fd = fd;
	return 0;
}

int dtls_load(struct dtls *d, int fd, const struct secret *context)
{
	FUZZ_ASSERT(context->len == sizeof(d->number));
	FUZZ_ASSERT(memcmp(context->data, &d->number, sizeof(d->number)) == 0);
	d->fd = fd;
	d->running = d->established = true;
	d->abbreviated = false;
	return 0;
}

void dtls_stop(struct dtls *d)
{
	d->running = d->established = d->refused = false;
	d->end = 0;
	d->n = 0;
	d->fd = -1;
}

bool dtls_take_refused(struct dtls *d)
{
	bool refused = d->refused;

	d->refused = false;
	return refused;
}

const char *dtls_detail(const struct dtls *d)
{
	(void)d;
	return "the far end says no";
}

unsigned int dtls_certificate_faults(const struct dtls *d)
{
	(void)d;
	return 0;
}

const char *dtls_suite(const struct dtls *d)
{
	(void)d;
	return "NONE";
}

const struct dtls_counters *dtls_counters(const struct dtls *d)
{
	return &d->counters;
}

void dtls_set_rto(struct dtls *d, struct rto *rto)
{
	(void)d;
	FUZZ_ASSERT(rto);
}

void dtls_add_counters(struct dtls *d, const struct dtls_counters *more)
{
	d->counters.datagrams_tx += more->datagrams_tx;
	d->counters.datagrams_rx += more->datagrams_rx;
}
