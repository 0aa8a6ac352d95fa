/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A push button on a GPIO line (libgpiod), debounced by the kernel or here. */

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "base/macros.h"

struct button;

typedef void (*button_fn)(void *userdata);

/* chip: "gpiochip0" or a path; fn on every press. -ENODEV, -EBUSY (somebody else has the line),
 * -errno. */
int button_new(sd_event *event, const char *chip, unsigned int line, bool active_low, button_fn fn,
	       void *userdata, struct button **ret) _must_check_;
struct button *button_free(struct button *b);
DEFINE_CLEANUP(struct button *, button_free);
