/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A device of an owner's team, opened for a change: the frame that all of them have. */

#include "service/core_private.h"

struct device_change {
	struct core *core;
	const struct core_owner *owner;
	struct store_txn t;
	struct store_device row; /* to be changed */
};

/* 0, or the status of the problem in *ret. */
unsigned int device_change_open(struct core *c, const struct core_owner *o, const char *device,
				struct device_change *ret_change, json_t **ret) _must_check_;
/* Writes the row of the audit log and the event (kind NULL: none), and commits. detail is of both,
 * taken over, or NULL. 0, or the status of the problem in *ret. */
unsigned int device_change_commit(struct device_change *ch, const char *action, const char *kind,
				  json_t *detail, json_t **ret) _must_check_;
void device_change_done(struct device_change *ch);
