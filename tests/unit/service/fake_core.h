/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Takes core's place at link time: answers what the test says, and keeps what it was asked. */

#include "proto/limits.h"
#include "service/core.h"

#define FAKE_DEVICE "50363154-3931-44f0-8022-121b6401627d"
#define FAKE_TRACE "00112233445566aa"
#define FAKE_KEY "key-of-an-editor"

struct fake_core {
	/* answers */
	enum core_verdict authenticate, cloud, fetch, report, state_get, state_patch;
	uint8_t commands[BODY_MAX];
	size_t commands_len;
	json_t *state;   /* owned; NULL for empty */
	uint32_t wait_s; /* with CORE_BUSY */
	char role[16];
	unsigned int status; /* of every owner call */
	/* what was asked */
	unsigned int n_authenticate, n_cloud, n_fetch, n_report, n_state_get, n_patch, n_owner;
	uint8_t body[BODY_MAX];
	size_t body_len;
	char after[CORRELATION_MAX + 1], section[16], called[32], device[64], command[64];
	char trace[CORE_TRACE_TEXT], address[CORE_ADDRESS_TEXT];
	size_t rx_max, tx_max, limit;
	bool delta;
	char *json; /* owned; what a patch or an owner's body was */
};

extern struct fake_core fake;

void fake_reset(void);
/* As text, into fake.json. */
void fake_keep_json(const json_t *json);
