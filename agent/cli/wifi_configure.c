/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "agent/cli/ask.h"
#include "agent/cli/configure.h"
#include "agent/cli/wifi.h"
#include "agent/cli/wifitext.h"
#include "base/exitcode.h"
#include "base/secret.h"
#include "base/text.h"

#define STEP_MS 60000
#define PASSKEY_MAX 999999

static volatile sig_atomic_t is_interrupted;

static void on_signal(int signal)
{
	(void)signal;
	is_interrupted = 1;
}

static bool is_cancelled(void *userdata)
{
	(void)userdata;
	return is_interrupted;
}

static int on_passkey(void *userdata, uint32_t *ret)
{
	char line[16];
	uint64_t passkey;
	size_t zeros;

	(void)userdata;
	if (ask_line("The six digits that the device shows: ", line, sizeof(line)) != 0)
		return -ECANCELED;
	/* decimal_parse() refuses leading zeros, and a passkey may have them. */
	zeros = strspn(line, "0");
	if (strlen(line) != 6)
		return -ECANCELED;
	if (zeros == 6)
		passkey = 0;
	else if (decimal_parse(line + zeros, 6 - zeros, PASSKEY_MAX, &passkey) < 0)
		return -ECANCELED;
	*ret = (uint32_t)passkey;
	return 0;
}

#define LOOK_AGAIN 1000 /* beside exit codes */

/* By number or by name. LOOK_AGAIN: the one that is wanted was not heard. */
static int ask_network(const struct networks *networks, struct wifi_network *ret)
{
	const struct wifi_record *record;
	char line[4 * WIFI_SSID_MAX + 2];
	uint64_t number;

	for (;;) {
		if (ask_line("Which network (number or name, nothing to look again)? ", line,
			     sizeof(line)) != 0)
			return EXIT_CODE_FAILED;
		if (line[0] == '\0')
			return LOOK_AGAIN;
		if (decimal_parse(line, strlen(line), networks->n, &number) == 0 && number > 0) {
			*ret = networks->records[number - 1].network;
			return 0;
		}
		*ret = (struct wifi_network){.auth = WIFI_AUTH_UNKNOWN};
		if (wifitext_ssid(line, ret) < 0)
			continue;
		record = networks_find(networks, ret);
		if (record)
			*ret = record->network;
		return 0;
	}
}

static int choose_network(const struct configure *k, const struct networks *networks,
			  struct wifi_network *ret)
{
	const struct wifi_record *record = networks_find(networks, &k->wanted);
	int r = 0;

	if (k->has_ssid)
		*ret = record ? record->network : k->wanted;
	else
		r = ask_network(networks, ret);
	if (r == 0 && k->wanted.auth != WIFI_AUTH_UNKNOWN)
		ret->auth = k->wanted.auth;
	return r;
}

/* Until it works; a wrong passphrase may be typed in again. */
static int set_config(struct configure *k, struct wifi_config *config)
{
	const bool may_ask = !k->passphrase_file && ask_is_possible();
	const char *reason, *refusal;
	int r;

	for (;;) {
		if (config->network.auth != WIFI_AUTH_OPEN) {
			r = ask_passphrase(k->passphrase_file, config);
			if (r != 0)
				return r;
		}
		refusal = wifi_config_refusal(config);
		if (refusal) {
			fprintf(stderr, "onboardctl: %s\n", refusal);
			if (may_ask && config->network.auth != WIFI_AUTH_OPEN)
				continue;
			return EXIT_CODE_USAGE;
		}
		r = configure_try(k, config, &reason);
		if (r != 0)
			return r;
		if (!*reason)
			return configure_status(k);
		if (strcmp(reason, wifi_reason_name(WIFI_REASON_AUTH_ERROR)) != 0 || !may_ask)
			return wifitext_reason_exit_code(reason);
	}
}

static int configure_network(struct configure *k)
{
	struct wifi_config config = {
		.is_volatile = k->is_volatile, .has_any_channel = true, .any_channel = true};
	struct networks networks = {0};
	int r;

	do {
		r = configure_scan(k, &networks);
		if (r != 0)
			return r;
		if (!k->is_json && (k->is_list || !k->has_ssid))
			networks_show(&networks, stdout);
		if (k->is_list)
			return 0;
		r = choose_network(k, &networks, &config.network);
	} while (r == LOOK_AGAIN);
	if (r == 0)
		r = set_config(k, &config);
	wifi_config_wipe(&config);
	return r;
}

static int run_session(struct configure *k, const char *path)
{
	int r;

	r = configure_begin(k, path);
	if (r == 0 && !k->is_identity)
		r = k->is_forget ? configure_forget(k) : configure_network(k);
	if (r == 0 && (k->is_identity || k->is_token || k->claiming.server))
		r = configure_read_claim(k);
	/* As the phones do: the next one to configure it begins anew. A connection that is gone
	 * has told why. */
	if (central_unpair(k->central) < 0)
		central_disconnect(k->central);
	return r;
}

