/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/fsm.h"
#include "tests/unit/doctable.h"

static void fsm_makes_every_move_of_the_table_and_refuses_every_other(void **state)
{
	size_t legal = 0;

	(void)state;
	for (unsigned int s = 0; s < FSM_N_STATES; s++)
		for (unsigned int e = 0; e < FSM_N_EVENTS; e++) {
			struct fsm f;
			struct fsm_move m = {.actions = 0xdead};
			const struct fsm_move *want = fsm_find(s, e);
			int r;

			fsm_init(&f);
			f.state = s;
			r = fsm_step(&f, e, &m);
			if (want) {
				assert_int_equal(r, 0);
				assert_int_equal(f.state, want->next);
				assert_int_equal(m.actions, want->actions);
				legal++;
				continue;
			}
			assert_int_equal(r, FSM_E_REFUSED);
			assert_int_equal(f.state, s);
			assert_int_equal(m.actions, 0xdead);
			assert_int_equal(fsm_step(&f, e, &m), FSM_E_REFUSED_AGAIN);
		}
	assert_in_range(legal, 80, 120);
}

static void fsm_names_every_state_event_action_and_timer(void **state)
{
	(void)state;
	for (unsigned int s = 0; s < FSM_N_STATES; s++) {
		assert_non_null(fsm_state_name(s));
		assert_string_not_equal(fsm_state_name(s), "unknown");
		assert_string_not_equal(fsm_timer_name(fsm_timer_of(s)), "unknown");
	}
	for (unsigned int e = 0; e < FSM_N_EVENTS; e++)
		assert_non_null(fsm_event_name(e));
	for (uint32_t a = 1; a <= FSM_DO_END_CYCLE; a <<= 1)
		assert_string_not_equal(fsm_action_name(a), "unknown");
	assert_string_equal(fsm_state_name(FSM_N_STATES), "unknown");
	assert_string_equal(fsm_event_name(FSM_N_EVENTS), "unknown");
}

/* Defect 31: no way to cancel. */
static void defect_31_every_state_but_the_last_can_be_stopped(void **state)
{
	(void)state;
	for (unsigned int s = 0; s < FSM_N_STATES; s++) {
		const struct fsm_move *m = fsm_find(s, FSM_EVENT_STOP);

		if (s == FSM_STATE_STOPPED) {
			assert_null(m);
			continue;
		}
		assert_non_null(m);
		assert_int_equal(m->next, FSM_STATE_STOPPED);
	}
}

static void fsm_gives_every_waiting_state_a_timer_and_its_edge(void **state)
{
	(void)state;
	for (unsigned int s = 0; s < FSM_N_STATES; s++) {
		if (s == FSM_STATE_BOOTING || s == FSM_STATE_STOPPED) {
			assert_int_equal(fsm_timer_of(s), FSM_TIMER_NONE);
			continue;
		}
		assert_int_not_equal(fsm_timer_of(s), FSM_TIMER_NONE);
		assert_non_null(fsm_find(s, FSM_EVENT_TIMEOUT));
	}
}

static void fsm_has_no_way_out_of_stopped(void **state)
{
	(void)state;
	for (unsigned int e = 0; e < FSM_N_EVENTS; e++)
		assert_null(fsm_find(FSM_STATE_STOPPED, e));
}

static void fsm_reaches_every_state_from_booting(void **state)
{
	bool seen[FSM_N_STATES] = {[FSM_STATE_BOOTING] = true};
	bool grew = true;

	(void)state;
	while (grew) {
		grew = false;
		for (unsigned int s = 0; s < FSM_N_STATES; s++)
			for (unsigned int e = 0; seen[s] && e < FSM_N_EVENTS; e++) {
				const struct fsm_move *m = fsm_find(s, e);

				if (m && !seen[m->next])
					seen[m->next] = grew = true;
			}
	}
	for (unsigned int s = 0; s < FSM_N_STATES; s++)
		assert_true(seen[s]);
}

static void defect_32_a_cycle_asked_for_while_one_runs_is_queued(void **state)
{
	(void)state;
	for (unsigned int s = 0; s < FSM_N_STATES; s++) {
		const struct fsm_move *m = fsm_find(s, FSM_EVENT_PROVISION);

		if (s == FSM_STATE_BOOTING || s == FSM_STATE_STOPPED) {
			assert_null(m);
			continue;
		}
		assert_non_null(m);
		if (fsm_is_busy(s))
			assert_int_equal(m->next, s);
		else
			assert_int_not_equal(m->next, s);
	}
}

