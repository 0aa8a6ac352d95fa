/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/config.h"

#include <dirent.h>
#include <errno.h>
#include <ini.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "agent/config_exports.h"
#include "agent/config_keys.h"
#include "base/file.h"

#define DEFAULT_FILE "/etc/onboardd/onboardd.conf"
#define FILE_MAX (64 * 1024)
#define DROP_INS_MAX 64

/* Where something was last set; path NULL = nowhere. */
struct place {
	const char *path; /* borrowed from loader.paths */
	unsigned int line;
};

struct loader {
	struct config *config;         /* owned */
	char *paths[DROP_INS_MAX + 1]; /* owned; all files read, for messages that name two keys */
	size_t n_paths;
	struct place *set; /* of each key of the table; owned, config_n_keys of them */
	/* The same of the keys of each export; the last one is of its section. */
	struct place exports[CONFIG_EXPORTS_MAX][CONFIG_EXPORT_N_KEYS + 1];

	/* The file that is being read. */
	const char *path, *at;
	unsigned int line; /* inih's handler is not told it in every build; the reader counts */
	int r;
	char *detail; /* owned */
};

static void loader_done(struct loader *l)
{
	config_free(l->config);
	for (size_t i = 0; i < l->n_paths; i++)
		free(l->paths[i]);
	free(l->set);
	free(l->detail);
}

/* Keeps the first failure. */
static int fail(struct loader *l, int r, const char *path, unsigned int line, const char *format,
		...) _printf_(5, 6);
static int fail(struct loader *l, int r, const char *path, unsigned int line, const char *format,
		...)
{
	_cleanup_(freep) char *what = NULL;
	va_list ap;

	if (l->r < 0)
		return l->r;
	l->r = r;
	va_start(ap, format);
	if (vasprintf(&what, format, ap) < 0)
		what = NULL;
	va_end(ap);
	if (!what || (line > 0 ? asprintf(&l->detail, "%s:%u: %s", path, line, what)
			       : asprintf(&l->detail, "%s: %s", path, what)) < 0) {
		l->detail = NULL;
		l->r = -ENOMEM;
	}
	return l->r;
}

static int fail_here(struct loader *l, const char *format, ...) _printf_(2, 3);
static int fail_here(struct loader *l, const char *format, ...)
{
	_cleanup_(freep) char *what = NULL;
	va_list ap;

	va_start(ap, format);
	if (vasprintf(&what, format, ap) < 0)
		what = NULL;
	va_end(ap);
	return what ? fail(l, -EINVAL, l->path, l->line, "%s", what)
		    : fail(l, -ENOMEM, l->path, l->line, "out of memory");
}

static void export_names(char *ret, size_t size)
{
	size_t len = 0;

	ret[0] = '\0';
	for (size_t i = 0; i < CONFIG_EXPORT_N_KEYS && len < size; i++)
		len += (size_t)snprintf(ret + len, size - len, "%s%s", i > 0 ? ", " : "",
					config_export_keys[i].name);
}

/* "a, b, c": the sections, or the keys of one. */
static void names_of(const char *section, char *ret, size_t size)
{
	const char *last = "";
	size_t len = 0;

	ret[0] = '\0';
	for (size_t i = 0; i < config_n_keys && len < size; i++) {
		const char *name = section ? config_keys[i].name : config_keys[i].section;

		if (strcmp(name, last) == 0 ||
		    (section && strcmp(config_keys[i].section, section) != 0))
			continue;
		len += (size_t)snprintf(ret + len, size - len, "%s%s", len > 0 ? ", " : "", name);
		last = name;
	}
	if (!section && len < size)
		snprintf(ret + len, size - len, ", export \"NAME\"");
}

static bool is_section(const char *name, size_t len)
{
	for (size_t i = 0; i < config_n_keys; i++)
		if (strncmp(config_keys[i].section, name, len) == 0 &&
		    config_keys[i].section[len] == '\0')
			return true;
	return false;
}

/* The export that a section is of. */
static int find_export(struct loader *l, const char *section, size_t len, size_t *ret)
{
	_cleanup_(freep) char *allowed = NULL;
	int r;

	r = config_export_of(l->config, section, len, ret, &allowed);
	if (r == -EINVAL)
		return fail_here(l, "section [%.*s]: %s", (int)len, section,
				 allowed ? allowed : "");
	return r < 0 ? fail(l, r, l->path, l->line, "%s", strerror(-r)) : 0;
}

static int begin_export(struct loader *l, const char *section, size_t len)
{
	size_t i;
	int r;

	r = find_export(l, section, len, &i);
	if (r == 0)
		l->exports[i][CONFIG_EXPORT_N_KEYS] = (struct place){l->path, l->line};
	return r;
}

