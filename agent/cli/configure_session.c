/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/cli/ask.h"
#include "agent/cli/configure.h"
#include "agent/cli/show.h"
#include "agent/cli/wifitext.h"
#include "agent/plain.h"
#include "base/clock.h"
#include "base/exitcode.h"

/* A scan has no end of its own: it is over when nothing more comes for so long. */
#define SCAN_FIRST_MS 15000
#define SCAN_QUIET_MS 4000
#define SCAN_MAX_MS 20000

/* ---- what is told ---- */

void configure_put(json_t *event)
{
	if (event)
		show_json(event, true);
	json_decref(event);
}

int configure_failed(const struct configure *k, int r)
{
	char text[512];

	fprintf(stderr, "onboardctl: %s\n",
		plain_text(k->central ? central_error(k->central) : strerror(-r), text,
			   sizeof(text)));
	return r == -ETIMEDOUT  ? EXIT_CODE_TIMEOUT
	       : r == -ENOTCONN ? EXIT_CODE_NETWORK
	       : r == -EACCES   ? EXIT_CODE_IDENTITY
				: EXIT_CODE_FAILED;
}

/* Who only reads who it is shows the code with this. */
static bool is_code_shown(const struct configure *k, const struct wifi_request *q)
{
	return q->op == WIFI_OP_GET_STATUS && k->is_identity && k->label_code_len > 0;
}

static int refused(const struct configure *k, const struct wifi_request *q, enum wifi_answer answer)
{
	const char *why = answer == WIFI_ANSWER_INTERNAL_ERROR
				  ? "its window is closed, there were too many attempts, or its "
				    "Wi-Fi is busy"
			  : answer == WIFI_ANSWER_INVALID_ARGUMENT && is_code_shown(k, q)
				  ? "that is not the code on its label"
			  : answer == WIFI_ANSWER_INVALID_ARGUMENT && q->op == WIFI_OP_SET_CONFIG
				  ? k->label_code_len > 0
					    ? "it takes neither such a configuration nor perhaps "
					      "this label code"
					    : "it does not take such a configuration, or wants "
					      "the code on its label (--label-file)"
				  : "it does not know what it was asked";

	fprintf(stderr, "onboardctl: the device refused %s (%s): %s\n", wifi_op_name(q->op),
		wifi_answer_name(answer), why);
	return EXIT_CODE_FAILED;
}

/* Sends q with the label code; wipes it. */
static int request(struct configure *k, struct wifi_request *q, struct wifi_response *ret)
{
	int r;

	if (q->op == WIFI_OP_SET_CONFIG || q->op == WIFI_OP_FORGET_CONFIG || is_code_shown(k, q)) {
		memcpy(q->label_code, k->label_code, k->label_code_len);
		q->label_code_len = k->label_code_len;
	}
	r = central_request(k->central, q, k->timeout_ms, ret);
	if (r < 0)
		r = configure_failed(k, r);
	else if (ret->answer != WIFI_ANSWER_SUCCESS)
		r = refused(k, q, ret->answer);
	wifi_request_wipe(q);
	return r;
}

/* ---- status ---- */

static void show_device_status(const struct configure *k, const struct wifi_device_status *s)
{
	const char *state = s->has_state ? wifi_state_name(s->state) : "unknown";
	char ssid[WIFI_SSID_TEXT_MAX] = "", address[16] = "", text[256];

	if (s->has_network)
		wifi_ssid_text(&s->network, ssid);
	if (s->has_ip4)
		snprintf(address, sizeof(address), "%u.%u.%u.%u", s->ip4[0], s->ip4[1], s->ip4[2],
			 s->ip4[3]);
	if (k->is_json) {
		configure_put(json_pack("{s:s, s:b, s:s, s:s, s:s}", "event", "status",
					"configured", s->has_network, "state", state, "ssid", ssid,
					"address", address));
		return;
	}
	if (s->has_network)
		snprintf(text, sizeof(text), "%s, %s%s%s", ssid, wifitext_state_words(state),
			 *address ? " with " : "", address);
	show_field("Its Wi-Fi", s->has_network ? text : "not configured");
}

int configure_status(struct configure *k)
{
	struct wifi_request q = {.op = WIFI_OP_GET_STATUS};
	struct wifi_response response;
	int r;

	r = request(k, &q, &response);
	if (r == 0 && response.has_device_status)
		show_device_status(k, &response.device_status);
	return r;
}

/* ---- beginning ---- */

static int try_begin(struct configure *k, const char *path)
{
	int r = central_connect_paired(k->central, path, k->timeout_ms);

	return r == 0 ? central_subscribe(k->central) : r;
}

