/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The cycles that somebody asked for and that have not ended well yet, durable in the store: a
 * request that comes while another cycle runs, or before a crash, is not lost, and a command of the
 * shadow is never run twice. What a cycle answers is what was asked for before it began.
 *
 * Schedule, certificate and network are not in here: what makes them due stays where it is until a
 * cycle has ended well. */

#include <stdbool.h>
#include <stdint.h>

#include "base/macros.h"

struct store;

enum request_source {
	REQUEST_BUS,    /* Provision: onboardctl provision */
	REQUEST_SIGNAL, /* SIGUSR1 */
	REQUEST_SHADOW, /* {"command":[1,N]} */
	REQUEST_N,
};

struct requests {
	struct store *store;     /* borrowed */
	bool pending[REQUEST_N]; /* asked for, and not run to a good end */
	bool durable[REQUEST_N]; /* the store has it */
	bool taken[REQUEST_N]; /* by the cycle that runs, or by the one that will be tried again */
	uint32_t command;      /* the pending one of the shadow */
	uint32_t done;         /* the last one that was run, 0 for none */
};

enum {
	REQUESTS_E_PENDING = 1, /* this command is asked for already */
	REQUESTS_E_DONE = 2,    /* it was run: what is left is to say so */
};

#define REQUESTS_TEXT_MAX 64

/* What an earlier process left. -errno; nothing is pending then. */
int requests_load(struct requests *r, struct store *store) _must_check_;
/* Durable when it returns 0. -errno: kept in memory only. Not for the shadow's. */
int requests_add(struct requests *r, enum request_source source) _must_check_;
/* The shadow's command, 1 … UINT32_MAX; it takes the place of one that is pending. As
 * requests_add(), or positive with nothing changed. */
int requests_add_command(struct requests *r, uint32_t command) _must_check_;
/* A cycle begins. */
void requests_take(struct requests *r);
/* It ended well: forgets what it took, in one durable transaction. -errno: nothing is forgotten. */
int requests_finish(struct requests *r) _must_check_;
/* Something was asked for after the last requests_take(). */
bool requests_are_waiting(const struct requests *r);
/* "bus, shadow command 7" of what is pending, or only of what waits; "" for nothing. */
void requests_describe(const struct requests *r, bool waiting_only,
		       char ret[static REQUESTS_TEXT_MAX]);
