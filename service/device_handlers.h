/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What each resource of the device side does once its request is known to be allowed and whole:
 * turns it into a call of core, and core's verdict into a code. */

#include "service/device_dispatch.h"

struct device_call {
	const struct device_dispatch *dispatch;
	struct device_session *session;
	const struct device_request *request;
	const uint8_t *body; /* whole */
	size_t len;
	uint64_t now_ms;
};

/* The body of an answer, before it is cut into blocks. */
struct device_result {
	uint8_t *body; /* owned by the caller afterwards; NULL for none */
	size_t len;
	uint16_t format;
};

typedef void device_handler_fn(const struct device_call *call, struct device_answer *answer,
			       struct device_result *result);

device_handler_fn device_handle_auth;       /* POST p/auth-jwt, p/auth */
device_handler_fn device_handle_cloud_auth; /* POST auth/jwt */
device_handler_fn device_handle_cmd;
device_handler_fn device_handle_rsp;
device_handler_fn device_handle_suspend;
device_handler_fn device_handle_state_get;
device_handler_fn device_handle_state_reported;
device_handler_fn device_handle_state_desired;
