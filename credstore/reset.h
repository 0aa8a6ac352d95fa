/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Makes a store forget what somebody asked it to forget, and wipes it from the files. What is asked
 * is durable before anything happens; it is done in one transaction together with the receipt; what
 * is left of it in the files goes after that. A power cut at any point leaves what reset_get() or
 * reset_wipe() go on with. What lies outside of the store (exported files) is the caller's. */

#include "credstore/store.h"

enum reset_part {
	RESET_NETWORK = 1 << 0,     /* Wi-Fi networks, and what was learnt about networks */
	RESET_CREDENTIALS = 1 << 1, /* all that came from a service or belongs to an owner */
	RESET_IDENTITY = 1 << 2,    /* key and UUID; the credentials go with it */
};
#define RESET_N_PARTS 3

#define RESET_ID_LEN 16

struct reset {
	unsigned int parts; /* enum reset_part */
	char id[RESET_ID_LEN + 1];
};

/* "network", "credentials", "identity". */
const char *reset_part_name(enum reset_part part);
/* 0 when there is no such part. */
unsigned int reset_part_of(const char *name);

/* Durable when it returns. One that is asked for already grows by the parts. -errno. */
int reset_ask(struct store *s, unsigned int parts, struct reset *ret) _must_check_;
/* What is asked for and not done yet; -ENOENT. */
int reset_get(struct store *s, struct reset *ret) _must_check_;

struct reset_counts {
	size_t networks, credentials, predecessors, results, settings;
	bool is_sealed_anew; /* no key opens what was sealed before */
};

/* Inside the transaction: writes down what was done. -errno, which undoes all of it. */
typedef int (*reset_note_fn)(struct store *s, const struct reset *q,
			     const struct reset_counts *counts, void *userdata);

/* Does what q says; dir and options as they were for store_open(). The root CA in ca_tag stays: it
 * is no secret, and without it the device would trust nobody. -errno, STORE_E_CORRUPT: nothing was
 * changed. */
int reset_forget(struct store *s, const char *dir, const struct store_options *options,
		 const struct reset *q, uint32_t ca_tag, reset_note_fn note,
		 void *userdata) _must_check_;
/* Removes what is left in the files of a reset that is done: free pages, the log, the old sealing
 * key, and with the credentials also damaged stores that were set aside. Nothing happens when that
 * was done. -errno: the next call goes on. */
int reset_wipe(struct store *s, const char *dir, const struct store_options *options) _must_check_;

/* Whether nothing is left to reset_wipe(). */
bool reset_is_wiped(struct store *s);

/* The receipt of the last one, as its note wrote it. *ret owned. -ENOENT. */
int reset_receipt_put(struct store *s, const char *text) _must_check_;
int reset_receipt_get(struct store *s, char **ret) _must_check_;
