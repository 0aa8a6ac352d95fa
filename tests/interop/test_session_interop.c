/* SPDX-License-Identifier: Apache-2.0 */
/* A session against libcoap servers that know nothing of suspend: $COAP_PEER is the OpenSSL or the
 * GnuTLS build. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "tests/interop/peer.h"

struct fixture {
	struct site site;
	struct talk talk;
};

static bool is_openssl(void)
{
	return strstr(getenv("COAP_PEER"), "openssl") != NULL;
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	site_open(&f->site);
	talk_init(&f->talk, &f->site.config);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	talk_done(&f->talk);
	site_close(&f->site);
	free(f);
	return 0;
}

static void assert_body(const struct talk *t, const char *text)
{
	assert_int_equal(t->body_len, strlen(text));
	assert_memory_equal(t->body, text, t->body_len);
}

static struct session_stats stats(const struct talk *t)
{
	struct session_stats ret;

	session_get_stats(t->session, &ret);
	return ret;
}

static void connects_and_gets_an_answer(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(talk_connect(&f->talk), 0);
	assert_int_equal(session_get_state(f->talk.session), SESSION_OPEN);
	assert_string_equal(session_suite(f->talk.session), "ECDHE-ECDSA-AES128-GCM-SHA256");
	assert_int_equal(talk_get(&f->talk, "hello"), 0);
	assert_int_equal(f->talk.code, 0x45);
	assert_body(&f->talk, "hello");
	assert_int_equal(stats(&f->talk).handshakes_full, 1);
	assert_int_equal(stats(&f->talk).round_trips, 4);
}

static void suspends_and_resumes_without_a_round_trip(void **state)
{
	struct fixture *f = *state;
	struct session_stats before;

	assert_int_equal(talk_connect(&f->talk), 0);
	assert_int_equal(talk_get(&f->talk, "hello"), 0);
	assert_int_equal(session_suspend(f->talk.session, 77, "0123456789abcdef"), 0);
	assert_int_equal(session_get_state(f->talk.session), SESSION_SUSPENDED);
	before = stats(&f->talk);
	assert_int_equal(session_resume(f->talk.session), 0);
	assert_int_equal(stats(&f->talk).datagrams_tx, before.datagrams_tx);
	assert_int_equal(talk_get(&f->talk, "calls"), 0);
	assert_body(&f->talk, "calls=1 suspends=1");
	assert_int_equal(stats(&f->talk).datagrams_tx, before.datagrams_tx + 1);
	assert_int_equal(stats(&f->talk).handshakes_full, 1);
	assert_int_equal(stats(&f->talk).resumes, 1);
	assert_int_equal(session_note(f->talk.session), 77);
	assert_string_equal(session_label(f->talk.session), "0123456789abcdef");
}

static void a_further_connection_is_abbreviated_where_the_server_resumes(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(talk_connect(&f->talk), 0);
	assert_int_equal(talk_get(&f->talk, "hello"), 0);
	session_close(f->talk.session);
	assert_int_equal(session_get_state(f->talk.session), SESSION_CLOSED);
	assert_int_equal(talk_connect(&f->talk), 0);
	/* libcoap on GnuTLS gives out neither session ids nor tickets. */
	assert_int_equal(stats(&f->talk).handshakes_abbreviated, is_openssl() ? 1 : 0);
	assert_int_equal(stats(&f->talk).handshakes_full, is_openssl() ? 1 : 2);
	if (is_openssl())
		assert_int_equal(session_suspend(f->talk.session, 0, NULL),
				 SESSION_E_NOT_SUSPENDABLE);
	assert_int_equal(session_get_state(f->talk.session), SESSION_OPEN);
	assert_int_equal(talk_get(&f->talk, "hello"), 0);
	assert_int_equal(session_suspend(f->talk.session, 0, NULL), 0);
	assert_int_equal(session_resume(f->talk.session), 0);
	assert_int_equal(talk_get(&f->talk, "hello"), 0);
}

