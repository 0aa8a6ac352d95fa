/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* onboardd.conf(5): INI with # and ; comments; /etc/onboardd/onboardd.conf, then conf.d/<name>.conf
 * beside it in name order, later values win. An unknown section or key, a bad value or a line that
 * is not INI is an error with file and line. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "proto/limits.h"

struct config_export;

/* In the order of the file and its manual. */
/* NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding) */
struct config {
	/* [identity] */
	char *hardware;   /* hardware = onboardd */
	char *uuid;       /* uuid = … , optional */
	char *key_file;   /* key-file = PATH, optional */
	char *key_uri;    /* key = pkcs11:…, optional; instead of key-file */
	char *chain_file; /* chain = PATH of PEM, optional: the key's IDevID certificate and those
			     above */
	uint8_t device_type; /* device-type = 23 */

	/* [token] */
	char *token_module;   /* module = PATH, optional; what a URI does not say itself */
	char *token_pin_file; /* pin-file = PATH, optional; $CREDENTIALS_DIRECTORY/onboardd.pin */

	/* [sealing] */
	char *seal_uri; /* key = pkcs11:…, optional */

	/* [provisioning] */
	char *server;            /* server = coap.nrfcloud.com */
	char *address;           /* address = literal IP to use instead of resolving, optional */
	uint16_t port;           /* port = 5684 */
	char *lan_server_domain; /* lan-server-domain = DNS name, optional: servers in it are taken
				    from the network */
	char *root_ca; /* root-ca = PATH of PEM; default <datadir>/onboardd/nrf-cloud-root-ca.pem */
	char *transport;             /* transport = auto | coap | https */
	uint16_t https_port;         /* https-port = 443 */
	char *proxy;                 /* proxy = http://HOST:PORT, optional: for HTTPS */
	char *proxy_file;            /* proxy-login-file = PATH of its "user:password", optional */
	uint32_t root_ca_tag;        /* root-ca-tag = 189298 */
	unsigned int jwt_lifetime_s; /* jwt-lifetime = 300s */
	size_t rx_max, tx_max;       /* rx-max-size = 8192, tx-max-size = 4096 */
	unsigned int limit;          /* limit = 10 */
	bool suspend;                /* suspend = yes */
	bool resumption, tickets, cid; /* resumption = yes, tickets = no, cid = yes */
	uint64_t poll_fast_ms;         /* unclaimed-poll = 5s */
	uint64_t poll_fast_for_ms;     /* unclaimed-poll-fast-for = 10min */
	uint64_t poll_ceiling_ms;      /* unclaimed-poll-max = 10min */
	uint64_t backoff_first_ms, backoff_ceiling_ms; /* retry-first = 5s, retry-max = 1h */
	uint64_t handshake_timeout_ms, ack_timeout_ms,
		answer_timeout_ms; /* handshake-timeout = 20s, ack-timeout = 2s, answer-timeout =
				      30s */

	/* [cloud] */
	bool validate;          /* validate = yes */
	char *cloud_server;     /* server = (provisioning's) */
	char *cloud_address;    /* address = (provisioning's when server is not set) */
	uint16_t cloud_port;    /* port = (provisioning's when server is not set, else 5684) */
	bool cloud_follows;     /* the provisioning server, since no server is set */
	uint32_t cloud_tag;     /* sec-tag = 16842753 */
	char *cloud_key_uri;    /* key = pkcs11:…, optional: where %KEYGEN makes keys */
	bool roll_back;         /* roll-back = yes */
	uint64_t cloud_poll_ms; /* poll = 0s: never; needs validate */
	uint64_t validate_first_ms, validate_ceiling_ms; /* retry-first = 1s, retry-max = 10min */
	unsigned int
		validate_attempts; /* attempts = 8: then degraded, and tried again at the ceiling */

	/* [time] */
	uint64_t time_wait_ms;  /* wait = 60s */
	bool time_require_sync; /* require-sync = no: a plausible clock (after the build and the
				   last good time) is enough */

	/* [network] */
	bool network_wait; /* wait-for-default-route = yes; no for loopback and odd routing */
	uint64_t network_wait_ms; /* wait = 0 (for ever); --once uses its own time limit */
	char *portal_url; /* captive-portal-url = http://…, optional: for `onboardctl check` */

	/* [discovery] */
	bool discovery_enable;      /* enable = no */
	uint16_t discovery_port;    /* port = 5683 */
	bool discovery_claim_token; /* claim-token = no: the LAN may not read it */

	/* [hooks] */
	char **hook_offline; /* offline = /PROGRAM WORD …, optional; NULL-terminated, owned */
	char **hook_online;  /* online = the same */
	uint64_t hook_timeout_ms; /* timeout = 30s, of each */

	/* [wifi] */
	bool wifi_enable;                 /* enable = no */
	char *wifi_interface;             /* interface = the first wireless one */
	char *wifi_adapter;               /* adapter = every Bluetooth adapter */
	char *wifi_name_prefix;           /* name-prefix = PV */
	char *wifi_pairing;               /* pairing = just-works | passkey | passkey-on-label */
	char *wifi_label_file;            /* label-file = PATH of the code on the label */
	uint64_t wifi_window_ms;          /* window = 10min */
	bool wifi_window_at_boot;         /* window-at-boot = yes */
	char *wifi_button_chip;           /* button-chip = gpiochip0, optional */
	unsigned int wifi_button_line;    /* button-line = 0 */
	bool wifi_button_active_low;      /* button-active-low = no */
	unsigned int wifi_attempts;       /* attempts = 10 */
	uint64_t wifi_attempts_period_ms; /* attempts-period = 10min */
	bool wifi_claim_token;            /* claim-token = no: a configurator may not read it */
	uint64_t wifi_signal_refresh_ms;  /* signal-refresh = 5s, 0 = never */
	uint64_t wifi_connect_ms, wifi_address_ms; /* connect-timeout = 45s, address-timeout = 25s
						    */
	uint64_t wifi_retry_first_ms,
		wifi_retry_ceiling_ms; /* retry-first = 1s, retry-max = 1min */
	uint64_t wifi_fallback_ms;     /* fallback = 2min */

	/* [config-keys] allow = name name … : keys that a config command may store */
	char **allow_keys; /* NULL-terminated, owned; default provisioning/interval-sec */

	/* [daemon] */
	char *state_dir;     /* state-directory = /var/lib/onboardd ($STATE_DIRECTORY wins) */
	char *damaged_store; /* damaged-store = refuse | start-anew */
	char *log_level;     /* log-level = info */

	/* [export "NAME"], each with the keys of config_exports.h; owned */
	struct config_export *exports;
	size_t n_exports;
};

/* file NULL: the default path, which may be absent. Drop-ins are <directory of file>/conf.d/. On
 * failure *ret_detail is an owned "FILE:LINE: what, and what is allowed" text. -EINVAL, -ENOMEM,
 * -errno of a file that cannot be read. */
int config_load(const char *file, struct config **ret, char **ret_detail) _must_check_;
struct config *config_free(struct config *c);
DEFINE_CLEANUP(struct config *, config_free);
