/* SPDX-License-Identifier: Apache-2.0 */
/* A resumed session that does not answer at once: is it lost, or a datagram? A handshake begins
 * beside it, and the first answer wins. Against libcoap's servers; $COAP_PEER is which. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/interop/peer.h"

struct fixture {
	struct site site;
	struct talk talk;
	bool answered;
	int result;
};

/* With a session that has been resumed. */
static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	site_open(&f->site);
	talk_init(&f->talk, &f->site.config);
	assert_int_equal(talk_connect(&f->talk), 0);
	assert_int_equal(talk_get(&f->talk, "hello"), 0);
	assert_int_equal(session_suspend(f->talk.session, 0, NULL), 0);
	assert_int_equal(session_resume(f->talk.session), 0);
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

static struct session_stats stats(const struct fixture *f)
{
	struct session_stats ret;

	session_get_stats(f->talk.session, &ret);
	return ret;
}

static uint64_t handshakes(const struct fixture *f)
{
	return stats(f).handshakes_full + stats(f).handshakes_abbreviated;
}

static void on_reply(struct session *s, int r, const struct reply *reply, void *userdata)
{
	struct fixture *f = userdata;

	(void)s;
	(void)reply;
	f->answered = true;
	f->result = r;
}

/* A request, and the loop until it has been sent twice: from then on there is a spare. */
static void ask_until_doubtful(struct fixture *f)
{
	const struct request get = {.code = 1, .path = "hello", .content_format = -1, .accept = -1};

	assert_int_equal(session_request(f->talk.session, &get, on_reply, f, NULL), 0);
	while (stats(f).retransmissions == 0)
		assert_true(sd_event_run(f->talk.event, 20000000) > 0);
	assert_false(f->answered);
}

static void pause_peer(struct fixture *f)
{
	assert_int_equal(kill(f->site.peer.pid, SIGSTOP), 0);
	assert_int_equal(waitpid(f->site.peer.pid, NULL, WUNTRACED), f->site.peer.pid);
}

static void
a_lost_session_is_replaced_by_a_handshake_that_is_done_when_it_is_asked_for(void **state)
{
	struct fixture *f = *state;
	uint64_t sent, before = handshakes(f);

	peer_stop(&f->site.peer, SIGKILL);
	peer_restart(&f->site.peer);
	ask_until_doubtful(f);
	talk_until(&f->talk, &f->answered);
	assert_int_equal(f->result, SESSION_E_LOST);
	assert_int_equal(session_get_state(f->talk.session), SESSION_CLOSED);
	sent = stats(f).datagrams_tx;
	assert_int_equal(talk_connect(&f->talk), 0);
	assert_int_equal(handshakes(f), before + 1);
	/* What was sent now is what the spare had sent: two hellos and the keys. */
	assert_true(stats(f).datagrams_tx <= sent + 4);
	assert_int_equal(talk_get(&f->talk, "hello"), 0);
	assert_int_equal(session_suspend(f->talk.session, 0, NULL), 0);
	assert_int_equal(session_resume(f->talk.session), 0);
	assert_int_equal(talk_get(&f->talk, "hello"), 0);
}

static void a_session_that_answers_late_goes_on_and_the_handshake_is_dropped(void **state)
{
	struct fixture *f = *state;
	uint64_t before = handshakes(f);

	pause_peer(f);
	ask_until_doubtful(f);
	/* It finds the old session's request first. */
	assert_int_equal(kill(f->site.peer.pid, SIGCONT), 0);
	talk_until(&f->talk, &f->answered);
	assert_int_equal(f->result, 0);
	assert_int_equal(session_get_state(f->talk.session), SESSION_OPEN);
	assert_int_equal(handshakes(f), before);
	assert_int_equal(talk_get(&f->talk, "hello"), 0);
	assert_int_equal(session_suspend(f->talk.session, 0, NULL), 0);
	assert_int_equal(session_resume(f->talk.session), 0);
	assert_int_equal(talk_get(&f->talk, "hello"), 0);
}

static void a_server_that_stays_silent_ends_both(void **state)
{
	struct fixture *f = *state;

	pause_peer(f);
	ask_until_doubtful(f);
	talk_until(&f->talk, &f->answered);
	assert_int_equal(f->result, SESSION_E_LOST);
	assert_int_equal(session_get_state(f->talk.session), SESSION_CLOSED);
	/* The connect that follows is a new one, which lasts until the server is back. */
	assert_int_equal(kill(f->site.peer.pid, SIGCONT), 0);
	assert_int_equal(talk_connect(&f->talk), 0);
	assert_int_equal(talk_get(&f->talk, "hello"), 0);
}

static void closing_ends_both(void **state)
{
	struct fixture *f = *state;

	pause_peer(f);
	ask_until_doubtful(f);
	session_close(f->talk.session);
	assert_true(f->answered);
	assert_int_equal(f->result, SESSION_E_CANCELLED);
	assert_int_equal(kill(f->site.peer.pid, SIGCONT), 0);
	assert_int_equal(talk_connect(&f->talk), 0);
	assert_int_equal(talk_get(&f->talk, "hello"), 0);
}

static void a_cancelled_request_leaves_a_session_that_works_either_way(void **state)
{
	const struct request get = {.code = 1, .path = "hello", .content_format = -1, .accept = -1};
	struct session_request *request = NULL;
	struct fixture *f = *state;

	pause_peer(f);
	assert_int_equal(session_request(f->talk.session, &get, on_reply, f, &request), 0);
	while (stats(f).retransmissions == 0)
		assert_true(sd_event_run(f->talk.event, 20000000) > 0);
	session_cancel(request);
	assert_int_equal(kill(f->site.peer.pid, SIGCONT), 0);
	if (talk_get(&f->talk, "hello") != 0)
		assert_int_equal(talk_connect(&f->talk), 0);
	assert_int_equal(talk_get(&f->talk, "hello"), 0);
	assert_false(f->answered);
}

static void on_reply_free(struct session *s, int r, const struct reply *reply, void *userdata)
{
	struct fixture *f = userdata;

	(void)reply;
	f->answered = true;
	f->result = r;
	f->talk.session = session_free(s);
}

static void the_callback_that_is_told_of_the_loss_may_free_it_all(void **state)
{
	const struct request get = {.code = 1, .path = "hello", .content_format = -1, .accept = -1};
	struct fixture *f = *state;

	peer_stop(&f->site.peer, SIGKILL);
	peer_restart(&f->site.peer);
	assert_int_equal(session_request(f->talk.session, &get, on_reply_free, f, NULL), 0);
	talk_until(&f->talk, &f->answered);
	assert_int_equal(f->result, SESSION_E_LOST);
}

int main(void)
{
#define STORY(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		STORY(a_lost_session_is_replaced_by_a_handshake_that_is_done_when_it_is_asked_for),
		STORY(a_session_that_answers_late_goes_on_and_the_handshake_is_dropped),
		STORY(a_server_that_stays_silent_ends_both),
		STORY(closing_ends_both),
		STORY(a_cancelled_request_leaves_a_session_that_works_either_way),
		STORY(the_callback_that_is_told_of_the_loss_may_free_it_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
