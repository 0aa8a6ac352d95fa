/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The tables of the store, and how those of older programs become them. */

#include "service/store/db.h"

#define SCHEMA_VERSION 3

/* Brings the schema up to date, in one transaction, whoever else tries at the same time. -EPROTO
 * with *ret_detail for one that is newer. */
int schema_upgrade(struct db *db, char **ret_detail) _must_check_;
