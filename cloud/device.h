/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Proves that the provisioned credentials reach the cloud: a session of its own, POST auth/jwt with
 * the cloud access key, GET state, PATCH state/reported with what this device is. docs/protocol.md
 * §8. */

#include "credstore/identity.h"
#include "provisioning/outcome.h"
#include "session/session.h"

struct cloud_device;

struct cloud_device_config {
	struct session_config session; /* server, port, address ...; ca_pem is the fallback when the
					  tag has no CA */
	uint32_t sec_tag;              /* whose private key signs and whose root CA is trusted */
	unsigned int jwt_lifetime_s;   /* 0 = 600 */
	struct keyring *ring;          /* for a key in a token; borrowed; may be NULL */
};

int cloud_device_new(sd_event *event, const struct cloud_device_config *config, struct store *store,
		     struct identity *identity, struct cloud_device **ret) _must_check_;
struct cloud_device *cloud_device_free(struct cloud_device *d);
DEFINE_CLEANUP(struct cloud_device *, cloud_device_free);

struct cloud_result {
	enum outcome outcome; /* OUTCOME_OK: access is validated */
	const char *step;     /* "connect", "auth/jwt", "state", "state/reported" */
	uint8_t code;
	uint32_t max_age_s; /* of the login, or of the answer that ended it; 0 when absent */
	const char *detail;
};

typedef void (*cloud_fn)(struct cloud_device *d, const struct cloud_result *result, void *userdata);

/* One attempt; the key signs on a worker; the session is closed (close_notify) at its end. */
int cloud_device_validate(struct cloud_device *d, cloud_fn fn, void *userdata) _must_check_;
/* The same with the tag's predecessors (credstore/staged.h) instead of its credentials. */
int cloud_device_validate_previous(struct cloud_device *d, cloud_fn fn,
				   void *userdata) _must_check_;
void cloud_device_cancel(struct cloud_device *d);
void cloud_device_get_stats(const struct cloud_device *d, struct session_stats *ret);
