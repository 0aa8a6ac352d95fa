/* SPDX-License-Identifier: Apache-2.0 */
#include "service/admission.h"

#include <dirent.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/log.h"
#include "base/text.h"
#include "service/address.h"

/* Work that may be under way: what the last of those who share it waits for. */
#define BUDGET_US 1000000
#define LIMIT_MIN 16
#define LIMIT_MAX 4096
/* What a device takes before we know. */
#define WORK_FIRST_US 10000
/* Without progress for so long, a device is not under way. */
#define QUIET_MS 1000
/* Datagrams of all that may be under way find room in it: about 800 bytes each with what the kernel
 * adds. */
#define QUEUE_BYTES (1024 * 1024)
/* What stands in the queue when the gate closes comes in all the same: about eighty ClientHellos.
 */
#define QUEUE_CLOSE (64 * 1024)
#define QUEUE_OPEN (16 * 1024)

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
}

size_t admission_limit(const struct admission *a)
{
	uint64_t n = BUDGET_US / MAX(a->work_us, (uint64_t)1);

	return (size_t)MIN(MAX(n, (uint64_t)LIMIT_MIN), (uint64_t)LIMIT_MAX);
}

/* ---- the gate ---- */

/* Offsets in what a filter of a UDP socket sees: behind the UDP header a DTLS record (RFC 6347
 * §4.1) with a handshake message (§4.2.2). */
#define RECORD 8
#define RECORD_TYPE RECORD
#define RECORD_EPOCH (RECORD + 3)
#define MESSAGE_TYPE (RECORD + 13)

static int gate_close(int fd)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, RECORD_TYPE),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 22, 0, 4), /* handshake */
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, RECORD_EPOCH),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 2), /* in clear */
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, MESSAGE_TYPE),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1, 1, 0), /* ClientHello */
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),        /* as it is */
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	const struct sock_fprog program = {ARRAY_SIZE(code), code};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0 ? -errno
											   : 0;
}

static int gate_open(int fd)
{
	int none = 0;

	return setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &none, sizeof(none)) < 0 ? -errno : 0;
}

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

/* A gate that moves all the time is none: it opens somewhat below where it closes. */
static bool should_be_closed(const struct admission *a)
{
	size_t limit = admission_limit(a);
	struct admission_queue q = {0};

	if (a->n >= limit)
		return true;
	(void)admission_queue(a, &q);
	if (a->is_closed)
		return a->n > limit - limit / 8 || q.bytes > QUEUE_OPEN;
	return q.bytes > QUEUE_CLOSE;
}

void admission_turn(struct admission *a, uint64_t now_ms)
{
	bool close;
	int r;

	while (a->oldest && now_ms - a->oldest->since_ms >= QUIET_MS)
		take_out(a, a->oldest);
	if (a->fd < 0)
		return;
	close = should_be_closed(a);
	if (close == a->is_closed)
		return;
	r = close ? gate_close(a->fd) : gate_open(a->fd);
	if (r < 0) {
		log_warning("admission: the socket takes no filter: %s, new devices are not held "
			    "back",
			    strerror(-r));
		a->fd = -1;
		return;
	}
	a->is_closed = close;
	if (close)
		a->n_closings++;
	log_debug("admission=%s under-way=%zu limit=%zu", close ? "closed" : "open", a->n,
		  admission_limit(a));
}

void admission_stop(struct admission *a)
{
	if (a->fd >= 0)
		(void)gate_close(a->fd);
	a->is_closed = true;
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
