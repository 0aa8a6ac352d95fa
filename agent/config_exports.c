/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/config_exports.h"

#include <ctype.h>
#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <limits.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/config.h"
#include "agent/config_keys.h"
#include "agent/duration.h"
#include "base/text.h"

#define FAMILY "export"
#define FILE_MAX 60
#define UNIT_MAX 128
#define HOOK_TIMEOUT_MAX_MS (10 * 60 * 1000)

#define FILE_KEY(name, role, fallback)                                                             \
	{                                                                                          \
		name, CONFIG_EXPORT_FILE, EXPORT_ROLE_##role, fallback                             \
	}
#define KEY(name, kind, fallback)                                                                  \
	{                                                                                          \
		name, CONFIG_EXPORT_##kind, EXPORT_N_ROLES, fallback                               \
	}

const struct config_export_key config_export_keys[CONFIG_EXPORT_N_KEYS] = {
	KEY("tag", TAG, NULL),
	KEY("directory", DIRECTORY, NULL),
	FILE_KEY("ca", CA, "ca.pem"),
	FILE_KEY("certificate", CERTIFICATE, "cert.pem"),
	FILE_KEY("key", KEY, "key.pem"),
	KEY("key-uri", URI_FILE, "pkcs11.env"),
	FILE_KEY("psk", PSK, NULL),
	FILE_KEY("psk-identity", PSK_IDENTITY, NULL),
	KEY("owner", OWNER, NULL),
	KEY("group", GROUP, NULL),
	KEY("mode", MODE, "0640"),
	KEY("directory-mode", DIRECTORY_MODE, "0750"),
	KEY("hook", HOOK, NULL),
	KEY("hook-command", HOOK_COMMAND, NULL),
	KEY("hook-timeout", HOOK_TIMEOUT, "30s"),
};

/* ---- sections ---- */

bool config_export_is_section(const char *section, size_t len)
{
	size_t n = strlen(FAMILY);

	return len >= n && memcmp(section, FAMILY, n) == 0 &&
	       (len == n || section[n] == ' ' || section[n] == '\t' || section[n] == '"');
}

/* export "NAME", one blank or more between them. */
static int read_name(const char *section, size_t len, char ret[static CONFIG_EXPORT_NAME_MAX + 1],
		     char **ret_allowed)
{
	const char *at = section + strlen(FAMILY), *end = section + len;
	size_t n;

	while (at < end && (*at == ' ' || *at == '\t'))
		at++;
	n = (size_t)(end - at);
	if (n < 3 || n - 2 > CONFIG_EXPORT_NAME_MAX || at == section + strlen(FAMILY) ||
	    at[0] != '"' || end[-1] != '"')
		n = 0;
	for (size_t i = 1; n > 0 && i + 1 < n; i++)
		if (!isascii(at[i]) || (!isalnum((unsigned char)at[i]) && !strchr("-_", at[i])))
			n = 0;
	if (n == 0)
		return config_refuse(
			ret_allowed,
			"an export is written [export \"NAME\"], NAME being 1 to %d of A-Z a-z "
			"0-9 _ -",
			CONFIG_EXPORT_NAME_MAX);
	memcpy(ret, at + 1, n - 2);
	ret[n - 2] = '\0';
	return 0;
}

static void clear(struct config_export *e)
{
	for (size_t i = 0; i < EXPORT_N_ROLES; i++)
		free(e->spec.files[i]);
	for (size_t i = 0; e->hook_command && e->hook_command[i]; i++)
		free(e->hook_command[i]);
	free(e->hook_command);
	free(e->hook);
	free(e->spec.name);
	free(e->spec.directory);
	free(e->spec.uri_file);
	*e = (struct config_export){0};
}

static int make(struct config_export *e, const char *name)
{
	e->spec.owner = EXPORT_OWNER_ANY;
	e->spec.group = EXPORT_GROUP_ANY;
	e->spec.name = strdup(name);
	if (!e->spec.name)
		return -ENOMEM;
	for (size_t i = 0; i < CONFIG_EXPORT_N_KEYS; i++) {
		_cleanup_(freep) char *allowed = NULL;
		int r = 0;

		if (config_export_keys[i].fallback)
			r = config_export_set(e, i, config_export_keys[i].fallback, &allowed);
		if (r < 0)
			return r;
	}
	return 0;
}