/* inih says nothing of a section without keys, and ignores what follows its bracket. */
static int check_section_line(struct loader *l, const char *line)
{
	size_t len = strcspn(line + 1, "]");
	const char *rest = line + 1 + len;
	char known[512];

	if (*rest != ']')
		return fail_here(l, "'[' without ']'");
	if (config_export_is_section(line + 1, len)) {
		if (begin_export(l, line + 1, len) < 0)
			return l->r;
	} else if (!is_section(line + 1, len)) {
		names_of(NULL, known, sizeof(known));
		return fail_here(l, "unknown section [%.*s]; allowed are %s", (int)len, line + 1,
				 known);
	}
	rest++;
	rest += strspn(rest, " \t\r");
	if (*rest && *rest != ';' && *rest != '#')
		return fail_here(l, "text after the section's ']'");
	return 0;
}

/* Hands inih one whole line a call, without the blanks before it: to inih an indented line goes on
 * with the value above, which turns a slip of the hand into a different value. */
static char *read_line(char *ret, int size, void *userdata)
{
	struct loader *l = userdata;
	const char *line = l->at;
	size_t len = strcspn(line, "\n");

	if (l->r < 0 || !*line)
		return NULL;
	l->line++;
	l->at += len + (line[len] == '\n');
	if (l->line == 1 && strncmp(line, "\xef\xbb\xbf", 3) == 0) {
		line += 3;
		len -= 3;
	}
	while (len > 0 && (*line == ' ' || *line == '\t')) {
		line++;
		len--;
	}
	if (*line == '#' || *line == ';')
		len = 0; /* no limit on comments */
	if (len + 2 > (size_t)size) {
		fail_here(l, "line of %zu characters; at most %d are allowed", len, size - 2);
		return NULL;
	}
	memcpy(ret, line, len);
	ret[len] = '\0';
	if (ret[0] == '[' && check_section_line(l, ret) < 0)
		return NULL;
	ret[len] = '\n';
	ret[len + 1] = '\0';
	return ret;
}

static int set_key(struct loader *l, const struct config_key *key, const char *value)
{
	_cleanup_(freep) char *allowed = NULL;
	size_t i = (size_t)(key - config_keys);
	bool again = l->set[i].path == l->path;
	int r;

	if (again && key->kind != CONFIG_KIND_WORDS)
		return fail_here(l, "'%s' of [%s] is already set in line %u", key->name,
				 key->section, l->set[i].line);
	r = config_key_set(l->config, key, value, again, &allowed);
	if (r == -EINVAL)
		return fail_here(l, "'%s' of [%s] cannot be '%s'; %s", key->name, key->section,
				 value, allowed ? allowed : "the value is not understood");
	if (r < 0)
		return fail(l, r, l->path, l->line, "%s", strerror(-r));
	l->set[i].path = l->path;
	l->set[i].line = l->line;
	return 0;
}

static int set_export_key(struct loader *l, const char *section, const char *name,
			  const char *value)
{
	_cleanup_(freep) char *allowed = NULL;
	size_t key = config_export_key_find(name), i = 0;
	struct place *place;
	char known[512];
	int r;

	if (key == CONFIG_EXPORT_N_KEYS) {
		export_names(known, sizeof(known));
		return fail_here(l, "unknown key '%s' in [%s]; allowed are %s", name, section,
				 known);
	}
	r = find_export(l, section, strlen(section), &i);
	if (r < 0)
		return r;
	place = &l->exports[i][key];
	if (place->path == l->path)
		return fail_here(l, "'%s' of [%s] is already set in line %u", name, section,
				 place->line);
	r = config_export_set(&l->config->exports[i], key, value, &allowed);
	if (r == -EINVAL)
		return fail_here(l, "'%s' of [%s] cannot be '%s'; %s", name, section, value,
				 allowed ? allowed : "the value is not understood");
	if (r < 0)
		return fail(l, r, l->path, l->line, "%s", strerror(-r));
	*place = (struct place){l->path, l->line};
	return 0;
}

/* inih wants non-zero for success. */
static int take_value(void *userdata, const char *section, const char *name, const char *value)
{
	struct loader *l = userdata;
	const struct config_key *key;
	char known[512];

	if (l->r < 0)
		return 0;
	if (!*section) {
		names_of(NULL, known, sizeof(known));
		fail_here(l, "'%s' stands before any section; sections are %s", name, known);
		return 0;
	}
	if (config_export_is_section(section, strlen(section)))
		return set_export_key(l, section, name, value ? value : "") == 0;
	key = config_key_find(section, name);
	if (!key) {
		names_of(section, known, sizeof(known));
		fail_here(l, "unknown key '%s' in [%s]; allowed are %s", name, section, known);
		return 0;
	}
	return set_key(l, key, value ? value : "") == 0;
}

