/* SPDX-License-Identifier: Apache-2.0 */

/* Notifications are sent after the commit and not in it: inside, they would make the commits of all
 * processes queue up behind one lock of the server, each with its wait for the disk. So one can be
 * lost with the process that was about to send it; and one can come while an older transaction
 * holds the events back (events.c). Both are made good by looking again: soon after each
 * notification, and every few seconds anyway. */

#include "service/store/pgwatch.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>

#include "base/clock.h"

#define DRAIN_MS 5000

static const unsigned int looks_ms[] = {100, 1000, 5000};

struct pgwatch {
	struct pglink link;
	int epoll_fd, timer_fd;
	size_t look;    /* index of the next one */
	bool is_silent; /* has not told since its connection was made */
	bool is_sending, wants_to_send;
	uint64_t read_ms; /* when what had arrived was read */
};

static void timer_set(struct pgwatch *w, unsigned int ms)
{
	const struct itimerspec in = {
		.it_value = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000}};

	(void)timerfd_settime(w->timer_fd, 0, &in, NULL);
}

/* The descriptor in epoll is that of the connection that there is now. */
static void socket_watch(struct pgwatch *w)
{
	int fd = w->link.conn ? PQsocket(w->link.conn) : -1;
	uint32_t events =
		!w->link.is_ready && w->link.wants == PGRES_POLLING_WRITING ? EPOLLOUT : EPOLLIN;
	struct epoll_event event = {.events = events};

	/* A closed descriptor left by itself, and its number may be another's by now. */
	if (fd >= 0 && epoll_ctl(w->epoll_fd, EPOLL_CTL_MOD, fd, &event) < 0)
		(void)epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

int pgwatch_new(const char *url, struct pgwatch **ret)
{
	struct epoll_event event = {.events = EPOLLIN};
	struct pgwatch *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	w->link.url = url;
	w->link.session = "LISTEN onboard_events";
	w->link.is_quiet = true;
	w->is_silent = true;
	w->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	w->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (w->epoll_fd < 0 || w->timer_fd < 0 ||
	    epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, w->timer_fd, &event) < 0) {
		pgwatch_free(w);
		return -errno;
	}
	timer_set(w, 1);
	*ret = w;
	return 0;
}

struct pgwatch *pgwatch_free(struct pgwatch *w)
{
	if (!w)
		return NULL;
	pglink_done(&w->link);
	closep(&w->epoll_fd);
	closep(&w->timer_fd);
	free(w);
	return NULL;
}

int pgwatch_fd(const struct pgwatch *w)
{
	return w->epoll_fd;
}

static bool timer_take(struct pgwatch *w)
{
	uint64_t n;

	return read(w->timer_fd, &n, sizeof(n)) == sizeof(n);
}

static void lost(struct pgwatch *w)
{
	if (w->link.conn)
		pglink_drop(&w->link, PQerrorMessage(w->link.conn));
	w->is_sending = false;
	w->is_silent = true;
	w->look = 0;
	timer_set(w, looks_ms[0]);
}

/* What has arrived: notifications, and the answers to ours. */
static bool input_take(struct pgwatch *w)
{
	PGnotify *n;
	bool has_news = false;

	w->read_ms = clock_ms();
	if (!pglink_is_alive(&w->link)) {
		lost(w);
		return false;
	}
	while ((n = PQnotifies(w->link.conn))) {
		has_news = true;
		PQfreemem(n);
	}
	while (w->is_sending && !PQisBusy(w->link.conn)) {
		PGresult *result = PQgetResult(w->link.conn);

		w->is_sending = result != NULL;
		PQclear(result);
	}
	return has_news;
}

static void send_wanted(struct pgwatch *w)
{
	if (!w->wants_to_send || w->is_sending)
		return;
	if (!PQsendQuery(w->link.conn, PGWATCH_NOTIFY) || PQflush(w->link.conn) < 0) {
		lost(w);
		return;
	}
	w->is_sending = true;
	w->wants_to_send = false;
}

/* Until the connection is there, and when it is not, looking from time to time has to do. */
bool pgwatch_take(struct pgwatch *w)
{
	bool has_news = timer_take(w), is_told = false;

	if (pglink_step(&w->link) == 0) {
		is_told = input_take(w) || w->is_silent;
		w->is_silent = !w->link.is_ready;
	}
	if (w->link.is_ready)
		send_wanted(w);
	if (is_told)
		w->look = 0;
	if (has_news || is_told) {
		timer_set(w, looks_ms[w->look]);
		w->look = MIN(w->look + 1, ARRAY_SIZE(looks_ms) - 1);
	}
	socket_watch(w);
	return has_news || is_told;
}

void pgwatch_drain(struct pgwatch *w)
{
	/* What is read here makes the descriptor readable by way of the timer. */
	if (w->link.is_ready && clock_ms() - w->read_ms >= DRAIN_MS && input_take(w))
		timer_set(w, 1);
}

bool pgwatch_notify(struct pgwatch *w)
{
	if (!w->link.is_ready)
		return false;
	w->wants_to_send = true;
	/* What came along makes the descriptor readable by way of the timer. */
	if (input_take(w))
		timer_set(w, 1);
	if (w->link.is_ready)
		send_wanted(w);
	return w->link.is_ready;
}
