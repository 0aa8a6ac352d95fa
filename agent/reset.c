/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/reset.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "agent/config_exports.h"
#include "agent/internal.h"
#include "agent/plain.h"
#include "agent/timewatch.h"
#include "base/clock.h"
#include "base/log.h"
#include "credstore/reset.h"
#include "wifi/wifi.h"

#define PLAIN_MAX 512

/* ---- carrying it out, at the opening of a store ---- */

struct receipt {
	const struct config *config; /* borrowed */
	json_t *json;                /* owned */
};

static json_t *names_of(unsigned int parts)
{
	json_t *names = json_array();

	for (unsigned int part = 1; names && part <= RESET_IDENTITY; part <<= 1)
		if ((parts & part) &&
		    json_array_append_new(
			    names, json_string(reset_part_name((enum reset_part)part))) < 0) {
			json_decref(names);
			return NULL;
		}
	return names;
}

/* What the store holds of credentials, without the identity and the root CA. */
static json_t *credentials_json(const struct config *config, struct store *s)
{
	_cleanup_(freep) struct credential_info *infos = NULL;
	json_t *list = json_array();
	size_t n = 0;

	if (store_credential_list(s, &infos, &n) != 0)
		return list;
	for (size_t i = 0; list && i < n; i++) {
		if (infos[i].tag == IDENTITY_TAG ||
		    (infos[i].tag == config->root_ca_tag && infos[i].type == CREDENTIAL_ROOT_CA))
			continue;
		if (json_array_append_new(list,
					  json_pack("{s:I, s:i}", "tag", (json_int_t)infos[i].tag,
						    "type", (int)infos[i].type)) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

/* What cannot be removed is told, and does not keep the rest from going. */
static json_t *remove_export(const struct export_spec *spec)
{
	_cleanup_(freep) char *detail = NULL;
	char directory[PLAIN_MAX], error[PLAIN_MAX];
	bool removed = false;
	int r = export_remove(spec, &removed, &detail);

	plain_text(spec->directory, directory, sizeof(directory));
	plain_text(r == 0 ? "" : detail ? detail : strerror(abs(r)), error, sizeof(error));
	if (r != 0)
		log_error("reset: export name=%s not removed: %s", spec->name, error);
	return json_pack("{s:s, s:s, s:b, s:s}", "name", spec->name, "directory", directory,
			 "removed", removed, "error", error);
}

static json_t *remove_exports(const struct config *config, unsigned int parts)
{
	json_t *list = json_array();

	if (!(parts & RESET_CREDENTIALS))
		return list;
	for (size_t i = 0; list && i < config->n_exports; i++)
		if (json_array_append_new(list, remove_export(&config->exports[i].spec)) < 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

static int begin_receipt(struct receipt *receipt, struct store *s, const struct reset *q)
{
	_cleanup_(freep) char *uuid = NULL, *digest = NULL;
	int64_t now = clock_wall_s();
	bool is_known = identity_born(s, &uuid, &digest) == 0;

	receipt->json = json_pack(
		"{s:s, s:I, s:b, s:s, s:o, s:o, s:o}", "id", q->id, "when", (json_int_t)now,
		"clock_good",
		timewatch_is_good(now, timewatch_floor(s), timewatch_is_synchronised(), false),
		"device", is_known ? uuid : "", "parts", names_of(q->parts), "credentials",
		q->parts & RESET_CREDENTIALS ? credentials_json(receipt->config, s) : json_array(),
		"exports", remove_exports(receipt->config, q->parts));
	return receipt->json ? 0 : -ENOMEM;
}

static void log_done(const struct reset *q, const struct reset_counts *c)
{
	log_notice("reset id=%s network=%s credentials=%s identity=%s removed-networks=%zu "
		   "removed-credentials=%zu removed-predecessors=%zu removed-results=%zu "
		   "removed-settings=%zu sealed-anew=%s",
		   q->id, q->parts & RESET_NETWORK ? "yes" : "no",
		   q->parts & RESET_CREDENTIALS ? "yes" : "no",
		   q->parts & RESET_IDENTITY ? "yes" : "no", c->networks, c->credentials,
		   c->predecessors, c->results, c->settings, c->is_sealed_anew ? "yes" : "no");
}

static int write_receipt(struct store *s, const struct reset *q, const struct reset_counts *c,
			 void *userdata)
{
	struct receipt *receipt = userdata;
	_cleanup_(json_decrefp) json_t *counts = json_pack(
		"{s:I, s:I, s:I, s:I, s:b}", "networks", (json_int_t)c->networks, "predecessors",
		(json_int_t)c->predecessors, "results", (json_int_t)c->results, "settings",
		(json_int_t)c->settings, "sealed_anew", c->is_sealed_anew);
	_cleanup_(freep) char *text = NULL;
	int r = 0;

	if (!counts || json_object_update(receipt->json, counts) < 0)
		return -ENOMEM;
	text = json_dumps(receipt->json, JSON_COMPACT);
	if (!text)
		return -ENOMEM;
	if (q->parts & RESET_CREDENTIALS)
		r = exports_note_removed(receipt->config, s);
	if (r == 0)
		r = reset_receipt_put(s, text);
	if (r == 0)
		log_done(q, c);
	return r;
}

static int carry_out(const struct config *config, const struct store_options *options,
		     struct store *s, const struct reset *q)
{
	struct receipt receipt = {.config = config};
	int r = begin_receipt(&receipt, s, q);

	if (r == 0)
		r = reset_forget(s, config->state_dir, options, q, config->root_ca_tag,
				 write_receipt, &receipt);
	json_decref(receipt.json);
	return r;
}

int reset_finish(const struct config *config, const struct store_options *options, struct store *s,
		 char **ret_detail)
{
	struct reset q;
	int r = reset_get(s, &q);

	if (r == 0)
		r = carry_out(config, options, s, &q);
	if (r != 0 && r != -ENOENT) {
		if (ret_detail && asprintf(ret_detail,
					   "the reset that was asked for cannot be carried out: "
					   "%s; nothing goes on before it",
					   r > 0 ? "the store is damaged" : strerror(-r)) < 0)
			*ret_detail = NULL;
		return EXIT_CODE_STORE;
	}
	r = reset_wipe(s, config->state_dir, options);
	if (r < 0)
		log_error("reset: what it removed is not wiped from the files yet: %s, trying "
			  "again at the next start",
			  strerror(-r));
	return 0;
}

/* ---- asking for it ---- */

/* A reset that would come back with the same identity, or with none, is refused. */
static const char *refusal_of_identity(const struct config *c)
{
	if (c->key_file)
		return "the identity key is a file of the factory (`key-file` in [identity]), "
		       "which a reset does not touch";
	if (c->key_uri)
		return "the identity key is in a token (`key` in [identity]), which a reset does "
		       "not touch";
	if (c->chain_file)
		return "the maker vouches for the identity key (`chain` in [identity]): another "
		       "one would have no certificate";
	return NULL;
}

/* Commands are under way, or their results are: the service would send them again. */
static bool is_in_batch(struct agent *a)
{
	enum fsm_state state = a->fsm.state;

	return state == FSM_STATE_SUSPENDING || state == FSM_STATE_EXECUTING ||
	       state == FSM_STATE_RESUMING || state == FSM_STATE_REPORTING ||
	       (fsm_is_busy(state) && journal_count(a->store) > 0);
}

bool agent_reset_if_safe(struct agent *a)
{
	struct wifi *wifi = agent_wifi(a);
	int r;

	/* Whoever is stopped does it at the next start. */
	if (a->reset_parts == 0 || a->stopped || is_in_batch(a))
		return false;
	log_notice("reset: begins now");
	agent_do_cancel(a); /* the session was another owner's, or identity's */
	r = a->reset_parts & RESET_NETWORK && wifi ? wifi_forget(wifi) : 0;
	if (r < 0)
		log_warning("reset: Wi-Fi does not disconnect: %s, ignoring", strerror(-r));
	a->reset_parts = 0;
	r = sd_event_exit(a->event, AGENT_LOOP_RESET);
	if (r < 0)
		log_error("reset: the loop does not end: %s, it is done at the next start",
			  strerror(-r));
	return true;
}

int agent_reset(struct agent *a, unsigned int parts, char ret_id[static RESET_ID_LEN + 1],
		bool *ret_at_once, const char **ret_refusal)
{
	struct reset q;
	int r;

	*ret_refusal = parts & RESET_IDENTITY ? refusal_of_identity(a->config) : NULL;
	if (*ret_refusal)
		return -EOPNOTSUPP;
	r = reset_ask(a->store, parts, &q);
	if (r != 0)
		return r;
	log_notice("reset: asked for id=%s", q.id);
	a->reset_parts = q.parts;
	snprintf(ret_id, RESET_ID_LEN + 1, "%s", q.id);
	*ret_at_once = agent_reset_if_safe(a);
	return 0;
}

int agent_last_reset(struct agent *a, char **ret)
{
	_cleanup_(json_decrefp) json_t *json = NULL;
	_cleanup_(freep) char *text = NULL;
	int r = reset_receipt_get(a->store, &text);

	if (r != 0)
		return r;
	json = json_loads(text, 0, NULL);
	if (!json_is_object(json) ||
	    json_object_set_new(json, "wiped", json_boolean(reset_is_wiped(a->store))) < 0)
		return -EUCLEAN;
	*ret = json_dumps(json, JSON_COMPACT);
	return *ret ? 0 : -ENOMEM;
}
