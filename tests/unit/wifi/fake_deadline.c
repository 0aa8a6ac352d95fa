/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/wifi/fake_deadline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "wifi/deadline.h"

#define MAX_DEADLINES 4
/* Not zero: a clock never is. */
#define BEGIN_MS 1000000

uint64_t fake_now_ms = BEGIN_MS;

struct deadline {
	bool is_set;
	uint64_t at_ms;
	deadline_fn fn;
	void *userdata;
};
static struct deadline all[MAX_DEADLINES];
static unsigned int n_all;

uint64_t __wrap_clock_ms(void);
uint64_t __wrap_clock_ms(void)
{
	return fake_now_ms;
}

void fake_deadline_reset(void)
{
	n_all = 0;
	fake_now_ms = BEGIN_MS;
}

bool fake_deadline_is_set(unsigned int n)
{
	assert_true(n < n_all);
	return all[n].is_set;
}

bool fake_deadline_ring(uint64_t end_ms)
{
	struct deadline *next = NULL;

	for (unsigned int i = 0; i < n_all; i++)
		if (all[i].is_set && all[i].at_ms <= end_ms &&
		    (!next || all[i].at_ms < next->at_ms))
			next = &all[i];
	if (!next) {
		fake_now_ms = end_ms;
		return false;
	}
	fake_now_ms = next->at_ms;
	next->is_set = false;
	next->fn(next->userdata);
	return true;
}

/* --- the header's */

int deadline_new(sd_event *event, deadline_fn fn, void *userdata, struct deadline **ret)
{
	(void)event;
	assert_true(n_all < MAX_DEADLINES);
	all[n_all] = (struct deadline){.fn = fn, .userdata = userdata};
	*ret = &all[n_all++];
	return 0;
}

struct deadline *deadline_free(struct deadline *d)
{
	if (d)
		d->is_set = false;
	return NULL;
}

int deadline_set(struct deadline *d, uint64_t ms)
{
	d->is_set = true;
	d->at_ms = fake_now_ms + ms;
	return 0;
}

void deadline_clear(struct deadline *d)
{
	d->is_set = false;
}

uint64_t deadline_left_ms(const struct deadline *d)
{
	if (!d->is_set)
		return 0;
	return d->at_ms > fake_now_ms ? d->at_ms - fake_now_ms : 1;
}
