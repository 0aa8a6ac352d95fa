/* SPDX-License-Identifier: Apache-2.0 */
/* What onboardd says of itself, or left when it ended. */

#include <jansson.h>
#include <string.h>

#include "agent/doctor/probe.h"
#include "agent/lastwords.h"
#include "base/secret.h"

#define NAME "org.onboardd"
#define PATH "/org/onboardd"
#define INTERFACE "org.onboardd.Agent1"
#define CALL_TIMEOUT_US (2 * 1000 * 1000)
#define KEY_TIMEOUT_US (4 * 1000 * 1000) /* a token in hardware takes its time */

static int call(sd_bus *bus, const char *method, uint64_t timeout_us, sd_bus_error *error,
		sd_bus_message **ret)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	int r = sd_bus_message_new_method_call(bus, &m, NAME, PATH, INTERFACE, method);

	/* Nobody is started by being asked. */
	if (r >= 0)
		r = sd_bus_message_set_auto_start(m, 0);
	return r < 0 ? r : sd_bus_call(bus, m, timeout_us, error, ret);
}

static enum facts_daemon daemon_of(const sd_bus_error *error)
{
	if (sd_bus_error_has_name(error, SD_BUS_ERROR_SERVICE_UNKNOWN) ||
	    sd_bus_error_has_name(error, SD_BUS_ERROR_NAME_HAS_NO_OWNER))
		return FACTS_DAEMON_ABSENT;
	if (sd_bus_error_has_name(error, SD_BUS_ERROR_ACCESS_DENIED))
		return FACTS_DAEMON_FORBIDDEN;
	return FACTS_DAEMON_SILENT;
}

/* New reference; NULL when it cannot be had. */
static json_t *ask(sd_bus *bus, const char *method, enum facts_daemon *ret)
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	const char *text;
	json_t *json;

	if (call(bus, method, CALL_TIMEOUT_US, &error, &reply) < 0) {
		*ret = daemon_of(&error);
		return NULL;
	}
	*ret = FACTS_DAEMON_SERVED;
	if (sd_bus_message_read(reply, "s", &text) < 0)
		return NULL;
	json = json_loads(text, 0, NULL);
	if (json_is_object(json))
		return json;
	json_decref(json);
	return NULL;
}

static const char *text_in(const json_t *json, const char *key)
{
	const char *text = json_string_value(json_object_get(json, key));

	return text ? text : "";
}

static void take_status(struct doctor_facts *f, const json_t *status)
{
	fact_set(f->state, sizeof(f->state), text_in(status, "state"));
	fact_set(f->outcome, sizeof(f->outcome), text_in(status, "outcome"));
	fact_set(f->reason, sizeof(f->reason), text_in(status, "reason"));
	fact_set(f->claimed, sizeof(f->claimed), text_in(status, "claimed"));
	fact_set(f->store_notice, sizeof(f->store_notice), text_in(status, "store"));
}

/* What everybody may read. */
static void read_properties(struct doctor_facts *f, sd_bus *bus)
{
	const struct {
		const char *name;
		char *place;
		size_t size;
	} rows[] = {
		{"State", f->state, sizeof(f->state)},
		{"Outcome", f->outcome, sizeof(f->outcome)},
		{"Reason", f->reason, sizeof(f->reason)},
		{"Claimed", f->claimed, sizeof(f->claimed)},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(freep) char *text = NULL;

		if (sd_bus_get_property_string(bus, NAME, PATH, INTERFACE, rows[i].name, NULL,
					       &text) >= 0)
			fact_set(rows[i].place, rows[i].size, text);
	}
}

/* What runs counts, until its next start. */
static void take_facts(struct probe *p, const json_t *facts)
{
	struct doctor_facts *f = p->facts;
	const json_int_t port = json_integer_value(json_object_get(facts, "port"));

	if (!*text_in(facts, "server") || port < 1 || port > UINT16_MAX)
		return;
	f->has_target = true;
	fact_set(f->server, sizeof(f->server), text_in(facts, "server"));
	fact_set(f->literal, sizeof(f->literal), text_in(facts, "address"));
	f->port = (uint16_t)port;
	fact_set(f->state_dir, sizeof(f->state_dir), text_in(facts, "state_directory"));
	f->needs_default_route = json_is_true(json_object_get(facts, "wait_for_default_route"));
	f->require_sync = json_is_true(json_object_get(facts, "require_sync"));
	f->floor_s = json_integer_value(json_object_get(facts, "time_floor"));
	f->key_is_in_token = strcmp(text_in(facts, "identity_key"), "token") == 0;
	f->wifi_enabled = json_is_true(json_object_get(facts, "wifi"));
	if (json_is_true(json_object_get(facts, "sealing_file_gone")))
		fact_set(f->seal_text, sizeof(f->seal_text),
			 "the file that holds the sealing key is gone from the state directory");
	if (*text_in(facts, "root_ca")) {
		free(p->root_ca);
		p->root_ca = strdup(text_in(facts, "root_ca"));
		fact_set(f->root_ca_from, sizeof(f->root_ca_from), "the store's");
	}
}

/* A claim token is what the key signs on request; it is not looked at. */
static void try_key(struct doctor_facts *f, sd_bus *bus)
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	int r = call(bus, "ClaimToken", KEY_TIMEOUT_US, &error, &reply);

	if (r >= 0)
		(void)sd_bus_message_sensitive(reply);
	f->key_was_tried = true;
	f->key_works = r >= 0;
	if (r >= 0)
		return;
	fact_set(f->key_text, sizeof(f->key_text),
		 sd_bus_error_has_name(&error, SD_BUS_ERROR_NO_REPLY) ||
				 sd_bus_error_has_name(&error, SD_BUS_ERROR_TIMEOUT)
			 ? "the key has not signed in time"
		 : error.message ? error.message
				 : strerror(-r));
}

static void read_last_words(struct doctor_facts *f)
{
	struct lastwords words;

	if (lastwords_read(&words) < 0)
		return;
	fact_set(f->ended_by, sizeof(f->ended_by), words.check);
	fact_set(f->ended_text, sizeof(f->ended_text), words.text);
	f->ended_exit = words.exit_code;
}

void probe_daemon(struct probe *p)
{
	_cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
	enum facts_daemon ignored;
	json_t *status, *facts;

	if (sd_bus_open_system(&bus) < 0) {
		p->facts->daemon = FACTS_DAEMON_NO_BUS;
		read_last_words(p->facts);
		return;
	}
	status = ask(bus, "Status", &p->facts->daemon);
	if (p->facts->daemon == FACTS_DAEMON_SERVED) {
		facts = ask(bus, "Facts", &ignored);
		take_status(p->facts, status);
		take_facts(p, facts);
		try_key(p->facts, bus);
		json_decref(facts);
	} else if (p->facts->daemon == FACTS_DAEMON_FORBIDDEN) {
		read_properties(p->facts, bus);
	} else if (p->facts->daemon == FACTS_DAEMON_ABSENT) {
		read_last_words(p->facts);
	}
	json_decref(status);
}
