/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The presence window: the time in which somebody who stands beside the device may configure it.
 * Opened by power-on, by a button or by command; closed by time, or by a success. */

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "base/macros.h"

struct window;

/* Opened or closed; never from within a call of this header. What is so from window_new() on is not
 * told. */
typedef void (*window_fn)(bool is_open, void *userdata);

/* boot_ms: open until so long after the machine started (not the program), 0 for not at all.
 * -errno.
 */
int window_new(sd_event *event, uint64_t boot_ms, window_fn fn, void *userdata,
	       struct window **ret) _must_check_;
struct window *window_free(struct window *w);
DEFINE_CLEANUP(struct window *, window_free);

bool window_is_open(const struct window *w);
uint64_t window_left_ms(const struct window *w);
/* Opens it, or lengthens it to ms from now; never shortens. why is for the log. */
void window_open(struct window *w, uint64_t ms, const char *why);
void window_close(struct window *w, const char *why);
