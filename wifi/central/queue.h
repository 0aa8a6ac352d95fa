/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the device sent while nobody was waiting for it, in order of arrival. Bounded: what no
 * longer fits is dropped, and that is told when all before it was taken. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "proto/wifi/wifi.h"

/* A scan in a busy place, twice over. */
#define QUEUE_MAX 512

struct message {
	struct message *next; /* owned by the queue */
	bool is_response;     /* else a result */
	size_t len;
	uint8_t data[];
};

struct queue {
	struct message *first, *last; /* owned */
	size_t n;
	bool has_lost;
};

/* Too long, too many, or no memory: dropped. */
void queue_put(struct queue *q, bool is_response, const void *data, size_t len);
/* The first response (or result), which the caller frees; NULL when there is none. */
struct message *queue_take(struct queue *q, bool is_response);
/* The first of either kind. */
struct message *queue_take_any(struct queue *q);
void queue_clear(struct queue *q);