static void a_ticket_resumes_as_well(void **state)
{
	struct fixture *f = *state;

	talk_done(&f->talk);
	f->site.config.tickets = true;
	talk_init(&f->talk, &f->site.config);
	assert_int_equal(talk_connect(&f->talk), 0);
	assert_int_equal(talk_get(&f->talk, "hello"), 0);
	assert_int_equal(session_suspend(f->talk.session, 0, NULL), 0);
	assert_int_equal(session_resume(f->talk.session), 0);
	assert_int_equal(talk_get(&f->talk, "hello"), 0);
	session_close(f->talk.session);
	assert_int_equal(talk_connect(&f->talk), 0);
	assert_int_equal(talk_get(&f->talk, "hello"), 0);
	assert_int_equal(stats(&f->talk).handshakes_abbreviated, is_openssl() ? 1 : 0);
}

static void without_resumption_every_handshake_is_full(void **state)
{
	struct fixture *f = *state;

	talk_done(&f->talk);
	f->site.config.resumption = false;
	talk_init(&f->talk, &f->site.config);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(talk_connect(&f->talk), 0);
		assert_int_equal(talk_get(&f->talk, "hello"), 0);
		session_close(f->talk.session);
	}
	assert_int_equal(stats(&f->talk).handshakes_full, 2);
}

static void nobody_has_to_offer_a_connection_id(void **state)
{
	struct fixture *f = *state;

	talk_done(&f->talk);
	f->site.config.cid = false;
	talk_init(&f->talk, &f->site.config);
	assert_int_equal(talk_connect(&f->talk), 0);
	assert_int_equal(talk_get(&f->talk, "hello"), 0);
	assert_int_equal(session_suspend(f->talk.session, 0, NULL), 0);
	assert_int_equal(session_resume(f->talk.session), 0);
	assert_int_equal(talk_get(&f->talk, "hello"), 0);
}

static void suspends_many_times_in_a_row(void **state)
{
	static const char label[] = "zyxwvutsrqponmlk";
	struct fixture *f = *state;

	assert_int_equal(talk_connect(&f->talk), 0);
	for (unsigned int i = 0; i < 10; i++) {
		assert_int_equal(talk_get(&f->talk, "hello"), 0);
		assert_int_equal(session_suspend(f->talk.session, i, i % 2 ? label : NULL), 0);
		assert_int_equal(session_resume(f->talk.session), 0);
		assert_int_equal(session_note(f->talk.session), i);
		assert_string_equal(session_label(f->talk.session), i % 2 ? label : "");
	}
	assert_int_equal(talk_get(&f->talk, "calls"), 0);
	assert_body(&f->talk, "calls=10 suspends=10");
	assert_int_equal(stats(&f->talk).handshakes_full, 1);
}

static void a_label_that_could_not_be_read_back_is_refused_and_the_session_stays_open(void **state)
{
	static const char *const wrong[] = {"short", "0123456789ABCDEF", "0123456789abcde\n",
					    "0123456789abcdef0"};
	struct fixture *f = *state;

	assert_int_equal(talk_connect(&f->talk), 0);
	assert_int_equal(talk_get(&f->talk, "hello"), 0);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		assert_int_equal(session_suspend(f->talk.session, 0, wrong[i]), -EINVAL);
		assert_int_equal(session_park(f->talk.session, 0, wrong[i]), -EINVAL);
		assert_int_equal(session_get_state(f->talk.session), SESSION_OPEN);
	}
	assert_int_equal(talk_get(&f->talk, "calls"), 0);
	assert_body(&f->talk, "calls=1 suspends=0");
}

static void assert_suspended(struct fixture *f)
{
	assert_int_equal(talk_connect(&f->talk), 0);
	assert_int_equal(talk_get(&f->talk, "hello"), 0);
	assert_int_equal(session_suspend(f->talk.session, 0, NULL), 0);
}

static void assert_recovers(struct fixture *f)
{
	assert_int_equal(session_get_state(f->talk.session), SESSION_CLOSED);
	assert_int_equal(talk_connect(&f->talk), 0);
	assert_int_equal(talk_get(&f->talk, "hello"), 0);
	assert_body(&f->talk, "hello");
}

static void a_goodbye_while_suspended_is_noticed_without_waiting(void **state)
{
	struct fixture *f = *state;
	struct session_stats before;

	assert_suspended(f);
	before = stats(&f->talk);
	peer_stop(&f->site.peer, SIGTERM);
	peer_restart(&f->site.peer);
	assert_int_equal(session_resume(f->talk.session), SESSION_E_NOT_RESUMABLE);
	assert_int_equal(stats(&f->talk).retransmissions, before.retransmissions);
	assert_recovers(f);
}

