/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* systemd's file-descriptor store, played by the test: the process that keeps the descriptors. */

#include <stddef.h>

#define FAKE_STORE_MAX 8

struct fake_store {
	char path[100];
	int socket;
	struct {
		char name[64];
		int fd;
	} kept[FAKE_STORE_MAX];
	size_t n;
};

/* Listens and sets $NOTIFY_SOCKET. */
void fake_store_init(struct fake_store *s, const char *dir);
void fake_store_done(struct fake_store *s);
/* Takes in what was sent so far. */
void fake_store_read(struct fake_store *s);
/* The descriptor of that name, or -1. */
int fake_store_find(const struct fake_store *s, const char *name);
/* In a forked child: what systemd does before exec: descriptors from 3 on and their names in the
 * environment. */
void fake_store_hand_over(const struct fake_store *s);
