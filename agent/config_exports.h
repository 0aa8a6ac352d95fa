/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The sections [export "NAME"] of onboardd.conf(5), one each for a directory that other programs
 * read credentials from. A table of their own beside config_keys: there may be several, and each
 * has all keys. */

#include <stdint.h>

#include "base/macros.h"
#include "credstore/export.h"

#define CONFIG_EXPORTS_MAX 16
#define CONFIG_EXPORT_NAME_MAX 32
#define CONFIG_EXPORT_WORDS_MAX 16

struct config;

struct config_export {
	struct export_spec spec; /* its texts are owned */
	bool has_tag;            /* else that of [cloud] */
	char *hook;              /* hook = UNIT, optional */
	char **hook_command; /* hook-command = /PROGRAM WORD …, optional; NULL-terminated, owned */
	uint64_t hook_timeout_ms; /* hook-timeout = 30s */
};

enum config_export_kind {
	CONFIG_EXPORT_TAG,
	CONFIG_EXPORT_DIRECTORY,
	CONFIG_EXPORT_FILE, /* an empty one: not exported */
	CONFIG_EXPORT_URI_FILE,
	CONFIG_EXPORT_OWNER,
	CONFIG_EXPORT_GROUP,
	CONFIG_EXPORT_MODE,
	CONFIG_EXPORT_DIRECTORY_MODE,
	CONFIG_EXPORT_HOOK,
	CONFIG_EXPORT_HOOK_COMMAND,
	CONFIG_EXPORT_HOOK_TIMEOUT,
};

struct config_export_key {
	const char *name;
	enum config_export_kind kind;
	enum export_role role; /* of CONFIG_EXPORT_FILE */
	const char *fallback;  /* NULL: unset */
};

#define CONFIG_EXPORT_N_KEYS 15
extern const struct config_export_key config_export_keys[CONFIG_EXPORT_N_KEYS];

/* Whether what stands between a section's brackets is meant as one of these. */
bool config_export_is_section(const char *section, size_t len);
/* The number of the export that the section is of, made with its defaults when it is new. -EINVAL:
 * its name cannot be, or there are too many; *ret_allowed as config_key_set(). -ENOMEM. */
int config_export_of(struct config *c, const char *section, size_t len, size_t *ret,
		     char **ret_allowed) _must_check_;
/* CONFIG_EXPORT_N_KEYS when there is none. */
size_t config_export_key_find(const char *name);
/* As config_key_set(). */
int config_export_set(struct config_export *e, size_t key, const char *text,
		      char **ret_allowed) _must_check_;

/* What the keys of one and of all have to do with each other. -EINVAL: *ret_export and *ret_key
 * (CONFIG_EXPORT_N_KEYS: the section itself) are to blame, *ret_what is owned. */
int config_exports_check(const struct config *c, size_t *ret_export, size_t *ret_key,
			 char **ret_what) _must_check_;
void config_exports_free(struct config *c);
