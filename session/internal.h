/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What session.c (requests and the loop), connect.c (addresses and attempts) and suspend.c (across
 * time and processes) share. Nobody else includes this. */

#include <stdbool.h>
#include <stdint.h>

#include "session/dtls.h"
#include "session/exchange.h"
#include "session/resolve.h"
#include "session/session.h"

struct connect_address {
	struct resolve_address address;
	bool dead;        /* of no use during this connect */
	bool was_refused; /* one failed handshake may be an alert that somebody injected */
};

struct connect_attempts {
	struct resolve *resolve; /* owned */
	struct connect_address list[RESOLVE_MAX];
	size_t n, next;
	unsigned int made;
	struct connect_address *current; /* in list; NULL before the first attempt */
	uint64_t rx_before;              /* datagrams received before this attempt */
	uint64_t unanswered_ms;          /* give the port up when nothing was received by then */
	uint64_t attempt_end_ms, end_ms;
	bool offered; /* the earlier session was offered in this connect */
	int result;   /* the most telling failure so far */
	char detail[512];
	session_connect_fn fn;
	void *userdata;
};

struct session {
	unsigned int refs; /* one of the owner, one for the time that callbacks run */
	sd_event *event;
	struct session_config config;                   /* strings below; zeros replaced */
	char *name, *server, *address, *ca_pem, *owner; /* owned */
	enum session_state state;
	struct dtls *dtls;
	struct exchange *exchange;
	int fd; /* UDP socket; -1 when CLOSED */
	sd_event_source *io, *timer;
	struct connect_attempts connect;

	int saved_fd; /* memfd while SUSPENDED, else -1 */
	uint64_t note;
	char suite[SAVED_SUITE_LEN];
	uint64_t handshakes_full, handshakes_abbreviated, resumes;
};

struct session_request {
	struct session *session;
	struct exchange_request *request; /* owned by the exchange */
	session_reply_fn fn;
	void *userdata;
};

/* Lets the timer run at once: what follows happens from the loop, never inside a call of the user.
 */
void session_kick(struct session *s);
/* Sets the timer to whatever is due first. */
void session_arm(struct session *s);
/* Takes fd under the loop's watch. -errno. */
int session_watch(struct session *s, int fd) _must_check_;
/* Ends the connection: close_notify, no socket, CLOSED; requests end with r (callbacks run later).
 */
void session_down(struct session *s, int r);
/* Reads what is queued in the socket into the exchange. 0, DTLS_E_CLOSED, DTLS_E_BROKEN, -ENOMEM.
 */
int session_drain(struct session *s) _must_check_;
/* Sends what the exchange has to send. DTLS_E_BROKEN. */
int session_flush(struct session *s) _must_check_;

/* connect.c: the loop's calls while CONNECTING. */
void connect_step(struct session *s);
uint64_t connect_deadline(const struct session *s);
/* Gives up without a callback. */
void connect_abandon(struct session *s);
