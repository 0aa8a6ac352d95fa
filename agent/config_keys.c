/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/config_keys.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "agent/duration.h"
#include "base/text.h"

#define MS(n) UINT64_C(n)
#define SECONDS(n) (UINT64_C(n) * 1000)
#define HOURS(n) (UINT64_C(n) * 3600 * 1000)
#define WORDS_MAX 64
#define HOST_MAX 253
#define WORD_MAX 1024
#define HOST_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_"
#define HTTP_URL_MAX 1024
#define CHOICES_TEXT_MAX 128

#define KEY(section, name, kind, field, fallback, min, max)                                        \
	{                                                                                          \
		section, name, CONFIG_KIND_##kind, offsetof(struct config, field), fallback, min,  \
			max                                                                        \
	}

/* clang-format off */
const struct config_key config_keys[] = {
	KEY("identity", "hardware", NAME, hardware, "onboardd", 1, HARDWARE_MAX),
	KEY("identity", "uuid", UUID, uuid, NULL, 0, 0),
	KEY("identity", "key-file", PATH, key_file, NULL, 0, 0),
	KEY("identity", "key", TOKEN_URI, key_uri, NULL, 0, 0),
	KEY("identity", "chain", PATH, chain_file, NULL, 0, 0),
	KEY("identity", "device-type", U8, device_type, "23", 0, UINT8_MAX),

	KEY("token", "module", PATH, token_module, NULL, 0, 0),
	KEY("token", "pin-file", PATH, token_pin_file, NULL, 0, 0),

	KEY("sealing", "key", TOKEN_URI, seal_uri, NULL, 0, 0),

	KEY("provisioning", "server", HOST, server, "coap.nrfcloud.com", 0, 0),
	KEY("provisioning", "address", ADDRESS, address, NULL, 0, 0),
	KEY("provisioning", "port", U16, port, "5684", 1, UINT16_MAX),
	KEY("provisioning", "lan-server-domain", HOST, lan_server_domain, NULL, 0, 0),
	KEY("provisioning", "transport", TRANSPORT, transport, "auto", 0, 0),
	KEY("provisioning", "https-port", U16, https_port, "443", 1, UINT16_MAX),
	KEY("provisioning", "proxy", PROXY, proxy, NULL, 0, 0),
	KEY("provisioning", "proxy-login-file", PATH, proxy_file, NULL, 0, 0),
	KEY("provisioning", "root-ca", PATH, root_ca, ONBOARD_DATADIR "/onboardd/nrf-cloud-root-ca.pem", 0, 0),
	KEY("provisioning", "root-ca-tag", U32, root_ca_tag, "189298", 0, SEC_TAG_MAX),
	KEY("provisioning", "jwt-lifetime", DURATION_S, jwt_lifetime_s, "300s", SECONDS(30), SECONDS(JWT_LIFETIME_MAX)),
	KEY("provisioning", "rx-max-size", SIZE, rx_max, "8192", 256, BODY_MAX),
	KEY("provisioning", "tx-max-size", SIZE, tx_max, "4096", REPORT_MIN, BODY_MAX),
	KEY("provisioning", "limit", UINT, limit, "10", 1, COMMANDS_MAX),
	KEY("provisioning", "suspend", BOOL, suspend, "yes", 0, 0),
	KEY("provisioning", "resumption", BOOL, resumption, "yes", 0, 0),
	KEY("provisioning", "tickets", BOOL, tickets, "no", 0, 0),
	KEY("provisioning", "cid", BOOL, cid, "yes", 0, 0),
	KEY("provisioning", "unclaimed-poll", DURATION_MS, poll_fast_ms, "5s", MS(10), HOURS(24)),
	KEY("provisioning", "unclaimed-poll-fast-for", DURATION_MS, poll_fast_for_ms, "10min", MS(0), HOURS(24)),
	KEY("provisioning", "unclaimed-poll-max", DURATION_MS, poll_ceiling_ms, "10min", MS(10), HOURS(168)),
	KEY("provisioning", "retry-first", DURATION_MS, backoff_first_ms, "5s", MS(10), HOURS(24)),
	KEY("provisioning", "retry-max", DURATION_MS, backoff_ceiling_ms, "1h", MS(10), HOURS(168)),
	KEY("provisioning", "handshake-timeout", DURATION_MS, handshake_timeout_ms, "20s", MS(10), HOURS(1)),
	KEY("provisioning", "ack-timeout", DURATION_MS, ack_timeout_ms, "2s", MS(10), HOURS(1)),
	KEY("provisioning", "answer-timeout", DURATION_MS, answer_timeout_ms, "30s", MS(10), HOURS(1)),

	KEY("cloud", "validate", BOOL, validate, "yes", 0, 0),
	KEY("cloud", "server", HOST, cloud_server, NULL, 0, 0),
	KEY("cloud", "address", ADDRESS, cloud_address, NULL, 0, 0),
	KEY("cloud", "port", U16, cloud_port, "5684", 1, UINT16_MAX),
	KEY("cloud", "sec-tag", U32, cloud_tag, "16842753", 0, SEC_TAG_MAX),
	KEY("cloud", "key", TOKEN_URI, cloud_key_uri, NULL, 0, 0),
	KEY("cloud", "roll-back", BOOL, roll_back, "yes", 0, 0),
	KEY("cloud", "poll", DURATION_MS, cloud_poll_ms, "0s", MS(0), HOURS(168)),
	KEY("cloud", "retry-first", DURATION_MS, validate_first_ms, "1s", MS(10), HOURS(24)),
	KEY("cloud", "retry-max", DURATION_MS, validate_ceiling_ms, "10min", MS(10), HOURS(168)),
	KEY("cloud", "attempts", UINT, validate_attempts, "8", 1, 1000),

	KEY("time", "wait", DURATION_MS, time_wait_ms, "60s", MS(0), HOURS(24)),
	KEY("time", "require-sync", BOOL, time_require_sync, "no", 0, 0),

	KEY("network", "wait-for-default-route", BOOL, network_wait, "yes", 0, 0),
	KEY("network", "wait", DURATION_MS, network_wait_ms, "0s", MS(0), HOURS(8760)),
	KEY("network", "captive-portal-url", HTTP_URL, portal_url, NULL, 0, 0),

	KEY("discovery", "enable", BOOL, discovery_enable, "no", 0, 0),
	KEY("discovery", "port", U16, discovery_port, "5683", 1, UINT16_MAX),
	KEY("discovery", "claim-token", BOOL, discovery_claim_token, "no", 0, 0),

	KEY("hooks", "offline", COMMAND, hook_offline, NULL, 0, WORD_MAX),
	KEY("hooks", "online", COMMAND, hook_online, NULL, 0, WORD_MAX),
	KEY("hooks", "timeout", DURATION_MS, hook_timeout_ms, "30s", SECONDS(1), SECONDS(300)),

	KEY("wifi", "enable", BOOL, wifi_enable, "no", 0, 0),
	KEY("wifi", "interface", NAME, wifi_interface, NULL, 1, IFNAMSIZ - 1),
	KEY("wifi", "adapter", NAME, wifi_adapter, NULL, 1, IFNAMSIZ - 1),
	KEY("wifi", "name-prefix", NAME, wifi_name_prefix, "PV", 1, 2),
	KEY("wifi", "pairing", PAIRING, wifi_pairing, "just-works", 0, 0),
	KEY("wifi", "label-file", PATH, wifi_label_file, NULL, 0, 0),
	KEY("wifi", "window", DURATION_MS, wifi_window_ms, "10min", SECONDS(1), HOURS(8760)),
	KEY("wifi", "window-at-boot", BOOL, wifi_window_at_boot, "yes", 0, 0),
	KEY("wifi", "button-chip", NAME, wifi_button_chip, NULL, 1, 31),
	KEY("wifi", "button-line", UINT, wifi_button_line, "0", 0, UINT16_MAX),
	KEY("wifi", "button-active-low", BOOL, wifi_button_active_low, "no", 0, 0),
	KEY("wifi", "attempts", UINT, wifi_attempts, "10", 1, 1000),
	KEY("wifi", "attempts-period", DURATION_MS, wifi_attempts_period_ms, "10min", SECONDS(1), HOURS(24)),
	KEY("wifi", "claim-token", BOOL, wifi_claim_token, "no", 0, 0),
	KEY("wifi", "signal-refresh", DURATION_MS, wifi_signal_refresh_ms, "5s", MS(0), HOURS(24)),
	KEY("wifi", "connect-timeout", DURATION_MS, wifi_connect_ms, "45s", SECONDS(5), SECONDS(55)),
	KEY("wifi", "address-timeout", DURATION_MS, wifi_address_ms, "25s", SECONDS(1), SECONDS(55)),
	KEY("wifi", "retry-first", DURATION_MS, wifi_retry_first_ms, "1s", MS(10), HOURS(24)),
	KEY("wifi", "retry-max", DURATION_MS, wifi_retry_ceiling_ms, "1min", MS(10), HOURS(168)),
	KEY("wifi", "fallback", DURATION_MS, wifi_fallback_ms, "2min", SECONDS(1), HOURS(24)),

	KEY("config-keys", "allow", WORDS, allow_keys, "provisioning/interval-sec", 0, CONFIG_KEY_MAX),

	KEY("daemon", "state-directory", PATH, state_dir, "/var/lib/onboardd", 0, 0),
	KEY("daemon", "damaged-store", DAMAGED, damaged_store, "refuse", 0, 0),
	KEY("daemon", "log-level", LEVEL, log_level, "info", 0, 0),
};
/* clang-format on */
const size_t config_n_keys = ARRAY_SIZE(config_keys);

