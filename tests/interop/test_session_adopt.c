/* SPDX-License-Identifier: Apache-2.0 */
/* A suspended session that outlives its process in the fd store, and dies of being used: every life
 * is a forked process, as after a crash or an upgrade of the daemon. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "session/saved.h"
#include "tests/interop/fake_store.h"
#include "tests/interop/peer.h"

#define NOTE 0x1234567890abcdefULL
#define LABEL "9f86d081884c7d65"
#define LABEL_AT 136 /* of the memfd: session/saved.c */

/* What a life ends with; not 1, which a sanitizer may use. */
enum {
	LIFE_RESUMED = 40,
	LIFE_NOT_RESUMABLE,
	LIFE_LOST,
	LIFE_WRONG,
};

struct fixture {
	struct site site;
	struct fake_store store;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	site_open(&f->site);
	fake_store_init(&f->store, f->site.dir);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	fake_store_done(&f->store);
	site_close(&f->site);
	free(f);
	return 0;
}

/* The first life: connect, ask, suspend, and be gone. */
static int live_and_suspend(struct fixture *f)
{
	struct talk t;
	int r;

	talk_init(&t, &f->site.config);
	r = talk_connect(&t);
	if (r == 0)
		r = talk_get(&t, "hello");
	if (r == 0)
		r = session_suspend(t.session, NOTE, LABEL);
	if (r == 0)
		_exit(LIFE_RESUMED); /* killed while suspended: no clean-up */
	return LIFE_WRONG;
}

/* A later life: adopt, resume, ask. */
static int adopt_and_ask(struct fixture *f)
{
	struct session_stats stats;
	struct talk t;
	int r, result = LIFE_WRONG;

	fake_store_hand_over(&f->store);
	talk_init(&t, &f->site.config);
	r = session_adopt(t.session);
	if (r == 0 && session_get_state(t.session) == SESSION_SUSPENDED &&
	    session_note(t.session) == NOTE && strcmp(session_label(t.session), LABEL) == 0 &&
	    session_suite(t.session)[0])
		r = session_resume(t.session);
	if (r == SESSION_E_NOT_RESUMABLE && session_get_state(t.session) == SESSION_CLOSED)
		result = LIFE_NOT_RESUMABLE;
	if (r == 0) {
		r = talk_get(&t, "calls");
		session_get_stats(t.session, &stats);
		if (r == SESSION_E_LOST)
			result = LIFE_LOST;
		if (r == 0 && stats.handshakes_full == 0 && stats.handshakes_abbreviated == 0 &&
		    t.body_len > 0 && memcmp(t.body, "calls=1 suspends=1", 18) == 0)
			result = LIFE_RESUMED;
	}
	talk_done(&t);
	return result;
}

/* Dies after the mark and before the load. */
static int mark_and_die(struct fixture *f)
{
	const uint8_t consumed = 0x5a;

	if (pwrite(fake_store_find(&f->store, "test-saved"), &consumed, 1, 5) != 1)
		return LIFE_WRONG;
	return LIFE_NOT_RESUMABLE;
}

/* Dies after the load and before the first request. */
static int load_and_die(struct fixture *f)
{
	struct talk t;

	fake_store_hand_over(&f->store);
	talk_init(&t, &f->site.config);
	if (session_adopt(t.session) == 0 && session_resume(t.session) == 0)
		_exit(LIFE_RESUMED);
	return LIFE_WRONG;
}

/* Whatever is behind it, it is not read. */
static int write_as_version_1(struct fixture *f)
{
	const uint8_t version = 1;

	if (pwrite(fake_store_find(&f->store, "test-saved"), &version, 1, 4) != 1)
		return LIFE_WRONG;
	return LIFE_NOT_RESUMABLE;
}

/* The first character of its label: one that would end a line of a log. */
static int write_into_the_label(struct fixture *f)
{
	if (pwrite(fake_store_find(&f->store, "test-saved"), "\n", 1, LABEL_AT) != 1)
		return LIFE_WRONG;
	return LIFE_NOT_RESUMABLE;
}

static int live(struct fixture *f, int (*life)(struct fixture *))
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(life(f));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void suspend(struct fixture *f)
{
	assert_int_equal(live(f, live_and_suspend), LIFE_RESUMED);
	fake_store_read(&f->store);
	assert_int_equal(f->store.n, 2);
	assert_true(fake_store_find(&f->store, "test-socket") >= 0);
	assert_true(fake_store_find(&f->store, "test-saved") >= 0);
}

static void a_daemon_killed_while_suspended_resumes_without_a_handshake(void **state)
{
	struct fixture *f = *state;

	suspend(f);
	assert_int_equal(live(f, adopt_and_ask), LIFE_RESUMED);
	fake_store_read(&f->store);
	assert_int_equal(f->store.n, 0);
}

/* The store still holds both, as when FDSTOREREMOVE never arrived. */
static void a_session_that_was_loaded_is_not_loaded_again(void **state)
{
	struct fixture *f = *state;

	suspend(f);
	assert_int_equal(live(f, adopt_and_ask), LIFE_RESUMED);
	assert_int_equal(live(f, adopt_and_ask), LIFE_NOT_RESUMABLE);
	assert_int_equal(live(f, adopt_and_ask), LIFE_NOT_RESUMABLE);
}

