/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* DTLS 1.2 as a client, over a connected UDP socket that the caller opens: handshake, records,
 * session resumption, and the saving and loading of a live context. The one file that knows
 * mbedTLS' ssl. It never blocks and has no event source: dtls_deadline() says when to call it
 * again. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "base/secret.h"
#include "session/saved.h"

#define DTLS_RECORD_MAX 4096
#define DTLS_NEVER UINT64_MAX
/* Of a flight, RFC 6347 §4.2.4.1: the first wait before a round trip time is known, and the
 * longest.
 */
#define DTLS_HANDSHAKE_TIMEOUT_MIN_MS 1000
#define DTLS_HANDSHAKE_TIMEOUT_MAX_MS 16000

struct dtls;
struct rto;

struct dtls_config {
	const char *server; /* SNI and the name in the certificate */
	uint16_t port;      /* for the binding only */
	const char *ca_pem;
	const char *owner; /* for the binding only; may be NULL */
	bool resumption, tickets, cid;
	struct rto *rto; /* borrowed: takes the times of flights and sets the waits for them; may be
			    NULL */
};

struct dtls_counters {
	uint64_t datagrams_tx, datagrams_rx, bytes_tx, bytes_rx; /* UDP payload */
	uint64_t flights_answered;                               /* of handshakes */
};

enum {
	DTLS_E_CERTIFICATE = 1, /* dtls_detail() says what is wrong */
	DTLS_E_REFUSED,         /* fatal alert, or a handshake that breaks the protocol */
	DTLS_E_CLOSED,          /* close_notify */
	DTLS_E_BROKEN,          /* the association is of no use any more */
	DTLS_E_NOT_SAVABLE,     /* handshake not complete on both sides, or data unread */
};

/* The strings are copied. -EINVAL: ca_pem holds something else than certificates; -ENOMEM. */
int dtls_new(const struct dtls_config *config, struct dtls **ret) _must_check_;
struct dtls *dtls_free(struct dtls *d);
DEFINE_CLEANUP(struct dtls *, dtls_free);

/* SHA-256 over everything that a loaded context is not checked against again. */
void dtls_binding(const struct dtls *d, uint8_t ret[static SAVED_BINDING_LEN]);

/* Starts a handshake on fd (borrowed until dtls_stop()); offers the earlier session when offer is
 * set and there is one. first_timeout_ms is the first wait for an answer. -ENOMEM, -EINVAL. */
int dtls_start(struct dtls *d, int fd, bool offer, uint32_t first_timeout_ms) _must_check_;
/* 0 done; -EAGAIN: call again when fd is readable or at dtls_deadline(); DTLS_E_CERTIFICATE,
 * DTLS_E_REFUSED; -ETIMEDOUT. */
int dtls_handshake(struct dtls *d) _must_check_;
bool dtls_is_abbreviated(const struct dtls *d);
/* True when a server resumed, or gave us the means to. */
bool dtls_has_session(const struct dtls *d);
void dtls_forget_session(struct dtls *d);
/* A copy, for a handshake beside this connection; without memory it will be a full one. */
void dtls_lend_session(const struct dtls *d, struct dtls *to);
uint64_t dtls_deadline(const struct dtls *d);

/* One record's content; buf holds DTLS_RECORD_MAX. -EAGAIN, DTLS_E_CLOSED, DTLS_E_BROKEN. */
int dtls_read(struct dtls *d, uint8_t *buf, size_t *ret_len) _must_check_;
/* What the network does not take now is lost, as datagrams are. DTLS_E_BROKEN. */
int dtls_write(struct dtls *d, const uint8_t *data, size_t len) _must_check_;
void dtls_close_notify(struct dtls *d);

/* The server gave us a connection id (RFC 9146): it knows our records from wherever they come. */
bool dtls_has_cid(struct dtls *d);
/* What follows goes through another socket (borrowed) to the same server. */
void dtls_set_fd(struct dtls *d, int fd);

/* False right after an abbreviated handshake, until one record came from the server. */
bool dtls_is_savable(struct dtls *d);
/* Saves the context and ends it here. DTLS_E_NOT_SAVABLE: it goes on as it was; -ENOMEM. */
int dtls_save(struct dtls *d, struct secret *ret) _must_check_;
/* From dtls_save(), on the same socket, or any with a connection id. DTLS_E_BROKEN. */
int dtls_load(struct dtls *d, int fd, const struct secret *context) _must_check_;
/* Wipes the connection; the session to resume stays. */
void dtls_stop(struct dtls *d);

/* True once after the kernel told (ICMP) that nobody listens there. */
bool dtls_take_refused(struct dtls *d);
/* Why the last handshake failed; "" when it did not. */
const char *dtls_detail(const struct dtls *d);
/* What of it was wrong with the certificate: enum certificate_fault, 0 when nothing was. */
unsigned int dtls_certificate_faults(const struct dtls *d);
/* "ECDHE-ECDSA-AES128-GCM-SHA256"; "" before a handshake was done. */
const char *dtls_suite(const struct dtls *d);
const struct dtls_counters *dtls_counters(const struct dtls *d);
void dtls_set_rto(struct dtls *d, struct rto *rto);
/* What another connection counted that this one takes the place of. */
void dtls_add_counters(struct dtls *d, const struct dtls_counters *more);