static int load_file(struct loader *l, const char *path)
{
	_cleanup_(secret_done) struct secret text = SECRET_INIT;
	int r;

	r = file_read(path, FILE_MAX, &text);
	if (r == -EFBIG)
		return fail(l, r, path, 0, "larger than %d bytes", FILE_MAX);
	if (r == -EINVAL)
		return fail(l, r, path, 0, "not a regular file");
	if (r < 0)
		return fail(l, r, path, 0, "%s", strerror(-r));
	if (text.len > 0 && memchr(text.data, '\0', text.len))
		return fail(l, -EINVAL, path, 0, "holds a NUL byte: not a text file");

	l->paths[l->n_paths] = strdup(path);
	if (!l->paths[l->n_paths])
		return -ENOMEM;
	l->path = l->paths[l->n_paths++];
	l->at = text.data ? (const char *)text.data : "";
	l->line = 0;
	r = ini_parse_stream(read_line, l, take_value, l);
	l->at = NULL;
	if (r > 0 && (l->r == 0 || (unsigned int)r < l->line)) {
		/* inih's own complaint, and it came first. */
		free(TAKE_PTR(l->detail));
		l->r = 0;
		return fail(l, -EINVAL, l->path, (unsigned int)r,
			    "neither 'key = value', '[section]' nor a comment");
	}
	if (r < 0 && l->r == 0)
		return fail(l, -ENOMEM, l->path, 0, "out of memory");
	return l->r;
}

static int is_drop_in(const struct dirent *d)
{
	size_t len = strlen(d->d_name);

	return d->d_name[0] != '.' && len > 5 && strcmp(d->d_name + len - 5, ".conf") == 0;
}

/* Not alphasort(): the order must not depend on the locale. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int load_drop_ins(struct loader *l, const char *file)
{
	char copy[PATH_MAX], dir[PATH_MAX + 16], path[PATH_MAX + 512];
	struct dirent **entries = NULL;
	int n, r = 0;

	if ((size_t)snprintf(copy, sizeof(copy), "%s", file) >= sizeof(copy))
		return fail(l, -ENAMETOOLONG, file, 0, "%s", strerror(ENAMETOOLONG));
	snprintf(dir, sizeof(dir), "%s/conf.d", dirname(copy));
	n = scandir(dir, &entries, is_drop_in, by_name);
	if (n < 0)
		return errno == ENOENT || errno == ENOTDIR
			       ? 0
			       : fail(l, -errno, dir, 0, "%s", strerror(errno));
	if (n > DROP_INS_MAX)
		r = fail(l, -E2BIG, dir, 0, "%d drop-ins; at most %d are allowed", n, DROP_INS_MAX);
	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, entries[i]->d_name);
		if (r == 0)
			r = load_file(l, path);
		free(entries[i]);
	}
	free(entries);
	return r;
}

static size_t index_of(const char *section, const char *name)
{
	return (size_t)(config_key_find(section, name) - config_keys);
}

/* The place of the one of two keys that somebody set, the later when both are. */
static int fail_between(struct loader *l, size_t a, size_t b, const char *what)
{
	size_t i = l->set[b].path ? b : a;

	if (!l->set[i].path)
		return fail(l, -EINVAL, "built-in defaults", 0, "%s", what);
	return fail(l, -EINVAL, l->set[i].path, l->set[i].line, "%s", what);
}

static int check_order(struct loader *l, const char *section, const char *low, const char *high)
{
	size_t a = index_of(section, low), b = index_of(section, high);
	const uint64_t *min = (const void *)((const char *)l->config + config_keys[a].offset);
	const uint64_t *max = (const void *)((const char *)l->config + config_keys[b].offset);
	char what[256];

	if (*min <= *max)
		return 0;
	snprintf(what, sizeof(what), "'%s' of [%s] is %" PRIu64 " ms, above '%s' of %" PRIu64 " ms",
		 low, section, *min, high, *max);
	return fail_between(l, a, b, what);
}