const struct config_key *config_key_find(const char *section, const char *name)
{
	for (size_t i = 0; i < config_n_keys; i++)
		if (strcmp(config_keys[i].section, section) == 0 &&
		    strcmp(config_keys[i].name, name) == 0)
			return &config_keys[i];
	return NULL;
}

int config_refuse(char **ret_allowed, const char *format, ...)
{
	char *text;
	va_list ap;
	int r;

	va_start(ap, format);
	r = vasprintf(&text, format, ap);
	va_end(ap);
	if (r < 0)
		return -ENOMEM;
	*ret_allowed = text;
	return -EINVAL;
}

static int set_bool(bool *place, const char *text, char **ret_allowed)
{
	if (strcmp(text, "yes") == 0 || strcmp(text, "true") == 0)
		*place = true;
	else if (strcmp(text, "no") == 0 || strcmp(text, "false") == 0)
		*place = false;
	else
		return config_refuse(ret_allowed, "allowed are yes, no, true and false");
	return 0;
}

static int read_number(const struct config_key *key, const char *text, uint64_t *ret,
		       char **ret_allowed)
{
	uint64_t v;

	if (decimal_parse(text, strlen(text), key->max, &v) < 0 || v < key->min)
		return config_refuse(ret_allowed,
				     "allowed is a whole number from %" PRIu64 " to %" PRIu64,
				     key->min, key->max);
	*ret = v;
	return 0;
}

