/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/exports.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "agent/config_exports.h"
#include "agent/hook.h"
#include "base/log.h"
#include "credstore/staged.h"

/* The value "export/NAME" of the store is the digest of what was exported last, and whether its
 * hook is still to succeed: it says so before the directory changes. */
#define VALUE "export/%s"
#define PENDING " pending"
/* In place of the digest: the directory was removed. */
#define REMOVED "removed"
/* Of a key in a token: while programs may use it, it is not swept. */
#define KEY_VALUE "export-key/%s"
#define TEXT_MAX 512

enum state { WAITING, EXPORTED, HOOK_RUNNING, HOOK_FAILED, FAILED };

struct item {
	struct exports *exports;
	const struct config_export *config; /* borrowed */
	enum state state;
	char digest[65]; /* of what the hook is told of */
	char error[TEXT_MAX];
	struct hook *hook; /* owned; NULL: none runs */
	bool again;        /* asked for while the hook ran */
};

struct exports {
	sd_event *event;             /* owned reference */
	const struct config *config; /* borrowed, as the store */
	struct store *store;
	struct exports_events events;
	struct item items[CONFIG_EXPORTS_MAX];
	struct export_status status[CONFIG_EXPORTS_MAX];
	size_t n;
	bool let_go_of_key;
};

static void tell(struct item *i, bool failed, const char *format, ...) _printf_(3, 4);
static void tell(struct item *i, bool failed, const char *format, ...)
{
	const struct exports_events *events = &i->exports->events;
	char text[TEXT_MAX];
	va_list ap;
	int len = snprintf(text, sizeof(text), "%s: ", i->config->spec.name);

	va_start(ap, format);
	vsnprintf(text + len, sizeof(text) - (size_t)len, format, ap);
	va_end(ap);
	events->step(events->userdata, failed, text);
}

/* The same failure, cycle after cycle, is logged and told once. */
static void set_state(struct item *i, enum state state, const char *error)
{
	bool is_news = state != i->state || strcmp(error, i->error) != 0;

	i->state = state;
	snprintf(i->error, sizeof(i->error), "%s", error);
	if (!is_news)
		return;
	if (state == FAILED || state == HOOK_FAILED) {
		log_warning("export name=%s %s: %s", i->config->spec.name,
			    state == FAILED ? "failed" : "hook failed", error);
		tell(i, true, "%s%s", state == HOOK_FAILED ? "hook: " : "", error);
	} else if (state == WAITING) {
		log_debug("export name=%s waits: %s", i->config->spec.name, error);
	}
}

/* ---- what was exported last ---- */

static void value_name(const struct item *i, char ret[static 64])
{
	snprintf(ret, 64, VALUE, i->config->spec.name);
}

static bool is_recorded(struct item *i, const char *digest, const char *suffix)
{
	_cleanup_(freep) char *value = NULL;
	size_t len = strlen(digest);
	char name[64];

	value_name(i, name);
	if (store_value_get(i->exports->store, name, &value) != 0)
		return false;
	return strncmp(value, digest, len) == 0 && (!suffix || strcmp(value + len, suffix) == 0);
}

static int record(struct item *i, const char *digest, const char *suffix)
{
	char name[64], value[96];

	if (is_recorded(i, digest, suffix))
		return 0;
	value_name(i, name);
	snprintf(value, sizeof(value), "%s%s", digest, suffix);
	return store_value_put(i->exports->store, name, value);
}

static int put_key(struct store *s, const char *name, const char *uri)
{
	int r;

	if (uri)
		return store_value_put(s, name, uri);
	r = store_value_delete(s, name);
	return r == -ENOENT ? 0 : r;
}

/* When the directory shows it. */
static void record_key(struct item *i, const char *uri)
{
	struct store *s = i->exports->store;
	_cleanup_(freep) char *before = NULL;
	char name[64];
	int r;

	snprintf(name, sizeof(name), KEY_VALUE, i->config->spec.name);
	r = store_value_get(s, name, &before);
	if (r == 0 ? uri && strcmp(before, uri) == 0 : r == -ENOENT && !uri)
		return;
	r = put_key(s, name, uri);
	if (r != 0)
		log_warning("export name=%s its key cannot be noted: %s, trying again with the "
			    "next cycle",
			    i->config->spec.name, strerror(abs(r)));
	else if (before)
		i->exports->let_go_of_key = true;
}

