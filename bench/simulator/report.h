/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the simulator says: lines of JSON on stdout while it runs, a file at the end. */

#include "bench/simulator/fleet.h"

void report_event(const char *name);
void report_progress(const struct fleet *f);
/* Per device, in the order of their numbers. -errno. */
int report_result(const struct fleet *f, const char *path) _must_check_;
