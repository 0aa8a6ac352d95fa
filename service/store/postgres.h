/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The store in a PostgreSQL data base (13 or newer): what several service processes share. */

#include "service/store.h"

/* Whether text names such a store: postgresql://... or postgres://... */
bool store_postgres_is_url(const char *text);

/* Connects, which takes at most some seconds, and brings the schema up to date. A connection that
 * is lost later is made anew when the store is used: until then calls fail with -EBUSY, at once or
 * after a fraction of a second. A commit whose answer does not arrive fails with -EIO, and may have
 * happened. The URL must not contain a password. -errno with *ret_detail, a sentence to show, which
 * is the caller's to free. */
int store_postgres_open(const char *url, struct service_store **ret,
			char **ret_detail) _must_check_;
/* Which schema the data base has, 0 for none, and what it is for people (owned). Changes nothing.
 * Errors as above. */
int store_postgres_look(const char *url, int64_t *ret_version, char **ret_about,
			char **ret_detail) _must_check_;
