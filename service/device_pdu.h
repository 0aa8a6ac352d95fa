/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Between libcoap's messages and what device_dispatch takes and answers: options, path, payload.
 * Judges no more than the form. */

#include <coap3/coap.h>

#include "service/device_dispatch.h"

/* A request, and what it points to besides the message. */
struct device_pdu {
	struct device_request request; /* points into this and into the message */
	struct block block1, block2;
	coap_string_t *path; /* owned */
};

/* Fills *ret, also when it refuses, and device_pdu_done() releases it. 0, or the code to refuse
 * with. */
uint8_t device_pdu_read(const coap_pdu_t *pdu, struct device_pdu *ret) _must_check_;
void device_pdu_done(struct device_pdu *d);

/* The code, options and payload of an answer. 5.00 and a line in the log when libcoap cannot hold
 * them. */
void device_pdu_write(coap_pdu_t *response, const struct device_answer *a);