static int check_together(struct loader *l)
{
	int r;

	r = check_order(l, "provisioning", "unclaimed-poll", "unclaimed-poll-max");
	if (r == 0)
		r = check_order(l, "provisioning", "retry-first", "retry-max");
	if (r == 0)
		r = check_order(l, "cloud", "retry-first", "retry-max");
	if (r == 0)
		r = check_order(l, "wifi", "retry-first", "retry-max");
	if (r == 0)
		r = check_order(l, "wifi", "address-timeout", "connect-timeout");
	if (r == 0 && strcmp(l->config->wifi_pairing, "passkey-on-label") == 0 &&
	    !l->config->wifi_label_file)
		r = fail_between(l, index_of("wifi", "pairing"), index_of("wifi", "label-file"),
				 "'pairing = passkey-on-label' of [wifi] needs a 'label-file'");
	if (r == 0 && l->config->proxy_file && !l->config->proxy)
		r = fail_between(l, index_of("provisioning", "proxy"),
				 index_of("provisioning", "proxy-login-file"),
				 "'proxy-login-file' of [provisioning] needs a 'proxy'");
	if (r == 0 && l->config->key_uri && l->config->key_file)
		r = fail_between(l, index_of("identity", "key"), index_of("identity", "key-file"),
				 "'key' and 'key-file' of [identity] exclude each other");
	/* The service writes the cloud's root CA into the cloud's tag: it must not replace ours. */
	if (r == 0 && l->config->cloud_tag == l->config->root_ca_tag)
		r = fail_between(l, index_of("provisioning", "root-ca-tag"),
				 index_of("cloud", "sec-tag"),
				 "'sec-tag' of [cloud] and 'root-ca-tag' of [provisioning] must "
				 "differ");
	return r;
}

static int check_exports(struct loader *l)
{
	_cleanup_(freep) char *what = NULL;
	size_t i = 0, key = 0;
	const struct place *place;
	int r;

	r = config_exports_check(l->config, &i, &key, &what);
	if (r != -EINVAL)
		return r;
	place = &l->exports[i][key];
	if (!place->path)
		place = &l->exports[i][CONFIG_EXPORT_N_KEYS];
	return fail(l, r, place->path, place->line, "%s", what);
}

static int inherit_text(char **place, const char *from)
{
	if (*place || !from)
		return 0;
	*place = strdup(from);
	return *place ? 0 : -ENOMEM;
}

static int inherit(struct loader *l)
{
	struct config *c = l->config;
	const char *state = getenv("STATE_DIRECTORY");

	c->cloud_follows = !c->cloud_server;
	if (!c->cloud_server) {
		if (inherit_text(&c->cloud_server, c->server) < 0 ||
		    inherit_text(&c->cloud_address, c->address) < 0)
			return -ENOMEM;
		if (!l->set[index_of("cloud", "port")].path)
			c->cloud_port = c->port;
	}
	for (size_t i = 0; i < c->n_exports; i++)
		if (!c->exports[i].has_tag)
			c->exports[i].spec.tag = c->cloud_tag;
	if (state && *state) {
		char *copy = strndup(state, strcspn(state, ":"));

		if (!copy)
			return -ENOMEM;
		free(c->state_dir);
		c->state_dir = copy;
	}
	return 0;
}

static int load(struct loader *l, const char *file)
{
	int r;

	for (size_t i = 0; i < config_n_keys; i++) {
		const struct config_key *key = &config_keys[i];
		_cleanup_(freep) char *allowed = NULL;

		if (!key->fallback)
			continue;
		r = config_key_set(l->config, key, key->fallback, false, &allowed);
		if (r < 0)
			return r;
	}
	if (file || access(DEFAULT_FILE, F_OK) == 0) {
		r = load_file(l, file ? file : DEFAULT_FILE);
		if (r < 0)
			return r;
	}
	r = load_drop_ins(l, file ? file : DEFAULT_FILE);
	if (r < 0)
		return r;
	r = check_together(l);
	if (r == 0)
		r = check_exports(l);
	if (r < 0)
		return r;
	return inherit(l);
}

int config_load(const char *file, struct config **ret, char **ret_detail)
{
	struct loader l = {0};
	int r = -ENOMEM;

	l.config = calloc(1, sizeof(*l.config));
	l.set = calloc(config_n_keys, sizeof(*l.set));
	if (l.config && l.set)
		r = load(&l, file);
	if (r == 0) {
		*ret = TAKE_PTR(l.config);
	} else {
		if (!l.detail)
			l.detail = strdup("configuration: out of memory");
		*ret_detail = TAKE_PTR(l.detail);
	}
	loader_done(&l);
	return r;
}

struct config *config_free(struct config *c)
{
	if (!c)
		return NULL;
	for (size_t i = 0; i < config_n_keys; i++)
		config_key_clear(c, &config_keys[i]);
	config_exports_free(c);
	free(c);
	return NULL;
}
