/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/config_exports.h"
#include "agent/exports.h"
#include "base/clock.h"
#include "base/log.h"
#include "credstore/key.h"
#include "credstore/staged.h"
#include "tests/unit/credstore/scratch.h"

#define CLOUD_TAG 42
#define OTHER_TAG 43
#define LIMIT_MS 20000

struct world {
	struct scratch *scratch;
	sd_event *event;
	struct store *store;
	struct config config;
	struct config_export section;
	struct exports *exports;
	char directory[160], log[160], command[512];
	char *words[4];
	char steps[2048];
	unsigned int n_settled;
};

static void on_step(void *userdata, bool failed, const char *text)
{
	struct world *w = userdata;
	size_t len = strlen(w->steps);

	snprintf(w->steps + len, sizeof(w->steps) - len, "%s%s\n", failed ? "failed: " : "", text);
}

static void on_settled(void *userdata)
{
	struct world *w = userdata;

	w->n_settled++;
}

static void put(struct world *w, uint32_t tag, const char *psk)
{
	uint8_t digest[32];

	assert_int_equal(sha256(psk, strlen(psk), digest), 0);
	assert_int_equal(
		store_credential_put(w->store, tag, CREDENTIAL_PSK, psk, strlen(psk), digest), 0);
}

static void start(struct world *w)
{
	const struct exports_events events = {
		.step = on_step, .settled = on_settled, .userdata = w};

	w->exports = exports_free(w->exports);
	assert_int_equal(exports_new(w->event, &w->config, w->store, &events, &w->exports), 0);
}

/* A script by way of the shell that the hook itself does without. */
static void hook(struct world *w, const char *script)
{
	snprintf(w->command, sizeof(w->command), "%s", script);
	w->words[0] = (char *)"/bin/sh";
	w->words[1] = (char *)"-c";
	w->words[2] = w->command;
	w->section.hook_command = w->words;
}

static void hook_that_counts(struct world *w)
{
	char script[384];

	snprintf(script, sizeof(script), "echo $ONBOARD_EXPORT >>%s", w->log);
	hook(w, script);
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	log_set_level(LOG_LEVEL_ERROR);
	scratch_setup((void **)&w->scratch);
	w->store = scratch_open(w->scratch);
	assert_true(sd_event_new(&w->event) >= 0);
	snprintf(w->directory, sizeof(w->directory), "%s/app", w->scratch->dir);
	snprintf(w->log, sizeof(w->log), "%s/log", w->scratch->dir);
	w->section = (struct config_export){
		.spec = {.name = (char *)"app",
			 .tag = CLOUD_TAG,
			 .directory = w->directory,
			 .uri_file = (char *)"pkcs11.env",
			 .owner = EXPORT_OWNER_ANY,
			 .group = EXPORT_GROUP_ANY,
			 .mode = 0640,
			 .directory_mode = 0750},
		.hook_timeout_ms = 10000,
	};
	w->section.spec.files[EXPORT_ROLE_PSK] = (char *)"psk";
	w->config = (struct config){.cloud_tag = CLOUD_TAG, .exports = &w->section, .n_exports = 1};
	start(w);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	exports_free(w->exports);
	sd_event_unref(w->event);
	store_close(w->store);
	scratch_teardown((void **)&w->scratch);
	free(w);
	return 0;
}

static struct export_status status_of(struct world *w)
{
	size_t n = 0;
	const struct export_status *s = exports_get_status(w->exports, &n);

	assert_int_equal(n, 1);
	return *s;
}

/* Until no hook runs. */
static void update(struct world *w)
{
	uint64_t limit = clock_ms() + LIMIT_MS;

	exports_update(w->exports);
	while (exports_are_busy(w->exports)) {
		assert_true(clock_ms() < limit);
		assert_true(sd_event_run(w->event, 1000000) >= 0);
	}
}

static char *read_text(const char *path)
{
	_cleanup_(secret_done) struct secret s = SECRET_INIT;

	if (file_read(path, 65536, &s) < 0)
		return strdup("");
	return strndup((char *)s.data, s.len);
}

/* The directory holds this PSK; NULL: it is not there. */
static void shows(struct world *w, const char *psk)
{
	_cleanup_(freep) char *text = NULL;
	char path[200];

	snprintf(path, sizeof(path), "%s/psk", w->directory);
	text = read_text(path);
	text[strcspn(text, "\n")] = '\0';
	assert_string_equal(text, psk ? psk : "");
}

static void is(struct world *w, const char *state, const char *error)
{
	struct export_status s = status_of(w);

	assert_string_equal(s.state, state);
	if (!strstr(s.error, error))
		fail_msg("\"%s\" does not say \"%s\"", s.error, error);
}