int config_export_of(struct config *c, const char *section, size_t len, size_t *ret,
		     char **ret_allowed)
{
	char name[CONFIG_EXPORT_NAME_MAX + 1];
	int r;

	r = read_name(section, len, name, ret_allowed);
	if (r < 0)
		return r;
	for (size_t i = 0; i < c->n_exports; i++) {
		if (strcmp(c->exports[i].spec.name, name) == 0) {
			*ret = i;
			return 0;
		}
	}
	if (c->n_exports == CONFIG_EXPORTS_MAX)
		return config_refuse(ret_allowed, "at most %d exports are allowed",
				     CONFIG_EXPORTS_MAX);
	if (!c->exports)
		c->exports = calloc(CONFIG_EXPORTS_MAX, sizeof(*c->exports));
	if (!c->exports)
		return -ENOMEM;
	*ret = c->n_exports++;
	return make(&c->exports[*ret], name);
}

void config_exports_free(struct config *c)
{
	for (size_t i = 0; i < c->n_exports; i++)
		clear(&c->exports[i]);
	free(c->exports);
}

/* ---- values ---- */

size_t config_export_key_find(const char *name)
{
	size_t i = 0;

	while (i < CONFIG_EXPORT_N_KEYS && strcmp(config_export_keys[i].name, name) != 0)
		i++;
	return i;
}

static int keep(char **place, const char *text)
{
	char *copy = *text ? strdup(text) : NULL;

	if (*text && !copy)
		return -ENOMEM;
	free(*place);
	*place = copy;
	return 0;
}

/* As it will be compared with others: no two spellings of one. */
static bool is_plain_path(const char *path)
{
	if (path[0] != '/' || !path[1])
		return false;
	for (const char *at = path; *at; at += strcspn(at, "/")) {
		size_t len = strcspn(++at, "/");

		if (len == 0 || len > NAME_MAX - 16 || strncmp(at, ".", len) == 0 ||
		    strncmp(at, "..", len) == 0)
			return false;
	}
	return true;
}

static int set_directory(char **place, const char *text, char **ret_allowed)
{
	if (*text && !is_plain_path(text))
		return config_refuse(ret_allowed,
				     "allowed is a path that begins with /, without ., .., // "
				     "and a / at its end");
	return keep(place, text);
}

static bool is_of(const char *text, const char *more)
{
	for (; *text; text++)
		if (!isascii(*text) || (!isalnum((unsigned char)*text) && !strchr(more, *text)))
			return false;
	return true;
}

static int set_file(char **place, const char *text, char **ret_allowed)
{
	if (strlen(text) > FILE_MAX || text[0] == '.' || !is_of(text, "._-+@"))
		return config_refuse(
			ret_allowed,
			"allowed is a file's name without directory, at most %d of A-Z a-z 0-9 "
			". _ - + @, not beginning with a dot",
			FILE_MAX);
	return keep(place, text);
}

/* Nothing, which stands for `any`, or a number; false for all else: a name. */
static bool is_id(const char *text, id_t any, id_t *ret)
{
	uint64_t number = any;

	if (*text && decimal_parse(text, strlen(text), INT32_MAX, &number) != 0)
		return false;
	*ret = (id_t)number;
	return true;
}

static int set_owner(uid_t *place, const char *text, char **ret_allowed)
{
	const struct passwd *user;

	if (is_id(text, EXPORT_OWNER_ANY, place))
		return 0;
	user = getpwnam(text);
	if (!user)
		return config_refuse(ret_allowed, "this system has no such user");
	*place = user->pw_uid;
	return 0;
}

static int set_group(gid_t *place, const char *text, char **ret_allowed)
{
	const struct group *group;

	if (is_id(text, EXPORT_GROUP_ANY, place))
		return 0;
	group = getgrnam(text);
	if (!group)
		return config_refuse(ret_allowed, "this system has no such group");
	*place = group->gr_gid;
	return 0;
}

