/* SPDX-License-Identifier: Apache-2.0 */
/* Who is let in, with a bus and a polkit that answer when the test says so. That the real ones say
 * what they say here is tried in tests/lab/test_privileges.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/permit.h"
#include "base/log.h"
#include "tests/unit/buspair.h"

#define CALLS_MAX 300
#define ROOT 0U
#define SOMEBODY 1000U

enum verdict { NOT_YET, YES, NO, AFTER_A_PASSWORD, FAILS, NONSENSE };

/* What a caller heard. */
struct heard {
	unsigned int n;
	char error[64]; /* empty: it was done */
};

struct fixture {
	sd_event *event;
	sd_bus *ours, *theirs; /* where the method is; where its callers are, the bus and polkit */
	struct permit *permit;
	const struct permit_action *action;
	unsigned int done;

	uint32_t uid, group; /* of who calls, as the bus has it */
	bool is_gone;        /* so the bus knows nobody of that name */
	enum verdict verdict;
	unsigned int asked; /* polkit */
	bool may_interact;
	char action_id[64];
	sd_bus_message *waiting[CALLS_MAX]; /* questions that polkit has not answered */
	size_t n_waiting;
};

static int fn(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct fixture *f = userdata;

	(void)error;
	f->done++;
	return sd_bus_reply_method_return(m, NULL);
}

static int on_method(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct fixture *f = userdata;

	if (!sd_bus_message_is_method_call(m, "org.onboardd.Test1", "Act"))
		return 0;
	return permit_then(f->permit, f->action, m, fn, f, error);
}

static int say_who(struct fixture *f, sd_bus_message *m)
{
	if (f->is_gone)
		return sd_bus_reply_method_errorf(m, SD_BUS_ERROR_NAME_HAS_NO_OWNER,
						  "no such name");
	return sd_bus_reply_method_return(m, "a{sv}", 3, "ProcessID", "u", 7U, "UnixUserID", "u",
					  f->uid, "UnixGroupIDs", "au", 1, f->group);
}

static int say_verdict(sd_bus_message *m, enum verdict verdict)
{
	if (verdict == FAILS)
		return sd_bus_reply_method_errorf(m, SD_BUS_ERROR_SERVICE_UNKNOWN,
						  "no polkit here");
	if (verdict == NONSENSE)
		return sd_bus_reply_method_return(m, "s", "yes");
	return sd_bus_reply_method_return(m, "(bba{ss})", verdict == YES,
					  verdict == AFTER_A_PASSWORD, 0);
}

static int on_question(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct fixture *f = userdata;
	const char *kind, *key, *name, *id;
	uint32_t flags;

	(void)error;
	if (sd_bus_message_is_method_call(m, NULL, "GetConnectionCredentials"))
		return say_who(f, m);
	if (!sd_bus_message_is_method_call(m, NULL, "CheckAuthorization"))
		return 0;
	f->asked++;
	assert_true(sd_bus_message_read(m, "(sa{sv})sa{ss}us", &kind, 1, &key, "s", &name, &id, 0,
					&flags, NULL) >= 0);
	assert_string_equal(kind, "system-bus-name");
	assert_string_equal(name, ":1.7");
	f->may_interact = flags & 1;
	snprintf(f->action_id, sizeof(f->action_id), "%s", id);
	if (f->verdict != NOT_YET)
		return say_verdict(m, f->verdict);
	assert_true(f->n_waiting < CALLS_MAX);
	f->waiting[f->n_waiting++] = sd_bus_message_ref(m);
	return 1;
}

static void turn(struct fixture *f)
{
	int a, b;

	do {
		a = sd_bus_process(f->ours, NULL);
		b = sd_bus_process(f->theirs, NULL);
		assert_true(a >= 0 && b >= 0);
	} while (a > 0 || b > 0);
}

static void polkit_says(struct fixture *f, enum verdict verdict)
{
	for (size_t i = 0; i < f->n_waiting; i++) {
		assert_true(say_verdict(f->waiting[i], verdict) >= 0);
		sd_bus_message_unref(f->waiting[i]);
	}
	f->n_waiting = 0;
	turn(f);
}

static int on_answer(sd_bus_message *m, void *userdata, sd_bus_error *ignored)
{
	struct heard *heard = userdata;
	const sd_bus_error *error = sd_bus_message_get_error(m);

	(void)ignored;
	heard->n++;
	snprintf(heard->error, sizeof(heard->error), "%s", error ? error->name : "");
	return 1;
}

static void call_by(struct fixture *f, uint32_t uid, struct heard *ret)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;

	*ret = (struct heard){0};
	f->uid = uid;
	assert_true(sd_bus_message_new_method_call(f->theirs, &m, NULL, "/", "org.onboardd.Test1",
						   "Act") >= 0);
	assert_true(sd_bus_message_set_sender(m, ":1.7") >= 0);
	assert_true(sd_bus_message_set_allow_interactive_authorization(m, 1) >= 0);
	assert_true(sd_bus_call_async(f->theirs, NULL, m, on_answer, ret, UINT64_MAX) >= 0);
	turn(f);
}

static void assert_done(const struct heard *heard)
{
	assert_int_equal(heard->n, 1);
	assert_string_equal(heard->error, "");
}

static void assert_refused(const struct heard *heard, const char *error)
{
	assert_int_equal(heard->n, 1);
	assert_string_equal(heard->error, error);
}

