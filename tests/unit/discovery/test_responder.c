/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "discovery/answer.h"
#include "discovery/meter.h"
#include "discovery/responder.h"
#include "session/message.h"

#define UUID "50363154-3931-44f0-8022-121b6401627d"

struct world {
	sd_event *event;
	struct responder *responder;
	int fd; /* connected to it */
};

static struct record record_of(const char *state)
{
	struct record r;

	assert_int_equal(record_make(UUID, state, "0.1.0", &r), 0);
	return r;
}

static void connect_4(struct world *w)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
				 .sin_port = htons(responder_port(w->responder)),
				 .sin_addr = {htonl(INADDR_LOOPBACK)}};
	int on = 1;

	w->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_true(w->fd >= 0);
	assert_int_equal(setsockopt(w->fd, IPPROTO_IP, IP_RECVTTL, &on, sizeof(on)), 0);
	assert_int_equal(connect(w->fd, (struct sockaddr *)&to, sizeof(to)), 0);
}

static int begin(void **state)
{
	static const struct responder_config config = {.port = 0};
	struct world *w = calloc(1, sizeof(*w));
	struct record record = record_of("unclaimed");

	assert_int_equal(sd_event_new(&w->event), 0);
	assert_int_equal(responder_new(w->event, &config, &w->responder), 0);
	assert_int_equal(responder_set(w->responder, &record, NULL), 0);
	connect_4(w);
	*state = w;
	return 0;
}

static int end(void **state)
{
	struct world *w = *state;

	closep(&w->fd);
	responder_free(w->responder);
	sd_event_unref(w->event);
	free(w);
	return 0;
}

static void ask(const struct world *w, const char *path)
{
	uint8_t buf[MESSAGE_MAX];
	struct message m;
	size_t len;

	message_init(&m, MESSAGE_NON, MESSAGE_CODE_GET, 7, NULL, 0);
	message_add_parts(&m, MESSAGE_OPTION_URI_PATH, path, '/');
	assert_int_equal(message_encode(&m, buf, sizeof(buf), &len), 0);
	assert_int_equal(send(w->fd, buf, len, 0), (int)len);
}

/* Lets it work off what has come: on the loopback that is there when send() returns. */
static void run(const struct world *w)
{
	int r;

	do {
		r = sd_event_run(w->event, 0);
		assert_true(r >= 0);
	} while (r > 0);
}

/* False when there is none. */
static bool read_answer(const struct world *w, struct message *ret, int *ret_ttl)
{
	static uint8_t buf[MESSAGE_MAX];
	uint8_t control[256];
	struct iovec iov = {buf, sizeof(buf)};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = control,
			   .msg_controllen = sizeof(control)};
	ssize_t len = recvmsg(w->fd, &m, MSG_DONTWAIT);

	if (len < 0)
		return false;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL)
			memcpy(ret_ttl, CMSG_DATA(c), sizeof(*ret_ttl));
	assert_int_equal(message_decode(buf, (size_t)len, ret), 0);
	return true;
}

static void it_answers_and_no_router_carries_the_answer(void **state)
{
	const struct world *w = *state;
	struct message m;
	int ttl = 0;

	ask(w, ".well-known/core");
	run(w);
	assert_true(read_answer(w, &m, &ttl));
	assert_int_equal(m.payload_len, strlen("</onboardd>;rt=\"onboardd\""));
	assert_int_equal(ttl, 1);
}

static void it_answers_over_ipv6(void **state)
{
	struct world *w = *state;
	struct sockaddr_in6 to = {.sin6_family = AF_INET6,
				  .sin6_port = htons(responder_port(w->responder)),
				  .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	struct message m;
	int ttl;

	closep(&w->fd);
	w->fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (w->fd < 0 || connect(w->fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		skip(); /* a kernel without */
	ask(w, ".well-known/core");
	run(w);
	assert_true(read_answer(w, &m, &ttl));
	assert_int_equal(m.code, 0x45);
}

static void who_asks_without_end_is_not_answered_without_end(void **state)
{
	const struct world *w = *state;
	unsigned int n = 0;
	struct message m;
	int ttl;

	for (unsigned int i = 0; i < 200; i++) {
		ask(w, ".well-known/core");
		run(w);
		n += read_answer(w, &m, &ttl);
	}
	assert_true(n >= METER_BURST);
	assert_true(n < 200);
}

static void what_is_set_last_is_said(void **state)
{
	const struct world *w = *state;
	struct record record = record_of("backing-off");
	struct message m;
	int ttl;

	assert_int_equal(responder_set(w->responder, &record, "abc.def"), 0);
	ask(w, ANSWER_TOKEN_PATH);
	run(w);
	assert_true(read_answer(w, &m, &ttl));
	assert_int_equal(m.payload_len, 7);
	assert_int_equal(responder_set(w->responder, &record, NULL), 0);
	ask(w, ANSWER_TOKEN_PATH);
	run(w);
	assert_true(read_answer(w, &m, &ttl));
	assert_int_equal(m.code, 0x84);
}

static void a_datagram_that_is_too_long_is_passed_over(void **state)
{
	const struct world *w = *state;
	static uint8_t buf[4000] = {0x50, 1, 0, 1};
	struct message m;
	int ttl;

	assert_int_equal(send(w->fd, buf, sizeof(buf), 0), (int)sizeof(buf));
	assert_int_equal(send(w->fd, "", 0, 0), 0);
	run(w);
	assert_false(read_answer(w, &m, &ttl));
	ask(w, ".well-known/core");
	run(w);
	assert_true(read_answer(w, &m, &ttl));
}

static void a_port_that_somebody_has_is_left_to_them(void **state)
{
	const struct world *w = *state;
	const struct responder_config config = {.port = responder_port(w->responder)};
	struct responder *other;

	assert_int_equal(responder_new(w->event, &config, &other), -EADDRINUSE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(it_answers_and_no_router_carries_the_answer, begin,
						end),
		cmocka_unit_test_setup_teardown(it_answers_over_ipv6, begin, end),
		cmocka_unit_test_setup_teardown(who_asks_without_end_is_not_answered_without_end,
						begin, end),
		cmocka_unit_test_setup_teardown(what_is_set_last_is_said, begin, end),
		cmocka_unit_test_setup_teardown(a_datagram_that_is_too_long_is_passed_over, begin,
						end),
		cmocka_unit_test_setup_teardown(a_port_that_somebody_has_is_left_to_them, begin,
						end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
