/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Deadlines (wifi/deadline.h) on a clock that the test moves; link the test with --wrap=clock_ms.
 */

#include <stdbool.h>
#include <stdint.h>

extern uint64_t fake_now_ms;

/* The n-th that was made since the reset. */
bool fake_deadline_is_set(unsigned int n);
void fake_deadline_reset(void);
/* Lets the next one ring that is due until `end`, at its time; false when there is none, and then
 * it is `end`. */
bool fake_deadline_ring(uint64_t end_ms);
