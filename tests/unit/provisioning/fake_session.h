/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A session whose far end is a function of the test: for what must be shown about order, repetition
 * and cancelling. It keeps the contract of session/session.h: answers come from the event loop, a
 * cancelled request is never answered, reply bytes die with the callback. */

#include "session/session.h"

struct fake_request {
	const char *session; /* name of its configuration */
	uint8_t code;
	char path[64], query[256];
	int content_format;
	uint8_t payload[16384];
	size_t payload_len;
};

struct fake_reply {
	int r; /* 0, or SESSION_E_*: LOST and TIMEOUT close the session */
	uint8_t code;
	bool has_max_age;
	uint32_t max_age_s;
	uint8_t payload[16384];
	size_t payload_len;
	bool hold; /* no answer before fake_release() */
};

typedef void (*fake_far_end_fn)(const struct fake_request *request, struct fake_reply *ret);

/* Starts over: empty log, every connect and resume works, nothing is open. */
void fake_reset(fake_far_end_fn far_end);
/* What session_new() returns; nothing is made unless it is 0. */
void fake_set_new(int r);
void fake_set_connect(int r);
/* Every session that connects is closed by the server at once. */
void fake_set_stillborn(void);
void fake_set_resume(int r);
void fake_set_suspend(int r);
/* The next session that is made finds this in the descriptor store. */
void fake_set_adoptable(uint64_t note, const char *label);
/* Answers a request that was held, unless it was cancelled. */
void fake_release(void);

/* "provisioning: connect\nprovisioning: POST p/auth-jwt\n…": sessions' doings in order. */
const char *fake_log(void);
/* How often a line that begins with this is in the log. */
unsigned int fake_count(const char *line);
/* Sessions that are not closed. */
unsigned int fake_open_sessions(void);
/* The n-th (0 …) payload that was sent to this path, as text. */
const char *fake_payload(const char *path, unsigned int n);
