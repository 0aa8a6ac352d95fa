/* SPDX-License-Identifier: Apache-2.0 */
#include "discovery/fetch.h"

#include <errno.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "session/exchange.h"

#define ACK_TIMEOUT_MS 1000
#define RETRANSMISSIONS 3
#define ANSWER_TIMEOUT_MS 5000
#define BLOCK 1024

struct fetch {
	int fd;
	struct exchange *exchange; /* owned, as the next two */
	sd_event_source *io, *timer;
	fetch_fn fn;
	void *userdata;
	int failed; /* -errno of the socket */
};

/* The callback may free it: nothing touches f after. True when there was one. */
static bool finish(struct fetch *f)
{
	struct exchange_request *done = exchange_take_finished(f->exchange);
	const struct reply *reply = NULL;
	int r;

	if (!done)
		return false;
	r = exchange_request_result(done, &reply);
	if (f->failed < 0)
		r = f->failed;
	f->fn(r, r == 0 ? reply : NULL, f->userdata);
	exchange_request_free(done);
	return true;
}

static void fail(struct fetch *f, int r)
{
	f->failed = r;
	exchange_fail(f->exchange, SESSION_E_LOST);
}

static void flush(struct fetch *f)
{
	uint8_t buf[MESSAGE_MAX];
	uint64_t deadline;
	size_t len;
	int r = 0;

	while (exchange_output(f->exchange, clock_ms(), buf, &len))
		if (send(f->fd, buf, len, MSG_NOSIGNAL) < 0 && errno != EAGAIN &&
		    errno != ECONNREFUSED) {
			fail(f, -errno);
			break;
		}
	if (finish(f))
		return;
	deadline = exchange_deadline(f->exchange);
	if (deadline != EXCHANGE_NEVER) {
		r = sd_event_source_set_time(f->timer, deadline * 1000);
		if (r >= 0)
			r = sd_event_source_set_enabled(f->timer, SD_EVENT_ONESHOT);
	}
	if (r < 0) {
		fail(f, r);
		(void)finish(f);
	}
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct fetch *f = userdata;
	uint8_t buf[MESSAGE_MAX + 1];
	ssize_t len = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
	int r = 0;

	(void)source;
	(void)events;
	/* ICMP says that nobody listens; perhaps not yet, so the retransmissions go on. */
	if (len < 0)
		return 0;
	if ((size_t)len <= MESSAGE_MAX)
		r = exchange_input(f->exchange, buf, (size_t)len, clock_ms());
	if (r < 0)
		fail(f, r);
	flush(f);
	return 0;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct fetch *f = userdata;
	/* What ended by it is among the finished. */
	int r = exchange_advance(f->exchange, clock_ms());

	(void)r;
	(void)source;
	(void)usec;
	flush(f);
	return 0;
}

int fetch_new(sd_event *event, const struct resolve_address *to, const char *path, size_t max_reply,
	      fetch_fn fn, void *userdata, struct fetch **ret)
{
	const struct exchange_config config = {.ack_timeout_ms = ACK_TIMEOUT_MS,
					       .max_retransmit = RETRANSMISSIONS,
					       .answer_timeout_ms = ANSWER_TIMEOUT_MS,
					       .block_size = BLOCK,
					       .random = random_fill};
	const struct request request = {.code = MESSAGE_CODE_GET,
					.path = path,
					.content_format = -1,
					.accept = -1,
					.max_reply = max_reply};
	_cleanup_(fetch_freep) struct fetch *f = calloc(1, sizeof(*f));
	struct exchange_request *submitted;
	int r;

	if (!f)
		return -ENOMEM;
	f->fn = fn;
	f->userdata = userdata;
	f->fd = socket(to->any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (f->fd < 0 || connect(f->fd, &to->any, to->len) < 0)
		return -errno;
	r = exchange_new(&config, &f->exchange);
	if (r == 0)
		r = exchange_submit(f->exchange, &request, f, &submitted);
	if (r == 0)
		r = sd_event_add_io(event, &f->io, f->fd, EPOLLIN, on_io, f);
	/* At once, but not inside of this call. */
	if (r >= 0)
		r = sd_event_add_time(event, &f->timer, CLOCK_BOOTTIME, 1, 0, on_timer, f);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(f);
	return 0;
}

struct fetch *fetch_free(struct fetch *f)
{
	if (!f)
		return NULL;
	sd_event_source_disable_unref(f->io);
	sd_event_source_disable_unref(f->timer);
	exchange_free(f->exchange);
	closep(&f->fd);
	free(f);
	return NULL;
}
