/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One reader of GET /v1/events: a place in the store's events, and the few that are on their way
 * out. Nothing is kept for a reader that is slow. service/portal_events.c has those who read. */

#include <sys/queue.h>

#include "service/portal_private.h"

struct portal_stream {
	TAILQ_ENTRY(portal_stream) link;
	/* NULL once they are gone that woke it; told when it goes first */
	struct portal_hub *hub;
	void (*on_gone)(struct portal_hub *hub, struct portal_stream *s);
	struct service_store *store; /* borrowed, as exchange */
	struct exchange *exchange;
	char team[CORE_UUID_TEXT], actor[CORE_ACTOR_TEXT], key_id[CORE_UUID_TEXT];
	bool has_session; /* else a key */
	uint8_t session[32];
	struct store_position position;
	bool has_news, has_ended, is_heartbeat_due;
	uint64_t said_ms, identified_ms, pending_ms;
	char *pending; /* owned; on its way out */
	size_t len, sent;
};

/* Whom the call comes from reads on from position. 0, or the status of the problem in ret. */
unsigned int portal_stream_new(const struct router_call *call,
			       const struct store_position *position,
			       struct portal_stream **ret_stream, struct answer *ret);
/* As an answer has them. */
ssize_t portal_stream_read(void *data, char *ret, size_t size);
void portal_stream_free(void *data);

/* There may be something new. */
void portal_stream_wake(struct portal_stream *s);
void portal_stream_end(struct portal_stream *s);
/* Once a second: ends it with its session or key, or when its reader is too slow, and breaks a long
 * silence. */
void portal_stream_tick(struct portal_stream *s, uint64_t now_ms);
