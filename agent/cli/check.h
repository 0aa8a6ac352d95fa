/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What `onboardctl check` and `onboardctl report` share. As verbs.h says. */

#include <jansson.h>

#include "agent/doctor/diagnose.h"
#include "base/macros.h"

/* config_file NULL: the default one. */
int check_run(const char *config_file, struct doctor_report *ret) _must_check_;
/* New reference; NULL without memory. */
json_t *check_json(const struct doctor_report *r);
void check_show(const struct doctor_report *r);