static int read_duration(const struct config_key *key, const char *text, uint64_t *ret,
			 char **ret_allowed)
{
	char min[DURATION_TEXT_MAX], max[DURATION_TEXT_MAX];
	uint64_t ms;

	if (duration_parse(text, &ms) == 0 && ms >= key->min && ms <= key->max &&
	    (key->kind != CONFIG_KIND_DURATION_S || ms % 1000 == 0)) {
		*ret = ms;
		return 0;
	}
	duration_format(key->min, min);
	duration_format(key->max, max);
	return config_refuse(ret_allowed,
			     "allowed is a time from %s to %s, a number with %ss, min, h or d", min,
			     max, key->kind == CONFIG_KIND_DURATION_S ? "" : "ms, ");
}

static bool all_of(const char *text, const char *others)
{
	for (; *text; text++)
		if (!isascii(*text) || (!isalnum((unsigned char)*text) && !strchr(others, *text)))
			return false;
	return true;
}

static bool is_address(const char *text)
{
	uint8_t binary[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, text, binary) == 1 || inet_pton(AF_INET6, text, binary) == 1;
}

static int check_uuid(const struct config_key *key, char *text, char **ret_allowed)
{
	uint8_t uuid[UUID_LEN];

	(void)key;
	if (uuid_parse(text, strlen(text), uuid) < 0)
		return config_refuse(
			ret_allowed,
			"allowed is a UUID such as 50363154-3931-44f0-8022-121b6401627d");
	uuid_format(uuid, text);
	return 0;
}