static size_t lines_in_log(struct world *w)
{
	_cleanup_(freep) char *text = read_text(w->log);
	size_t n = 0;

	for (const char *c = text; *c; c++)
		n += *c == '\n';
	return n;
}

/* ---- when */

static void what_the_store_holds_is_exported(void **state)
{
	struct world *w = *state;
	_cleanup_(freep) char *value = NULL;

	put(w, CLOUD_TAG, "aa");
	update(w);
	shows(w, "aa");
	is(w, "exported", "");
	assert_non_null(strstr(w->steps, "app: 1 files changed together in"));
	assert_int_equal(store_value_get(w->store, "export/app", &value), 0);
	assert_int_equal(strlen(value), 64);
}

static void a_tag_that_holds_nothing_is_waited_for(void **state)
{
	struct world *w = *state;

	update(w);
	shows(w, NULL);
	is(w, "waiting", "tag 42 holds no pre-shared key yet");
	assert_string_equal(w->steps, "");
}

static void first_credentials_wait_for_their_validation(void **state)
{
	struct world *w = *state;

	assert_int_equal(staged_keep(w->store, CLOUD_TAG), 0);
	put(w, CLOUD_TAG, "aa");
	update(w);
	shows(w, NULL);
	is(w, "waiting", "have not proved themselves");
	assert_int_equal(staged_promote(w->store, CLOUD_TAG, NULL), 0);
	update(w);
	shows(w, "aa");
}

static void new_credentials_wait_for_theirs_behind_the_old_ones(void **state)
{
	struct world *w = *state;

	put(w, CLOUD_TAG, "aa");
	update(w);
	assert_int_equal(staged_keep(w->store, CLOUD_TAG), 0);
	put(w, CLOUD_TAG, "bb");
	update(w);
	shows(w, "aa");
	is(w, "exported", "");
	assert_int_equal(staged_promote(w->store, CLOUD_TAG, NULL), 0);
	update(w);
	shows(w, "bb");
}

static void the_old_ones_are_there_after_a_boot_in_between(void **state)
{
	struct world *w = *state;

	put(w, CLOUD_TAG, "aa");
	assert_int_equal(staged_keep(w->store, CLOUD_TAG), 0);
	put(w, CLOUD_TAG, "bb");
	start(w);
	update(w);
	shows(w, "aa");
}

static void after_a_roll_back_nothing_has_changed(void **state)
{
	struct world *w = *state;

	hook_that_counts(w);
	put(w, CLOUD_TAG, "aa");
	update(w);
	assert_int_equal(staged_keep(w->store, CLOUD_TAG), 0);
	put(w, CLOUD_TAG, "bb");
	update(w);
	assert_int_equal(staged_roll_back(w->store, CLOUD_TAG, "refused"), 0);
	update(w);
	shows(w, "aa");
	assert_int_equal(lines_in_log(w), 1);
}

static void journal(struct world *w, struct response *r)
{
	r->code = RESPONSE_AT;
	strcpy(r->correlation, "c");
	r->message = strdup("OK");
	assert_int_equal(journal_add(w->store, r), 0);
}

static void another_tag_waits_for_the_acknowledgement(void **state)
{
	struct world *w = *state;
	struct response r = {0};

	w->section.spec.tag = OTHER_TAG;
	put(w, OTHER_TAG, "aa");
	journal(w, &r);
	update(w);
	shows(w, NULL);
	is(w, "waiting", "not acknowledged");
	assert_int_equal(journal_forget(w->store, &r, 1), 0);
	update(w);
	shows(w, "aa");
	response_done(&r);
}

static void what_was_exported_before_is_restored_without_waiting(void **state)
{
	struct world *w = *state;
	struct response r = {0};
	char path[200];

	w->section.spec.tag = OTHER_TAG;
	put(w, OTHER_TAG, "aa");
	update(w);
	journal(w, &r);
	snprintf(path, sizeof(path), "%s/psk", w->directory);
	assert_int_equal(unlink(path), 0);
	start(w);
	update(w);
	shows(w, "aa");
	response_done(&r);
}

static void what_is_in_the_way_is_told_and_tried_again(void **state)
{
	struct world *w = *state;

	put(w, CLOUD_TAG, "aa");
	scratch_write(w->directory, "mine", 4);
	update(w);
	is(w, "failed", "is no directory");
	update(w);
	assert_int_equal(unlink(w->directory), 0);
	update(w);
	is(w, "exported", "");
	shows(w, "aa");
	assert_non_null(strstr(w->steps, "failed: app: "));
	/* Told once. */
	assert_null(strstr(strstr(w->steps, "is no directory") + 1, "is no directory"));
}

/* ---- hooks */

