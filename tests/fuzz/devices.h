/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Devices as a target's bytes make them speak: sessions, datagrams, and the tokens and reports that
 * no mutation would find. */

#include "base/clock.h"
#include "base/cursor.h"
#include "service/device_pdu.h"
#include "tests/fuzz/service.h"

#define MAX_AGE_S 2592000U

/* What a session has proved, as the target knows it. */
struct link_proof {
	bool is_given;
	uint64_t until_ms;
};

struct link {
	struct device_session session;
	struct link_proof provisioning, cloud;
	struct command_list handed; /* owned; by the last whole answer to p/cmd */
	size_t token;               /* of the last message: its number from 1; 0 for none */
};

#define LINK_TOKENS (SERVICE_DEVICES * SERVICE_TOKENS)

void link_done(struct link *l);
bool link_is_auth(const char *path);
/* The one that a path asks for, or gives. */
struct link_proof *link_proof(struct link *l, const char *path);
/* Whether the payload is a token that its path must accept, of a device that is claimed. */
bool link_token_is_good(const struct device_request *r);

struct link_message {
	struct reader datagram;
	coap_pdu_t *raw;       /* owned */
	struct device_pdu pdu; /* of raw */
	uint8_t report[BODY_MAX];
};

/* Takes a message from the input: which of the links (or the first one with a new handshake), what
 * time passes before it, two bytes of length, a datagram. False when there is no more. */
bool link_message_next(struct reader *input, struct link *links, size_t n_links,
		       struct link_message *ret, struct link **ret_link);
/* As libcoap hands it on. A payload of "$" and a byte becomes a token that only the device can
 * make, one of "%", a byte and text a report with this code and text to all that was handed out.
 * False: libcoap would not hand it on. */
bool link_message_read(struct link_message *m, struct service *s, struct link *l);
void link_message_done(struct link_message *m);

/* Aborts when libcoap cannot hold the answer. */
void link_answer_write(const struct device_answer *a);
