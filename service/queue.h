/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The commands of a device in their order (docs/protocol.md §4.2, §10.1): adding, and the open ones
 * at a glance. Runs inside the caller's write transaction. */

#include "proto/command.h"
#include "service/core_private.h"
#include "service/expand.h"

#define QUEUE_OPEN_MAX 20    /* open commands of one device */
#define QUEUE_CLOSED_MAX 100 /* closed ones that are remembered */
#define QUEUE_DESCRIPTION_MAX 256

enum { QUEUE_E_FULL = 1, QUEUE_E_REFUSED = 2 };

/* Room for n commands at once, and their numbers from *ret_number on. QUEUE_E_FULL. */
int queue_reserve(struct core *c, const char *device, size_t n, int64_t *ret_number) _must_check_;

struct queue_order {
	int64_t number; /* reserved */
	const json_t *request;
	const char *description; /* or NULL */
	const char *rule;        /* "" when an owner asks */
};

/* QUEUE_E_REFUSED with *ret_detail; ret is the caller's to clear. */
int queue_add(struct core *c, const char *device, const struct queue_order *order,
	      struct store_command *ret, char **ret_detail) _must_check_;

/* An open command with its wire steps decoded: [preparation,] main. */
struct queue_item {
	struct store_command row;
	bool is_changed; /* row differs from the store's */
	struct command_list steps;
};

struct queue {
	struct queue_item *items; /* owned */
	size_t n, size;
};

int queue_load(struct core *c, const char *device, struct queue *ret) _must_check_;
void queue_done(struct queue *q);

/* The step's place among those of its command: 0 preparation, 1 main. */
unsigned int queue_place(const struct queue_item *item, size_t step);

/* Stores what changed in items that are still open. */
int queue_save(struct core *c, struct queue *q) _must_check_;
/* Closes an item and stores that. error and response are taken over; NULL for none. */
int queue_close(struct core *c, struct queue_item *item, enum store_status status, char *error,
		char *response) _must_check_;
