/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What onboardctl asks a person at the terminal, or reads from files that a script gives it. Return
 * values as verbs.h says. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "base/secret.h"
#include "proto/wifi/wifi.h"

/* Whether somebody can be asked: standard input and error are a terminal. */
bool ask_is_possible(void);
/* A line; longer ones are cut. EXIT_CODE_FAILED at the end of the input. */
int ask_line(const char *prompt, char *ret, size_t size) _must_check_;
/* The same without echo. */
int ask_secret(const char *prompt, char *ret, size_t size) _must_check_;

/* All of a file, at most max bytes; says on standard error why not. is_private: also when others
 * may read it. */
int ask_file(const char *path, size_t max, bool is_private, struct secret *ret) _must_check_;

/* The passphrase of the network of config, into config: from file (NULL: from standard input, asked
 * for when that is a terminal), without the line end behind it. An empty one is none. */
int ask_passphrase(const char *file, struct wifi_config *config) _must_check_;
/* The code on a device's label, at most WIFI_LABEL_CODE_MAX bytes. */
int ask_label_code(const char *file, uint8_t *ret, size_t *ret_len) _must_check_;