/* Defect 18: results are lost when the report fails. Fetching is never reached past them. */
static void defect_18_unreported_results_go_before_any_fetch(void **state)
{
	(void)state;
	for (unsigned int s = 0; s < FSM_N_STATES; s++) {
		const struct fsm_move *m = fsm_find(s, FSM_EVENT_READY_UNREPORTED);

		if (m) {
			assert_int_equal(m->next, FSM_STATE_REPORTING);
			assert_int_equal(m->actions, FSM_DO_REPORT);
		}
		/* Who can be ready can also be ready with results. */
		assert_int_equal(!m, !fsm_find(s, FSM_EVENT_READY));
	}
}

/* Defect 3: a failure after connecting left the socket open. */
static void defect_03_every_failure_of_an_exchange_cancels_and_closes(void **state)
{
	static const enum fsm_state states[] = {
		FSM_STATE_CONNECTING, FSM_STATE_AUTHENTICATING, FSM_STATE_FETCHING,
		FSM_STATE_SUSPENDING, FSM_STATE_EXECUTING,      FSM_STATE_RESUMING,
		FSM_STATE_REPORTING,
	};
	static const enum fsm_event events[] = {FSM_EVENT_TRANSIENT, FSM_EVENT_PERMANENT,
						FSM_EVENT_TIMEOUT, FSM_EVENT_STOP};

	(void)state;
	for (size_t s = 0; s < ARRAY_SIZE(states); s++)
		for (size_t e = 0; e < ARRAY_SIZE(events); e++) {
			const struct fsm_move *m = fsm_find(states[s], events[e]);

			assert_non_null(m);
			assert_true(m->actions & FSM_DO_CANCEL);
		}
}

/* Defect 15: without a schedule nothing was ever retried. */
static void defect_15_every_resting_state_tries_again_by_itself(void **state)
{
	static const enum fsm_state states[] = {FSM_STATE_BACKING_OFF, FSM_STATE_FAILED,
						FSM_STATE_DEGRADED, FSM_STATE_IDLE};

	(void)state;
	for (size_t s = 0; s < ARRAY_SIZE(states); s++)
		assert_int_equal(fsm_find(states[s], FSM_EVENT_TIMEOUT)->next,
				 FSM_STATE_WAITING_FOR_NETWORK);
	assert_int_equal(fsm_find(FSM_STATE_UNCLAIMED, FSM_EVENT_TIMEOUT)->next,
			 FSM_STATE_AUTHENTICATING);
	assert_int_equal(fsm_find(FSM_STATE_WAITING_TO_VALIDATE, FSM_EVENT_TIMEOUT)->next,
			 FSM_STATE_VALIDATING);
}

static void write_actions(FILE *f, uint32_t actions)
{
	const char *separator = "";

	if (!actions)
		fputs("-", f);
	for (uint32_t a = 1; a <= FSM_DO_END_CYCLE; a <<= 1)
		if (actions & a) {
			fprintf(f, "%s%s", separator, fsm_action_name(a));
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
	for (unsigned int s = 0; s < FSM_N_STATES; s++)
		for (unsigned int e = 0; e < FSM_N_EVENTS; e++) {
			const struct fsm_move *m = fsm_find(s, e);

			if (!m)
				continue;
			fprintf(f, "| %s | %s | %s | %s | ", fsm_state_name(s),
				fsm_timer_name(fsm_timer_of(s)), fsm_event_name(e),
				fsm_state_name(m->next));
			write_actions(f, m->actions);
			fputs(" |\n", f);
		}
	assert_int_equal(fclose(f), 0);
	return text;
}

static void fsm_document_holds_the_same_table(void **state)
{
	_cleanup_(freep) char *table = table_text();

	(void)state;
	doctable_check("docs/state-machine.md", "tests/unit/agent/test_fsm.c", table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fsm_makes_every_move_of_the_table_and_refuses_every_other),
		cmocka_unit_test(fsm_names_every_state_event_action_and_timer),
		cmocka_unit_test(defect_31_every_state_but_the_last_can_be_stopped),
		cmocka_unit_test(fsm_gives_every_waiting_state_a_timer_and_its_edge),
		cmocka_unit_test(fsm_has_no_way_out_of_stopped),
		cmocka_unit_test(fsm_reaches_every_state_from_booting),
		cmocka_unit_test(defect_32_a_cycle_asked_for_while_one_runs_is_queued),
		cmocka_unit_test(defect_18_unreported_results_go_before_any_fetch),
		cmocka_unit_test(defect_03_every_failure_of_an_exchange_cancels_and_closes),
		cmocka_unit_test(defect_15_every_resting_state_tries_again_by_itself),
		cmocka_unit_test(fsm_document_holds_the_same_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
