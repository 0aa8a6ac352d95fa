/* SPDX-License-Identifier: Apache-2.0 */
#include "session/history.h"

#include <string.h>

#define EXCHANGE_LIFETIME_MS 247000 /* RFC 7252 §4.8.2 */

const struct history_message *history_find(const struct history *h, uint16_t mid, uint64_t now_ms)
{
	for (size_t i = 0; i < HISTORY_MESSAGES; i++) {
		const struct history_message *m = &h->messages[i];

		if (m->used && m->mid == mid && now_ms < m->until_ms)
			return m;
	}
	return NULL;
}

void history_add(struct history *h, uint16_t mid, enum message_type reply, uint64_t now_ms)
{
	h->messages[h->next_message] = (struct history_message){
		.used = true,
		.mid = mid,
		.until_ms = now_ms + EXCHANGE_LIFETIME_MS,
		.reply = reply,
	};
	h->next_message = (h->next_message + 1) % HISTORY_MESSAGES;
}

bool history_has_token(const struct history *h, const struct message *m)
{
	for (size_t i = 0; i < h->n_tokens && m->token_len == MESSAGE_TOKEN_MAX; i++) {
		if (memcmp(m->token, h->tokens[i], MESSAGE_TOKEN_MAX) == 0)
			return true;
	}
	return false;
}

void history_add_token(struct history *h, const uint8_t token[static MESSAGE_TOKEN_MAX])
{
	memcpy(h->tokens[h->next_token], token, MESSAGE_TOKEN_MAX);
	h->next_token = (h->next_token + 1) % HISTORY_TOKENS;
	h->n_tokens = MIN(h->n_tokens + 1, (size_t)HISTORY_TOKENS);
}
