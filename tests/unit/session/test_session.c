/* SPDX-License-Identifier: Apache-2.0 */
/* What a session does when nobody speaks DTLS at the other end: plain UDP sockets of the test. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "session/session.h"

/* A root that nobody signs with: made for this test, its key was never kept. */
static const char ca_pem[] = "-----BEGIN CERTIFICATE-----\n"
			     "MIIBeDCCAR+gAwIBAgIUCV/XRegEV2XA6dIvOxyeeenWrOkwCgYIKoZIzj0EAwIw\n"
			     "ETEPMA0GA1UEAwwGTm9ib2R5MCAXDTI2MTEyMTAyNDcxNVoYDzIxMjYxMDI4MDI0\n"
			     "NzE1WjARMQ8wDQYDVQQDDAZOb2JvZHkwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC\n"
			     "AAScxyXDOc3/EEhjpMmnjEqB6uP6P6wHWUP5afreKFDQghDKR1S6ZhpOvfEcuskJ\n"
			     "0zbgbf+O+Axby4EwE2kghKBro1MwUTAdBgNVHQ4EFgQUBs+SsOokVjRMY4TWCj6m\n"
			     "WWCpcKQwHwYDVR0jBBgwFoAUBs+SsOokVjRMY4TWCj6mWWCpcKQwDwYDVR0TAQH/\n"
			     "BAUwAwEB/zAKBggqhkjOPQQDAgNHADBEAiBHhDEVI+4cG4dx7ZViVbQTRXIo+ePr\n"
			     "9gqq5mItvRF6bgIgNRMVmH38wvHhuzbicw/Cqk760eLeuv6rpZM07pi2nxI=\n"
			     "-----END CERTIFICATE-----\n";

struct fixture {
	sd_event *event;
	int fd; /* the silent server */
	struct session_config config;
	struct session *session;
	bool done;
	int r;
	char detail[512];
	uint16_t ports[32]; /* from which something came */
	size_t n_ports;
	const uint8_t *answer; /* to every datagram */
	size_t answer_len;
};

static int set_up(void **state)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	struct fixture *f = test_calloc(1, sizeof(*f));

	f->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_true(f->fd >= 0);
	assert_int_equal(bind(f->fd, (struct sockaddr *)&address, len), 0);
	assert_int_equal(getsockname(f->fd, (struct sockaddr *)&address, &len), 0);
	assert_true(sd_event_new(&f->event) >= 0);
	f->config = (struct session_config){
		.name = "test",
		.server = "127.0.0.1",
		.port = ntohs(address.sin_port),
		.ca_pem = ca_pem,
		.handshake_timeout_ms = 4000,
	};
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	session_free(f->session);
	sd_event_unref(f->event);
	closep(&f->fd);
	test_free(f);
	return 0;
}

static void on_connected(struct session *s, int r, const char *detail, void *userdata)
{
	struct fixture *f = userdata;

	(void)s;
	f->r = r;
	snprintf(f->detail, sizeof(f->detail), "%s", detail);
	f->done = true;
}

static int on_datagram(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct fixture *f = userdata;
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	uint8_t buf[2048];
	uint16_t port;

	(void)source;
	(void)events;
	if (recvfrom(fd, buf, sizeof(buf), 0, (struct sockaddr *)&from, &len) < 0)
		return 0;
	port = ntohs(from.sin_port);
	if (f->n_ports == 0 || f->ports[f->n_ports - 1] != port)
		f->ports[f->n_ports++ % ARRAY_SIZE(f->ports)] = port;
	if (f->answer)
		sendto(fd, f->answer, f->answer_len, 0, (struct sockaddr *)&from, len);
	return 0;
}

static int connect_and_wait(struct fixture *f)
{
	sd_event_source *io = NULL;

	assert_int_equal(session_new(f->event, &f->config, &f->session), 0);
	if (f->fd >= 0)
		assert_true(sd_event_add_io(f->event, &io, f->fd, EPOLLIN, on_datagram, f) >= 0);
	assert_int_equal(session_connect(f->session, on_connected, f), 0);
	assert_int_equal(session_get_state(f->session), SESSION_CONNECTING);
	while (!f->done)
		assert_true(sd_event_run(f->event, 30000000) > 0);
	sd_event_source_unref(io);
	assert_int_equal(session_get_state(f->session), SESSION_CLOSED);
	return f->r;
}

/* docs/dtls.md: a server that holds an old session of our port swallows every ClientHello from
 * there. */
