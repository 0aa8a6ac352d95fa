/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What device.c (the attempt, request by request) and holdings.c (what it needs of the store)
 * share. Nobody else includes this. */

#include "cloud/device.h"

enum cloud_purpose { CLOUD_VALIDATE, CLOUD_VALIDATE_PREVIOUS, CLOUD_POLL };

enum cloud_step { STEP_CONNECT, STEP_AUTHENTICATE, STEP_STATE, STEP_REPORT };

struct cloud_device {
	sd_event *event; /* borrowed */
	struct session_config config;
	char *name, *server, *address, *fallback_ca, *proxy,
		*proxy_file; /* owned, what config points to */
	uint32_t sec_tag;
	unsigned int jwt_lifetime_s;
	bool keep;
	cloud_delta_fn delta;
	void *delta_userdata;
	struct keyring *ring;      /* borrowed */
	struct store *store;       /* borrowed */
	struct identity *identity; /* borrowed */

	struct session
		*session; /* owned; kept between attempts, for its session id or as a whole */
	char *ca_pem;     /* owned; what session trusts */
	struct session_stats earlier;
	uint64_t authenticated_until_ms; /* clock_ms(); of the session that is open */

	enum session_transport first;
	bool busy;
	enum cloud_purpose purpose;
	enum cloud_step step;
	bool reconnected, reauthenticated; /* in this attempt: once is enough */
	struct worker *worker;             /* owned; NULL: the key is not at work */
	uint32_t max_age_s;
	cloud_fn fn;
	void *userdata;
	char detail[256];
};

/* holdings.c */

/* The key of this attempt. -ENOENT, -EKEYREJECTED: it is none; -EUCLEAN: the store cannot give it;
 * -ENOMEM. */
int cloud_open_key(struct cloud_device *d, struct key **ret) _must_check_;
/* A session that trusts what the tag holds now. -ENOENT: there is no CA at all. */
int cloud_prepare_session(struct cloud_device *d) _must_check_;
void cloud_forget_session(struct cloud_device *d);
/* What this device is; NULL: out of memory. New reference. */
json_t *cloud_describe_device(const struct cloud_device *d);
