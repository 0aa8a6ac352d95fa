/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* How events look to those who read a timeline or watch. */

#include <jansson.h>

#include "service/store.h"

#define EVENT_ID_TEXT 44 /* "<commit>.<seq>" with NUL */

void event_id(const struct store_position *position, char ret[static EVENT_ID_TEXT]);
/* False when the text is none. */
bool event_id_parse(const char *text, struct store_position *ret) _must_check_;
/* {"id", "kind", "device", "at", "trace", "detail"}; NULL when there is no memory. */
json_t *event_json(const struct store_event *row);
