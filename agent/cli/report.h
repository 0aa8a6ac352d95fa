/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The parts of `onboardctl report`, one file a source. They write lines; what they write is masked
 * (mask.h) before anybody gets it. */

#include <stdio.h>

#include "agent/cli/client.h"
#include "agent/config.h"

/* What the system is. */
void report_system(FILE *f);
/* What onboardd says of itself; c NULL: there is no bus. */
void report_daemon(struct client *c, FILE *f);
/* The last lines of its journal, as far as whoever asks may read them. */
void report_journal(FILE *f);
