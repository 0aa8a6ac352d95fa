/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One secure session with one CoAP server: DTLS 1.2 over UDP, the CoAP exchange on it, and suspend
 * and resume without a handshake. Where UDP gets no answer the same requests go as their HTTPS
 * twins (docs/protocol.md §3.6): then no server keeps a session, so suspending closes the
 * connection, and resuming it cannot fail. It knows nothing of provisioning: it carries requests
 * and says what became of them. Everything runs in the caller's sd-event loop; nothing blocks.
 * Callbacks may free the session.
 *
 *   CLOSED --connect--> CONNECTING --> OPEN --suspend--> SUSPENDED --resume--> OPEN
 *
 * Recovery is shared with the caller (docs/dtls.md): after a resume the first request gets one
 * retransmission at its first timeout, and a handshake from a new port begins beside it. When that
 * is done first, or nothing answers, the request ends with SESSION_E_LOST and the session is
 * CLOSED. The caller connects again, which finds the handshake done, authenticates, and repeats its
 * idempotent request. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "base/macros.h"

#define SESSION_LABEL_LEN 16

struct session;
struct session_request;

enum session_transport {
	SESSION_COAP,
	SESSION_HTTPS,
	SESSION_AUTO, /* both: the second joins when the first gets no answer (session/race.h) */
};

struct session_config {
	const char *name;    /* for debug lines and file-descriptor store names: "provisioning",
				"cloud"; [a-z]+ */
	const char *server;  /* DNS name: SNI, and the name that the certificate must carry */
	const char *address; /* literal IPv4/IPv6 address to use instead of resolving server; NULL
				to resolve */
	uint16_t port;
	const char *ca_pem; /* the only trust anchors; one or more PEM certificates */
	const char *owner;  /* who authenticates on it: a saved session of another is not resumed;
				may be NULL */
	bool resumption;    /* offer the session id (or ticket) of an earlier handshake */
	bool tickets; /* ask for RFC 5077 tickets too: 328 bytes more up per abbreviated handshake
		       */
	bool cid;     /* offer a connection id (RFC 9146) where the mbedTLS at hand can */
	unsigned int handshake_timeout_ms; /* for one address, anew with each answer, up to three
					      times that; 0 = 20000 */
	unsigned int ack_timeout_ms;    /* RFC 7252 ACK_TIMEOUT before an RTT is known; 0 = 2000 */
	unsigned int max_retransmit;    /* RFC 7252 MAX_RETRANSMIT; 0 = 4 */
	unsigned int answer_timeout_ms; /* from an acknowledged request to its separate response; 0
					   = 30000 */
	size_t block_size;              /* Block1 and wished Block2 size: 16 … 1024; 0 = 1024 */

	enum session_transport transport;
	uint16_t https_port; /* on the same server; 0 = 443 */
	const char *proxy;   /* for HTTPS: "http://HOST:PORT", which is asked to CONNECT; or NULL */
	const char *proxy_file; /* its "user:password", read at each connect; or NULL */
};

enum session_state {
	SESSION_CLOSED,
	SESSION_CONNECTING,
	SESSION_OPEN,
	SESSION_SUSPENDED,
};

/* Documented outcomes of the asynchronous calls; also passed to callbacks. */
enum {
	SESSION_E_RESOLVE = 1, /* the name has no address, or no resolver answered */
	SESSION_E_UNREACHABLE, /* no address could be reached, or nothing answered the handshake */
	SESSION_E_CERTIFICATE, /* chain, name or validity of the server's certificate is wrong */
	SESSION_E_HANDSHAKE,   /* the server refused or broke the handshake */
	SESSION_E_TIMEOUT, /* the request was not acknowledged, or its response never came; session
			      CLOSED */
	SESSION_E_LOST,  /* the server no longer has this session; session CLOSED: connect again */
	SESSION_E_RESET, /* the server answered Reset: it does not understand this request */
	SESSION_E_PROTOCOL,  /* the answer breaks CoAP: block sequence, critical option, format */
	SESSION_E_TOO_LARGE, /* the answer is larger than max_reply */
	SESSION_E_CANCELLED, /* by session_close() or session_free() */
	SESSION_E_NOT_RESUMABLE,   /* session_resume(): close_notify queued, blob used, other boot,
				      other server, CA or owner */
	SESSION_E_NOT_SUSPENDABLE, /* session_suspend(): requests in flight, or no AEAD record layer
				      to save */
};

/* A short English text for one of the above or a negative errno. */
const char *session_strerror(int r);

/* The strings are copied. *ret owned by the caller. -EINVAL, -ENOMEM. */
int session_new(sd_event *event, const struct session_config *config,
		struct session **ret) _must_check_;
/* Sends close_notify when OPEN; a SUSPENDED session is discarded (it may live on in the fd store:
 * see below). */
struct session *session_free(struct session *s);
DEFINE_CLEANUP(struct session *, session_free);

enum session_state session_get_state(const struct session *s);