/* A device that lets nobody pair now may say so, or just hang up. */
static int begin_failed(const struct configure *k, int r)
{
	const int exit_code = configure_failed(k, r);

	if (r == -EACCES || r == -ENOTCONN)
		fprintf(stderr,
			"onboardctl: perhaps its window is closed: power it on, or press its "
			"button%s\n",
			ask_is_possible() ? ""
					  : "; or it wants its passkey, which needs a terminal");
	return exit_code;
}

int configure_begin(struct configure *k, const char *path)
{
	uint32_t version = 0;
	int r;

	if (!k->is_json)
		printf("Connecting ...\n");
	r = try_begin(k, path);
	/* Perhaps by a bond of a session that ended halfway, which only one side still has. */
	if ((r == -EACCES || r == -ENOTCONN) && central_had_bond(k->central) &&
	    central_forget(k->central, path) == 0)
		r = try_begin(k, path);
	if (r == 0)
		r = central_read_info(k->central, &version);
	if (r < 0)
		return begin_failed(k, r);
	if (k->is_json)
		configure_put(json_pack("{s:s, s:I}", "event", "version", "version",
					(json_int_t)version));
	else if (version != WIFI_VERSION)
		printf("The device speaks version %u of the protocol; this program knows %d.\n",
		       version, WIFI_VERSION);
	return configure_status(k);
}

/* ---- scanning ---- */

static int collect(struct configure *k, struct networks *ret)
{
	const uint64_t end_ms = clock_ms() + SCAN_MAX_MS;
	struct wifi_result result;
	bool has_begun = false;
	int r = 0;

	while (clock_ms() < end_ms) {
		r = central_next_result(k->central, has_begun ? SCAN_QUIET_MS : SCAN_FIRST_MS,
					&result);
		/* One that is not understood does not spoil the others. */
		if (r == -EBADMSG)
			continue;
		if (r < 0)
			break;
		if (!result.has_record)
			continue;
		has_begun = true;
		networks_add(ret, &result.record);
		if (k->has_ssid && networks_find(ret, &k->wanted))
			break;
	}
	return r == -ETIMEDOUT || r == -EBADMSG ? 0 : r;
}

int configure_scan(struct configure *k, struct networks *ret)
{
	struct wifi_request q = {.op = WIFI_OP_START_SCAN};
	struct wifi_response response;
	int r;

	if (!k->is_json)
		printf("It looks for networks ...\n");
	r = request(k, &q, &response);
	if (r != 0)
		return r;
	r = collect(k, ret);
	if (r < 0)
		return configure_failed(k, r);
	q = (struct wifi_request){.op = WIFI_OP_STOP_SCAN};
	r = request(k, &q, &response);
	for (size_t i = 0; r == 0 && k->is_json && i < ret->n; i++) {
		json_t *network = networks_json(&ret->records[i]);

		json_object_set_new(network, "event", json_string("network"));
		configure_put(network);
	}
	return r;
}

/* ---- configuring ---- */

static void show_result(const struct configure *k, const char *state, const char *reason)
{
	if (k->is_json)
		configure_put(json_pack("{s:s, s:s, s:s}", "event", "result", "state", state,
					"reason", reason));
	else
		show_step("wifi",
			  *reason ? wifitext_reason_words(reason) : wifitext_state_words(state));
}

static int follow(struct configure *k, const char **ret_reason)
{
	struct wifi_result result;
	int r;

	for (;;) {
		r = central_next_result(k->central, k->timeout_ms, &result);
		if (r < 0)
			return configure_failed(k, r);
		if (!result.has_state)
			continue;
		*ret_reason = result.state != WIFI_STATE_CONNECTION_FAILED ? ""
			      : result.has_reason ? wifi_reason_name(result.reason)
						  : "failed without saying why";
		show_result(k, wifi_state_name(result.state), *ret_reason);
		if (result.state == WIFI_STATE_CONNECTED || **ret_reason)
			return 0;
	}
}

int configure_try(struct configure *k, const struct wifi_config *config, const char **ret_reason)
{
	struct wifi_request q = {.op = WIFI_OP_SET_CONFIG,
				 .has_config = true,
				 .has_network = true,
				 .config = *config};
	struct wifi_response response;
	int r;

	r = request(k, &q, &response);
	return r == 0 ? follow(k, ret_reason) : r;
}

int configure_forget(struct configure *k)
{
	struct wifi_request q = {.op = WIFI_OP_FORGET_CONFIG};
	struct wifi_response response;
	int r;

	r = request(k, &q, &response);
	if (r == 0 && k->is_json)
		configure_put(json_pack("{s:s}", "event", "forgotten"));
	else if (r == 0)
		printf("The device has forgotten its Wi-Fi.\n");
	return r;
}
