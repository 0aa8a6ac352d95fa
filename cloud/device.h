/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The cloud as a device sees it, on a session of its own: proves that the provisioned credentials
 * reach it (POST auth/jwt with the cloud access key, GET state, PATCH state/reported with what this
 * device is), and looks at the shadow later. docs/protocol.md §8. */

#include <jansson.h>

#include "credstore/identity.h"
#include "provisioning/outcome.h"
#include "session/session.h"

struct cloud_device;

/* What a shadow's delta (NULL: there is none) is answered with: a new reference, merged into
 * state/reported, or NULL for nothing. Must not call the device. */
typedef json_t *(*cloud_delta_fn)(const json_t *delta, void *userdata);

struct cloud_device_config {
	struct session_config session; /* server, port, address ...; ca_pem is the fallback when the
					  tag has no CA */
	uint32_t sec_tag;              /* whose private key signs and whose root CA is trusted */
	unsigned int jwt_lifetime_s;   /* 0 = 600 */
	struct keyring *ring;          /* for a key in a token; borrowed; may be NULL */
	cloud_delta_fn delta;          /* may be NULL */
	void *delta_userdata;
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

/* Which transport the next attempts try first: session_set_first(). */
void cloud_device_set_first(struct cloud_device *d, enum session_transport first);

/* Whether the session stays, put away, after an attempt that went well; it does not at first. */
void cloud_device_set_keep(struct cloud_device *d, bool keep);

/* One attempt with a login of its own; the key signs on a worker. At its end the session is put
 * away when it is to be kept and all went well, else closed (close_notify). */
int cloud_device_validate(struct cloud_device *d, cloud_fn fn, void *userdata) _must_check_;
/* The same with the tag's predecessors (credstore/staged.h) instead of its credentials. */
int cloud_device_validate_previous(struct cloud_device *d, cloud_fn fn,
				   void *userdata) _must_check_;
/* Looks at the shadow's delta on the kept session, and reports what it is answered with. Connects
 * when the session is gone, and logs in when the login has ended or is about to. */
int cloud_device_poll(struct cloud_device *d, cloud_fn fn, void *userdata) _must_check_;
/* Gives up what runs and closes its session; a kept one stays. */
void cloud_device_cancel(struct cloud_device *d);
/* Closes a kept session, with a goodbye; nothing may run. */
void cloud_device_leave(struct cloud_device *d);
void cloud_device_get_stats(const struct cloud_device *d, struct session_stats *ret);
