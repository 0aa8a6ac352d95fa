/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The one owner of the Wi-Fi configuration: the sealed copy in the store, and the copy in memory
 * that a volatile configuration lives in. The one in memory wins until the program ends. */

#include <stdbool.h>

#include "credstore/store.h"
#include "proto/wifi/wifi.h"

struct saved;

/* Reads what is stored; nothing stored is no error, and neither is a record that cannot be used any
 * more (told in the log, kept until something takes its place). store is borrowed. -errno,
 * STORE_E_*. */
int saved_new(struct store *store, struct saved **ret) _must_check_;
struct saved *saved_free(struct saved *s);
DEFINE_CLEANUP(struct saved *, saved_free);

/* NULL when there is none. Valid until the next call that changes it. */
const struct wifi_config *saved_get(const struct saved *s);
/* Keeps config (copied): durable when this returns, or in memory alone when it says volatile, which
 * leaves the stored one untouched. On failure everything is as it was. */
int saved_keep(struct saved *s, const struct wifi_config *config) _must_check_;
/* Wipes both. On failure nothing was forgotten. */
int saved_forget(struct saved *s) _must_check_;
