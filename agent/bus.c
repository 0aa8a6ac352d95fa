/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/bus.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-bus.h>

#include "agent/bus_reset.h"
#include "agent/bus_wifi.h"
#include "agent/permit.h"
#include "agent/plain.h"
#include "agent/schedule.h"
#include "base/exitcode.h"
#include "base/log.h"
#include "base/text.h"
#include "credstore/identity.h"
#include "proto/limits.h"

#define BUS_NAME "org.onboardd"
#define BUS_INTERFACE "org.onboardd.Agent1"
#define ERROR_STORE "org.onboardd.Error.Store"
#define ERROR_IDENTITY "org.onboardd.Error.Identity"
#define ERROR_BUSY "org.onboardd.Error.Busy"
#define ERROR_NO_PREVIOUS "org.onboardd.Error.NoPrevious"
#define N_CHANGING 7
#define TEXT_MAX 1024 /* of one property or signal argument, with NUL */
#define WAITING_MAX 16

/* What was last told to the bus. */
struct told {
	char *state, *outcome, *reason, *claimed, *cloud; /* owned */
	uint64_t cycles, pending_results;
};

struct bus {
	struct agent *agent;   /* borrowed */
	sd_bus *bus;           /* owned */
	sd_bus_slot *vtable;   /* owned */
	sd_bus_slot *reset;    /* owned */
	struct permit *permit; /* owned */
	struct bus_reset resetting;
	sd_bus_slot *lost;     /* owned */
	struct bus_wifi *wifi; /* owned; NULL: Wi-Fi is off */

	/* Those who asked for a claim token while one is made: they share it. */
	struct worker *token;                 /* owned; NULL: none is made */
	sd_bus_message *waiting[WAITING_MAX]; /* owned references */
	size_t n_waiting;

	struct told told;
};

/* Properties and signals are for everybody, the claim token is not: who has it can claim. */
static const char *public_text(const struct agent_status *s, const char *text, char *ret,
			       size_t size)
{
	if (text && s->claim_token && *s->claim_token && strstr(text, s->claim_token))
		text = "shown by: onboardctl token";
	return plain_text(text, ret, size);
}

/* ---- properties ---- */

static int property_text(sd_bus *bus, const char *path, const char *interface, const char *property,
			 sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	struct bus *b = userdata;
	struct agent_status s;
	const char *value = "";
	char text[TEXT_MAX];

	(void)bus;
	(void)path;
	(void)interface;
	(void)error;
	agent_get_status(b->agent, &s);
	if (strcmp(property, "State") == 0)
		value = s.state;
	else if (strcmp(property, "Outcome") == 0)
		value = outcome_name(s.outcome);
	else if (strcmp(property, "Reason") == 0)
		value = s.reason;
	else if (strcmp(property, "DeviceId") == 0)
		value = s.uuid;
	else if (strcmp(property, "Claimed") == 0)
		value = s.claimed;
	else if (strcmp(property, "Cloud") == 0)
		value = s.cloud;
	return sd_bus_message_append(reply, "s", public_text(&s, value, text, sizeof(text)));
}

static int property_count(sd_bus *bus, const char *path, const char *interface,
			  const char *property, sd_bus_message *reply, void *userdata,
			  sd_bus_error *error)
{
	struct bus *b = userdata;
	struct agent_status s;

	(void)bus;
	(void)path;
	(void)interface;
	(void)error;
	agent_get_status(b->agent, &s);
	return sd_bus_message_append(
		reply, "t", strcmp(property, "Cycles") == 0 ? s.cycles : s.pending_results);
}

static int property_version(sd_bus *bus, const char *path, const char *interface,
			    const char *property, sd_bus_message *reply, void *userdata,
			    sd_bus_error *error)
{
	(void)bus;
	(void)path;
	(void)interface;
	(void)property;
	(void)userdata;
	(void)error;
	return sd_bus_message_append(reply, "s", ONBOARD_VERSION);
}

/* ---- methods ---- */