/* r = 0 or SESSION_E_*; detail is a text for people (for instance what the certificate check
 * found), never NULL. */
typedef void (*session_connect_fn)(struct session *s, int r, const char *detail, void *userdata);

/* With SESSION_AUTO: which way the next connects try first. SESSION_COAP unless told. */
void session_set_first(struct session *s, enum session_transport first);
/* SESSION_COAP or SESSION_HTTPS: how it was connected last. */
enum session_transport session_get_transport(const struct session *s);

/* CLOSED only (-EBUSY otherwise). Tries every address of the name, from a new local port each; an
 * abbreviated handshake only with a server that resumed or issued a session before, a full one
 * otherwise. */
int session_connect(struct session *s, session_connect_fn fn, void *userdata) _must_check_;

struct request {
	uint8_t code;       /* CoAP code 0.01 GET … 0.06 PATCH, as a byte */
	const char *path;   /* segments joined by '/', no leading '/' */
	const char *query;  /* parts joined by '&', or NULL; sent as is */
	int content_format; /* with a payload; -1 for none */
	int accept;         /* -1 for none */
	const void *payload;
	size_t payload_len;
	size_t max_reply; /* bytes of the whole reply body; 0 = 65536 */
};

struct reply {
	uint8_t code;       /* as a byte: 0x45 is 2.05 */
	int content_format; /* -1 when absent */
	bool has_max_age;
	uint32_t max_age_s;
	const uint8_t *payload; /* whole body, blocks assembled; valid inside the callback only */
	size_t payload_len;
};

/* reply is NULL unless r is 0. A request that the callback of which has run no longer exists. */
typedef void (*session_reply_fn)(struct session *s, int r, const struct reply *reply,
				 void *userdata);

/* OPEN only (-ENOTCONN otherwise). Confirmable, with retransmission, Block1 (with Size1 and
 * Request-Tag), Block2, Echo, separate responses, deduplication. One request at a time is on the
 * wire, further ones queue. Everything in request is copied. ret_request may be NULL; it is
 * borrowed and dies with the callback. */
int session_request(struct session *s, const struct request *request, session_reply_fn fn,
		    void *userdata, struct session_request **ret_request) _must_check_;
/* Its callback will not run; a late answer is recognised and dropped. */
void session_cancel(struct session_request *request);

/* OPEN with nothing in flight. Sends NON POST .dtls/suspend without waiting for its answer, saves
 * the DTLS context into a memfd, frees it, keeps the socket open and silent, offers both to
 * systemd's file-descriptor store when $NOTIFY_SOCKET is set. `note` and `label` (SESSION_LABEL_LEN
 * characters of 0-9 and a-z, or NULL or "" for none; copied) are kept with the saved session for
 * the caller (session_note(), session_label()), also over the end of the process. Synchronous. 0,
 * SESSION_E_NOT_SUSPENDABLE (still OPEN), -EINVAL for another label, -errno. */
int session_suspend(struct session *s, uint64_t note, const char *label) _must_check_;
/* The same without the message: for a session that idles between polls, where the message and its
 * answer would cost half as much again as the poll. The results of session_suspend(). */
int session_park(struct session *s, uint64_t note, const char *label) _must_check_;

/* SUSPENDED only (-EINVAL otherwise). Drains the socket, marks the saved context consumed, loads
 * it: OPEN with no round trip. 0, or SESSION_E_NOT_RESUMABLE (now CLOSED), -errno. A context is
 * loaded at most once in its life. */
int session_resume(struct session *s) _must_check_;
/* What was given when it was put away last. A label is good in form, and "" for none. */
uint64_t session_note(const struct session *s);
const char *session_label(const struct session *s);

/* Takes over a session that an earlier process left in the fd store ($LISTEN_FDS, names
 * "<name>-socket" and
 * "<name>-saved"): then SUSPENDED. Call once, early, on a CLOSED session, before any other thread
 * or library reads the environment. 0 adopted, SESSION_E_NOT_RESUMABLE nothing usable there
 * (descriptors closed and removed). */
int session_adopt(struct session *s) _must_check_;

/* close_notify when OPEN or SUSPENDED (a suspended one is resumed for it), cancels requests, then
 * CLOSED. */
void session_close(struct session *s);

struct session_stats {
	uint64_t handshakes_full, handshakes_abbreviated, resumes; /* completed */
	uint64_t moves; /* went on from another address of this machine, by a connection id */
	uint64_t datagrams_tx, datagrams_rx, bytes_tx, bytes_rx; /* UDP payload */
	uint64_t round_trips;     /* handshake flights answered plus requests answered */
	uint64_t retransmissions; /* CoAP */
	unsigned int srtt_ms;     /* 0 before the first sample */
};

void session_get_stats(const struct session *s, struct session_stats *ret);
/* Text of the negotiated suite, "ECDHE-ECDSA-AES128-GCM-SHA256"; "" when never connected. */
const char *session_suite(const struct session *s);
