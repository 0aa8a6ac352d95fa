/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One GPIO input with edge detection, by libgpiod: button_line.c by its version 1 (Debian 12),
 * button_line_v2.c by version 2 (Debian 13), which is another interface. */

#include <stdbool.h>

#include "base/macros.h"

struct button_line;

/* path: of the chip. -ENODEV: no such chip or line; -EBUSY: somebody has the line;
 * -errno. */
int button_line_open(const char *path, unsigned int line, bool active_low,
		     struct button_line **ret) _must_check_;
struct button_line *button_line_close(struct button_line *l);
DEFINE_CLEANUP(struct button_line *, button_line_close);

/* Readable when there were edges. */
int button_line_fd(const struct button_line *l);
/* Takes what edges are there; blocks when there are none. -errno. */
int button_line_take_edges(struct button_line *l) _must_check_;
/* 1: pressed, 0: not, -errno. */
int button_line_value(struct button_line *l) _must_check_;
