/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "agent/internal.h"
#include "base/clock.h"
#include "base/text.h"

/* Far above what session/ allows itself: these end only what would otherwise hang for ever. */
#define EXCHANGE_LIMIT_MS (5 * 60 * 1000)
#define WORK_LIMIT_MS                                                                              \
	(15 * 60 * 1000) /* 20 keys, made and used twice in a token that takes 5 s                 \
			  */
#define HANDSHAKE_MARGIN_MS 10000
#define INTERVAL_DEFAULT_S 86400
#define INTERVAL_MAX_S (366 * 86400)

static uint32_t random_bits(void)
{
	uint32_t bits;

	random_fill(&bits, sizeof(bits));
	return bits;
}

/* Fast while somebody may stand beside the device, then ever slower. */
static uint64_t poll_ms(struct agent *a)
{
	if (clock_ms() - a->unclaimed_since_ms < a->config->poll_fast_for_ms)
		return MAX(a->config->poll_fast_ms, (uint64_t)1);
	return backoff_next(&a->poll_backoff, 0, random_bits());
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
		return backoff_next(&a->poll_backoff, 0, random_bits());
	wait = backoff_next(&a->backoff, floor, random_bits());
	return MAX(wait, (uint64_t)1);
}

static uint64_t schedule_ms(struct agent *a)
{
	_cleanup_(freep) char *text = NULL;
	uint64_t s = INTERVAL_DEFAULT_S;

	if (config_value_get(a->store, INTERVAL_KEY, &text) == 0 &&
	    decimal_parse(text, strlen(text), INTERVAL_MAX_S, &s) != 0)
		s = INTERVAL_DEFAULT_S;
	/* Spread, so that a fleet that booted together does not come back together. */
	return s * 1000 + (s ? random_below((uint32_t)(s * 100) + 1) : 0);
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
		return EXCHANGE_LIMIT_MS;
	case FSM_TIMER_WORK:
		return WORK_LIMIT_MS;
	case FSM_TIMER_POLL:
		return poll_ms(a);
	case FSM_TIMER_REVALIDATE:
		return backoff_next(&a->validate_backoff, take_floor_ms(a), random_bits());
	case FSM_TIMER_SCHEDULE:
		return schedule_ms(a);
	case FSM_TIMER_DEGRADED:
		return MAX(c->validate_ceiling_ms, (uint64_t)1);
	case FSM_TIMER_BACKOFF:
		return backoff_ms(a);
	case FSM_TIMER_CEILING:
		return MAX(c->backoff_ceiling_ms, (uint64_t)1);
	}
	return 0;
}
