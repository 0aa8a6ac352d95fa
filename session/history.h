/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What an exchange remembers of its past: messages of the server that it has handled, since the
 * same message id again is the same message (RFC 7252 §4.5), and tokens that it no longer waits
 * for, since a late answer must not look like one to somebody else's question. Bounded; the oldest
 * entries go first. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "session/message.h"

#define HISTORY_MESSAGES 16
#define HISTORY_TOKENS 16

struct history_message {
	bool used;
	uint16_t mid;
	uint64_t until_ms;
	enum message_type reply; /* what a confirmable one was answered with */
};

struct history {
	struct history_message messages[HISTORY_MESSAGES];
	size_t next_message;
	uint8_t tokens[HISTORY_TOKENS][MESSAGE_TOKEN_MAX];
	size_t n_tokens, next_token;
};

/* NULL when this message id is new. */
const struct history_message *history_find(const struct history *h, uint16_t mid, uint64_t now_ms);
void history_add(struct history *h, uint16_t mid, enum message_type reply, uint64_t now_ms);

bool history_has_token(const struct history *h, const struct message *m);
void history_add_token(struct history *h, const uint8_t token[static MESSAGE_TOKEN_MAX]);
