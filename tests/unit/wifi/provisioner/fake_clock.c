/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/wifi/provisioner/fake_clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* Timers that are due too early are armed again each time, so there is no end to wait for. */
#define ROUNDS 8

uint64_t fake_clock_ms;

uint64_t __wrap_clock_ms(void);

uint64_t __wrap_clock_ms(void)
{
	return fake_clock_ms;
}

void fake_clock_run(sd_event *event)
{
	for (int i = 0; i < ROUNDS; i++)
		assert_true(sd_event_run(event, 0) >= 0);
}

void fake_clock_pass(sd_event *event, uint64_t ms)
{
	while (ms-- > 0) {
		fake_clock_ms++;
		fake_clock_run(event);
	}
}
