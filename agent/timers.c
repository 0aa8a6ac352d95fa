/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/internal.h"
#include "base/clock.h"

/* Far above what session/ allows itself: these end only what would otherwise hang for ever. */
#define EXCHANGE_LIMIT_MS (15 * 60 * 1000)
#define WORK_LIMIT_MS                                                                              \
	(15 * 60 * 1000) /* 20 keys, made and used twice in a token that takes 5 s                 \
			  */
#define HANDSHAKE_MARGIN_MS 10000

/* Fast while somebody may stand beside the device, then ever slower. */
static uint64_t poll_ms(struct agent *a)
{
	if (clock_ms() - a->unclaimed_since_ms < a->config->poll_fast_for_ms)
		return MAX(a->config->poll_fast_ms, (uint64_t)1);
	return backoff_next(&a->poll_backoff, 0, agent_random());
}

/* What the service asked for with its last answer: RFC 8516 §3, RFC 7252 §5.9.3.4. */
static uint64_t take_floor_ms(struct agent *a)
{
	/* A hostile or broken service must not put us to sleep for a century. */
	uint64_t floor = MIN((uint64_t)a->max_age_s * 1000, a->config->backoff_ceiling_ms);

	a->max_age_s = 0;
	return floor;
}

static uint64_t backoff_ms(struct agent *a)
{
	uint64_t floor = take_floor_ms(a), wait;

	/* Nothing is broken: somebody has not queued commands yet, as with the claim before. */
	if (a->outcome == OUTCOME_NO_CREDENTIALS)
		return backoff_next(&a->poll_backoff, 0, agent_random());
	wait = backoff_next(&a->backoff, floor, agent_random());
	return MAX(wait, (uint64_t)1);
}

uint64_t agent_timer_ms(struct agent *a, enum fsm_timer timer)
{
	const struct config *c = a->config;

	switch (timer) {
	case FSM_TIMER_NONE:
		return 0;
	case FSM_TIMER_NETWORK:
		return c->network_wait_ms;
	case FSM_TIMER_TIME:
		return MAX(c->time_wait_ms, (uint64_t)1);
	case FSM_TIMER_CONNECT:
		return 4 * c->handshake_timeout_ms + HANDSHAKE_MARGIN_MS;
	case FSM_TIMER_EXCHANGE:
	case FSM_TIMER_VALIDATE:
	case FSM_TIMER_LOOK:
		return EXCHANGE_LIMIT_MS;
	case FSM_TIMER_WORK:
		return WORK_LIMIT_MS;
	case FSM_TIMER_POLL:
		return poll_ms(a);
	case FSM_TIMER_REVALIDATE:
		return backoff_next(&a->validate_backoff, take_floor_ms(a), agent_random());
	case FSM_TIMER_SCHEDULE:
		return agent_rest_ms(a);
	case FSM_TIMER_DEGRADED:
		return MAX(c->validate_ceiling_ms, (uint64_t)1);
	case FSM_TIMER_BACKOFF:
		return backoff_ms(a);
	case FSM_TIMER_CEILING:
		return MAX(c->backoff_ceiling_ms, (uint64_t)1);
	}
	return 0;
}
