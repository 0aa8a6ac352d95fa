/* SPDX-License-Identifier: Apache-2.0 */
#include "service/admission.h"

#include <dirent.h>
#include <errno.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/log.h"
#include "base/text.h"
#include "service/address.h"

/* Work that may wait: what the last of those who share it waits for. */
#define BUDGET_US 250000
/* A loop that worked so much of a window is busy. */
#define WINDOW_MS 100
#define BUSY_PERCENT 80
/* How long a second handshake is expected: a ClientHello that was lost comes again within it. */
#define GUEST_MS 5000
/* How long one may wait until the filter knows of it. */
#define GUESTS_MS 5
#define LIMIT_MIN 16
#define LIMIT_MAX 4096
/* What a device takes before we know. */
#define WORK_FIRST_US 3000
/* Without progress for so long, a device is not under way. */
#define QUIET_MS 1000
/* Datagrams of all that may be under way find room in it: about 800 bytes each with what the kernel
 * adds. */
#define QUEUE_BYTES (1024 * 1024)
/* What stands in the queue when the gate closes comes in all the same: no more ClientHellos than
 * may be under way, which are eighty at most. */
#define QUEUE_EACH 768
#define QUEUE_CLOSE_MIN (16 * 1024)
#define QUEUE_CLOSE_MAX (64 * 1024)

void admission_init(struct admission *a, int fd)
{
	int size = QUEUE_BYTES;

	*a = (struct admission){.fd = fd, .work_us = WORK_FIRST_US};
	/* The first may go above net.core.rmem_max and is not for everybody. The kernel doubles
	 * what it is told. */
	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
}

/* ---- who is under way: a list in the order of progress ---- */

static void take_out(struct admission *a, struct admission_entry *e)
{
	*(e->previous ? &e->previous->next : &a->oldest) = e->next;
	*(e->next ? &e->next->previous : &a->newest) = e->previous;
	e->next = e->previous = NULL;
	e->is_under_way = false;
	a->n--;
}

void admission_progress(struct admission *a, struct admission_entry *e, uint64_t now_ms)
{
	if (e->is_under_way)
		take_out(a, e);
	e->since_ms = now_ms;
	e->previous = a->newest;
	*(a->newest ? &a->newest->next : &a->oldest) = e;
	a->newest = e;
	e->is_under_way = true;
	a->n++;
}

void admission_end(struct admission *a, struct admission_entry *e)
{
	if (e->is_under_way)
		take_out(a, e);
}

void admission_done(struct admission *a, struct admission_entry *e)
{
	if (!e->is_under_way)
		return;
	take_out(a, e);
	/* An average over some thirty devices, in which each moves it by what it took. */
	a->work_us = (a->work_us * 31 + a->spent_us) / 32;
	a->spent_us = 0;
}

void admission_spent(struct admission *a, uint64_t us)
{
	a->spent_us += us;
	a->window_spent_us += us;
}

size_t admission_limit(const struct admission *a)
{
	uint64_t n = BUDGET_US / MAX(a->work_us, (uint64_t)1);

	return (size_t)MIN(MAX(n, (uint64_t)LIMIT_MIN), (uint64_t)LIMIT_MAX);
}

/* ---- the gate ---- */

bool admission_queue(const struct admission *a, struct admission_queue *ret)
{
	uint32_t info[SK_MEMINFO_VARS] = {0};
	socklen_t len = sizeof(info);

	if (a->fd < 0 || getsockopt(a->fd, SOL_SOCKET, SO_MEMINFO, info, &len) < 0)
		return false;
	*ret = (struct admission_queue){info[SK_MEMINFO_RMEM_ALLOC], info[SK_MEMINFO_RCVBUF],
					info[SK_MEMINFO_DROPS]};
	return true;
}

void admission_expect(struct admission *a, const union address *from, uint64_t now_ms)
{
	gate_guest_add(&a->guests, from, now_ms + GUEST_MS);
}

void admission_arrived(struct admission *a, const union address *from)
{
	gate_guest_remove(&a->guests, from);
}

static size_t queue_limit(const struct admission *a)
{
	size_t bytes = admission_limit(a) * QUEUE_EACH;

	return MIN(MAX(bytes, (size_t)QUEUE_CLOSE_MIN), (size_t)QUEUE_CLOSE_MAX);
}

/* A gate that moves all the time is none: it opens somewhat below where it closes. */
static enum gate_state state_wanted(const struct admission *a)
{
	bool is_open = a->state == GATE_OPEN;
	size_t limit = admission_limit(a), queue = queue_limit(a);
	struct admission_queue q = {0};

	(void)admission_queue(a, &q);
	if (q.bytes > queue || (a->state == GATE_SHUT && q.bytes > queue / 4))
		return GATE_SHUT;
	if (a->is_busy && (a->n >= limit || (!is_open && a->n > limit - limit / 8)))
		return GATE_CLOSED;
	return GATE_OPEN;
}

static void window_turn(struct admission *a, uint64_t now_ms)
{
	uint64_t passed_ms = now_ms - a->window_ms;

	if (passed_ms < WINDOW_MS)
		return;
	a->is_busy = a->window_spent_us * 100 >= passed_ms * 1000 * BUSY_PERCENT;
	a->window_ms = now_ms;
	a->window_spent_us = 0;
}

void admission_turn(struct admission *a, uint64_t now_ms)
{
	enum gate_state state;
	int r;

	window_turn(a, now_ms);
	while (a->oldest && now_ms - a->oldest->since_ms >= QUIET_MS)
		take_out(a, a->oldest);
	if (a->fd < 0)
		return;
	state = state_wanted(a);
	if (state == GATE_CLOSED)
		gate_guests_expire(&a->guests, now_ms);
	if (state == a->state &&
	    (state != GATE_CLOSED || !a->guests.has_more || now_ms - a->set_ms < GUESTS_MS))
		return;
	a->set_ms = now_ms;
	r = gate_set(a->fd, state, &a->guests);
	if (r < 0) {
		log_warning("admission: the socket takes no filter: %s, new devices are not held "
			    "back",
			    strerror(-r));
		a->fd = -1;
		return;
	}
	if (state == a->state)
		return;
	if (a->state == GATE_OPEN)
		a->n_closings++;
	a->state = state;
	log_debug("admission=%d under-way=%zu limit=%zu", (int)state, a->n, admission_limit(a));
}

void admission_stop(struct admission *a)
{
	/* Nothing is done about it when it fails: then some begin in vain. */
	if (a->fd >= 0 && gate_set(a->fd, GATE_SHUT, &a->guests) < 0)
		log_debug("admission: the socket takes no filter, ignoring");
	a->state = GATE_SHUT;
}

/* ---- the socket ---- */

static bool is_bound_to(int fd, uint16_t port)
{
	socklen_t type_len = sizeof(int), len = sizeof(union address);
	union address address = {0};
	int type;

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_len) == 0 && type == SOCK_DGRAM &&
	       getsockname(fd, &address.sa, &len) == 0 &&
	       (address.sa.sa_family == AF_INET || address.sa.sa_family == AF_INET6) &&
	       address_port(&address) == port;
}

int admission_find_socket(uint16_t port)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;
	uint64_t fd = 0;
	int r = -ENOENT;

	if (!dir)
		return -errno;
	while (r < 0 && (entry = readdir(dir)))
		if (decimal_parse(entry->d_name, strlen(entry->d_name), INT32_MAX, &fd) == 0 &&
		    (int)fd != dirfd(dir) && is_bound_to((int)fd, port))
			r = (int)fd;
	closedir(dir);
	return r;
}