static void the_hook_runs_once_a_change(void **state)
{
	struct world *w = *state;

	hook_that_counts(w);
	put(w, CLOUD_TAG, "aa");
	update(w);
	update(w);
	start(w);
	update(w);
	assert_int_equal(lines_in_log(w), 1);
	is(w, "exported", "");
	put(w, CLOUD_TAG, "bb");
	update(w);
	assert_int_equal(lines_in_log(w), 2);
	assert_int_equal(w->n_settled, 2);
	assert_non_null(strstr(w->steps, "app: hook done"));
}

static void a_restored_file_is_told_to_the_hook_too(void **state)
{
	struct world *w = *state;
	char path[200];

	hook_that_counts(w);
	put(w, CLOUD_TAG, "aa");
	update(w);
	snprintf(path, sizeof(path), "%s/psk", w->directory);
	assert_int_equal(unlink(path), 0);
	update(w);
	shows(w, "aa");
	assert_int_equal(lines_in_log(w), 2);
}

static void the_hook_sees_two_names_and_a_path(void **state)
{
	struct world *w = *state;
	_cleanup_(freep) char *text = NULL;
	char script[384], expected[512];

	setenv("ONBOARD_TEST_NOT_FOR_HOOKS", "x", 1);
	snprintf(script, sizeof(script), "tr '\\0' '\\n' </proc/$$/environ >%s", w->log);
	hook(w, script);
	put(w, CLOUD_TAG, "aa");
	update(w);
	unsetenv("ONBOARD_TEST_NOT_FOR_HOOKS");
	is(w, "exported", "");
	text = read_text(w->log);
	snprintf(expected, sizeof(expected),
		 "PATH=/usr/sbin:/usr/bin:/sbin:/bin\nONBOARD_EXPORT=app\n"
		 "ONBOARD_EXPORT_DIRECTORY=%s\n",
		 w->directory);
	assert_string_equal(text, expected);
}

static void a_hook_that_fails_is_told_and_runs_again(void **state)
{
	struct world *w = *state;

	hook(w, "echo 'no such broker' >&2; echo more >&2; exit 3");
	put(w, CLOUD_TAG, "aa");
	update(w);
	shows(w, "aa");
	is(w, "hook-failed", "/bin/sh: exit status 3: no such broker");
	assert_null(strstr(status_of(w).error, "more"));
	hook_that_counts(w);
	update(w);
	is(w, "exported", "");
	assert_int_equal(lines_in_log(w), 1);
}

static void a_hook_that_cannot_be_run_is_told(void **state)
{
	struct world *w = *state;

	hook(w, "");
	w->words[0] = (char *)"/nonexistent";
	put(w, CLOUD_TAG, "aa");
	update(w);
	is(w, "hook-failed", "/nonexistent: No such file or directory");
}

static void a_hook_that_dies_is_told(void **state)
{
	struct world *w = *state;

	hook(w, "kill -9 $$");
	put(w, CLOUD_TAG, "aa");
	update(w);
	is(w, "hook-failed", "ended by signal 9");
}

static void a_hook_that_hangs_is_killed_with_its_children(void **state)
{
	struct world *w = *state;
	char script[384];
	int fd;

	w->section.hook_timeout_ms = 500;
	snprintf(script, sizeof(script), "mkfifo %s; sleep 1000 >%s & wait", w->log, w->log);
	hook(w, script);
	put(w, CLOUD_TAG, "aa");
	exports_update(w->exports);
	while ((fd = open(w->log, O_RDONLY | O_CLOEXEC)) < 0)
		assert_int_equal(errno, ENOENT);
	update(w);
	is(w, "hook-failed", "took too long, and was killed");
	/* The end of the FIFO: its last writer is dead. */
	assert_int_equal(read(fd, script, 1), 0);
	close(fd);
}

/* It writes faster than it is read: the loop must turn all the same. */
static void a_hook_that_never_stops_talking_is_killed(void **state)
{
	struct world *w = *state;

	w->section.hook_timeout_ms = 500;
	hook(w, "yes >&2 & yes >&2 & yes >&2 & exec yes >&2");
	put(w, CLOUD_TAG, "aa");
	update(w);
	is(w, "hook-failed", "took too long, and was killed");
}

static void a_hook_that_says_a_lot_is_not_stopped_by_it(void **state)
{
	struct world *w = *state;

	hook(w, "yes | head -c 300000 >&2");
	put(w, CLOUD_TAG, "aa");
	update(w);
	is(w, "exported", "");
}

static void a_hook_that_was_cut_off_runs_in_the_next_life(void **state)
{
	struct world *w = *state;

	hook(w, "sleep 1000");
	put(w, CLOUD_TAG, "aa");
	exports_update(w->exports);
	is(w, "hook-running", "");
	shows(w, "aa");
	hook_that_counts(w);
	start(w);
	update(w);
	is(w, "exported", "");
	assert_int_equal(lines_in_log(w), 1);
}