static void an_unanswered_clienthello_changes_the_port(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(connect_and_wait(f), SESSION_E_UNREACHABLE);
	assert_non_null(strstr(f->detail, "no answer"));
	assert_true(f->n_ports >= 2);
	assert_int_not_equal(f->ports[0], f->ports[1]);
}

static void a_closed_port_is_told_at_once(void **state)
{
	struct fixture *f = *state;

	close(f->fd);
	f->fd = -1;
	assert_int_equal(connect_and_wait(f), SESSION_E_UNREACHABLE);
	assert_non_null(strstr(f->detail, "nothing listens there"));
}

/* The alerts of a handshake are not authenticated: one may be somebody else's. */
static void a_fatal_alert_is_believed_from_the_second_port_on(void **state)
{
	static const uint8_t alert[] = {21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 40};
	struct fixture *f = *state;

	f->answer = alert;
	f->answer_len = sizeof(alert);
	assert_int_equal(connect_and_wait(f), SESSION_E_HANDSHAKE);
	assert_non_null(strstr(f->detail, "fatal alert"));
	assert_int_equal(f->n_ports, 2);
	assert_int_not_equal(f->ports[0], f->ports[1]);
}

static void garbage_is_no_answer_that_a_handshake_could_go_on_with(void **state)
{
	static const uint8_t garbage[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
	struct fixture *f = *state;

	f->config.handshake_timeout_ms = 500;
	f->answer = garbage;
	f->answer_len = sizeof(garbage);
	assert_int_not_equal(connect_and_wait(f), 0);
}

static void an_empty_datagram_is_no_end(void **state)
{
	struct fixture *f = *state;

	f->config.handshake_timeout_ms = 500;
	f->answer = (const uint8_t *)"";
	f->answer_len = 0;
	assert_int_equal(connect_and_wait(f), SESSION_E_UNREACHABLE);
}

static void a_session_that_is_not_open_takes_no_request_and_no_suspend(void **state)
{
	const struct request get = {.code = 1, .path = "a", .content_format = -1, .accept = -1};
	struct fixture *f = *state;

	assert_int_equal(session_new(f->event, &f->config, &f->session), 0);
	assert_int_equal(session_get_state(f->session), SESSION_CLOSED);
	assert_int_equal(session_request(f->session, &get, NULL, NULL, NULL), -ENOTCONN);
	assert_int_equal(session_suspend(f->session, 0, NULL), -ENOTCONN);
	assert_int_equal(session_resume(f->session), -EINVAL);
	assert_int_equal(session_adopt(f->session), SESSION_E_NOT_RESUMABLE);
	assert_string_equal(session_suite(f->session), "");
	assert_string_equal(session_label(f->session), "");
	session_close(f->session);
}

static void a_configuration_that_cannot_work_is_refused(void **state)
{
	struct fixture *f = *state;
	struct session_config wrong[] = {f->config, f->config, f->config, f->config,
					 f->config, f->config, f->config, f->config};

	wrong[0].name = "with-dash";
	wrong[1].name = NULL;
	wrong[2].server = "";
	wrong[3].port = 0;
	wrong[4].ca_pem = NULL;
	wrong[5].ca_pem = "no certificate";
	wrong[6].block_size = 1000;
	wrong[7].block_size = 2048;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(session_new(f->event, &wrong[i], &f->session), -EINVAL);
	assert_null(f->session);
}

static void every_outcome_has_a_text_of_its_own(void **state)
{
	(void)state;
	for (int r = SESSION_E_RESOLVE; r <= SESSION_E_NOT_SUSPENDABLE; r++) {
		assert_string_not_equal(session_strerror(r), "no error");
		for (int other = SESSION_E_RESOLVE; other < r; other++)
			assert_string_not_equal(session_strerror(r), session_strerror(other));
	}
	assert_string_equal(session_strerror(-ENOMEM), strerror(ENOMEM));
	assert_string_equal(session_strerror(0), "no error");
	assert_string_equal(session_strerror(9999), "no error");
}

int main(void)
{
#define STORY(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		STORY(an_unanswered_clienthello_changes_the_port),
		STORY(a_closed_port_is_told_at_once),
		STORY(a_fatal_alert_is_believed_from_the_second_port_on),
		STORY(garbage_is_no_answer_that_a_handshake_could_go_on_with),
		STORY(an_empty_datagram_is_no_end),
		STORY(a_session_that_is_not_open_takes_no_request_and_no_suspend),
		STORY(a_configuration_that_cannot_work_is_refused),
		cmocka_unit_test(every_outcome_has_a_text_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
