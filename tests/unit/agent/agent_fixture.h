/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A whole agent on a store of its own, with fake sessions to a service that does as `service` says.
 * After <setjmp.h> and what else cmocka wants. */

#include "agent/agent.h"
#include "discovery/finder.h"
#include "fake_session.h"

#define CODE(class, detail) ((uint8_t)((class) << 5 | (detail)))
#define LIMIT_MS 20000 /* of a failure, never of a success */

/* The service behind the fake session: a queue of bodies, and what it says instead. */
struct far_end {
	uint8_t auth[16];   /* codes in order, the last one repeated; 0 ends */
	uint32_t max_age_s; /* of every answer but a good authentication */
	uint8_t bodies[8][2048];
	size_t body_len[8];
	size_t n_bodies, at_body;
	uint8_t fetch_code[8]; /* 0: 2.05 */
	int report_r[8];       /* in order; 0: 2.04 */
	uint8_t report_code[8];
	unsigned int n_auth, n_fetch, n_report, n_cloud;
	unsigned int cloud_refusals; /* this many times: */
	uint8_t cloud_code;          /* 0: 4.01 */
	uint32_t cloud_max_age_s;    /* 0: none */
	int cloud_r;                 /* SESSION_E_* instead */
	bool hold_fetch, clock_synchronised;
	struct finder_server found; /* port 0: none */
	unsigned int n_looks;
	char jti[2][192];           /* of the latest tokens: provisioning, cloud */
	char trace[JWT_TRACE_TEXT]; /* under which it knows the provisioning session */
};
extern struct far_end service;

struct fixture {
	char dir[64];
	sd_event *event;
	struct config *config;
	struct agent *agent;
	unsigned int n_ended, n_callbacks;
	enum outcome outcome;
	char states[4096];
	char steps[8192];
	unsigned int n_rolled_back;
	uint32_t rolled_back_tag;
	char rolled_back_why[512];
};

/* spec: "id=verb parameters" lines; "id=finished". */
void offer(const char *const *spec);
void write_file(struct fixture *f, const char *name, const char *text);
/* What `more` sets wins: it is a drop-in. */
void configure(struct fixture *f, const char *more);
/* The agent that is made next finds a session that an earlier process suspended. */
void leave_session(uint64_t authenticated_until_ms, const char *trace);
void make_agent(struct fixture *f);
int setup(void **state);
int teardown(void **state);
struct agent_status status_of(struct fixture *f);
bool is_in(struct fixture *f, const char *state);
void run_until_ended(struct fixture *f, unsigned int n);
void run_until_state(struct fixture *f, const char *state);
void start(struct fixture *f);
#define OFFER(...) offer((const char *const[]){__VA_ARGS__, NULL})
