/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "service/admission.h"

#define T0 1000000
#define WORK_US 2500 /* of each device: a hundred make a quarter of a second */

struct bench {
	struct admission admission;
	int server, client;
	uint16_t port;
	struct admission_entry entries[5000];
};

static int set_up(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);

	b->server = socket(AF_INET, SOCK_DGRAM, 0);
	b->client = socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(bind(b->server, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(getsockname(b->server, (struct sockaddr *)&a, &len), 0);
	assert_int_equal(connect(b->client, (struct sockaddr *)&a, sizeof(a)), 0);
	b->port = ntohs(a.sin_port);
	admission_init(&b->admission, b->server);
	*state = b;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *b = *state;

	close(b->server);
	close(b->client);
	free(b);
	return 0;
}

/* So that the limit is known: devices that took so long each. */
static void learn(struct bench *b)
{
	for (int i = 0; i < 1000; i++) {
		struct admission_entry e = {.next = NULL};

		admission_progress(&b->admission, &e, T0);
		admission_spent(&b->admission, WORK_US);
		admission_done(&b->admission, &e);
	}
	assert_in_range(admission_limit(&b->admission), 95, 105);
}

static void fill(struct bench *b, size_t n, uint64_t now_ms)
{
	for (size_t i = 0; i < n; i++)
		admission_progress(&b->admission, &b->entries[i], now_ms);
}

/* The loop worked in so much of the time before now_ms. */
static void work(struct bench *b, unsigned int percent, uint64_t now_ms)
{
	admission_turn(&b->admission, now_ms - 1000);
	admission_spent(&b->admission, percent * 10000);
	admission_turn(&b->admission, now_ms);
}

static bool is_open(const struct bench *b)
{
	return b->admission.state == GATE_OPEN;
}

static void as_many_are_let_in_as_make_a_quarter_of_a_second_of_work(void **state)
{
	struct bench *b = *state;
	size_t limit;

	learn(b);
	limit = admission_limit(&b->admission);
	work(b, 100, T0);
	fill(b, limit - 1, T0);
	admission_turn(&b->admission, T0);
	assert_true(is_open(b));
	fill(b, limit, T0);
	admission_turn(&b->admission, T0);
	assert_int_equal(b->admission.state, GATE_CLOSED);
	/* It opens a little below. */
	admission_end(&b->admission, &b->entries[0]);
	admission_turn(&b->admission, T0);
	assert_false(is_open(b));
	for (size_t i = 1; i <= limit / 8; i++)
		admission_end(&b->admission, &b->entries[i]);
	admission_turn(&b->admission, T0);
	assert_true(is_open(b));
	assert_int_equal(b->admission.n_closings, 1);
}

static void a_loop_with_time_to_spare_holds_nobody_back(void **state)
{
	struct bench *b = *state;

	learn(b);
	fill(b, 2 * admission_limit(&b->admission), T0 + 999);
	work(b, 79, T0 + 1000);
	assert_true(is_open(b));
	work(b, 80, T0 + 1999);
	assert_int_equal(b->admission.n, 0); /* nobody made progress for a second */
	fill(b, 2 * admission_limit(&b->admission), T0 + 1999);
	admission_turn(&b->admission, T0 + 2000);
	assert_false(is_open(b));
	/* What was long ago says nothing of now. */
	fill(b, 2 * admission_limit(&b->admission), T0 + 2900);
	admission_turn(&b->admission, T0 + 2900);
	assert_true(is_open(b));
}

static void whoever_makes_no_progress_for_a_second_is_not_under_way(void **state)
{
	struct bench *b = *state;

	learn(b);
	work(b, 100, T0);
	fill(b, 200, T0);
	admission_turn(&b->admission, T0);
	assert_false(is_open(b));
	for (size_t i = 0; i < 20; i++)
		admission_progress(&b->admission, &b->entries[i], T0 + 500);
	admission_spent(&b->admission, 1000000);
	admission_turn(&b->admission, T0 + 999);
	assert_false(is_open(b));
	admission_turn(&b->admission, T0 + 1000);
	assert_true(is_open(b));
	assert_int_equal(b->admission.n, 20);
	/* An entry that fell out can come back, and can end. */
	admission_progress(&b->admission, &b->entries[100], T0 + 1000);
	assert_int_equal(b->admission.n, 21);
	admission_done(&b->admission, &b->entries[101]);
	assert_int_equal(b->admission.n, 21);
	admission_turn(&b->admission, T0 + 1500);
	assert_int_equal(b->admission.n, 1);
}

static void the_limit_has_a_floor_and_a_ceiling(void **state)
{
	struct bench *b = *state;
	struct admission_entry e = {.next = NULL};

	for (int i = 0; i < 1000; i++) {
		admission_progress(&b->admission, &e, T0);
		admission_spent(&b->admission, 5000000);
		admission_done(&b->admission, &e);
	}
	assert_int_equal(admission_limit(&b->admission), 16);
	for (int i = 0; i < 1000; i++) {
		admission_progress(&b->admission, &e, T0);
		admission_done(&b->admission, &e);
	}
	assert_int_equal(admission_limit(&b->admission), 4096);
}

/* --- what the filter lets through */

#define RECORD_TYPE 0
#define EPOCH 4
#define MESSAGE_TYPE 13

/* A handshake record with a ClientHello. */
static size_t hello(uint8_t *ret)
{
	memset(ret, 0xaa, 400);
	memcpy(ret, "\x16\xfe\xfd\0\0", 5);
	ret[MESSAGE_TYPE] = 1;
	return 200;
}

static bool gets_through(struct bench *b, const uint8_t *data, size_t len)
{
	uint8_t buf[512];

	assert_int_equal(send(b->client, data, len, 0), len);
	if (recv(b->server, buf, sizeof(buf), MSG_DONTWAIT) == (ssize_t)len)
		return true;
	assert_int_equal(errno, EAGAIN);
	return false;
}

static void nothing_is_dropped_but_what_begins_a_handshake(void **state)
{
	struct bench *b = *state;
	uint8_t data[512];
	size_t len;

	for (int closed = 0; closed < 2; closed++) {
		/* loopback delivers before send() returns */
		len = hello(data);
		assert_int_equal(gets_through(b, data, len), !closed);
		data[MESSAGE_TYPE] = 16; /* ClientKeyExchange */
		assert_true(gets_through(b, data, len));
		len = hello(data);
		data[EPOCH] = 1; /* encrypted */
		assert_true(gets_through(b, data, len));
		for (unsigned int type = 20; type < 26; type++) {
			len = hello(data);
			data[RECORD_TYPE] = (uint8_t)type;
			assert_int_equal(gets_through(b, data, len), type != 22 || !closed);
		}
		/* What is too short to be looked at is dropped with the rest. */
		(void)hello(data);
		for (len = 1; len <= MESSAGE_TYPE; len++)
			assert_int_equal(gets_through(b, data, len), !closed);
		if (!closed) {
			work(b, 100, T0);
			fill(b, ARRAY_SIZE(b->entries), T0);
			admission_turn(&b->admission, T0);
			assert_int_equal(b->admission.state, GATE_CLOSED);
		}
	}
	admission_turn(&b->admission, T0 + 1000);
	len = hello(data);
	assert_true(gets_through(b, data, len));
	admission_stop(&b->admission);
	assert_false(gets_through(b, data, len));
}

/* Until more than so many bytes of it stand in the queue. */
static void send_many(struct bench *b, uint32_t bytes)
{
	struct admission_queue q;
	uint8_t data[512];
	size_t len = hello(data), n = 0;

	data[MESSAGE_TYPE] = 16;
	assert_true(admission_queue(&b->admission, &q));
	assert_int_equal(q.bytes, 0);
	assert_true(q.max > 0);
	while (q.bytes <= bytes) {
		assert_int_equal(send(b->client, data, len, 0), len);
		assert_true(admission_queue(&b->admission, &q));
		assert_true(++n < 100000);
	}
}

static void a_slow_service_shuts_the_gate_at_a_shorter_queue(void **state)
{
	struct bench *b = *state;
	struct admission_entry e = {.next = NULL};

	send_many(b, 16 * 1024);
	admission_turn(&b->admission, T0);
	assert_true(is_open(b));
	for (int i = 0; i < 200; i++) {
		admission_progress(&b->admission, &e, T0);
		admission_spent(&b->admission, 20000);
		admission_done(&b->admission, &e);
	}
	admission_turn(&b->admission, T0);
	assert_int_equal(b->admission.state, GATE_SHUT);
}

static void a_queue_that_grows_closes_the_gate_and_one_that_shrinks_opens_it(void **state)
{
	struct bench *b = *state;
	uint8_t data[512];

	send_many(b, 64 * 1024);
	admission_turn(&b->admission, T0);
	assert_int_equal(b->admission.state, GATE_SHUT);
	while (recv(b->server, data, sizeof(data), MSG_DONTWAIT) > 0)
		;
	admission_turn(&b->admission, T0);
	assert_true(is_open(b));
}

static union address address_of(const char *text)
{
	union address a;
	socklen_t len;

	assert_int_equal(address_parse(text, &a, &len), 0);
	return a;
}

static void a_device_that_reported_may_begin_its_second_handshake(void **state)
{
	struct bench *b = *state;
	union address self = address_of("127.0.0.1:1"), other = address_of("127.0.0.2:1");
	union address mapped = address_of("[::ffff:127.0.0.1]:1");
	uint8_t data[512];
	size_t len = hello(data);

	work(b, 100, T0);
	fill(b, ARRAY_SIZE(b->entries), T0 + 10);
	admission_turn(&b->admission, T0 + 10);
	assert_false(gets_through(b, data, len));
	admission_expect(&b->admission, &other, T0 + 10);
	admission_turn(&b->admission, T0 + 20);
	assert_false(gets_through(b, data, len));
	admission_expect(&b->admission, &self, T0 + 20);
	admission_turn(&b->admission, T0 + 30);
	assert_true(gets_through(b, data, len));
	assert_int_equal(b->admission.state, GATE_CLOSED);
	/* Once it came it is one of many again, as soon as the filter is made anew. */
	admission_arrived(&b->admission, &self);
	admission_expect(&b->admission, &other, T0 + 30);
	admission_turn(&b->admission, T0 + 40);
	assert_false(gets_through(b, data, len));
	/* A socket for both kinds of addresses tells IPv4 ones as a kind of IPv6. */
	admission_expect(&b->admission, &mapped, T0 + 40);
	admission_turn(&b->admission, T0 + 50);
	assert_true(gets_through(b, data, len));
	/* For some seconds only. */
	work(b, 100, T0 + 6000);
	fill(b, ARRAY_SIZE(b->entries), T0 + 6000);
	admission_turn(&b->admission, T0 + 6000);
	assert_false(is_open(b));
	assert_false(gets_through(b, data, len));
}

static void guests_are_bounded_and_wait_when_the_queue_is_full(void **state)
{
	struct bench *b = *state;
	union address self = address_of("127.0.0.1:1");
	uint8_t data[512];
	size_t len = hello(data);

	work(b, 100, T0);
	fill(b, ARRAY_SIZE(b->entries), T0 + 10);
	admission_expect(&b->admission, &self, T0);
	for (uint32_t i = 1; i < GATE_GUESTS_MAX; i++) {
		union address a = {
			.in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a000000 + i)}};

		admission_expect(&b->admission, &a, T0);
	}
	admission_turn(&b->admission, T0 + 10);
	assert_int_equal(b->admission.state, GATE_CLOSED);
	assert_true(b->admission.fd >= 0); /* the kernel takes as many */
	assert_true(gets_through(b, data, len));
	admission_expect(&b->admission,
			 &(union address){.in = {.sin_family = AF_INET,
						 .sin_addr.s_addr = htonl(0x0b000001)}},
			 T0 + 10);
	admission_turn(&b->admission, T0 + 20);
	assert_false(gets_through(b, data, len)); /* the oldest made room */
	admission_stop(&b->admission);
	admission_expect(&b->admission, &self, T0 + 20);
	assert_false(gets_through(b, data, len));
}