/* needed: the owner's own bits, without which we could not work with it. */
static int set_mode(mode_t *place, const char *text, mode_t needed, mode_t allowed,
		    char **ret_allowed)
{
	unsigned int mode = 0;
	size_t n = strspn(text, "01234567");

	if (n >= 3 && n <= 4 && !text[n])
		for (; *text; text++)
			mode = mode * 8 + (unsigned int)(*text - '0');
	if ((mode & needed) != needed || (mode & ~allowed))
		return config_refuse(
			ret_allowed,
			"allowed are three or four octal digits, with %04o and without %04o",
			needed, 07777 & ~allowed);
	*place = mode;
	return 0;
}

static int set_tag(struct config_export *e, const char *text, char **ret_allowed)
{
	uint64_t tag = 0;

	if (*text && decimal_parse(text, strlen(text), SEC_TAG_MAX, &tag) < 0)
		return config_refuse(ret_allowed, "allowed is a whole number from 0 to %u",
				     SEC_TAG_MAX);
	e->spec.tag = (uint32_t)tag;
	e->has_tag = *text;
	return 0;
}

static int set_hook(char **place, const char *text, char **ret_allowed)
{
	static const char *const types[] = {".service", ".socket", ".target", ".path", ".timer"};
	const char *dot = strrchr(text, '.');
	bool is_unit = !*text;

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		is_unit = is_unit || (dot && dot > text && strcmp(dot, types[i]) == 0);
	if (!is_unit || strlen(text) > UNIT_MAX || !is_of(text, ":_.\\@-"))
		return config_refuse(ret_allowed,
				     "allowed is the name of a systemd unit with its type, "
				     "such as mosquitto.service");
	return keep(place, text);
}

static int set_hook_command(char ***place, const char *text, char **ret_allowed)
{
	struct config_export parsed = {.hook_command =
					       calloc(CONFIG_EXPORT_WORDS_MAX + 1, sizeof(char *))};
	size_t n = 0;

	if (!parsed.hook_command)
		return -ENOMEM;
	for (text += strspn(text, " \t"); *text; text += strspn(text, " \t")) {
		size_t len = strcspn(text, " \t");

		if (n == CONFIG_EXPORT_WORDS_MAX || (n == 0 && *text != '/')) {
			clear(&parsed);
			return config_refuse(
				ret_allowed,
				"allowed is a program by its path that begins with /, and at "
				"most %d words for it",
				CONFIG_EXPORT_WORDS_MAX - 1);
		}
		parsed.hook_command[n] = strndup(text, len);
		if (!parsed.hook_command[n++]) {
			clear(&parsed);
			return -ENOMEM;
		}
		text += len;
	}
	for (size_t i = 0; *place && (*place)[i]; i++)
		free((*place)[i]);
	free(*place);
	*place = n > 0 ? TAKE_PTR(parsed.hook_command) : NULL;
	clear(&parsed);
	return 0;
}

static int set_hook_timeout(uint64_t *place, const char *text, char **ret_allowed)
{
	uint64_t ms;

	if (duration_parse(text, &ms) < 0 || ms < 100 || ms > HOOK_TIMEOUT_MAX_MS)
		return config_refuse(ret_allowed, "allowed is a time from 100ms to 10min");
	*place = ms;
	return 0;
}

int config_export_set(struct config_export *e, size_t key, const char *text, char **ret_allowed)
{
	const struct config_export_key *k = &config_export_keys[key];

	switch (k->kind) {
	case CONFIG_EXPORT_TAG:
		return set_tag(e, text, ret_allowed);
	case CONFIG_EXPORT_DIRECTORY:
		return set_directory(&e->spec.directory, text, ret_allowed);
	case CONFIG_EXPORT_FILE:
		return set_file(&e->spec.files[k->role], text, ret_allowed);
	case CONFIG_EXPORT_URI_FILE:
		if (!*text)
			return config_refuse(ret_allowed, "allowed is a file's name");
		return set_file(&e->spec.uri_file, text, ret_allowed);
	case CONFIG_EXPORT_OWNER:
		return set_owner(&e->spec.owner, text, ret_allowed);
	case CONFIG_EXPORT_GROUP:
		return set_group(&e->spec.group, text, ret_allowed);
	case CONFIG_EXPORT_MODE:
		return set_mode(&e->spec.mode, text, 0400, 0664, ret_allowed);
	case CONFIG_EXPORT_DIRECTORY_MODE:
		return set_mode(&e->spec.directory_mode, text, 0700, 0755, ret_allowed);
	case CONFIG_EXPORT_HOOK:
		return set_hook(&e->hook, text, ret_allowed);
	case CONFIG_EXPORT_HOOK_COMMAND:
		return set_hook_command(&e->hook_command, text, ret_allowed);
	case CONFIG_EXPORT_HOOK_TIMEOUT:
		return set_hook_timeout(&e->hook_timeout_ms, text, ret_allowed);
	}
	return -EINVAL;
}

