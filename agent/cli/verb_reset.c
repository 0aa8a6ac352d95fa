/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "agent/cli/ask.h"
#include "agent/cli/client.h"
#include "agent/cli/show.h"
#include "agent/cli/verbs.h"
#include "base/exitcode.h"

#define TIMEOUT_MS 120000
#define WORD "reset"

struct request {
	const char *parts[3]; /* as the method takes them */
	size_t n;
	bool yes, json, receipt;
	uint64_t timeout_ms;
};

/* ---- the receipt ---- */

static const char *text_in(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static int64_t number_in(const json_t *object, const char *key)
{
	return (int64_t)json_integer_value(json_object_get(object, key));
}

static void show_when(const json_t *receipt)
{
	time_t when = (time_t)number_in(receipt, "when");
	struct tm tm;
	char text[128], stamp[64];

	if (!localtime_r(&when, &tm) || strftime(stamp, sizeof(stamp), "%F %T %z", &tm) == 0)
		return;
	snprintf(text, sizeof(text), "%s%s", stamp,
		 json_is_true(json_object_get(receipt, "clock_good"))
			 ? ""
			 : ", by a clock that was not set");
	show_field("Reset", text);
}

static void show_count(const char *label, const json_t *receipt, const char *key)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRId64 " removed", number_in(receipt, key));
	if (number_in(receipt, key) > 0)
		show_field(label, text);
}

static void show_credentials(const json_t *list)
{
	const json_t *entry;
	char text[64];
	size_t i;

	json_array_foreach(list, i, entry)
	{
		snprintf(text, sizeof(text), "tag %" PRId64 ", type %" PRId64 " removed",
			 number_in(entry, "tag"), number_in(entry, "type"));
		show_field("Credential", text);
	}
}

static void show_exports(const json_t *list)
{
	const json_t *entry;
	char text[1280];
	size_t i;

	json_array_foreach(list, i, entry)
	{
		const char *error = text_in(entry, "error");

		snprintf(text, sizeof(text), "%.64s: %s; %.512s", text_in(entry, "name"),
			 *error                                            ? error
			 : json_is_true(json_object_get(entry, "removed")) ? "removed"
									   : "nothing was there",
			 text_in(entry, "directory"));
		show_field("Export", text);
	}
}

static void show_receipt(const json_t *receipt)
{
	const json_t *part;
	size_t i;

	show_when(receipt);
	json_array_foreach(json_object_get(receipt, "parts"), i, part)
		show_field("Part", json_string_value(part) ? json_string_value(part) : "");
	show_field("Device", text_in(receipt, "device"));
	show_count("Networks", receipt, "networks");
	show_credentials(json_object_get(receipt, "credentials"));
	show_count("Predecessors", receipt, "predecessors");
	show_count("Unreported", receipt, "results");
	show_count("Settings", receipt, "settings");
	show_exports(json_object_get(receipt, "exports"));
	show_field("Sealing key",
		   json_is_true(json_object_get(receipt, "sealed_anew"))
			   ? "a new one: nothing opens what was sealed before"
			   : "still the same, since it is a credential or its token is away: give "
			     "the device another one");
	show_field("Files", json_is_true(json_object_get(receipt, "wiped"))
				    ? "wiped"
				    : "not wiped yet: journalctl -u onboardd says why");
}

/* Something that was to go is still there. */
static bool is_complete(const json_t *receipt)
{
	const json_t *entry;
	size_t i;

	json_array_foreach(json_object_get(receipt, "exports"), i,
			   entry) if (*text_in(entry, "error")) return false;
	return json_is_true(json_object_get(receipt, "wiped"));
}

/* *ret NULL: there is none. */
static int read_receipt(struct client *c, json_t **ret)
{
	_cleanup_(freep) char *text = NULL;
	int r = client_call_text(c, CLIENT_RESET, "Receipt", &text);

	if (r == 0)
		*ret = *text ? json_loads(text, 0, NULL) : NULL;
	return r;
}

static int show_last(struct client *c, const struct request *q)
{
	_cleanup_(json_decrefp) json_t *receipt = NULL;
	int r = read_receipt(c, &receipt);

	if (r != 0)
		return r;
	if (!receipt) {
		fprintf(stderr, "onboardctl reset: this device was not reset yet\n");
		return EXIT_CODE_FAILED;
	}
	if (q->json)
		show_json(receipt, false);
	else
		show_receipt(receipt);
	return EXIT_CODE_DONE;
}

/* ---- the reset ---- */

static bool has_part(const struct request *q, const char *name)
{
	for (size_t i = 0; i < q->n; i++)
		if (strcmp(q->parts[i], name) == 0)
			return true;
	return false;
}