static int run_configure(struct configure *k)
{
	const struct central_options options = {.adapter = k->adapter,
						.passkey = ask_is_possible() ? on_passkey : NULL,
						.is_cancelled = is_cancelled};
	/* BlueZ would keep the connection when the program just ended. */
	const struct sigaction interrupt = {.sa_handler = on_signal};
	_cleanup_(freep) char *path = NULL;
	int r;

	if (k->label_file) {
		r = ask_label_code(k->label_file, k->label_code, &k->label_code_len);
		if (r != 0)
			return r;
	}
	sigaction(SIGINT, &interrupt, NULL);
	sigaction(SIGTERM, &interrupt, NULL);
	r = central_open(&options, &k->central);
	if (r < 0)
		return configure_failed(k, r);
	r = configure_find(k, &path);
	if (r == 0)
		r = run_session(k, path);
	if (r != 0 || !k->claiming.server)
		return r;
	/* Nothing is left to be undone. */
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	return configure_claim(k);
}

static int take_ssid(struct configure *k)
{
	if (wifitext_ssid(optarg, &k->wanted) < 0)
		return usage_error("wifi", "configure: '%s' cannot be the name of a network",
				   optarg);
	k->has_ssid = true;
	return 0;
}

static int take_option(struct configure *k, int option)
{
	int r;

	switch (option) {
	case 'd':
		k->device = optarg;
		return 0;
	case 'i':
		k->adapter = optarg;
		return 0;
	case 's':
		return take_ssid(k);
	case 'p':
		k->passphrase_file = optarg;
		return 0;
	case 'a':
		if (wifitext_auth(optarg, &k->wanted.auth) < 0)
			return usage_error(
				"wifi", "configure: --auth: '%s' is none such as wpa2-psk", optarg);
		return 0;
	case 'v':
		k->is_volatile = true;
		return 0;
	case 'l':
		k->is_list = true;
		return 0;
	case 'f':
		k->is_forget = true;
		return 0;
	case 'c':
		k->label_file = optarg;
		return 0;
	case 'j':
		k->is_json = true;
		return 0;
	case 'w':
		k->is_identity = true;
		return 0;
	case 'T':
		k->is_token = true;
		return 0;
	case 't':
		return timeout_of("wifi", optarg, &k->timeout_ms);
	}
	r = claiming_take(&k->claiming, "wifi", option);
	return r >= 0 ? r : usage_error("wifi", "configure: unknown flag, or its value is missing");
}

static int check(const struct configure *k)
{
	const bool is_claiming = k->claiming.server || k->claiming.api_key_file;
	const int n_modes = k->is_list + k->is_forget + k->is_identity;

	if (n_modes > 1)
		return usage_error("wifi", "configure: one of --list, --forget and --identity");
	if (n_modes > 0 && (k->has_ssid || k->passphrase_file || k->is_volatile))
		return usage_error("wifi", "configure: --list, --forget and --identity configure "
					   "nothing");
	if ((k->is_list || k->is_forget) && (k->is_token || is_claiming))
		return usage_error("wifi", "configure: --list and --forget claim nothing");
	if (is_claiming && !(k->claiming.server && k->claiming.api_key_file))
		return usage_error("wifi", "configure: --server and --api-key-file go together");
	if (!is_claiming && (k->claiming.ca || k->claiming.n_tags > 0))
		return usage_error("wifi", "configure: --ca and --tag claim nothing without "
					   "--server");
	if (k->timeout_ms == 0)
		return usage_error("wifi", "configure: --timeout: every step needs a limit");
	if (n_modes == 0 && !k->has_ssid && !ask_is_possible())
		return usage_error("wifi", "configure: which network? --ssid");
	return 0;
}

int wifi_verb_configure(int argc, char **argv)
{
	static const struct option options[] = {{"device", required_argument, NULL, 'd'},
						{"adapter", required_argument, NULL, 'i'},
						{"ssid", required_argument, NULL, 's'},
						{"passphrase-file", required_argument, NULL, 'p'},
						{"auth", required_argument, NULL, 'a'},
						{"volatile", no_argument, NULL, 'v'},
						{"list", no_argument, NULL, 'l'},
						{"forget", no_argument, NULL, 'f'},
						{"identity", no_argument, NULL, 'w'},
						{"token", no_argument, NULL, 'T'},
						CLAIMING_OPTIONS,
						{"label-file", required_argument, NULL, 'c'},
						{"json", no_argument, NULL, 'j'},
						{"timeout", required_argument, NULL, 't'},
						{NULL, 0, NULL, 0}};
	struct configure k = {.wanted.auth = WIFI_AUTH_UNKNOWN, .timeout_ms = STEP_MS};
	int o, r;

	while ((o = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		r = take_option(&k, o);
		if (r != 0)
			return r;
	}
	if (optind < argc)
		return usage_error("wifi", "configure: '%s' is too much", argv[optind]);
	r = check(&k);
	if (r == 0)
		r = run_configure(&k);
	central_free(k.central);
	secret_wipe(&k, sizeof(k));
	return r;
}