/* ---- together ---- */

struct check {
	size_t export, key; /* to blame */
	char **ret_what;
};

static int blame(struct check *c, const char *key, const char *format, ...) _printf_(3, 4);
static int blame(struct check *c, const char *key, const char *format, ...)
{
	va_list ap;
	int r;

	c->key = config_export_key_find(key);
	va_start(ap, format);
	r = vasprintf(c->ret_what, format, ap);
	va_end(ap);
	if (r < 0)
		*c->ret_what = NULL;
	return r < 0 ? -ENOMEM : -EINVAL;
}

static const char *key_of(enum export_role role)
{
	for (size_t i = 0; i < CONFIG_EXPORT_N_KEYS; i++)
		if (config_export_keys[i].kind == CONFIG_EXPORT_FILE &&
		    config_export_keys[i].role == role)
			return config_export_keys[i].name;
	return "";
}

/* The names in the directory, NULL for those that are not there; the last is the URI's. */
static const char *file_of(const struct export_spec *spec, size_t i)
{
	if (i < EXPORT_N_ROLES)
		return spec->files[i];
	return spec->files[EXPORT_ROLE_KEY] ? spec->uri_file : NULL;
}

static int check_files(struct check *c, const struct export_spec *spec)
{
	bool any = false;

	for (size_t i = 0; i <= EXPORT_N_ROLES; i++) {
		const char *key = i < EXPORT_N_ROLES ? key_of((enum export_role)i) : "key-uri";

		for (size_t j = 0; j < i; j++)
			if (file_of(spec, i) && file_of(spec, j) &&
			    strcmp(file_of(spec, i), file_of(spec, j)) == 0)
				return blame(c, key,
					     "'%s' and '%s' of [export \"%s\"] name one file",
					     key_of((enum export_role)j), key, spec->name);
		any = any || file_of(spec, i);
	}
	if (!any)
		return blame(c, "ca", "[export \"%s\"] exports nothing: all its files are left out",
			     spec->name);
	return 0;
}

static int check_one(struct check *c, const struct config_export *e)
{
	const struct export_spec *spec = &e->spec;

	if (!spec->directory)
		return blame(c, "", "[export \"%s\"] needs a 'directory'", spec->name);
	if ((spec->mode & 007) && (spec->files[EXPORT_ROLE_KEY] || spec->files[EXPORT_ROLE_PSK]))
		return blame(
			c, "mode",
			"'mode' %04o of [export \"%s\"] lets everybody read the key; leave the "
			"last digit 0, or leave out the key by an empty 'key'",
			spec->mode, spec->name);
	if (e->hook && e->hook_command)
		return blame(c, "hook-command",
			     "'hook' and 'hook-command' of [export \"%s\"] exclude each other",
			     spec->name);
	return check_files(c, spec);
}

/* One is the other, or is inside of it. */
static bool overlap(const char *a, const char *b)
{
	size_t len = strlen(a) < strlen(b) ? strlen(a) : strlen(b);

	return strncmp(a, b, len) == 0 && (!a[len] || a[len] == '/') && (!b[len] || b[len] == '/');
}

int config_exports_check(const struct config *c, size_t *ret_export, size_t *ret_key,
			 char **ret_what)
{
	struct check check = {.ret_what = ret_what};
	int r = 0;

	for (size_t i = 0; i < c->n_exports && r == 0; i++) {
		check.export = i;
		r = check_one(&check, &c->exports[i]);
		for (size_t j = 0; j < i && r == 0; j++)
			if (overlap(c->exports[i].spec.directory, c->exports[j].spec.directory))
				r = blame(&check, "directory",
					  "the directories of [export \"%s\"] and [export \"%s\"] "
					  "are one, or one is inside the other",
					  c->exports[j].spec.name, c->exports[i].spec.name);
	}
	if (r < 0) {
		*ret_export = check.export;
		*ret_key = check.key;
	}
	return r;
}
