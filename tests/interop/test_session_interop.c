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
#include "base/file.h"
#include "tests/interop/peer.h"

#define NAME "coap.test.example"

struct fixture {
	char dir[64];
	struct pki *pki;
	struct peer peer;
	struct session_config config;
	struct talk talk;
};

static const char *program(void)
{
	const char *path = getenv("COAP_PEER");

	assert_non_null(path);
	return path;
}

static bool is_openssl(void)
{
	return strstr(program(), "openssl") != NULL;
}

static void start(struct fixture *f)
{
	f->config = (struct session_config){
		.name = "test",
		.server = NAME,
		.address = "127.0.0.1",
		.port = f->peer.port,
		.ca_pem = pki_root_pem(f->pki),
		.resumption = true,
	};
	talk_init(&f->talk, &f->config);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->dir, sizeof(f->dir), "/tmp/onboard-interop-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	f->pki = pki_new("Test root");
	pki_issue(f->pki, f->dir, "server", NAME, -3600, 3600);
	peer_start(&f->peer, program(), f->dir, "server");
	start(f);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	char command[128];

	talk_done(&f->talk);
	peer_stop(&f->peer, SIGKILL);
	pki_free(f->pki);
	snprintf(command, sizeof(command), "rm -r %s", f->dir);
	assert_int_equal(system(command), 0);
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
	assert_int_equal(session_suspend(f->talk.session, 77), 0);
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
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(connects_and_gets_an_answer, set_up, tear_down),
		cmocka_unit_test_setup_teardown(suspends_and_resumes_without_a_round_trip, set_up,
						tear_down),
	};

	(void)is_openssl;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