/* ---- what is to be exported ---- */

static int wait_for(char **ret_detail, const char *what)
{
	free(*ret_detail);
	*ret_detail = strdup(what);
	return EXPORT_E_INCOMPLETE;
}

/* What was exported once may be restored at any time; what is new must have proved itself. */
static int load(struct item *i, struct export_set *set, char **ret_detail)
{
	const struct export_spec *spec = &i->config->spec;
	struct exports *e = i->exports;
	enum staged_state staged = STAGED_SETTLED;
	bool previous;
	int r;

	r = staged_get(e->store, spec->tag, &staged, NULL);
	if (r < 0)
		return r;
	previous = staged == STAGED_UNVALIDATED && staged_has_previous(e->store, spec->tag);
	r = export_set_load(e->store, spec, previous, set, ret_detail);
	if (r != 0 || previous || is_recorded(i, set->digest, NULL))
		return r;
	if (staged == STAGED_UNVALIDATED)
		return wait_for(ret_detail, "the new credentials have not proved themselves yet");
	if (spec->tag != e->config->cloud_tag && journal_count(e->store) > 0)
		return wait_for(ret_detail,
				"the service has not acknowledged the last commands yet");
	return 0;
}

/* ---- the hook ---- */

static void update(struct item *i);

static void settle(struct exports *e)
{
	if (!exports_are_busy(e) && e->events.settled)
		e->events.settled(e->events.userdata);
}

static void finish(struct item *i)
{
	int r = record(i, i->digest, "");

	if (r != 0)
		log_warning("export name=%s cannot be noted as done: %s, it is done again",
			    i->config->spec.name, strerror(abs(r)));
	set_state(i, strcmp(i->digest, REMOVED) == 0 ? WAITING : EXPORTED, "");
}

static void on_hook(void *userdata, const char *failure)
{
	struct item *i = userdata;

	i->hook = NULL;
	if (failure) {
		set_state(i, HOOK_FAILED, failure);
	} else {
		log_info("export name=%s hook=done", i->config->spec.name);
		tell(i, false, "hook done");
		finish(i);
	}
	if (i->again) {
		i->again = false;
		update(i);
	}
	settle(i->exports);
}

