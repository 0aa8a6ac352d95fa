/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Takes the place of clock_ms() (--wrap): time moves when the test says so. Its moments are of the
 * first seconds after boot, which are over on every machine that runs tests, so every timer of
 * sd-event is due at once and the code under test has to look at the clock itself. */

#include <stdint.h>
#include <systemd/sd-event.h>

extern uint64_t fake_clock_ms;

/* Lets everything happen that is due. */
void fake_clock_run(sd_event *event);
/* The same after each of the ms. */
void fake_clock_pass(sd_event *event, uint64_t ms);
