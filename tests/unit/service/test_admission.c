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
#define WORK_US 10000 /* of each device: a hundred make a second */

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

static void as_many_are_let_in_as_make_a_second_of_work(void **state)
{
	struct bench *b = *state;
	size_t limit;

	learn(b);
	limit = admission_limit(&b->admission);
	fill(b, limit - 1, T0);
	admission_turn(&b->admission, T0);
	assert_false(b->admission.is_closed);
	fill(b, limit, T0);
	admission_turn(&b->admission, T0);
	assert_true(b->admission.is_closed);
	/* It opens a little below. */
	admission_done(&b->admission, &b->entries[0]);
	admission_turn(&b->admission, T0);
	assert_true(b->admission.is_closed);
	for (size_t i = 1; i <= limit / 8; i++)
		admission_done(&b->admission, &b->entries[i]);
	admission_turn(&b->admission, T0);
	assert_false(b->admission.is_closed);
	assert_int_equal(b->admission.n_closings, 1);
}

static void whoever_makes_no_progress_for_a_second_is_not_under_way(void **state)
{
	struct bench *b = *state;

	learn(b);
	fill(b, 200, T0);
	admission_turn(&b->admission, T0);
	assert_true(b->admission.is_closed);
	for (size_t i = 0; i < 20; i++)
		admission_progress(&b->admission, &b->entries[i], T0 + 500);
	admission_turn(&b->admission, T0 + 999);
	assert_true(b->admission.is_closed);
	admission_turn(&b->admission, T0 + 1000);
	assert_false(b->admission.is_closed);
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
			fill(b, ARRAY_SIZE(b->entries), T0);
			admission_turn(&b->admission, T0);
			assert_true(b->admission.is_closed);
		}
	}
	admission_turn(&b->admission, T0 + 1000);
	len = hello(data);
	assert_true(gets_through(b, data, len));
	admission_stop(&b->admission);
	assert_false(gets_through(b, data, len));
}

static void a_queue_that_grows_closes_the_gate_and_one_that_shrinks_opens_it(void **state)
{
	struct bench *b = *state;
	struct admission_queue q;
	uint8_t data[512];
	size_t len = hello(data), n = 0;

	data[MESSAGE_TYPE] = 16;
	assert_true(admission_queue(&b->admission, &q));
	assert_int_equal(q.bytes, 0);
	assert_true(q.max > 0);
	while (q.bytes <= 65536) {
		assert_int_equal(send(b->client, data, len, 0), len);
		assert_true(admission_queue(&b->admission, &q));
		assert_true(++n < 100000);
	}
	admission_turn(&b->admission, T0);
	assert_true(b->admission.is_closed);
	while (recv(b->server, data, sizeof(data), MSG_DONTWAIT) > 0)
		;
	admission_turn(&b->admission, T0);
	assert_false(b->admission.is_closed);
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
		T(as_many_are_let_in_as_make_a_second_of_work),
		T(whoever_makes_no_progress_for_a_second_is_not_under_way),
		T(the_limit_has_a_floor_and_a_ceiling),
		T(nothing_is_dropped_but_what_begins_a_handshake),
		T(a_queue_that_grows_closes_the_gate_and_one_that_shrinks_opens_it),
		T(the_socket_is_found_by_its_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
