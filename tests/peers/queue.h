/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The commands that a test gives its peer: whole bodies of p/cmd, served one after the other. A
 * body is done when each of its ids was answered, or one of them with an error. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

#define QUEUE_BODIES_MAX 64
#define QUEUE_BODY_MAX 16384
#define QUEUE_IDS_MAX 64
#define QUEUE_ID_MAX 64

struct queue_body {
	uint8_t bytes[QUEUE_BODY_MAX];
	size_t len;
	char ids[QUEUE_IDS_MAX][QUEUE_ID_MAX];
	bool answered[QUEUE_IDS_MAX];
	size_t n_ids;
};

struct queue {
	struct queue_body *bodies[QUEUE_BODIES_MAX];
	size_t n, current;
};

/* hex: a body; one that is not an array of commands is served once, as it is. 0 or -EINVAL,
 * -ENOMEM.
 */
int queue_add(struct queue *q, const char *hex) _must_check_;
void queue_done(struct queue *q);
/* The body to serve, or NULL. */
const struct queue_body *queue_body(struct queue *q);
/* A p/rsp body: -EINVAL when it cannot be decoded. */
int queue_report(struct queue *q, const uint8_t *body, size_t len) _must_check_;

/* Hex digits to bytes; -EINVAL when they are not, or do not fit. */
int hex_decode(const char *hex, uint8_t *ret, size_t size, size_t *ret_len) _must_check_;