static void start_hook(struct item *i)
{
	const struct config_export *c = i->config;
	char name[64], directory[5000], text[TEXT_MAX];
	const char *const names[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", name, directory, NULL};
	const struct hook_config hook = {.unit = c->hook,
					 .command = c->hook_command,
					 .names = names,
					 .timeout_ms = c->hook_timeout_ms};
	int r;

	snprintf(name, sizeof(name), "ONBOARD_EXPORT=%s", c->spec.name);
	snprintf(directory, sizeof(directory), "ONBOARD_EXPORT_DIRECTORY=%s", c->spec.directory);
	r = hook_start(i->exports->event, &hook, on_hook, i, &i->hook);
	if (r < 0) {
		snprintf(text, sizeof(text), "%s: %s", c->hook ? c->hook : c->hook_command[0],
			 strerror(-r));
		set_state(i, HOOK_FAILED, text);
		return;
	}
	i->state = HOOK_RUNNING;
}

/* ---- one export ---- */

static void apply(struct item *i, const struct export_set *set)
{
	const struct config_export *c = i->config;
	_cleanup_(freep) char *detail = NULL;
	bool has_hook = c->hook || c->hook_command, changed = false;
	int r = 0;

	if (has_hook && !(is_recorded(i, set->digest, "") && export_is_current(&c->spec, set)))
		r = record(i, set->digest, PENDING);
	if (r != 0) {
		set_state(i, FAILED, "the store cannot be written, so nothing was changed");
		return;
	}
	r = export_apply(&c->spec, set, &changed, &detail);
	if (r != 0 && !changed) {
		set_state(i, FAILED, detail ? detail : strerror(abs(r)));
		return;
	}
	if (r != 0) /* the old one is still there; the next call tries again, and tells */
		log_warning("export name=%s %s", c->spec.name, detail ? detail : "");
	if (changed) {
		log_notice("export name=%s tag=%u directory=%s changed", c->spec.name, c->spec.tag,
			   c->spec.directory);
		tell(i, false, "%zu files changed together in %s", set->n - 1, c->spec.directory);
	}
	record_key(i, set->key_uri);
	snprintf(i->digest, sizeof(i->digest), "%s", set->digest);
	if (has_hook && !is_recorded(i, set->digest, ""))
		start_hook(i);
	else
		finish(i);
}

/* Nothing is to be exported; who was told of what was, is told that it is gone. False: nobody is to
 * be told. */
static bool tell_removed(struct item *i)
{
	const struct config_export *c = i->config;

	if ((!c->hook && !c->hook_command) || !is_recorded(i, REMOVED, PENDING))
		return false;
	snprintf(i->digest, sizeof(i->digest), REMOVED);
	start_hook(i);
	return true;
}

static void update(struct item *i)
{
	_cleanup_(export_set_done) struct export_set set = {0};
	_cleanup_(freep) char *detail = NULL;
	int r;

	if (i->hook) {
		i->again = true;
		return;
	}
	r = load(i, &set, &detail);
	if (r == EXPORT_E_INCOMPLETE && tell_removed(i))
		return;
	if (r == 0)
		apply(i, &set);
	else
		set_state(i, r == EXPORT_E_INCOMPLETE ? WAITING : FAILED,
			  detail ? detail : strerror(abs(r)));
}

void exports_update(struct exports *e)
{
	for (size_t i = 0; i < e->n; i++)
		update(&e->items[i]);
}

int exports_shown_key(struct exports *e, size_t i, char **ret)
{
	char name[64];

	snprintf(name, sizeof(name), KEY_VALUE, e->items[i].config->spec.name);
	return store_value_get(e->store, name, ret);
}

bool exports_let_go_of_key(struct exports *e)
{
	bool did = e->let_go_of_key && !exports_are_busy(e);

	e->let_go_of_key = e->let_go_of_key && !did;
	return did;
}

bool exports_are_busy(const struct exports *e)
{
	for (size_t i = 0; i < e->n; i++)
		if (e->items[i].hook)
			return true;
	return false;
}

int exports_note_removed(const struct config *config, struct store *store)
{
	char name[64];
	int r = 0;

	for (size_t i = 0; r == 0 && i < config->n_exports; i++) {
		const struct config_export *c = &config->exports[i];

		if (!c->hook && !c->hook_command)
			continue;
		snprintf(name, sizeof(name), VALUE, c->spec.name);
		r = store_value_put(store, name, REMOVED PENDING);
	}
	return r;
}

/* ---- life ---- */

int exports_new(sd_event *event, const struct config *config, struct store *store,
		const struct exports_events *events, struct exports **ret)
{
	struct exports *e = calloc(1, sizeof(*e));

	if (!e)
		return -ENOMEM;
	e->event = sd_event_ref(event);
	e->config = config;
	e->store = store;
	e->events = *events;
	e->n = config->n_exports;
	for (size_t i = 0; i < e->n; i++) {
		e->items[i].exports = e;
		e->items[i].config = &config->exports[i];
	}
	*ret = e;
	return 0;
}

struct exports *exports_free(struct exports *e)
{
	if (!e)
		return NULL;
	for (size_t i = 0; i < e->n; i++)
		hook_free(e->items[i].hook);
	sd_event_unref(e->event);
	free(e);
	return NULL;
}

const struct export_status *exports_get_status(struct exports *e, size_t *ret_n)
{
	static const char *const names[] = {[WAITING] = "waiting",
					    [EXPORTED] = "exported",
					    [HOOK_RUNNING] = "hook-running",
					    [HOOK_FAILED] = "hook-failed",
					    [FAILED] = "failed"};

	for (size_t i = 0; i < e->n; i++)
		e->status[i] = (struct export_status){
			.name = e->items[i].config->spec.name,
			.directory = e->items[i].config->spec.directory,
			.state = names[e->items[i].state],
			.error = e->items[i].state == HOOK_RUNNING ? "" : e->items[i].error,
		};
	*ret_n = e->n;
	return e->status;
}