static int check_choice(const char *text, const char *const *words, char **ret_allowed)
{
	char all[CHOICES_TEXT_MAX] = "";
	size_t len = 0;

	for (size_t i = 0; words[i]; i++) {
		if (strcmp(text, words[i]) == 0)
			return 0;
		len += (size_t)snprintf(all + len, sizeof(all) - len, "%s%s",
					i == 0         ? ""
					: words[i + 1] ? ", "
						       : " and ",
					words[i]);
	}
	return config_refuse(ret_allowed, "allowed are %s", all);
}

/* Who may use it stands in a file of its own. */
static int check_proxy(const struct config_key *key, char *text, char **ret_allowed)
{
	const char *host = text + 7, *port = strrchr(text, ':');
	uint64_t number;

	(void)key;
	if (strncmp(text, "http://", 7) == 0 && port && port > host && port - host <= HOST_MAX &&
	    strspn(host, HOST_CHARACTERS) == (size_t)(port - host) &&
	    decimal_parse(port + 1, strlen(port + 1), UINT16_MAX, &number) == 0 && number > 0)
		return 0;
	return config_refuse(ret_allowed, "allowed is http://HOST:PORT, and the user and password "
					  "in the file of proxy-login-file");
}

static int check_http_url(const struct config_key *key, char *text, char **ret_allowed)
{
	static const char scheme[] = "http://";
	const size_t len = strlen(text);

	(void)key;
	if (len > sizeof(scheme) - 1 && len <= HTTP_URL_MAX &&
	    strncmp(text, scheme, sizeof(scheme) - 1) == 0 && text[sizeof(scheme) - 1] != '/' &&
	    all_of(text, "-._~:/?[]@!$&'()*+,;=%"))
		return 0;
	return config_refuse(ret_allowed, "allowed is a URL that begins with http://HOST");
}

/* The token's back end judges the rest. A PIN in the text would be one in a file for everybody. */
static int check_token_uri(const struct config_key *key, char *text, char **ret_allowed)
{
	(void)key;
	if (strncmp(text, "pkcs11:", 7) == 0 && all_of(text + 7, "._~-%:;[]@!$'()*+,=&/?|") &&
	    !strstr(text, "pin-value="))
		return 0;
	return config_refuse(
		ret_allowed,
		"allowed is a URI that begins with pkcs11: (RFC 7512), without pin-value");
}

static int check_name(const struct config_key *key, char *text, char **ret_allowed)
{
	const size_t len = strlen(text);

	if (len >= key->min && len <= key->max && all_of(text, "_-"))
		return 0;
	return config_refuse(ret_allowed, "allowed are 1 to %" PRIu64 " of A-Z a-z 0-9 _ -",
			     key->max);
}

static int check_host(const struct config_key *key, char *text, char **ret_allowed)
{
	const size_t len = strlen(text);

	(void)key;
	if (len > 0 && len <= HOST_MAX && text[0] != '-' && text[0] != '.' && all_of(text, ".-_"))
		return 0;
	return config_refuse(ret_allowed,
			     "allowed is a DNS name of at most %d characters, without port",
			     HOST_MAX);
}

static int check_address(const struct config_key *key, char *text, char **ret_allowed)
{
	(void)key;
	if (is_address(text))
		return 0;
	return config_refuse(ret_allowed, "allowed is an IPv4 or IPv6 address");
}

static int check_path(const struct config_key *key, char *text, char **ret_allowed)
{
	(void)key;
	if (text[0] == '/')
		return 0;
	return config_refuse(ret_allowed, "allowed is a path that begins with /");
}

/* ---- the kinds ---- */

