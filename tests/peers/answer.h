/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* How a peer answers a step out of the ordinary, as told on its command line:
 * STEP:N:CODE[:OPTION=VALUE…], for instance "cmd:1:5.03:max-age=2", "rsp:*:none",
 * "cmd:2:2.05:hex=ff00", "auth:1:4.01:echo=0102", "cmd:*:-:block=2", "auth:1:-:separate=50". */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

enum step {
	STEP_AUTH,
	STEP_CMD,
	STEP_RSP,
	STEP_SUSPEND,
	STEP_CLOUD_AUTH,
	STEP_STATE,
	STEP_REPORTED,
	_STEP_MAX,
};

#define ANSWERS_MAX 32

struct answer {
	enum step step;
	unsigned int n; /* which request of this step, from 1; 0 = every */
	int code;       /* as a byte; 0 = acknowledge and say nothing more; -1 = the usual answer */
	int max_age_s;  /* -1 = none */
	int block;      /* SZX to force on the answer; -1 = the library's choice */
	unsigned int separate_ms; /* 0 = piggybacked */
	bool has_payload, has_echo;
	uint8_t payload[4096], echo[40];
	size_t payload_len, echo_len;
};

const char *step_name(enum step step);
const char *step_path(enum step step);

int answer_parse(const char *text, struct answer *ret) _must_check_;