/* r of an agent_*() call; name is the error that the call's usual failure is. */
static int failed(sd_bus_error *error, int r, const char *name, const char *what)
{
	const char *why = r < 0                     ? strerror(-r)
			  : r >= KEY_E_TOKEN_ABSENT ? key_strerror(r)
						    : "see the journal of onboardd";

	if (r == -ENOMEM)
		return r;
	if (r == EXIT_CODE_STORE)
		name = ERROR_STORE;
	else if (r == EXIT_CODE_IDENTITY)
		name = ERROR_IDENTITY;
	log_warning("bus: %s failed: %s", what, why);
	return sd_bus_error_setf(error, name, "%s: %s", what, why);
}

static int method_status(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct bus *b = userdata;
	_cleanup_(json_decrefp) json_t *json = NULL;
	_cleanup_(freep) char *text = NULL;
	struct agent_status s;

	(void)error;
	agent_get_status(b->agent, &s);
	json = agent_status_json(&s);
	text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	if (!text)
		return -ENOMEM;
	return sd_bus_reply_method_return(m, "s", text);
}

static int method_facts(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct bus *b = userdata;
	_cleanup_(json_decrefp) json_t *json = agent_facts_json(b->agent);
	_cleanup_(freep) char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

	(void)error;
	if (!text)
		return -ENOMEM;
	return sd_bus_reply_method_return(m, "s", text);
}

/* What the caller hears after the answer belongs to the cycle it asked for: nothing is said before
 * the loop turns. */
static int provision(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct bus *b = userdata;
	int r;

	(void)error;
	agent_provision(b->agent, REQUEST_BUS);
	r = sd_bus_reply_method_return(m, NULL);
	return r < 0 ? r : 1;
}

static int method_provision(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct bus *b = userdata;

	return permit_then(b->permit, &permit_provision, m, provision, b, error);
}

static int set_interval(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct bus *b = userdata;
	uint64_t interval_s;
	int r;

	r = sd_bus_message_read(m, "t", &interval_s);
	if (r < 0)
		return r;
	if (!schedule_is_allowed(interval_s))
		return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
					 "an interval is 0 for never, or %d to %d seconds",
					 SCHEDULE_INTERVAL_MIN_S, SCHEDULE_INTERVAL_MAX_S);
	r = agent_set_interval(b->agent, interval_s);
	if (r != 0)
		return failed(error, r, ERROR_STORE, "setting the interval");
	return sd_bus_reply_method_return(m, NULL);
}

static int method_set_interval(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct bus *b = userdata;

	return permit_then(b->permit, &permit_provision, m, set_interval, b, error);
}

static void answer_waiting(sd_bus_message *m, int r, const char *token)
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;

	if (r == 0)
		r = sd_bus_reply_method_return(m, "s", token);
	else
		r = sd_bus_reply_method_errno(
			m, failed(&error, r, ERROR_IDENTITY, "making a claim token"), &error);
	if (r < 0)
		log_debug("bus: ClaimToken: %s", strerror(-r));
}

static void on_claim_token(int r, const char *token, void *userdata)
{
	struct bus *b = userdata;

	b->token = NULL;
	for (size_t i = 0; i < b->n_waiting; i++) {
		answer_waiting(b->waiting[i], r, token);
		sd_bus_message_unref(b->waiting[i]);
	}
	b->n_waiting = 0;
}

/* Answered when the key has signed; the loop turns meanwhile. */
static int method_claim_token(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct bus *b = userdata;
	int r;

	if (b->n_waiting == WAITING_MAX)
		return sd_bus_error_set(error, SD_BUS_ERROR_LIMITS_EXCEEDED,
					"too many wait for a claim token");
	if (!b->token) {
		r = agent_claim_token(b->agent, on_claim_token, b, &b->token);
		if (r != 0)
			return failed(error, r, ERROR_IDENTITY, "making a claim token");
	}
	b->waiting[b->n_waiting++] = sd_bus_message_ref(m);
	return 1;
}

static int method_export_identity(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct bus *b = userdata;
	char row[IDENTITY_CSV_MAX + 1];
	int r;

	r = agent_identity_csv(b->agent, row, sizeof(row));
	if (r != 0)
		return failed(error, r, ERROR_IDENTITY, "exporting the identity");
	return sd_bus_reply_method_return(m, "s", row);
}

