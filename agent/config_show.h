/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A configuration as it is in effect, defaults included and comments left out, in the form of
 * onboardd.conf(5). Of a hook's command the program alone: its words may be anything. */

#include <stdio.h>

#include "agent/config.h"

void config_show(const struct config *c, FILE *f);