static const struct kind {
	enum config_form form;
	size_t size;              /* of a number or a duration, in bytes */
	uint64_t unit_ms;         /* of a duration: what it is kept in */
	const char *const *words; /* of a text: the only ones, ended by NULL; or */
	int (*check)(const struct config_key *key, char *text,
		     char **ret_allowed); /* rewrites it */
} kinds[] = {
	[CONFIG_KIND_BOOL] = {.form = CONFIG_FORM_BOOL},
	[CONFIG_KIND_U8] = {.form = CONFIG_FORM_NUMBER, .size = sizeof(uint8_t)},
	[CONFIG_KIND_U16] = {.form = CONFIG_FORM_NUMBER, .size = sizeof(uint16_t)},
	[CONFIG_KIND_U32] = {.form = CONFIG_FORM_NUMBER, .size = sizeof(uint32_t)},
	[CONFIG_KIND_UINT] = {.form = CONFIG_FORM_NUMBER, .size = sizeof(unsigned int)},
	[CONFIG_KIND_SIZE] = {.form = CONFIG_FORM_NUMBER, .size = sizeof(size_t)},
	[CONFIG_KIND_DURATION_MS] = {.form = CONFIG_FORM_DURATION,
				     .size = sizeof(uint64_t),
				     .unit_ms = 1},
	[CONFIG_KIND_DURATION_S] = {.form = CONFIG_FORM_DURATION,
				    .size = sizeof(unsigned int),
				    .unit_ms = 1000},
	[CONFIG_KIND_NAME] = {.form = CONFIG_FORM_TEXT, .check = check_name},
	[CONFIG_KIND_HOST] = {.form = CONFIG_FORM_TEXT, .check = check_host},
	[CONFIG_KIND_ADDRESS] = {.form = CONFIG_FORM_TEXT, .check = check_address},
	[CONFIG_KIND_UUID] = {.form = CONFIG_FORM_TEXT, .check = check_uuid},
	[CONFIG_KIND_PATH] = {.form = CONFIG_FORM_TEXT, .check = check_path},
	[CONFIG_KIND_LEVEL] = {.form = CONFIG_FORM_TEXT,
			       .words = (const char *const[]){"error", "warning", "notice", "info",
							      "debug", NULL}},
	[CONFIG_KIND_PAIRING] = {.form = CONFIG_FORM_TEXT,
				 .words = (const char *const[]){"just-works", "passkey",
								"passkey-on-label", NULL}},
	[CONFIG_KIND_TRANSPORT] = {.form = CONFIG_FORM_TEXT,
				   .words = (const char *const[]){"auto", "coap", "https", NULL}},
	[CONFIG_KIND_PROXY] = {.form = CONFIG_FORM_TEXT, .check = check_proxy},
	[CONFIG_KIND_DAMAGED] = {.form = CONFIG_FORM_TEXT,
				 .words = (const char *const[]){"refuse", "start-anew", NULL}},
	[CONFIG_KIND_TOKEN_URI] = {.form = CONFIG_FORM_TEXT, .check = check_token_uri},
	[CONFIG_KIND_HTTP_URL] = {.form = CONFIG_FORM_TEXT, .check = check_http_url},
	[CONFIG_KIND_COMMAND] = {.form = CONFIG_FORM_COMMAND},
	[CONFIG_KIND_WORDS] = {.form = CONFIG_FORM_WORDS},
};

enum config_form config_form_of(enum config_kind kind)
{
	return kinds[kind].form;
}

static int check_text(const struct config_key *key, char *text, char **ret_allowed)
{
	const struct kind *k = &kinds[key->kind];

	return k->words ? check_choice(text, k->words, ret_allowed)
			: k->check(key, text, ret_allowed);
}

/* ---- into the configuration ---- */

static int set_text(char **place, const struct config_key *key, const char *text,
		    char **ret_allowed)
{
	char *copy;
	int r;

	if (!*text && !key->fallback) {
		free(TAKE_PTR(*place));
		return 0;
	}
	copy = strdup(text);
	if (!copy)
		return -ENOMEM;
	r = check_text(key, copy, ret_allowed);
	if (r < 0) {
		free(copy);
		return r;
	}
	free(*place);
	*place = copy;
	return 0;
}

static char **words_free(char **words)
{
	for (size_t i = 0; words && words[i]; i++)
		free(words[i]);
	free(words);
	return NULL;
}

static bool is_word(const char *word, size_t len, size_t max)
{
	/* A comment that lacks the blank before it. */
	if (word[0] == ';')
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isascii(word[i]) || !isgraph((unsigned char)word[i]))
			return false;
	return len <= max;
}

