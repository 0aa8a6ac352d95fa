/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/world.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "agent/netwatch.h"
#include "agent/network.h"
#include "agent/timewatch.h"
#include "base/clock.h"
#include "tests/fuzz/fuzz.h"

#define TIMERS_MAX 64
/* Far beyond any real time of a boot: no timer runs out by itself. */
#define BEGIN_MS (UINT64_C(1) << 41)

static struct {
	uint64_t now_ms;
	int64_t wall_s;
	uint64_t random;
	sd_event_source *timers[TIMERS_MAX]; /* borrowed */
	size_t n_timers;
	bool network;
	netwatch_fn on_network;
	void *network_userdata;
} world;

void world_begin(void)
{
	FUZZ_ASSERT(world.n_timers == 0 && !world.on_network);
	memset(&world, 0, sizeof(world));
	world.now_ms = BEGIN_MS;
	world.wall_s = timewatch_built_at() + 86400;
	world.random = 88172645463325252U;
	world.network = true;
}

uint64_t world_uptime_s(void)
{
	return (world.now_ms - BEGIN_MS) / 1000;
}

void world_step_clock(int64_t seconds)
{
	world.wall_s += seconds;
}

void world_set_network(bool up)
{
	world.network = up;
	if (world.on_network)
		world.on_network(up, world.network_userdata);
}

/* ---- base/clock.h ---- */

uint64_t clock_ms(void)
{
	return world.now_ms;
}

int64_t clock_wall_s(void)
{
	return world.wall_s + (int64_t)world_uptime_s();
}

int64_t clock_wall_ms(void)
{
	return clock_wall_s() * 1000;
}

void random_fill(void *buf, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		world.random ^= world.random << 13;
		world.random ^= world.random >> 7;
		world.random ^= world.random << 17;
		((uint8_t *)buf)[i] = (uint8_t)(world.random >> 32);
	}
}

uint32_t random_below(uint32_t bound)
{
	uint32_t v;

	random_fill(&v, sizeof(v));
	return v % bound;
}

int boot_id_read(uint8_t ret[static 16])
{
	memset(ret, 7, 16);
	return 0;
}

bool __wrap_timewatch_is_synchronised(void);

bool __wrap_timewatch_is_synchronised(void)
{
	return true;
}

/* ---- timers ---- */

int __real_sd_event_add_time(sd_event *e, sd_event_source **ret, clockid_t clock, uint64_t usec,
			     uint64_t accuracy, sd_event_time_handler_t fn, void *userdata);
sd_event_source *__real_sd_event_source_disable_unref(sd_event_source *s);
int __wrap_sd_event_add_time(sd_event *e, sd_event_source **ret, clockid_t clock, uint64_t usec,
			     uint64_t accuracy, sd_event_time_handler_t fn, void *userdata);
int __wrap_sd_event_add_time_relative(sd_event *e, sd_event_source **ret, clockid_t clock,
				      uint64_t usec, uint64_t accuracy, sd_event_time_handler_t fn,
				      void *userdata);
int __wrap_sd_event_source_set_time_relative(sd_event_source *s, uint64_t usec);
sd_event_source *__wrap_sd_event_source_disable_unref(sd_event_source *s);

int __wrap_sd_event_add_time(sd_event *e, sd_event_source **ret, clockid_t clock, uint64_t usec,
			     uint64_t accuracy, sd_event_time_handler_t fn, void *userdata)
{
	int r = __real_sd_event_add_time(e, ret, clock, usec, accuracy, fn, userdata);

	FUZZ_ASSERT(r >= 0 && world.n_timers < TIMERS_MAX);
	world.timers[world.n_timers++] = *ret;
	return r;
}

int __wrap_sd_event_add_time_relative(sd_event *e, sd_event_source **ret, clockid_t clock,
				      uint64_t usec, uint64_t accuracy, sd_event_time_handler_t fn,
				      void *userdata)
{
	return __wrap_sd_event_add_time(e, ret, clock, world.now_ms * 1000 + usec, accuracy, fn,
					userdata);
}

int __wrap_sd_event_source_set_time_relative(sd_event_source *s, uint64_t usec)
{
	return sd_event_source_set_time(s, world.now_ms * 1000 + usec);
}

sd_event_source *__wrap_sd_event_source_disable_unref(sd_event_source *s)
{
	for (size_t i = 0; s && i < world.n_timers; i++)
		if (world.timers[i] == s)
			world.timers[i--] = world.timers[--world.n_timers];
	return __real_sd_event_source_disable_unref(s);
}

bool world_wait(void)
{
	uint64_t first_us = UINT64_MAX, usec;

	for (size_t i = 0; i < world.n_timers; i++) {
		FUZZ_ASSERT(sd_event_source_get_time(world.timers[i], &usec) >= 0);
		if (sd_event_source_get_enabled(world.timers[i], NULL) > 0 && usec < first_us)
			first_us = usec;
	}
	if (first_us == UINT64_MAX)
		return false;
	world.now_ms = MAX(world.now_ms, (first_us + 999) / 1000);
	for (size_t i = 0; i < world.n_timers; i++)
		if (sd_event_source_get_enabled(world.timers[i], NULL) > 0 &&
		    sd_event_source_get_time(world.timers[i], &usec) >= 0 &&
		    usec <= world.now_ms * 1000)
			FUZZ_ASSERT(sd_event_source_set_time(world.timers[i], 1) >= 0);
	return true;
}

/* ---- the network ---- */

int netwatch_new(sd_event *event, netwatch_fn fn, void *userdata, struct netwatch **ret)
{
	(void)event;
	world.on_network = fn;
	world.network_userdata = userdata;
	*ret = (struct netwatch *)&world;
	return 0;
}

struct netwatch *netwatch_free(struct netwatch *w)
{
	if (w)
		world.on_network = NULL;
	return NULL;
}

bool netwatch_is_up(const struct netwatch *w)
{
	(void)w;
	return world.network;
}

void network_now(struct network *ret)
{
	*ret = (struct network){"", "", ""};
}

int __real_socket(int domain, int type, int protocol);
int __wrap_socket(int domain, int type, int protocol);
int __real_getpeername(int fd, struct sockaddr *ret, socklen_t *ret_len);
int __wrap_getpeername(int fd, struct sockaddr *ret, socklen_t *ret_len);
int __real_connect(int fd, const struct sockaddr *address, socklen_t len);
int __wrap_connect(int fd, const struct sockaddr *address, socklen_t len);

/* Readable when line.c says so. */
int __wrap_socket(int domain, int type, int protocol)
{
	if (domain != AF_INET && domain != AF_INET6)
		return __real_socket(domain, type, protocol);
	return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

int __wrap_connect(int fd, const struct sockaddr *address, socklen_t len)
{
	if (address->sa_family != AF_INET && address->sa_family != AF_INET6)
		return __real_connect(fd, address, len);
	return 0;
}

int __wrap_getpeername(int fd, struct sockaddr *ret, socklen_t *ret_len)
{
	const struct sockaddr_in peer = {.sin_family = AF_INET,
					 .sin_port = htons(5684),
					 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int r = __real_getpeername(fd, ret, ret_len);

	if (r == 0 || errno != ENOTSOCK)
		return r;
	FUZZ_ASSERT(*ret_len >= sizeof(peer));
	memcpy(ret, &peer, sizeof(peer));
	*ret_len = sizeof(peer);
	return 0;
}