static void a_server_that_forgot_us_silently_is_noticed_after_one_retransmission(void **state)
{
	struct fixture *f = *state;
	uint64_t began;

	assert_suspended(f);
	peer_stop(&f->site.peer, SIGKILL);
	peer_restart(&f->site.peer);
	assert_int_equal(session_resume(f->talk.session), 0);
	began = clock_ms();
	assert_int_equal(talk_get(&f->talk, "hello"), SESSION_E_LOST);
	print_message("noticed after %u ms\n", (unsigned int)(clock_ms() - began));
	assert_int_equal(stats(&f->talk).retransmissions, 1);
	assert_recovers(f);
}

static void a_server_that_is_down_is_noticed(void **state)
{
	struct fixture *f = *state;

	assert_suspended(f);
	peer_stop(&f->site.peer, SIGKILL);
	assert_int_equal(session_resume(f->talk.session), 0);
	assert_int_equal(talk_get(&f->talk, "hello"), SESSION_E_LOST);
	assert_int_equal(session_get_state(f->talk.session), SESSION_CLOSED);
	assert_int_equal(talk_connect(&f->talk), SESSION_E_UNREACHABLE);
	assert_non_null(strstr(f->talk.detail, "nothing listens there"));
	peer_restart(&f->site.peer);
	assert_recovers(f);
}

static void an_idle_session_becomes_closed_when_the_server_says_goodbye(void **state)
{
	const struct request get = {.code = 1, .path = "a", .content_format = -1, .accept = -1};
	struct fixture *f = *state;

	assert_int_equal(talk_connect(&f->talk), 0);
	peer_stop(&f->site.peer, SIGTERM);
	while (session_get_state(f->talk.session) == SESSION_OPEN)
		assert_true(sd_event_run(f->talk.event, 20000000) > 0);
	assert_int_equal(session_get_state(f->talk.session), SESSION_CLOSED);
	assert_int_equal(session_request(f->talk.session, &get, NULL, NULL, NULL), -ENOTCONN);
	peer_restart(&f->site.peer);
	assert_recovers(f);
}

static int connect_anew(struct fixture *f)
{
	talk_done(&f->talk);
	talk_init(&f->talk, &f->site.config);
	return talk_connect(&f->talk);
}

static void a_certificate_for_another_name_is_refused_by_name(void **state)
{
	struct fixture *f = *state;

	f->site.config.server = "other.test.example";
	assert_int_equal(connect_anew(f), SESSION_E_CERTIFICATE);
	assert_non_null(
		strstr(f->talk.detail, "certificate is for " SITE_NAME ", not other.test.example"));
	assert_int_equal(session_get_state(f->talk.session), SESSION_CLOSED);
}

static void a_certificate_of_another_root_is_refused(void **state)
{
	struct fixture *f = *state;
	struct pki *other = pki_new("Test root"); /* same name, other key */

	f->site.config.ca_pem = pki_root_pem(other);
	assert_int_equal(connect_anew(f), SESSION_E_CERTIFICATE);
	assert_non_null(strstr(f->talk.detail, "not signed by the configured root CA"));
	pki_free(other);
}

static void check_validity(struct fixture *f, long from_s, long to_s, const char *text)
{
	peer_stop(&f->site.peer, SIGKILL);
	pki_issue(f->site.pki, f->site.dir, "server", SITE_NAME, from_s, to_s);
	peer_restart(&f->site.peer);
	assert_int_equal(connect_anew(f), SESSION_E_CERTIFICATE);
	assert_non_null(strstr(f->talk.detail, text));
}

static void an_expired_certificate_is_refused_with_its_date(void **state)
{
	check_validity(*state, -7200, -3600, "certificate expired on 20");
}

static void a_certificate_of_the_future_is_refused_with_its_date(void **state)
{
	check_validity(*state, 3600, 7200, "certificate is not valid before 20");
}

static void a_ca_that_is_no_certificate_is_refused(void **state)
{
	struct session_config config = ((struct fixture *)*state)->site.config;
	struct fixture *f = *state;
	struct session *s = NULL;

	config.ca_pem = "-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----\n";
	assert_int_equal(session_new(f->talk.event, &config, &s), -EINVAL);
	config.ca_pem = "";
	assert_int_equal(session_new(f->talk.event, &config, &s), -EINVAL);
}