static int setup(void **state)
{
	static struct fixture f;

	f = (struct fixture){
		.action = &permit_provision, .group = (uint32_t)getegid() + 1, .verdict = NO};
	log_set_level(LOG_LEVEL_ERROR);
	assert_true(sd_event_new(&f.event) >= 0);
	buspair_open(f.event, on_question, &f, &f.theirs, &f.ours);
	assert_true(sd_bus_add_filter(f.ours, NULL, on_method, &f) >= 0);
	assert_int_equal(permit_new(f.ours, &f.permit), 0);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < f->n_waiting; i++)
		sd_bus_message_unref(f->waiting[i]);
	f->permit = permit_free(f->permit);
	sd_bus_close_unref(f->ours);
	sd_bus_close_unref(f->theirs);
	sd_event_unref(f->event);
	return 0;
}

static void root_is_let_in_and_polkit_is_not_asked(void **state)
{
	struct fixture *f = *state;
	struct heard heard;

	f->action = &permit_reset;
	call_by(f, ROOT, &heard);
	assert_done(&heard);
	assert_int_equal(f->asked, 0);
}

static void a_member_of_our_group_is_let_in_but_not_to_a_reset(void **state)
{
	struct fixture *f = *state;
	struct heard heard;

	f->group = (uint32_t)getegid();
	call_by(f, SOMEBODY, &heard);
	assert_done(&heard);
	assert_int_equal(f->asked, 0);
	f->action = &permit_reset;
	call_by(f, SOMEBODY, &heard);
	assert_refused(&heard, SD_BUS_ERROR_ACCESS_DENIED);
	assert_int_equal(f->asked, 1);
}

static void anybody_else_is_what_polkit_says(void **state)
{
	struct fixture *f = *state;
	struct heard heard;

	f->verdict = YES;
	call_by(f, SOMEBODY, &heard);
	assert_done(&heard);
	assert_string_equal(f->action_id, "org.onboardd.provision");
	assert_true(f->may_interact);
	f->verdict = NO;
	call_by(f, SOMEBODY, &heard);
	assert_refused(&heard, SD_BUS_ERROR_ACCESS_DENIED);
	f->verdict = AFTER_A_PASSWORD;
	call_by(f, SOMEBODY, &heard);
	assert_refused(&heard, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED);
	assert_int_equal(f->done, 1);
}

static void without_polkit_or_with_nonsense_of_it_nobody_else_is_let_in(void **state)
{
	struct fixture *f = *state;
	struct heard heard;

	f->verdict = FAILS;
	call_by(f, SOMEBODY, &heard);
	assert_refused(&heard, SD_BUS_ERROR_ACCESS_DENIED);
	f->verdict = NONSENSE;
	call_by(f, SOMEBODY, &heard);
	assert_refused(&heard, SD_BUS_ERROR_ACCESS_DENIED);
	assert_int_equal(f->done, 0);
}

static void a_caller_that_left_the_bus_gets_nothing_done(void **state)
{
	struct fixture *f = *state;
	struct heard heard;

	f->is_gone = true;
	call_by(f, ROOT, &heard);
	assert_refused(&heard, SD_BUS_ERROR_ACCESS_DENIED);
	assert_int_equal(f->done, 0);
}

static void while_polkit_asks_somebody_others_are_served(void **state)
{
	struct fixture *f = *state;
	struct heard slow, other;

	f->verdict = NOT_YET;
	call_by(f, SOMEBODY, &slow);
	assert_int_equal(slow.n, 0);
	call_by(f, ROOT, &other);
	assert_done(&other);
	polkit_says(f, YES);
	assert_done(&slow);
	assert_int_equal(f->done, 2);
}

static void who_asks_and_asks_keeps_nobody_else_out(void **state)
{
	static struct heard many[CALLS_MAX - 1];
	struct fixture *f = *state;
	struct heard root, other;
	size_t n_refused = 0;

	f->verdict = NOT_YET;
	for (size_t i = 0; i < CALLS_MAX - 1; i++)
		call_by(f, SOMEBODY, &many[i]);
	call_by(f, ROOT, &root);
	assert_done(&root);
	call_by(f, SOMEBODY + 1, &other);
	assert_int_equal(other.n, 0);
	polkit_says(f, YES);
	assert_done(&other);
	for (size_t i = 0; i < CALLS_MAX - 1; i++) {
		assert_int_equal(many[i].n, 1);
		n_refused += strcmp(many[i].error, SD_BUS_ERROR_LIMITS_EXCEEDED) == 0;
	}
	assert_true(n_refused > 0);
	assert_int_equal(f->done, CALLS_MAX - 1 - n_refused + 2);
	/* And may again. */
	f->verdict = YES;
	call_by(f, SOMEBODY, &other);
	assert_done(&other);
}

static void who_waits_when_all_ends_is_let_in_nowhere(void **state)
{
	struct fixture *f = *state;
	struct heard heard;

	f->verdict = NOT_YET;
	call_by(f, SOMEBODY, &heard);
	f->permit = permit_free(f->permit);
	polkit_says(f, YES);
	assert_int_equal(heard.n, 0);
	assert_int_equal(f->done, 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(root_is_let_in_and_polkit_is_not_asked),
		T(a_member_of_our_group_is_let_in_but_not_to_a_reset),
		T(anybody_else_is_what_polkit_says),
		T(without_polkit_or_with_nonsense_of_it_nobody_else_is_let_in),
		T(a_caller_that_left_the_bus_gets_nothing_done),
		T(while_polkit_asks_somebody_others_are_served),
		T(who_asks_and_asks_keeps_nobody_else_out),
		T(who_waits_when_all_ends_is_let_in_nowhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