static void a_death_between_mark_and_load_leaves_it_unusable(void **state)
{
	struct fixture *f = *state;

	suspend(f);
	assert_int_equal(live(f, mark_and_die), LIFE_NOT_RESUMABLE);
	assert_int_equal(live(f, adopt_and_ask), LIFE_NOT_RESUMABLE);
}

static void a_death_between_load_and_use_leaves_it_unusable(void **state)
{
	struct fixture *f = *state;

	suspend(f);
	assert_int_equal(live(f, load_and_die), LIFE_RESUMED);
	assert_int_equal(live(f, adopt_and_ask), LIFE_NOT_RESUMABLE);
}

static void a_session_with_another_server_name_or_ca_is_not_adopted(void **state)
{
	struct fixture *f = *state;
	struct pki *other = pki_new("Test root");
	struct session_config config = f->site.config;

	suspend(f);
	f->site.config.server = "other.test.example";
	assert_int_equal(live(f, adopt_and_ask), LIFE_NOT_RESUMABLE);
	f->site.config = config;
	suspend(f);
	f->site.config.ca_pem = pki_root_pem(other);
	assert_int_equal(live(f, adopt_and_ask), LIFE_NOT_RESUMABLE);
	pki_free(other);
	/* The refusals took it out of the store. */
	fake_store_read(&f->store);
	assert_int_equal(f->store.n, 0);
}

/* Whoever authenticated on it was somebody else. */
static void a_session_of_another_device_is_not_adopted(void **state)
{
	struct fixture *f = *state;

	f->site.config.owner = "50363154-3931-44f0-8022-121b6401627d";
	suspend(f);
	assert_int_equal(live(f, adopt_and_ask), LIFE_RESUMED);
	suspend(f);
	f->site.config.owner = "b8f1c1f0-7f5e-4b0e-9a54-0d8b7f9d3c11";
	assert_int_equal(live(f, adopt_and_ask), LIFE_NOT_RESUMABLE);
}

static void a_goodbye_before_the_next_life_is_noticed(void **state)
{
	struct fixture *f = *state;

	suspend(f);
	peer_stop(&f->site.peer, SIGTERM);
	peer_restart(&f->site.peer);
	assert_int_equal(live(f, adopt_and_ask), LIFE_NOT_RESUMABLE);
}

static void a_server_restarted_silently_before_the_next_life_is_noticed(void **state)
{
	struct fixture *f = *state;

	suspend(f);
	peer_stop(&f->site.peer, SIGKILL);
	peer_restart(&f->site.peer);
	assert_int_equal(live(f, adopt_and_ask), LIFE_LOST);
}

static void a_session_of_another_version_or_with_a_forged_label_is_not_adopted(void **state)
{
	struct fixture *f = *state;

	suspend(f);
	assert_int_equal(live(f, write_as_version_1), LIFE_NOT_RESUMABLE);
	assert_int_equal(live(f, adopt_and_ask), LIFE_NOT_RESUMABLE);
	fake_store_read(&f->store);
	assert_int_equal(f->store.n, 0);
	suspend(f);
	assert_int_equal(live(f, write_into_the_label), LIFE_NOT_RESUMABLE);
	assert_int_equal(live(f, adopt_and_ask), LIFE_NOT_RESUMABLE);
	fake_store_read(&f->store);
	assert_int_equal(f->store.n, 0);
}

static void an_empty_store_or_half_a_session_is_not_adopted(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(live(f, adopt_and_ask), LIFE_NOT_RESUMABLE);
	suspend(f);
	snprintf(f->store.kept[0].name, sizeof(f->store.kept[0].name), "test-other");
	assert_int_equal(live(f, adopt_and_ask), LIFE_NOT_RESUMABLE);
}

/* Neither descriptor is what its name says. */
static void descriptors_under_each_others_names_are_refused(void **state)
{
	struct fixture *f = *state;
	int fd;

	suspend(f);
	fd = f->store.kept[0].fd;
	f->store.kept[0].fd = f->store.kept[1].fd;
	f->store.kept[1].fd = fd;
	assert_int_equal(live(f, adopt_and_ask), LIFE_NOT_RESUMABLE);
}

int main(void)
{
#define STORY(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		STORY(a_daemon_killed_while_suspended_resumes_without_a_handshake),
		STORY(a_session_that_was_loaded_is_not_loaded_again),
		STORY(a_death_between_mark_and_load_leaves_it_unusable),
		STORY(a_death_between_load_and_use_leaves_it_unusable),
		STORY(a_session_with_another_server_name_or_ca_is_not_adopted),
		STORY(a_session_of_another_device_is_not_adopted),
		STORY(a_goodbye_before_the_next_life_is_noticed),
		STORY(a_server_restarted_silently_before_the_next_life_is_noticed),
		STORY(a_session_of_another_version_or_with_a_forged_label_is_not_adopted),
		STORY(an_empty_store_or_half_a_session_is_not_adopted),
		STORY(descriptors_under_each_others_names_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