static int append_credentials(sd_bus_message *reply, const struct credential_info *infos, size_t n)
{
	int r;

	r = sd_bus_message_open_container(reply, 'a', "(uus)");
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		char digest[2 * sizeof(infos[i].sha256) + 1];

		hex_encode(infos[i].sha256, sizeof(infos[i].sha256), digest);
		r = sd_bus_message_append(reply, "(uus)", infos[i].tag, (uint32_t)infos[i].type,
					  digest);
		if (r < 0)
			return r;
	}
	return sd_bus_message_close_container(reply);
}

typedef int (*list_fn)(struct agent *a, struct credential_info **ret, size_t *ret_n);

static int reply_list(sd_bus_message *m, struct bus *b, list_fn list, sd_bus_error *error)
{
	_cleanup_(freep) struct credential_info *infos = NULL;
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	size_t n = 0;
	int r;

	r = list(b->agent, &infos, &n);
	if (r != 0)
		return failed(error, r, ERROR_STORE, "listing the credentials");
	r = sd_bus_message_new_method_return(m, &reply);
	if (r < 0)
		return r;
	r = append_credentials(reply, infos, n);
	if (r < 0)
		return r;
	return sd_bus_send(NULL, reply, NULL);
}

static int method_list_credentials(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	return reply_list(m, userdata, agent_list_credentials, error);
}

static int method_list_previous(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	return reply_list(m, userdata, agent_list_previous, error);
}

static int roll_back(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct bus *b = userdata;
	uint32_t tag;
	int r;

	r = sd_bus_message_read(m, "u", &tag);
	if (r < 0)
		return r;
	r = agent_roll_back(b->agent, tag);
	if (r == -EBUSY)
		return sd_bus_error_setf(error, ERROR_BUSY,
					 "a provisioning cycle is under way: wait for its end");
	if (r == -ENOENT)
		return sd_bus_error_setf(
			error, ERROR_NO_PREVIOUS,
			"no predecessors of tag %u are kept: they go when the cloud has accepted "
			"the credentials that followed them",
			tag);
	if (r != 0)
		return failed(error, r, ERROR_STORE, "rolling back");
	return sd_bus_reply_method_return(m, NULL);
}

static int method_roll_back(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct bus *b = userdata;

	return permit_then(b->permit, &permit_credentials, m, roll_back, b, error);
}

#define CHANGES SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE
#define CONST SD_BUS_VTABLE_PROPERTY_CONST
/* Open to the callers that the policy lets through, and then permit_then(); without it sd-bus lets
 * in root alone. */
#define BY_POLICY SD_BUS_VTABLE_UNPRIVILEGED

