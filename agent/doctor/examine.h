/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Gathers the facts of this device, from the outside and from onboardd when it runs. Changes
 * nothing; every step has its time limit, all of them together stay below 20 s. Blocks. */

#include "agent/doctor/facts.h"
#include "base/macros.h"

/* config_file NULL: the default one. *ret is overwritten. -ENOMEM and the like; a device that is
 * broken is no failure. */
int doctor_examine(const char *config_file, struct doctor_facts *ret) _must_check_;
