/* SPDX-License-Identifier: Apache-2.0 */
#include "wifi/limit.h"

#include <errno.h>

int limit_init(struct limit *l, unsigned int n, uint64_t period_ms)
{
	*l = (struct limit){.n = n, .period_ms = period_ms};
	if (n == 0)
		return 0;
	l->at_ms = calloc(n, sizeof(*l->at_ms));
	return l->at_ms ? 0 : -ENOMEM;
}

void limit_done(struct limit *l)
{
	free(l->at_ms);
	*l = (struct limit){0};
}

bool limit_allows(const struct limit *l, uint64_t now_ms)
{
	if (l->n_used < l->n)
		return true;
	/* Full: next is the oldest. */
	return l->n > 0 && now_ms - l->at_ms[l->next] >= l->period_ms;
}

void limit_count(struct limit *l, uint64_t now_ms)
{
	if (!limit_allows(l, now_ms))
		return;
	l->at_ms[l->next] = now_ms;
	l->next = (l->next + 1) % l->n;
	if (l->n_used < l->n)
		l->n_used++;
}