static void an_ipv6_guest_gets_through(void **state)
{
	struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	struct bench *b = *state;
	union address self = address_of("[::1]:1");
	socklen_t alen = sizeof(a);
	uint8_t data[512];
	size_t len = hello(data);

	close(b->server);
	close(b->client);
	b->server = socket(AF_INET6, SOCK_DGRAM, 0);
	b->client = socket(AF_INET6, SOCK_DGRAM, 0);
	assert_int_equal(bind(b->server, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(getsockname(b->server, (struct sockaddr *)&a, &alen), 0);
	assert_int_equal(connect(b->client, (struct sockaddr *)&a, sizeof(a)), 0);
	admission_init(&b->admission, b->server);
	work(b, 100, T0);
	fill(b, ARRAY_SIZE(b->entries), T0 + 10);
	admission_turn(&b->admission, T0 + 10);
	assert_false(gets_through(b, data, len));
	admission_expect(&b->admission, &self, T0 + 10);
	admission_turn(&b->admission, T0 + 20);
	assert_true(gets_through(b, data, len));
}

static void the_socket_is_found_by_its_port(void **state)
{
	struct bench *b = *state;
	int tcp = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(admission_find_socket(b->port), b->server);
	close(b->server);
	assert_int_equal(admission_find_socket(b->port), -ENOENT);
	b->server = socket(AF_INET, SOCK_DGRAM, 0);
	close(tcp);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(as_many_are_let_in_as_make_a_quarter_of_a_second_of_work),
		T(a_loop_with_time_to_spare_holds_nobody_back),
		T(whoever_makes_no_progress_for_a_second_is_not_under_way),
		T(the_limit_has_a_floor_and_a_ceiling),
		T(nothing_is_dropped_but_what_begins_a_handshake),
		T(a_slow_service_shuts_the_gate_at_a_shorter_queue),
		T(a_queue_that_grows_closes_the_gate_and_one_that_shrinks_opens_it),
		T(a_device_that_reported_may_begin_its_second_handshake),
		T(guests_are_bounded_and_wait_when_the_queue_is_full),
		T(an_ipv6_guest_gets_through),
		T(the_socket_is_found_by_its_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
