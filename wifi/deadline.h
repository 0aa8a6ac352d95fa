/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A timer of the event loop that rings once, in milliseconds of CLOCK_BOOTTIME. */

#include <stdint.h>
#include <systemd/sd-event.h>

#include "base/macros.h"

struct deadline;

typedef void (*deadline_fn)(void *userdata);

/* Not set. -errno. */
int deadline_new(sd_event *event, deadline_fn fn, void *userdata,
		 struct deadline **ret) _must_check_;
struct deadline *deadline_free(struct deadline *d);
DEFINE_CLEANUP(struct deadline *, deadline_free);

/* Rings in ms from now instead of whenever it would have; 0 is as soon as the loop runs. -errno. */
int deadline_set(struct deadline *d, uint64_t ms) _must_check_;
void deadline_clear(struct deadline *d);
/* 0 when it is not set; at least 1 when it is. */
uint64_t deadline_left_ms(const struct deadline *d);
