/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The CoAP exchange with one server as a pure machine: datagrams and the time go in, datagrams and
 * deadlines come out. No I/O, no clock, no callbacks. Message ids, tokens, retransmission (RFC 7252
 * §4), deduplication, separate responses and Echo (RFC 9175) are here; bodies of several blocks in
 * blocks.h. One request at a time is on the wire (NSTART = 1), the others queue. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "session/message.h"
#include "session/rto.h"
#include "session/session.h"

#define EXCHANGE_NEVER UINT64_MAX
/* The message that fits into a datagram: DTLS needs 37 bytes, with a connection id and its padding
 * up to 27 more. */
#define EXCHANGE_ROOM(datagram) ((size_t)(datagram)-64)

struct exchange;
struct exchange_request;

struct exchange_config {
	unsigned int ack_timeout_ms, max_retransmit, answer_timeout_ms;
	size_t block_size;
	void (*random)(void *buf, size_t len);
};

struct exchange_stats {
	uint64_t answers; /* messages of ours that got a response */
	uint64_t retransmissions;
	uint64_t ignored; /* datagrams in that belonged to nothing */
};

int exchange_new(const struct exchange_config *config, struct exchange **ret) _must_check_;
struct exchange *exchange_free(struct exchange *x);
DEFINE_CLEANUP(struct exchange *, exchange_free);

/* Queues a copy of request; owner comes back with it. -EINVAL, -EMSGSIZE: it cannot be encoded;
 * -ENOMEM. *ret is borrowed until exchange_take_finished() returns it. */
int exchange_submit(struct exchange *x, const struct request *request, void *owner,
		    struct exchange_request **ret) _must_check_;
/* Frees it; a late answer will be recognised by its token and dropped. */
void exchange_cancel(struct exchange *x, struct exchange_request *request);
/* A NON POST without payload, the answer of which nobody waits for. -EINVAL. */
int exchange_post_non(struct exchange *x, const char *path) _must_check_;

/* What a message may have when the path is as the kernel says: from the next one on, and the next
 * time that one is sent. Another path also forgets what exchange_advance() found out about the
 * last. */
void exchange_set_room(struct exchange *x, size_t message_max, bool is_new_path);

/* One datagram from the server; whatever it is. -ENOMEM. */
int exchange_input(struct exchange *x, const uint8_t *data, size_t len,
		   uint64_t now_ms) _must_check_;
bool exchange_has_output(const struct exchange *x);
/* The next datagram to send now: true when there is one. buf holds MESSAGE_MAX. */
bool exchange_output(struct exchange *x, uint64_t now_ms, uint8_t *buf, size_t *ret_len);
/* When exchange_advance() has something to do; EXCHANGE_NEVER when nothing is awaited. */
uint64_t exchange_deadline(const struct exchange *x);
/* 0; SESSION_E_TIMEOUT or SESSION_E_LOST when a request just ended that way: the session is of no
 * use. */
int exchange_advance(struct exchange *x, uint64_t now_ms) _must_check_;

/* The next request that has ended, or NULL; the caller frees it with exchange_request_free(). */
struct exchange_request *exchange_take_finished(struct exchange *x);
void *exchange_request_owner(const struct exchange_request *request);
/* 0 and *ret_reply (valid as long as the request), or SESSION_E_TIMEOUT, _LOST, _RESET, _PROTOCOL,
 * _TOO_LARGE or what exchange_fail() was told. */
int exchange_request_result(const struct exchange_request *request, const struct reply **ret_reply);
void exchange_request_free(struct exchange_request *request);

/* The session may be gone: until the server answers something, a request gets the adaptive timeout,
 * one retransmission and SESSION_E_LOST. */
void exchange_probe(struct exchange *x);
/* A fresh session: no probing. */
void exchange_trust(struct exchange *x);
/* A sign (ICMP) that the server is gone, not a proof: the request on the wire becomes a probe. */
void exchange_doubt(struct exchange *x, uint64_t now_ms);
bool exchange_probing(const struct exchange *x);
/* The same, and the request on the wire has been sent again: time to look for another session. */
bool exchange_is_doubtful(const struct exchange *x);
/* Ends every request with r. */
void exchange_fail(struct exchange *x, int r);
/* True when no request is on the wire or queued. */
bool exchange_idle(const struct exchange *x);

/* What must survive a suspend into another process. */
uint16_t exchange_next_mid(const struct exchange *x);
void exchange_set_next_mid(struct exchange *x, uint16_t mid);

/* Its estimator, which handshakes feed too. Borrowed. */
struct rto *exchange_rto(struct exchange *x);

const struct exchange_stats *exchange_stats(const struct exchange *x);