/* clang-format off */
static const sd_bus_vtable vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("State", "s", property_text, 0, CHANGES),
	SD_BUS_PROPERTY("Outcome", "s", property_text, 0, CHANGES),
	SD_BUS_PROPERTY("Reason", "s", property_text, 0, CHANGES),
	SD_BUS_PROPERTY("DeviceId", "s", property_text, 0, CONST),
	SD_BUS_PROPERTY("Claimed", "s", property_text, 0, CHANGES),
	SD_BUS_PROPERTY("Cloud", "s", property_text, 0, CHANGES),
	SD_BUS_PROPERTY("Cycles", "t", property_count, 0, CHANGES),
	SD_BUS_PROPERTY("PendingResults", "t", property_count, 0, CHANGES),
	SD_BUS_PROPERTY("Version", "s", property_version, 0, CONST),
	SD_BUS_METHOD_WITH_ARGS("Status", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", json), method_status, BY_POLICY),
	SD_BUS_METHOD_WITH_ARGS("Facts", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", json), method_facts, BY_POLICY),
	SD_BUS_METHOD_WITH_ARGS("Provision", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_provision, BY_POLICY),
	SD_BUS_METHOD_WITH_ARGS("SetInterval", SD_BUS_ARGS("t", seconds), SD_BUS_NO_RESULT, method_set_interval, BY_POLICY),
	SD_BUS_METHOD_WITH_ARGS("ClaimToken", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", token), method_claim_token, BY_POLICY),
	SD_BUS_METHOD_WITH_ARGS("ExportIdentity", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", row), method_export_identity, BY_POLICY),
	SD_BUS_METHOD_WITH_ARGS("ListCredentials", SD_BUS_NO_ARGS, SD_BUS_RESULT("a(uus)", credentials), method_list_credentials, BY_POLICY),
	SD_BUS_METHOD_WITH_ARGS("ListPrevious", SD_BUS_NO_ARGS, SD_BUS_RESULT("a(uus)", credentials), method_list_previous, BY_POLICY),
	SD_BUS_METHOD_WITH_ARGS("RollBackCredentials", SD_BUS_ARGS("u", tag), SD_BUS_NO_RESULT, method_roll_back, BY_POLICY),
	SD_BUS_SIGNAL_WITH_ARGS("StateChanged", SD_BUS_ARGS("s", old_state, "s", new_state, "s", why), 0),
	SD_BUS_SIGNAL_WITH_ARGS("Step", SD_BUS_ARGS("s", name, "s", text), 0),
	SD_BUS_SIGNAL_WITH_ARGS("CredentialsRolledBack", SD_BUS_ARGS("u", tag, "s", why), 0),
	SD_BUS_VTABLE_END,
};
/* clang-format on */

/* ---- telling ---- */

/* Notes property when text is not what was told before. */
static void compare_text(char **told, const char *text, char *property, char **changed, size_t *n)
{
	char *copy;

	text = text ? text : "";
	if (*told && strcmp(*told, text) == 0)
		return;
	changed[(*n)++] = property;
	copy = strdup(text);
	free(*told);
	*told = copy; /* NULL: told again next time */
}

static void compare_count(uint64_t *told, uint64_t count, char *property, char **changed, size_t *n)
{
	if (*told == count)
		return;
	changed[(*n)++] = property;
	*told = count;
}

/* Compares with what was told last; changed has room for N_CHANGING + 1. */
static size_t compare(struct bus *b, char **changed)
{
	static char state[] = "State", outcome[] = "Outcome", reason[] = "Reason",
		    claimed[] = "Claimed", cloud[] = "Cloud", cycles[] = "Cycles",
		    pending[] = "PendingResults";
	struct agent_status s;
	size_t n = 0;

	agent_get_status(b->agent, &s);
	compare_text(&b->told.state, s.state, state, changed, &n);
	compare_text(&b->told.outcome, outcome_name(s.outcome), outcome, changed, &n);
	compare_text(&b->told.reason, s.reason, reason, changed, &n);
	compare_text(&b->told.claimed, s.claimed, claimed, changed, &n);
	compare_text(&b->told.cloud, s.cloud, cloud, changed, &n);
	compare_count(&b->told.cycles, s.cycles, cycles, changed, &n);
	compare_count(&b->told.pending_results, s.pending_results, pending, changed, &n);
	changed[n] = NULL;
	return n;
}

static void tell_changes(struct bus *b)
{
	char *changed[N_CHANGING + 1];
	int r;

	if (!sd_bus_is_open(b->bus) || compare(b, changed) == 0)
		return;
	r = sd_bus_emit_properties_changed_strv(b->bus, BUS_PATH, BUS_INTERFACE, changed);
	if (r < 0)
		log_debug("bus: PropertiesChanged: %s", strerror(-r));
}

/* number may be NULL: no first argument of type u. */
static void emit(struct bus *b, const char *signal, const uint32_t *number,
		 const char *const *texts, size_t n)
{
	sd_bus_message *m = NULL;
	struct agent_status s;
	char text[TEXT_MAX];
	int r;

	if (!sd_bus_is_open(b->bus))
		return;
	agent_get_status(b->agent, &s);
	r = sd_bus_message_new_signal(b->bus, &m, BUS_PATH, BUS_INTERFACE, signal);
	if (r >= 0 && number)
		r = sd_bus_message_append(m, "u", *number);
	for (size_t i = 0; r >= 0 && i < n; i++)
		r = sd_bus_message_append(m, "s", public_text(&s, texts[i], text, sizeof(text)));
	if (r >= 0)
		r = sd_bus_send(b->bus, m, NULL);
	if (r < 0)
		log_debug("bus: %s: %s", signal, strerror(-r));
	sd_bus_message_unref(m);
}

static void on_changed(void *userdata, const char *old_state, const char *new_state,
		       const char *why)
{
	const char *const texts[] = {old_state, new_state, why};

	tell_changes(userdata);
	emit(userdata, "StateChanged", NULL, texts, ARRAY_SIZE(texts));
}

static void on_step(void *userdata, const char *name, const char *text)
{
	const char *const texts[] = {name, text};

	tell_changes(userdata);
	emit(userdata, "Step", NULL, texts, ARRAY_SIZE(texts));
}

static void on_rolled_back(void *userdata, uint32_t tag, const char *why)
{
	tell_changes(userdata);
	emit(userdata, "CredentialsRolledBack", &tag, &why, 1);
}

static void on_cycle_ended(void *userdata, enum outcome outcome)
{
	(void)outcome;
	tell_changes(userdata);
}

/* ---- life ---- */

static int on_lost(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	(void)m;
	(void)userdata;
	(void)error;
	log_warning("bus: the connection is lost, working on without it");
	return 0;
}

static int start(struct bus *b, sd_event *event)
{
	char *ignored[N_CHANGING + 1];
	int r;

	r = sd_bus_open_system(&b->bus);
	if (r < 0)
		return r;
	r = sd_bus_attach_event(b->bus, event, SD_EVENT_PRIORITY_NORMAL);
	if (r < 0)
		return r;
	r = sd_bus_match_signal(b->bus, &b->lost, "org.freedesktop.DBus.Local",
				"/org/freedesktop/DBus/Local", "org.freedesktop.DBus.Local",
				"Disconnected", on_lost, b);
	if (r < 0)
		return r;
	r = permit_new(b->bus, &b->permit);
	if (r < 0)
		return r;
	r = sd_bus_add_object_vtable(b->bus, &b->vtable, BUS_PATH, BUS_INTERFACE, vtable, b);
	if (r < 0)
		return r;
	b->resetting = (struct bus_reset){.agent = b->agent, .permit = b->permit};
	r = bus_reset_add(b->bus, &b->resetting, &b->reset);
	if (r < 0)
		return r;
	if (agent_has_wifi(b->agent)) {
		r = bus_wifi_new(b->bus, b->agent, b->permit, &b->wifi);
		if (r < 0)
			return r;
	}
	compare(b, ignored);
	return sd_bus_request_name(b->bus, BUS_NAME, 0);
}

int bus_new(sd_event *event, struct agent *agent, struct bus **ret)
{
	_cleanup_(bus_freep) struct bus *b = calloc(1, sizeof(*b));
	struct agent_observer observer = {
		.changed = on_changed,
		.step = on_step,
		.rolled_back = on_rolled_back,
		.cycle_ended = on_cycle_ended,
		.userdata = b,
	};
	int r;

	if (!b)
		return -ENOMEM;
	b->agent = agent;
	r = start(b, event);
	if (r < 0)
		return r;
	if (b->wifi)
		observer.wifi = bus_wifi_events(b->wifi);
	r = agent_add_observer(agent, &observer);
	if (r != 0)
		return r < 0 ? r : -EINVAL;
	*ret = TAKE_PTR(b);
	return 0;
}

struct bus *bus_free(struct bus *b)
{
	if (!b)
		return NULL;
	worker_cancel(b->token);
	permit_free(b->permit);
	for (size_t i = 0; i < b->n_waiting; i++)
		sd_bus_message_unref(b->waiting[i]);
	bus_wifi_free(b->wifi);
	sd_bus_slot_unref(b->vtable);
	sd_bus_slot_unref(b->reset);
	sd_bus_slot_unref(b->lost);
	/* The signals of the last steps still go out. */
	sd_bus_flush_close_unref(b->bus);
	free(b->told.state);
	free(b->told.outcome);
	free(b->told.reason);
	free(b->told.claimed);
	free(b->told.cloud);
	free(b);
	return NULL;
}
