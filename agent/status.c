/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/status.h"

static json_t *stats_json(const struct session_stats *s)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
			 "handshakes_full", (json_int_t)s->handshakes_full,
			 "handshakes_abbreviated", (json_int_t)s->handshakes_abbreviated, "resumes",
			 (json_int_t)s->resumes, "moves", (json_int_t)s->moves, "datagrams_tx",
			 (json_int_t)s->datagrams_tx, "datagrams_rx", (json_int_t)s->datagrams_rx,
			 "bytes_tx", (json_int_t)s->bytes_tx, "bytes_rx", (json_int_t)s->bytes_rx,
			 "round_trips", (json_int_t)s->round_trips, "retransmissions",
			 (json_int_t)s->retransmissions, "srtt_ms", (json_int_t)s->srtt_ms);
}

static json_t *exports_json(const struct agent_status *s)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < s->n_exports; i++)
		if (json_array_append_new(
			    list, json_pack("{s:s, s:s, s:s, s:s}", "name", s->exports[i].name,
					    "directory", s->exports[i].directory, "state",
					    s->exports[i].state, "error", s->exports[i].error)) <
		    0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

json_t *agent_status_json(const struct agent_status *s)
{
	return json_pack(
		"{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:s, s:s, s:s, s:s, s:s, s:I, "
		"s:I, s:I, s:I, "
		"s:I, s:I, s:I, s:I, s:s, s:I, s:I, s:s, s:o, s:o, s:o}",
		"version", ONBOARD_VERSION, "state", s->state, "outcome", outcome_name(s->outcome),
		"reason", s->reason, "uuid", s->uuid, "hardware", s->hardware, "server", s->server,
		"port", (json_int_t)s->port, "claim_token", s->claim_token, "claimed", s->claimed,
		"cloud", s->cloud, "suite", s->suite, "store", s->store, "cycles",
		(json_int_t)s->cycles, "pending_results", (json_int_t)s->pending_results,
		"commands_ok", (json_int_t)s->commands_ok, "commands_failed",
		(json_int_t)s->commands_failed, "last_success", (json_int_t)s->last_success_s,
		"next_try_ms", (json_int_t)s->next_try_ms, "interval", (json_int_t)s->interval_s,
		"next_run", (json_int_t)s->next_run_s, "requests", s->requests, "poll_interval",
		(json_int_t)s->poll_interval_s, "polls", (json_int_t)s->polls, "trace", s->trace,
		"provisioning", stats_json(&s->provisioning), "cloud_connection",
		stats_json(&s->cloud_stats), "exports", exports_json(s));
}