static void a_large_body_comes_in_blocks(void **state)
{
	struct fixture *f = *state;

	for (size_t size = 256; size <= 1024; size *= 4) {
		f->site.config.block_size = size;
		assert_int_equal(connect_anew(f), 0);
		assert_int_equal(talk_get(&f->talk, "big"), 0);
		assert_int_equal(f->talk.body_len, 5000);
		for (size_t i = 0; i < 5000; i++)
			assert_int_equal(f->talk.body[i], (uint8_t)(i * 7 + i / 256));
		assert_true(f->talk.has_max_age);
		assert_int_equal(f->talk.max_age_s, 60);
	}
}

static void a_large_payload_goes_in_blocks_and_comes_back(void **state)
{
	const size_t sizes[] = {1, 1024, 1025, 3000};
	struct fixture *f = *state;
	uint8_t payload[3000];

	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)(i * 11 + i / 256);
	assert_int_equal(talk_connect(&f->talk), 0);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		const struct request post = {
			.code = 2,
			.path = "echo",
			.content_format = 60,
			.accept = -1,
			.payload = payload,
			.payload_len = sizes[i],
		};

		assert_int_equal(talk_request(&f->talk, &post), 0);
		assert_int_equal(f->talk.code, 0x44);
		assert_int_equal(f->talk.body_len, sizes[i]);
		assert_memory_equal(f->talk.body, payload, sizes[i]);
	}
}

static void a_body_larger_than_max_reply_is_too_large_and_the_session_goes_on(void **state)
{
	const struct request get = {
		.code = 1, .path = "big", .content_format = -1, .accept = -1, .max_reply = 4999};
	struct fixture *f = *state;

	assert_int_equal(talk_connect(&f->talk), 0);
	assert_int_equal(talk_request(&f->talk, &get), SESSION_E_TOO_LARGE);
	assert_int_equal(talk_get(&f->talk, "hello"), 0);
}

static void an_unknown_path_is_an_answer(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(talk_connect(&f->talk), 0);
	assert_int_equal(talk_get(&f->talk, "nothing/here"), 0);
	assert_int_equal(f->talk.code, 0x84);
}

static void closing_while_suspended_says_goodbye_so_that_the_port_is_free(void **state)
{
	struct fixture *f = *state;
	struct session_stats before, after;

	assert_suspended(f);
	before = stats(&f->talk);
	session_close(f->talk.session);
	after = stats(&f->talk);
	assert_int_equal(session_get_state(f->talk.session), SESSION_CLOSED);
	assert_int_equal(after.datagrams_tx, before.datagrams_tx + 1); /* close_notify */
	assert_recovers(f);
}

static void on_never(struct session *s, int r, const struct reply *reply, void *userdata)
{
	(void)s;
	(void)reply;
	*(int *)userdata = r;
}

static void closing_cancels_what_is_under_way(void **state)
{
	const struct request get = {.code = 1, .path = "hello", .content_format = -1, .accept = -1};
	struct fixture *f = *state;
	int first = 0, second = 0;

	assert_int_equal(talk_connect(&f->talk), 0);
	assert_int_equal(session_request(f->talk.session, &get, on_never, &first, NULL), 0);
	assert_int_equal(session_request(f->talk.session, &get, on_never, &second, NULL), 0);
	session_close(f->talk.session);
	assert_int_equal(first, SESSION_E_CANCELLED);
	assert_int_equal(second, SESSION_E_CANCELLED);
}

static void a_cancelled_request_is_not_heard_of_again(void **state)
{
	const struct request get = {.code = 1, .path = "hello", .content_format = -1, .accept = -1};
	struct session_request *request = NULL;
	struct fixture *f = *state;
	int seen = 12345;

	assert_int_equal(talk_connect(&f->talk), 0);
	assert_int_equal(session_request(f->talk.session, &get, on_never, &seen, &request), 0);
	assert_int_equal(session_suspend(f->talk.session, 0, NULL), SESSION_E_NOT_SUSPENDABLE);
	session_cancel(request);
	assert_int_equal(talk_get(&f->talk, "calls"), 0);
	assert_int_equal(f->talk.code, 0x45);
	assert_int_equal(seen, 12345);
}

static void on_free(struct session *s, int r, const struct reply *reply, void *userdata)
{
	struct talk *t = userdata;

	(void)r;
	(void)reply;
	t->session = session_free(s);
	t->done = true;
}