static void a_change_while_the_hook_runs_is_told_to_another_run(void **state)
{
	struct world *w = *state;

	hook_that_counts(w);
	put(w, CLOUD_TAG, "aa");
	exports_update(w->exports);
	put(w, CLOUD_TAG, "bb");
	exports_update(w->exports);
	shows(w, "aa");
	update(w);
	shows(w, "bb");
	assert_int_equal(lines_in_log(w), 2);
	assert_int_equal(w->n_settled, 1);
}

#define EXPORTS_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static void put_key(struct world *w, const char *uri)
{
	uint8_t digest[32];

	assert_int_equal(sha256(uri, strlen(uri), digest), 0);
	assert_int_equal(store_credential_put(w->store, OTHER_TAG, CREDENTIAL_PRIVATE_KEY, uri,
					      strlen(uri), digest),
			 0);
}

static void key_in_use_is(struct world *w, const char *uri)
{
	_cleanup_(freep) char *shown = NULL;

	assert_int_equal(exports_shown_key(w->exports, 0, &shown), uri ? 0 : -ENOENT);
	assert_string_equal(shown ? shown : "", uri ? uri : "");
}

/* Whoever clears away keys that the store no longer names must leave this one alone. */
static void a_key_in_a_token_is_in_use_until_another_is_shown(void **state)
{
	static const char *const uris[] = {"pkcs11:token=t;object=k;id=%01",
					   "pkcs11:token=t;object=k;id=%02"};
	struct response result = {
		.correlation = "id", .code = RESPONSE_AT, .message = (char *)"OK"};
	struct world *w = *state;

	w->section.spec.tag = OTHER_TAG;
	w->section.spec.files[EXPORT_ROLE_PSK] = NULL;
	w->section.spec.files[EXPORT_ROLE_KEY] = (char *)"key.pem";
	key_in_use_is(w, NULL);
	put_key(w, uris[0]);
	update(w);
	key_in_use_is(w, uris[0]);
	assert_false(exports_let_go_of_key(w->exports));
	put_key(w, uris[1]);
	assert_int_equal(journal_add(w->store, &result), 0);
	update(w);
	is(w, "waiting", "acknowledged");
	key_in_use_is(w, uris[0]);
	start(w);
	key_in_use_is(w, uris[0]);
	assert_int_equal(journal_forget(w->store, &result, 1), 0);
	update(w);
	key_in_use_is(w, uris[1]);
	assert_true(exports_let_go_of_key(w->exports));
	assert_false(exports_let_go_of_key(w->exports));
	w->section.spec.files[EXPORT_ROLE_KEY] = NULL;
	w->section.spec.files[EXPORT_ROLE_PSK] = (char *)"psk";
	put(w, OTHER_TAG, "aa");
	update(w);
	key_in_use_is(w, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		EXPORTS_TEST(what_the_store_holds_is_exported),
		EXPORTS_TEST(a_tag_that_holds_nothing_is_waited_for),
		EXPORTS_TEST(first_credentials_wait_for_their_validation),
		EXPORTS_TEST(new_credentials_wait_for_theirs_behind_the_old_ones),
		EXPORTS_TEST(the_old_ones_are_there_after_a_boot_in_between),
		EXPORTS_TEST(after_a_roll_back_nothing_has_changed),
		EXPORTS_TEST(another_tag_waits_for_the_acknowledgement),
		EXPORTS_TEST(what_was_exported_before_is_restored_without_waiting),
		EXPORTS_TEST(what_is_in_the_way_is_told_and_tried_again),
		EXPORTS_TEST(the_hook_runs_once_a_change),
		EXPORTS_TEST(a_restored_file_is_told_to_the_hook_too),
		EXPORTS_TEST(the_hook_sees_two_names_and_a_path),
		EXPORTS_TEST(a_hook_that_fails_is_told_and_runs_again),
		EXPORTS_TEST(a_hook_that_cannot_be_run_is_told),
		EXPORTS_TEST(a_hook_that_dies_is_told),
		EXPORTS_TEST(a_hook_that_hangs_is_killed_with_its_children),
		EXPORTS_TEST(a_hook_that_never_stops_talking_is_killed),
		EXPORTS_TEST(a_hook_that_says_a_lot_is_not_stopped_by_it),
		EXPORTS_TEST(a_hook_that_was_cut_off_runs_in_the_next_life),
		EXPORTS_TEST(a_key_in_a_token_is_in_use_until_another_is_shown),
		EXPORTS_TEST(a_change_while_the_hook_runs_is_told_to_another_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
