/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/doctable.h"
#include "wifi/linkfsm.h"

static void every_move_of_the_table_is_made_and_every_other_refused(void **state)
{
	size_t legal = 0;

	(void)state;
	for (unsigned int s = 0; s < LINKFSM_N_STATES; s++)
		for (unsigned int e = 0; e < LINKFSM_N_EVENTS; e++) {
			struct linkfsm f;
			struct linkfsm_move m = {.actions = 0xdead};
			const struct linkfsm_move *want = linkfsm_find(s, e);
			int r;

			linkfsm_init(&f);
			f.state = s;
			r = linkfsm_step(&f, e, &m);
			if (want) {
				assert_int_equal(r, 0);
				assert_int_equal(f.state, want->next);
				assert_int_equal(m.next, want->next);
				assert_int_equal(m.actions, want->actions);
				legal++;
				continue;
			}
			assert_int_equal(r, LINKFSM_E_REFUSED);
			assert_int_equal(f.state, s);
			assert_int_equal(m.actions, 0xdead);
			assert_int_equal(linkfsm_step(&f, e, &m), LINKFSM_E_REFUSED_AGAIN);
		}
	assert_in_range(legal, 50, 80);
}

static void every_state_event_action_and_timer_has_a_name(void **state)
{
	(void)state;
	for (unsigned int s = 0; s < LINKFSM_N_STATES; s++) {
		assert_non_null(linkfsm_state_name(s));
		assert_string_not_equal(linkfsm_state_name(s), "unknown");
		assert_string_not_equal(linkfsm_timer_name(linkfsm_timer_of(s)), "unknown");
	}
	for (unsigned int e = 0; e < LINKFSM_N_EVENTS; e++)
		assert_non_null(linkfsm_event_name(e));
	for (uint32_t a = 1; a <= LINKFSM_DO_LAST; a <<= 1)
		assert_string_not_equal(linkfsm_action_name(a), "unknown");
	assert_string_equal(linkfsm_state_name(LINKFSM_N_STATES), "unknown");
	assert_string_equal(linkfsm_event_name(LINKFSM_N_EVENTS), "unknown");
}

static void a_state_has_a_timer_exactly_when_it_can_time_out(void **state)
{
	(void)state;
	for (unsigned int s = 0; s < LINKFSM_N_STATES; s++)
		assert_int_equal(linkfsm_timer_of(s) != LINKFSM_TIMER_NONE,
				 linkfsm_find(s, LINKFSM_EVENT_TIMEOUT) != NULL);
}

static void every_state_is_reached_from_the_first(void **state)
{
	bool reached[LINKFSM_N_STATES] = {[LINKFSM_STATE_NO_INTERFACE] = true};
	bool more = true;

	(void)state;
	while (more) {
		more = false;
		for (unsigned int s = 0; s < LINKFSM_N_STATES; s++)
			for (unsigned int e = 0; reached[s] && e < LINKFSM_N_EVENTS; e++) {
				const struct linkfsm_move *m = linkfsm_find(s, e);

				if (m && !reached[m->next])
					reached[m->next] = more = true;
			}
	}
	for (unsigned int s = 0; s < LINKFSM_N_STATES; s++)
		assert_true(reached[s]);
}

/* Choosing is left within the same call: nothing from outside can happen in it. */
static bool is_waiting(enum linkfsm_state s)
{
	return s != LINKFSM_STATE_CHOOSING;
}

static void the_interface_may_go_and_the_owner_may_forget_in_every_state(void **state)
{
	(void)state;
	for (unsigned int s = 0; s < LINKFSM_N_STATES; s++) {
		const struct linkfsm_move *gone = linkfsm_find(s, LINKFSM_EVENT_GONE);
		const struct linkfsm_move *forget = linkfsm_find(s, LINKFSM_EVENT_FORGET);

		if (!is_waiting(s))
			continue;
		assert_int_equal(gone == NULL, s == LINKFSM_STATE_NO_INTERFACE);
		if (gone)
			assert_int_equal(gone->next, LINKFSM_STATE_NO_INTERFACE);
		assert_non_null(forget);
		assert_true(forget->actions & LINKFSM_DO_DROP_TRIAL);
		assert_int_equal(forget->next, s == LINKFSM_STATE_NO_INTERFACE
						       ? LINKFSM_STATE_NO_INTERFACE
						       : LINKFSM_STATE_UNCONFIGURED);
	}
}

static void a_trial_may_begin_wherever_there_is_an_interface(void **state)
{
	(void)state;
	for (unsigned int s = 0; s < LINKFSM_N_STATES; s++) {
		const struct linkfsm_move *m = linkfsm_find(s, LINKFSM_EVENT_TRY);

		if (s == LINKFSM_STATE_NO_INTERFACE || !is_waiting(s)) {
			assert_null(m);
			continue;
		}
		assert_int_equal(m->next, LINKFSM_STATE_TRYING);
		assert_true(m->actions & LINKFSM_DO_TRY);
		/* Where a scan may run it is ended first. */
		if (linkfsm_find(s, LINKFSM_EVENT_SCAN) && s != LINKFSM_STATE_CONNECTING)
			assert_true(m->actions & LINKFSM_DO_STOP_SCAN);
	}
}