/* Adds the words of text to the n that are there. */
static int add_words(char **words, size_t n, const struct config_key *key, const char *text,
		     char **ret_allowed)
{
	for (text += strspn(text, " \t"); *text; text += strspn(text, " \t")) {
		size_t len = strcspn(text, " \t");

		if (n == WORDS_MAX || !is_word(text, len, key->max))
			return config_refuse(ret_allowed,
					     "allowed are at most %d words of at most %" PRIu64
					     " printable characters each, and none begins with ;",
					     WORDS_MAX, key->max);
		words[n] = strndup(text, len);
		if (!words[n++])
			return -ENOMEM;
		text += len;
	}
	return 0;
}

static int set_words(char ***place, const struct config_key *key, const char *text, bool append,
		     char **ret_allowed)
{
	char **words = calloc(WORDS_MAX + 1, sizeof(*words));
	size_t n = 0;
	int r = 0;

	if (!words)
		return -ENOMEM;
	for (char **old = *place; append && old && *old && r == 0; old++) {
		words[n] = strdup(*old);
		if (!words[n++])
			r = -ENOMEM;
	}
	if (r == 0)
		r = add_words(words, n, key, text, ret_allowed);
	if (r < 0) {
		words_free(words);
		return r;
	}
	words_free(*place);
	*place = words;
	return 0;
}

static int set_command(char ***place, const struct config_key *key, const char *text,
		       char **ret_allowed)
{
	text += strspn(text, " \t");
	if (!*text) {
		*place = words_free(*place);
		return 0;
	}
	if (*text != '/')
		return config_refuse(ret_allowed,
				     "allowed is a program by its path that begins with /, and "
				     "words for it");
	return set_words(place, key, text, false, ret_allowed);
}

static void set_number(void *place, size_t size, uint64_t v)
{
	switch (size) {
	case 1:
		*(uint8_t *)place = (uint8_t)v;
		return;
	case 2:
		*(uint16_t *)place = (uint16_t)v;
		return;
	case 4:
		*(uint32_t *)place = (uint32_t)v;
		return;
	case 8:
		*(uint64_t *)place = v;
		return;
	}
}

static uint64_t get_number(const void *place, size_t size)
{
	switch (size) {
	case 1:
		return *(const uint8_t *)place;
	case 2:
		return *(const uint16_t *)place;
	case 4:
		return *(const uint32_t *)place;
	}
	return *(const uint64_t *)place;
}

int config_key_set(struct config *c, const struct config_key *key, const char *text, bool append,
		   char **ret_allowed)
{
	const struct kind *k = &kinds[key->kind];
	void *place = (char *)c + key->offset;
	uint64_t v = 0;
	int r;

	switch (k->form) {
	case CONFIG_FORM_BOOL:
		return set_bool(place, text, ret_allowed);
	case CONFIG_FORM_NUMBER:
		r = read_number(key, text, &v, ret_allowed);
		if (r == 0)
			set_number(place, k->size, v);
		return r;
	case CONFIG_FORM_DURATION:
		r = read_duration(key, text, &v, ret_allowed);
		if (r == 0)
			set_number(place, k->size, v / k->unit_ms);
		return r;
	case CONFIG_FORM_TEXT:
		return set_text(place, key, text, ret_allowed);
	case CONFIG_FORM_COMMAND:
		return set_command(place, key, text, ret_allowed);
	case CONFIG_FORM_WORDS:
		return set_words(place, key, text, append, ret_allowed);
	}
	return -EINVAL;
}

uint64_t config_key_number(const struct config *c, const struct config_key *key)
{
	const struct kind *k = &kinds[key->kind];
	const uint64_t v = get_number((const char *)c + key->offset, k->size);

	return k->form == CONFIG_FORM_DURATION ? v * k->unit_ms : v;
}

void config_key_clear(struct config *c, const struct config_key *key)
{
	void *place = (char *)c + key->offset;

	switch (config_form_of(key->kind)) {
	case CONFIG_FORM_TEXT:
		free(TAKE_PTR(*(char **)place));
		return;
	case CONFIG_FORM_COMMAND:
	case CONFIG_FORM_WORDS:
		*(char ***)place = words_free(*(char ***)place);
		return;
	case CONFIG_FORM_BOOL:
	case CONFIG_FORM_NUMBER:
	case CONFIG_FORM_DURATION:
		return;
	}
}
