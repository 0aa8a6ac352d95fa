/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* How onboardctl writes for people (aligned, 80 columns, no control characters: serial consoles)
 * and for scripts (JSON). */

#include <jansson.h>
#include <stdbool.h>

/* "Label:        text", broken between words. */
void show_field(const char *label, const char *text);
/* label in a column of its own, then text from the column `indent` on, which the cursor comes to.
 */
void show_words(const char *label, size_t width, const char *text, size_t indent);
void show_json(const json_t *json, bool on_one_line);

/* One step or change of state, with the time of day. */
void show_step(const char *name, const char *text);
void show_state(const char *old_state, const char *new_state, const char *why);
/* Where it stands as the showing begins. */
void show_now(const char *state, const char *why);

/* The status as the Status method gives it. */
void show_status(const json_t *status);
