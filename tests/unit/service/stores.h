/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The stores that tests run over: SQLite, or PostgreSQL when ONBOARD_TEST_STORE says postgresql.
 * The server is a real one, started by the test as a user without privileges, in a folder of its
 * own, and reached over a socket in it. */

#include <stdbool.h>
#include <stddef.h>

#include "service/store.h"

bool stores_is_postgres(void);

/* A server that is up, made at the first call; its data base is empty after stores_clear(). */
const char *stores_url(void);
void stores_clear(void);
/* SQL as the data base's owner, beside the store. */
void stores_run(const char *sql);

/* Whether a text stands anywhere in the server's data base. */
bool stores_hold(const char *text);

/* Saves the data base with pg_dump, and restores it into a new one, whose URL it writes. */
void stores_copy(const char *name, char *ret_url, size_t size);

/* The server goes without being asked twice: its processes are killed. */
void stores_server_kill(void);
/* As an administrator restarts it. */
void stores_server_stop(void);
void stores_server_start(void);

/* A store: of path, or of the server. */
void stores_open(const char *path, struct service_store **ret);
