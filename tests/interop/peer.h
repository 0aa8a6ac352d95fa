/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A coap_peer process, the place where its certificate is, and a session that talks to it, for
 * tests that read like a story. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

#include "session/session.h"
#include "tests/interop/pki.h"

struct peer {
	pid_t pid;
	uint16_t port;
	const char *program;
	char certificate[512], key[512];
};

/* Starts $program with <dir>/<stem>.{pem,key}; returns when it is ready. */
void peer_start(struct peer *p, const char *program, const char *dir, const char *stem);
/* Ends it by sig, waits for its end. */
void peer_stop(struct peer *p, int sig);
/* Again on the same port, with none of its memory. */
void peer_restart(struct peer *p);

#define SITE_NAME "coap.test.example"

/* $COAP_PEER with a certificate for SITE_NAME. */
struct site {
	char dir[64];
	struct pki *pki;
	struct peer peer;
	struct session_config config; /* of a session with it; may be changed */
};

void site_open(struct site *s);
void site_close(struct site *s);

/* What the callbacks saw; each call runs the loop until its answer is there, 60 s at most. */
struct talk {
	sd_event *event;
	struct session *session;
	bool done;
	int r;
	char detail[512];
	uint8_t code;
	int content_format;
	bool has_max_age;
	uint32_t max_age_s;
	uint8_t body[70000];
	size_t body_len;
};

void talk_init(struct talk *t, const struct session_config *config);
void talk_done(struct talk *t);
/* SESSION_E_* or 0 */
int talk_connect(struct talk *t);
int talk_request(struct talk *t, const struct request *request);
int talk_get(struct talk *t, const char *path);
/* Runs the loop until *flag, 60 s at most. */
void talk_until(struct talk *t, const bool *flag);