static void a_callback_may_free_the_session(void **state)
{
	const struct request get = {.code = 1, .path = "hello", .content_format = -1, .accept = -1};
	struct fixture *f = *state;
	int other = 0;

	assert_int_equal(talk_connect(&f->talk), 0);
	f->talk.done = false;
	assert_int_equal(session_request(f->talk.session, &get, on_free, &f->talk, NULL), 0);
	assert_int_equal(session_request(f->talk.session, &get, on_never, &other, NULL), 0);
	talk_until(&f->talk, &f->talk.done);
	assert_null(f->talk.session);
	assert_int_equal(other, SESSION_E_CANCELLED);
}

static void on_connect_free(struct session *s, int r, const char *detail, void *userdata)
{
	struct talk *t = userdata;

	(void)detail;
	t->r = r;
	t->session = session_free(s);
	t->done = true;
}

static void the_connect_callback_may_free_it_too(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(session_connect(f->talk.session, on_connect_free, &f->talk), 0);
	talk_until(&f->talk, &f->talk.done);
	assert_int_equal(f->talk.r, 0);
	assert_null(f->talk.session);
}

static void freeing_while_connecting_cancels(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(session_connect(f->talk.session, on_connect_free, &f->talk), 0);
	assert_int_equal(session_connect(f->talk.session, on_connect_free, &f->talk), -EBUSY);
	session_close(f->talk.session);
	assert_int_equal(f->talk.r, SESSION_E_CANCELLED);
}

static void defect_27_a_name_is_resolved_and_every_address_tried(void **state)
{
	struct fixture *f = *state;

	/* localhost is ::1 too on most machines, where no peer listens. */
	pki_issue(f->site.pki, f->site.dir, "server", "localhost", -3600, 3600);
	peer_stop(&f->site.peer, SIGKILL);
	peer_restart(&f->site.peer);
	f->site.config.server = "localhost";
	f->site.config.address = NULL;
	assert_int_equal(connect_anew(f), 0);
	assert_int_equal(talk_get(&f->talk, "hello"), 0);
}

static void a_name_without_address_is_told(void **state)
{
	struct fixture *f = *state;

	f->site.config.server = "no-such-host.invalid";
	f->site.config.address = NULL;
	assert_int_equal(connect_anew(f), SESSION_E_RESOLVE);
	assert_non_null(strstr(f->talk.detail, "no-such-host.invalid"));
}

int main(void)
{
#define STORY(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		STORY(connects_and_gets_an_answer),
		STORY(suspends_and_resumes_without_a_round_trip),
		STORY(a_further_connection_is_abbreviated_where_the_server_resumes),
		STORY(a_ticket_resumes_as_well),
		STORY(without_resumption_every_handshake_is_full),
		STORY(nobody_has_to_offer_a_connection_id),
		STORY(suspends_many_times_in_a_row),
		STORY(a_label_that_could_not_be_read_back_is_refused_and_the_session_stays_open),
		STORY(a_goodbye_while_suspended_is_noticed_without_waiting),
		STORY(a_server_that_forgot_us_silently_is_noticed_after_one_retransmission),
		STORY(a_server_that_is_down_is_noticed),
		STORY(an_idle_session_becomes_closed_when_the_server_says_goodbye),
		STORY(a_certificate_for_another_name_is_refused_by_name),
		STORY(a_certificate_of_another_root_is_refused),
		STORY(an_expired_certificate_is_refused_with_its_date),
		STORY(a_certificate_of_the_future_is_refused_with_its_date),
		STORY(a_ca_that_is_no_certificate_is_refused),
		STORY(a_large_body_comes_in_blocks),
		STORY(a_large_payload_goes_in_blocks_and_comes_back),
		STORY(a_body_larger_than_max_reply_is_too_large_and_the_session_goes_on),
		STORY(an_unknown_path_is_an_answer),
		STORY(closing_while_suspended_says_goodbye_so_that_the_port_is_free),
		STORY(closing_cancels_what_is_under_way),
		STORY(a_cancelled_request_is_not_heard_of_again),
		STORY(a_callback_may_free_the_session),
		STORY(the_connect_callback_may_free_it_too),
		STORY(freeing_while_connecting_cancels),
		STORY(defect_27_a_name_is_resolved_and_every_address_tried),
		STORY(a_name_without_address_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
