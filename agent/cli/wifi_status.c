/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/cli/client.h"
#include "agent/cli/show.h"
#include "agent/cli/wifi.h"
#include "agent/cli/wifitext.h"
#include "agent/duration.h"

/* No link. */
#define NO_SIGNAL (-128)

static const char *text_in(const json_t *status, const char *key)
{
	const char *text = json_string_value(json_object_get(status, key));

	return text ? text : "";
}

static int64_t number_in(const json_t *status, const char *key)
{
	return (int64_t)json_integer_value(json_object_get(status, key));
}

static bool is_true_in(const json_t *status, const char *key)
{
	return json_is_true(json_object_get(status, key));
}

void wifi_show_line(const json_t *status)
{
	show_field("Wi-Fi", text_in(status, "text"));
}

static void show_link(const json_t *status)
{
	char text[512], duration[DURATION_TEXT_MAX];
	const int64_t signal = number_in(status, "signal"),
		      retry_ms = number_in(status, "retry_in_ms");

	if (retry_ms > 0) {
		duration_describe((uint64_t)retry_ms / 1000, duration);
		snprintf(text, sizeof(text), "in %s", duration);
		show_field("Next try", text);
	}
	if (*text_in(status, "last_failure"))
		show_field("Last failure", wifitext_reason_words(text_in(status, "last_failure")));
	if (*text_in(status, "ssid") && signal != NO_SIGNAL) {
		snprintf(text, sizeof(text), "%" PRId64 " dBm", signal);
		show_field("Signal", text);
	}
	if (is_true_in(status, "configured")) {
		snprintf(text, sizeof(text), "%.140s%s", text_in(status, "configured_ssid"),
			 is_true_in(status, "volatile") ? " (until onboardd ends)" : "");
		show_field("Configured", text);
	}
	snprintf(text, sizeof(text), "%.64s (%.64s)", text_in(status, "interface"),
		 text_in(status, "backend"));
	if (*text_in(status, "interface"))
		show_field("Interface", text);
}

static void show_bluetooth(const json_t *status)
{
	const char *why = text_in(status, "advertising_why");
	char text[512], duration[DURATION_TEXT_MAX];

	if (is_true_in(status, "configurator"))
		snprintf(text, sizeof(text), "a configurator is connected to %.32s",
			 text_in(status, "name"));
	else if (is_true_in(status, "advertising"))
		snprintf(text, sizeof(text), "advertising as %.32s", text_in(status, "name"));
	else
		snprintf(text, sizeof(text), "not advertising%s%.300s", *why ? ": " : "", why);
	show_field("Bluetooth", text);
	if (*text_in(status, "passkey"))
		show_field("Passkey", text_in(status, "passkey"));
	if (is_true_in(status, "window_open")) {
		duration_describe((uint64_t)number_in(status, "window_left_ms") / 1000, duration);
		snprintf(text, sizeof(text), "may be configured over Bluetooth for another %s",
			 duration);
	} else {
		snprintf(text, sizeof(text),
			 "closed; to configure it over Bluetooth: onboardctl wifi advertise");
	}
	show_field("Window", text);
}

int wifi_verb_status(int argc, char **argv)
{
	static const struct option options[] = {{"json", no_argument, NULL, 'j'},
						{NULL, 0, NULL, 0}};
	_cleanup_(client_freep) struct client *c = NULL;
	_cleanup_(json_decrefp) json_t *status = NULL;
	bool json = false;
	int o, r;

	while ((o = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (o != 'j')
			return usage_error("wifi", "status: unknown flag");
		json = true;
	}
	if (optind < argc)
		return usage_error("wifi", "status: '%s' is too much", argv[optind]);
	r = client_open(&c);
	if (r != 0)
		return r;
	r = client_status(c, CLIENT_WIFI, &status);
	if (r != 0)
		return r;
	if (json) {
		show_json(status, false);
		return 0;
	}
	wifi_show_line(status);
	show_link(status);
	show_bluetooth(status);
	return 0;
}