static int confirm(const struct request *q)
{
	char answer[16];
	int r;

	fprintf(stderr, "This device will forget, for good:\n");
	if (has_part(q, "network"))
		fprintf(stderr, "  its Wi-Fi networks; it may be out of reach then\n");
	if (has_part(q, "credentials") || has_part(q, "identity"))
		fprintf(stderr, "  all credentials and settings of its owner, also those exported "
				"to other programs,\n"
				"  and what it has not reported yet; who owns it stays as it is\n");
	if (has_part(q, "identity"))
		fprintf(stderr, "  who it is: the service will not know it before its new identity "
				"is imported\n");
	if (!ask_is_possible()) {
		fprintf(stderr, "onboardctl reset: nobody can be asked here: --yes does it without "
				"asking\n");
		return EXIT_CODE_FAILED;
	}
	r = ask_line("Type '" WORD "' to go on: ", answer, sizeof(answer));
	if (r != 0)
		return r;
	if (strcmp(answer, WORD) == 0)
		return 0;
	fprintf(stderr, "Nothing was changed.\n");
	return EXIT_CODE_FAILED;
}

static int call(struct client *c, const struct request *q, char *ret_id, size_t size,
		int *ret_at_once)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
	const char *id;
	int r;

	r = client_message(c, CLIENT_RESET, "Reset", &m);
	if (r != 0)
		return r;
	r = sd_bus_message_open_container(m, 'a', "s");
	for (size_t i = 0; r >= 0 && i < q->n; i++)
		r = sd_bus_message_append(m, "s", q->parts[i]);
	if (r >= 0)
		r = sd_bus_message_close_container(m);
	if (r < 0)
		return client_message_failed(r);
	r = client_send(c, m, &reply);
	if (r != 0)
		return r;
	r = sd_bus_message_read(reply, "sb", &id, ret_at_once);
	if (r < 0)
		return client_message_failed(r);
	snprintf(ret_id, size, "%s", id);
	return 0;
}

static void on_served(void *userdata, bool is_served)
{
	bool *is_back = userdata;

	*is_back = is_served;
}

/* onboardd leaves the bus and comes back; then the receipt is there. */
static int wait_for_receipt(struct client *c, const struct request *q, const char *id,
			    bool *is_back, json_t **ret)
{
	for (;;) {
		_cleanup_(json_decrefp) json_t *receipt = NULL;
		int r = client_run(c, is_back, q->timeout_ms);

		if (r == EXIT_CODE_TIMEOUT)
			fprintf(stderr,
				"onboardctl reset: it is not done yet, and goes on; see journalctl "
				"-u onboardd, and onboardctl reset --receipt\n");
		if (r == 0)
			r = read_receipt(c, &receipt);
		if (r != 0)
			return r;
		*is_back = false;
		if (strcmp(text_in(receipt, "id"), id) == 0) {
			*ret = TAKE_PTR(receipt);
			return 0;
		}
	}
}

static int reset(struct client *c, const struct request *q)
{
	bool is_back = false;
	const struct client_events events = {.served = on_served, .userdata = &is_back};
	_cleanup_(json_decrefp) json_t *receipt = NULL;
	int at_once = 0, r;
	char id[64];

	r = client_watch(c, &events);
	if (r == 0)
		r = call(c, q, id, sizeof(id), &at_once);
	if (r != 0)
		return r;
	if (!at_once)
		fprintf(stderr, "Commands are being executed; the reset follows them.\n");
	r = wait_for_receipt(c, q, id, &is_back, &receipt);
	if (r != 0)
		return r;
	if (q->json)
		show_json(receipt, false);
	else
		show_receipt(receipt);
	if (!q->json && has_part(q, "identity"))
		printf("\nImport its new identity where the service runs: onboardctl identity "
		       "export\n");
	return is_complete(receipt) ? EXIT_CODE_DONE : EXIT_CODE_FAILED;
}

static int parse(int argc, char **argv, struct request *q)
{
	bool network = false, credentials = false, identity = false;
	const char *timeout = NULL;
	const struct option_place options[] = {
		{"network", .flag = &network},   {"credentials", .flag = &credentials},
		{"identity", .flag = &identity}, {"yes", .flag = &q->yes},
		{"json", .flag = &q->json},      {"receipt", .flag = &q->receipt},
		{"timeout", .text = &timeout},
	};
	int r;

	r = verb_options("reset", argc, argv, options, ARRAY_SIZE(options));
	if (r == 0 && timeout)
		r = timeout_of("reset", timeout, &q->timeout_ms);
	if (r != 0)
		return r;
	if (network)
		q->parts[q->n++] = "network";
	if (credentials)
		q->parts[q->n++] = "credentials";
	if (identity)
		q->parts[q->n++] = "identity";
	if (q->receipt ? q->n > 0 || q->yes : q->n == 0)
		return usage_error("reset", "what is to be forgotten? --network, --credentials, "
					    "--identity; or --receipt alone");
	return 0;
}

int verb_reset(int argc, char **argv)
{
	struct request q = {.timeout_ms = TIMEOUT_MS};
	_cleanup_(client_freep) struct client *c = NULL;
	int r = parse(argc, argv, &q);

	if (r == 0)
		r = client_open(&c);
	if (r == 0 && !q.receipt && !q.yes)
		r = confirm(&q);
	if (r != 0)
		return r;
	return q.receipt ? show_last(c, &q) : reset(c, &q);
}
