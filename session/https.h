/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* HTTPS: what https.c (the line: its states and requests), https_transfer.c (one request and its
 * answer) and https_loop.c (libcurl in the event loop) share. Nobody else includes this. */

#include <stdbool.h>
#include <stdint.h>

#include "base/secret.h"
#include "proto/twin.h"
#include "session/https_curl.h"
#include "session/line.h"
#include "session/resolve.h"

#define HTTPS_SOCKETS_MAX 8 /* two addresses tried at a time are two; the rest is for surprises */

struct https_request {
	struct session_request base;
	struct https_request *next;
	const struct twin *twin; /* NULL: the probe that ends a connect */
	char *url;               /* owned */
	uint8_t *body;           /* owned */
	size_t body_len;
	int content_format, accept;

	/* on the wire; NULL before and after */
	CURL *easy;
	struct curl_slist *headers; /* with the token */

	uint8_t *answer; /* owned */
	size_t answer_len, answer_size, answer_max;
	size_t head_len; /* of all header lines so far */
	bool is_too_large;
	char error[CURL_ERROR_SIZE];
	int result;
	long status;
	struct reply reply;
};

struct https_line {
	struct line line;
	bool has_curl;
	struct https_curl curl;
	CURLM *multi; /* NULL: nothing is connected */
	struct {
		int fd;
		sd_event_source *source; /* owned */
	} sockets[HTTPS_SOCKETS_MAX];
	sd_event_source *timer; /* libcurl's */
	sd_event_source *later; /* what must not happen inside of a call of the user */
	sd_event_source *idle;  /* while parked: the end of the connection */

	struct resolve *resolve;      /* owned; while connecting */
	struct curl_slist *addresses; /* owned; what the name of the server (or proxy) is now */
	struct secret token;          /* of the latest login */
	struct secret proxy_login;

	struct https_request *queue; /* the first is on the wire */
	struct https_request *finished;
	uint64_t handshakes, answers, resumes;
};

/* https_transfer.c. Puts the first of the queue on the wire. -errno. */
int https_transfer_start(struct https_line *h, struct https_request *r) _must_check_;
/* What came of it: r->result and r->reply. */
void https_transfer_end(struct https_line *h, struct https_request *r, CURLcode code);
/* Off the wire, whatever its state; the token is wiped. */
void https_transfer_drop(struct https_line *h, struct https_request *r);

/* https_loop.c. Makes multi when there is none. -errno. */
int https_loop_open(struct https_line *h) _must_check_;
/* Closes the connection; nothing may be on the wire. */
void https_loop_close(struct https_line *h);
/* Sources that live as long as the line. -errno. */
int https_loop_init(struct https_line *h) _must_check_;
void https_loop_done(struct https_line *h);

/* https.c. libcurl did something: takes what is done. */
void https_turn(struct https_line *h);
/* From the loop, soon. */
void https_later(struct https_line *h);
/* Of the loop's sources. */
void https_on_later(struct https_line *h);
