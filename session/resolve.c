/* SPDX-License-Identifier: Apache-2.0 */
#include "session/resolve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/clock.h"

/* Shared with the thread, which may outlive the resolve: the last of the two frees it. */
struct lookup {
	unsigned int refs; /* atomic */
	int done_fd;
	char *name; /* owned */
	uint16_t port;
	struct resolve_address addresses[RESOLVE_MAX];
	size_t n;
	char detail[160];
};

struct resolve {
	struct lookup *lookup;
	sd_event_source *io, *timer;
	resolve_fn fn;
	void *userdata;
};

int resolve_literal(const char *text, uint16_t port, struct resolve_address *ret)
{
	struct resolve_address a = {.len = 0};

	if (inet_pton(AF_INET, text, &a.v4.sin_addr) == 1) {
		a.v4.sin_family = AF_INET;
		a.v4.sin_port = htons(port);
		a.len = sizeof(a.v4);
	} else if (inet_pton(AF_INET6, text, &a.v6.sin6_addr) == 1) {
		a.v6.sin6_family = AF_INET6;
		a.v6.sin6_port = htons(port);
		a.len = sizeof(a.v6);
	} else {
		return -EINVAL;
	}
	*ret = a;
	return 0;
}

void resolve_format(const struct resolve_address *address, char ret[static RESOLVE_TEXT_MAX])
{
	const void *from = address->any.sa_family == AF_INET ? (const void *)&address->v4.sin_addr
							     : (const void *)&address->v6.sin6_addr;

	if (!inet_ntop(address->any.sa_family, from, ret, RESOLVE_TEXT_MAX))
		snprintf(ret, RESOLVE_TEXT_MAX, "?");
}

static void lookup_unref(struct lookup *l)
{
	if (__atomic_sub_fetch(&l->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	closep(&l->done_fd);
	free(l->name);
	free(l);
}

static void *look_up(void *p)
{
	const struct addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_DGRAM,
		.ai_flags = AI_ADDRCONFIG,
	};
	const uint64_t one = 1;
	struct addrinfo *list = NULL;
	struct lookup *l = p;
	char port[8];
	int r;

	snprintf(port, sizeof(port), "%u", l->port);
	r = getaddrinfo(l->name, port, &hints, &list);
	if (r != 0)
		snprintf(l->detail, sizeof(l->detail), "%s", gai_strerror(r));
	for (struct addrinfo *at = r == 0 ? list : NULL; at && l->n < RESOLVE_MAX;
	     at = at->ai_next) {
		if (at->ai_addrlen > sizeof(l->addresses[0].v6) ||
		    (at->ai_family != AF_INET && at->ai_family != AF_INET6))
			continue;
		memcpy(&l->addresses[l->n].any, at->ai_addr, at->ai_addrlen);
		l->addresses[l->n++].len = at->ai_addrlen;
	}
	if (r == 0)
		freeaddrinfo(list);
	while (write(l->done_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
	lookup_unref(l);
	return NULL;
}

static int on_done(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct resolve *r = userdata;
	struct lookup *l = r->lookup;

	(void)fd;
	(void)events;
	sd_event_source_set_enabled(source, SD_EVENT_OFF);
	sd_event_source_set_enabled(r->timer, SD_EVENT_OFF);
	__atomic_add_fetch(&l->refs, 1, __ATOMIC_ACQ_REL); /* the callback may free r */
	r->fn(l->addresses, l->n, l->detail, r->userdata);
	lookup_unref(l);
	return 0;
}

static int on_timeout(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct resolve *r = userdata;

	(void)source;
	(void)usec;
	sd_event_source_set_enabled(r->io, SD_EVENT_OFF);
	r->fn(NULL, 0, "no resolver answered", r->userdata);
	return 0;
}

static int start_thread(struct lookup *l)
{
	sigset_t all, before;
	pthread_attr_t attr;
	pthread_t thread;
	int r;

	r = pthread_attr_init(&attr);
	if (r != 0)
		return -r;
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	/* Signals belong to the loop's thread. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	__atomic_add_fetch(&l->refs, 1, __ATOMIC_ACQ_REL);
	r = pthread_create(&thread, &attr, look_up, l);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	if (r != 0)
		lookup_unref(l);
	return -r;
}

int resolve_new(sd_event *event, const char *name, uint16_t port, uint64_t timeout_ms,
		resolve_fn fn, void *userdata, struct resolve **ret)
{
	struct resolve *made = calloc(1, sizeof(*made));
	struct lookup *l = calloc(1, sizeof(*l));
	int r;

	if (!made || !l) {
		free(made);
		free(l);
		return -ENOMEM;
	}
	*made = (struct resolve){.lookup = l, .fn = fn, .userdata = userdata};
	l->refs = 1;
	l->port = port;
	l->name = strdup(name);
	l->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = !l->name ? -ENOMEM : l->done_fd < 0 ? -errno : 0;
	if (r == 0)
		r = sd_event_add_io(event, &made->io, l->done_fd, EPOLLIN, on_done, made);
	if (r >= 0)
		r = sd_event_add_time(event, &made->timer, CLOCK_BOOTTIME,
				      (clock_ms() + timeout_ms) * 1000, 0, on_timeout, made);
	if (r >= 0)
		r = start_thread(l);
	if (r < 0) {
		resolve_free(made);
		return r;
	}
	*ret = made;
	return 0;
}

struct resolve *resolve_free(struct resolve *r)
{
	if (!r)
		return NULL;
	sd_event_source_disable_unref(r->io);
	sd_event_source_disable_unref(r->timer);
	lookup_unref(r->lookup);
	free(r);
	return NULL;
}
