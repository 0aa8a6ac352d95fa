/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* CoAP over DTLS over UDP: what udp.c (requests and the loop), connect.c (addresses and attempts),
 * suspend.c (across time and processes), hedge.c and follow.c share. Nobody else includes this. */

#include <stdbool.h>
#include <stdint.h>

#include "session/dtls.h"
#include "session/exchange.h"
#include "session/line.h"
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
	uint64_t rx_seen;                /* and at the last progress */
	uint64_t attempt_end_ms, end_ms;
	uint64_t attempt_limit_ms; /* beyond which no progress moves attempt_end_ms */
	bool offered;              /* the earlier session was offered in this connect */
	int result;                /* the most telling failure so far */
	char detail[512];
};

struct udp_line {
	struct line line;
	struct dtls *dtls;
	struct exchange *exchange;
	int fd; /* UDP socket; -1 when CLOSED */
	sd_event_source *io, *timer;
	struct connect_attempts connect;

	struct udp_line *spare;  /* owned, or NULL: hedge.h */
	struct udp_line *hedged; /* borrowed: the line that this one is the spare of */
	bool has_hedged;         /* for the request on the wire */

	int saved_fd; /* memfd while SUSPENDED, else -1 */
	char suite[SAVED_SUITE_LEN];
	uint64_t handshakes_full, handshakes_abbreviated, resumes, moves;
};

struct udp_request {
	struct session_request base;
	struct exchange_request *request; /* owned by the exchange */
};

/* Lets the timer run at once: what follows happens from the loop, never inside a call of the user.
 */
void udp_kick(struct udp_line *u);
/* Sets the timer to whatever is due first. */
void udp_arm(struct udp_line *u);
/* Tells the exchange what the path carries. */
void udp_measure(struct udp_line *u, bool is_new_path);
/* Takes fd under the loop's watch. -errno. */
int udp_watch(struct udp_line *u, int fd) _must_check_;
/* Ends the connection: close_notify, no socket, CLOSED; requests end with r (callbacks run later).
 */
void udp_down(struct udp_line *u, int r);
/* Reads what is queued in the socket into the exchange. 0, DTLS_E_CLOSED, DTLS_E_BROKEN, -ENOMEM.
 */
int udp_drain(struct udp_line *u) _must_check_;
/* Runs the callbacks of requests that have ended. They may do anything, also free the session. */
void udp_deliver(struct udp_line *u);
/* Sends what the exchange has to send. DTLS_E_BROKEN. */
int udp_flush(struct udp_line *u) _must_check_;

/* connect.c: of a line that is CONNECTING: to these addresses, now. */
void connect_begin(struct udp_line *u, const struct resolve_address *addresses, size_t n);
/* connect.c: a socket to there, from a port that no other has. -errno. */
int udp_open(const struct resolve_address *address, int *ret_fd) _must_check_;
/* connect.c: the loop's calls while CONNECTING. */
void connect_step(struct udp_line *u);
uint64_t connect_deadline(const struct udp_line *u);
/* Gives up without a callback. */
void connect_abandon(struct udp_line *u);

/* connect.c and suspend.c: of struct line_ops. */
int udp_connect(struct line *l) _must_check_;
int udp_put_away(struct line *l, bool tell) _must_check_;
int udp_resume(struct line *l) _must_check_;
int udp_adopt(struct line *l) _must_check_;
