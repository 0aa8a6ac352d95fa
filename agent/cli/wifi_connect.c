/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "agent/cli/ask.h"
#include "agent/cli/client.h"
#include "agent/cli/show.h"
#include "agent/cli/wifi.h"
#include "agent/cli/wifitext.h"
#include "base/exitcode.h"
#include "base/secret.h"

/* More than onboardd takes for an attempt. */
#define CONNECT_MS 60000

struct connect {
	const char *passphrase_file; /* borrowed */
	struct wifi_config config;
	bool has_bssid;
	uint64_t timeout_ms;

	bool called, over;
	int exit_code;
};

static void on_result(void *userdata, const char *state, const char *reason)
{
	struct connect *k = userdata;
	const bool is_failed = strcmp(state, wifi_state_name(WIFI_STATE_CONNECTION_FAILED)) == 0;

	/* Of an attempt before ours. */
	if (!k->called)
		return;
	show_step("wifi", is_failed ? wifitext_reason_words(reason) : wifitext_state_words(state));
	k->over = is_failed || strcmp(state, wifi_state_name(WIFI_STATE_CONNECTED)) == 0;
	k->exit_code = is_failed ? wifitext_reason_exit_code(reason) : 0;
}

static void on_served(void *userdata, bool is_served)
{
	struct connect *k = userdata;

	if (is_served)
		return;
	fprintf(stderr, "onboardctl: onboardd ended before it was connected\n");
	k->exit_code = EXIT_CODE_FAILED;
	k->over = true;
}

static void on_called(void *userdata, int exit_code)
{
	struct connect *k = userdata;

	k->called = true;
	k->exit_code = exit_code;
	k->over |= exit_code != 0;
}

static int send_config(struct client *c, const struct connect *k)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	const struct wifi_config *w = &k->config;
	int r;

	r = client_message(c, CLIENT_WIFI, "Connect", &m);
	if (r != 0)
		return r;
	r = sd_bus_message_sensitive(m);
	if (r >= 0)
		r = sd_bus_message_append_array(m, 'y', w->network.ssid, w->network.ssid_len);
	if (r >= 0)
		r = sd_bus_message_append_array(m, 'y', w->passphrase, w->passphrase_len);
	if (r >= 0)
		r = sd_bus_message_append(m, "s",
					  w->network.auth == WIFI_AUTH_UNKNOWN
						  ? ""
						  : wifi_auth_name(w->network.auth));
	if (r >= 0)
		r = sd_bus_message_append_array(m, 'y', w->network.bssid,
						k->has_bssid ? sizeof(w->network.bssid) : 0);
	if (r >= 0)
		r = sd_bus_message_append(m, "b", w->is_volatile);
	return r < 0 ? client_message_failed(r) : client_send_later(c, m);
}

static int run_connect(struct connect *k)
{
	const struct client_events events = {
		.result = on_result, .served = on_served, .called = on_called, .userdata = k};
	_cleanup_(client_freep) struct client *c = NULL;
	_cleanup_(json_decrefp) json_t *status = NULL;
	const char *refusal;
	int r;

	r = client_open(&c);
	if (r == 0)
		r = client_watch(c, &events);
	/* Nobody types a passphrase for nothing. */
	if (r == 0)
		r = client_status(c, CLIENT_WIFI, &status);
	if (r == 0 && k->config.network.auth != WIFI_AUTH_OPEN)
		r = ask_passphrase(k->passphrase_file, &k->config);
	if (r != 0)
		return r;
	refusal = wifi_config_refusal(&k->config);
	if (refusal)
		return usage_error("wifi", "connect: %s", refusal);
	r = send_config(c, k);
	secret_wipe(k->config.passphrase, sizeof(k->config.passphrase));
	if (r == 0)
		r = client_run(c, &k->over, k->timeout_ms);
	if (r == EXIT_CODE_TIMEOUT)
		fprintf(stderr, "onboardctl: it did not connect in time; onboardd goes on\n");
	return r != 0 ? r : k->exit_code;
}

static int take_option(struct connect *k, int option)
{
	switch (option) {
	case 'p':
		k->passphrase_file = optarg;
		return 0;
	case 'a':
		if (wifitext_auth(optarg, &k->config.network.auth) < 0)
			return usage_error("wifi", "connect: --auth: '%s' is none such as wpa2-psk",
					   optarg);
		return 0;
	case 'b':
		if (wifitext_mac(optarg, k->config.network.bssid) < 0)
			return usage_error("wifi", "connect: --bssid: '%s' is no address", optarg);
		k->has_bssid = true;
		return 0;
	case 'v':
		k->config.is_volatile = true;
		return 0;
	case 't':
		return timeout_of("wifi", optarg, &k->timeout_ms);
	}
	return usage_error("wifi", "connect: unknown flag, or its value is missing");
}

int wifi_verb_connect(int argc, char **argv)
{
	static const struct option options[] = {{"passphrase-file", required_argument, NULL, 'p'},
						{"auth", required_argument, NULL, 'a'},
						{"bssid", required_argument, NULL, 'b'},
						{"volatile", no_argument, NULL, 'v'},
						{"timeout", required_argument, NULL, 't'},
						{NULL, 0, NULL, 0}};
	struct connect k = {.config.network.auth = WIFI_AUTH_UNKNOWN, .timeout_ms = CONNECT_MS};
	int o, r;

	while ((o = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		r = take_option(&k, o);
		if (r != 0)
			return r;
	}
	if (optind == argc)
		return usage_error("wifi", "connect: which network?");
	if (wifitext_ssid(argv[optind], &k.config.network) < 0)
		return usage_error("wifi", "connect: '%s' cannot be the name of a network",
				   argv[optind]);
	if (optind + 1 < argc)
		return usage_error("wifi", "connect: one network; its passphrase comes from a file "
					   "or standard input");
	r = run_connect(&k);
	wifi_config_wipe(&k.config);
	return r;
}
