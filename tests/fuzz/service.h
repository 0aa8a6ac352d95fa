/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A service for targets: the real core over the real SQLite store in memory, two teams, and devices
 * that prove themselves. Made once; what a run changes is undone behind it, so that every run finds
 * the same store, the same time and the same random numbers. */

#include "tests/fuzz/fuzz.h"
#include "tests/unit/service/fixture.h"

enum service_device {
	SERVICE_CLAIMED,   /* by ours: has rules, commands, a shadow and a cloud key */
	SERVICE_UNCLAIMED, /* genuine, nobody's */
	SERVICE_THEIRS,    /* of the other team */
	SERVICE_UNKNOWN,   /* nobody ever heard of it */
	SERVICE_DEVICES,
};

enum service_token {
	SERVICE_TOKEN_PROVISIONING,
	SERVICE_TOKEN_CLOUD,
	SERVICE_TOKEN_EXPIRED,
	SERVICE_TOKEN_FUTURE,
	SERVICE_TOKEN_FORGED, /* signed with another device's key */
	SERVICE_TOKENS,
};

enum service_owner {
	SERVICE_NOBODY,
	SERVICE_VIEWER,
	SERVICE_EDITOR,
	SERVICE_ADMIN,
	SERVICE_OTHER, /* admin of the other team */
	SERVICE_OWNERS,
};

struct service {
	struct fixture *f;
	char keys[SERVICE_OWNERS][80]; /* what their Authorization header says */
	struct device devices[SERVICE_DEVICES];
	EVP_PKEY *cloud_keys[SERVICE_DEVICES];
	char claim_tokens[SERVICE_DEVICES][TOKEN_TEXT_MAX];
	char tokens[SERVICE_DEVICES][SERVICE_TOKENS][JWT_MAX];
};

struct service *service_begin(void);
struct service *service_get(void);
/* Aborts when the run broke what must hold in every store. */
void service_end(void);
void service_clock_advance(int64_t seconds);
/* Changes whenever a row is written. */
int64_t service_writes(void);
enum service_team { SERVICE_TEAM_NOBODY, SERVICE_TEAM_OURS, SERVICE_TEAM_THEIRS };

/* Who has claimed it. */
enum service_team service_team(enum service_device device);
/* Of the commands, the shadow and the keys of a device: the same for the same content. */
uint64_t service_digest(enum service_device device);