static void a_trial_is_left_by_success_failure_or_without_a_word(void **state)
{
	(void)state;
	for (unsigned int s = 0; s < LINKFSM_N_STATES; s++)
		for (unsigned int e = 0; e < LINKFSM_N_EVENTS; e++) {
			const struct linkfsm_move *m = linkfsm_find(s, e);
			uint32_t outcome;

			if (!m)
				continue;
			outcome = m->actions & (LINKFSM_DO_TELL_FAILED | LINKFSM_DO_TELL_CONNECTED);
			if (!linkfsm_is_trial(s)) {
				assert_int_equal(outcome, 0);
				continue;
			}
			if (linkfsm_is_trial(m->next)) {
				assert_int_equal(outcome, 0);
				continue;
			}
			/* Exactly one of the three. */
			outcome |= m->actions & LINKFSM_DO_DROP_TRIAL;
			assert_int_not_equal(outcome, 0);
			assert_int_equal(outcome & (outcome - 1), 0);
			assert_int_equal(e == LINKFSM_EVENT_KEPT,
					 (outcome & LINKFSM_DO_TELL_CONNECTED) != 0);
		}
}

static void a_live_link_is_never_dropped_for_a_scan(void **state)
{
	static const enum linkfsm_state live[] = {LINKFSM_STATE_OBTAINING_IP,
						  LINKFSM_STATE_CONNECTED};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(live); i++) {
		const struct linkfsm_move *m = linkfsm_find(live[i], LINKFSM_EVENT_SCAN);

		assert_int_equal(m->next, live[i]);
		assert_int_equal(m->actions, LINKFSM_DO_SCAN);
	}
	assert_null(linkfsm_find(LINKFSM_STATE_TRYING, LINKFSM_EVENT_SCAN));
	assert_null(linkfsm_find(LINKFSM_STATE_TRYING_IP, LINKFSM_EVENT_SCAN));
}

/* Whatever fails with what is kept, the same is tried again in the end. */
static void every_failure_of_what_is_kept_leads_to_a_retry(void **state)
{
	static const enum linkfsm_state states[] = {
		LINKFSM_STATE_CONNECTING, LINKFSM_STATE_OBTAINING_IP, LINKFSM_STATE_CONNECTED};
	static const enum linkfsm_event events[] = {LINKFSM_EVENT_REFUSED, LINKFSM_EVENT_FAILED,
						    LINKFSM_EVENT_LOST, LINKFSM_EVENT_TIMEOUT};

	(void)state;
	for (size_t s = 0; s < ARRAY_SIZE(states); s++)
		for (size_t e = 0; e < ARRAY_SIZE(events); e++) {
			const struct linkfsm_move *m = linkfsm_find(states[s], events[e]);

			if (m)
				assert_int_equal(m->next, LINKFSM_STATE_RETRYING);
		}
	assert_int_equal(linkfsm_find(LINKFSM_STATE_RETRYING, LINKFSM_EVENT_TIMEOUT)->next,
			 LINKFSM_STATE_CONNECTING);
}

static void write_actions(FILE *f, uint32_t actions)
{
	const char *separator = "";

	if (!actions)
		fputs("-", f);
	for (uint32_t a = 1; a <= LINKFSM_DO_LAST; a <<= 1)
		if (actions & a) {
			fprintf(f, "%s%s", separator, linkfsm_action_name(a));
			separator = ", ";
		}
}

static char *table_text(void)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	fputs("| state | timer | event | next | actions |\n|---|---|---|---|---|\n", f);
	for (unsigned int s = 0; s < LINKFSM_N_STATES; s++)
		for (unsigned int e = 0; e < LINKFSM_N_EVENTS; e++) {
			const struct linkfsm_move *m = linkfsm_find(s, e);

			if (!m)
				continue;
			fprintf(f, "| %s | %s | %s | %s | ", linkfsm_state_name(s),
				linkfsm_timer_name(linkfsm_timer_of(s)), linkfsm_event_name(e),
				linkfsm_state_name(m->next));
			write_actions(f, m->actions);
			fputs(" |\n", f);
		}
	assert_int_equal(fclose(f), 0);
	return text;
}

static void the_document_holds_the_same_table(void **state)
{
	_cleanup_(freep) char *table = table_text();

	(void)state;
	doctable_check("docs/wifi-link.md", "tests/unit/wifi/test_linkfsm.c", table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_move_of_the_table_is_made_and_every_other_refused),
		cmocka_unit_test(every_state_event_action_and_timer_has_a_name),
		cmocka_unit_test(a_state_has_a_timer_exactly_when_it_can_time_out),
		cmocka_unit_test(every_state_is_reached_from_the_first),
		cmocka_unit_test(the_interface_may_go_and_the_owner_may_forget_in_every_state),
		cmocka_unit_test(a_trial_may_begin_wherever_there_is_an_interface),
		cmocka_unit_test(a_trial_is_left_by_success_failure_or_without_a_word),
		cmocka_unit_test(a_live_link_is_never_dropped_for_a_scan),
		cmocka_unit_test(every_failure_of_what_is_kept_leads_to_a_retry),
		cmocka_unit_test(the_document_holds_the_same_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
