/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a doctor knows of a device before anything is concluded from it: filled in by the probes
 * (probe.h), judged by diagnose.h. A plain value; texts are cut to their room. */

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FACTS_TEXT_MAX 512
#define FACTS_NAME_MAX 256
#define FACTS_ADDRESS_MAX 64

enum facts_config {
	FACTS_CONFIG_GOOD,
	FACTS_CONFIG_BAD,        /* onboardd does not start with it */
	FACTS_CONFIG_UNREADABLE, /* by whoever asks; says nothing of what is in it */
};

/* How a lookup ended. */
enum facts_lookup { FACTS_LOOKUP_NONE, FACTS_LOOKUP_FOUND, FACTS_LOOKUP_FAILED };

enum facts_portal {
	FACTS_PORTAL_NONE, /* nothing was asked */
	FACTS_PORTAL_OPEN,
	FACTS_PORTAL_CAPTIVE,
	FACTS_PORTAL_SILENT,
};

enum facts_handshake {
	FACTS_HANDSHAKE_NONE,
	FACTS_HANDSHAKE_DONE,
	FACTS_HANDSHAKE_CERTIFICATE, /* certificate_faults says what is wrong with it */
	FACTS_HANDSHAKE_REFUSED,
	FACTS_HANDSHAKE_STALLED, /* answers came, the end did not */
};

enum facts_daemon {
	FACTS_DAEMON_SERVED,
	FACTS_DAEMON_NO_BUS,
	FACTS_DAEMON_ABSENT,
	FACTS_DAEMON_FORBIDDEN, /* it is there and does not talk to whoever asks */
	FACTS_DAEMON_SILENT,
};

struct doctor_facts {
	/* Configuration, and whom the device is to reach. */
	enum facts_config config;
	char config_text[FACTS_TEXT_MAX];
	bool has_target;
	char server[FACTS_NAME_MAX];
	char literal[FACTS_ADDRESS_MAX]; /* the address when no name is asked for; else "" */
	uint16_t port;
	bool needs_default_route;

	/* Network. */
	unsigned int n_links, n_running; /* interfaces besides loopback; those with a carrier */
	char link[IF_NAMESIZE];          /* a running one, or else one that is not */
	bool link_is_disabled;           /* it is down because somebody said so */
	bool target_is_here;             /* loopback: no network is needed */
	unsigned int n_addresses;        /* that reach beyond their link */
	bool has_link_local;             /* an address that a device gives itself */
	bool has_default_route;
	enum facts_lookup lookup;
	char lookup_text[FACTS_NAME_MAX]; /* why it failed */
	char address[FACTS_ADDRESS_MAX];  /* the first that was found */
	bool address_is_nowhere;          /* unspecified or loopback, for a name that is neither */
	bool dns_invents;                 /* names that cannot exist have an address */
	enum facts_portal portal;
	char portal_text[FACTS_NAME_MAX];
	int64_t portal_date_s; /* what that server's clock says, 0: nothing */

	/* The path to the server, by the largest of the datagrams of path_sizes that was answered
	 */
	bool path_was_tried;
	int path_error; /* errno of the network or this kernel, 0: silence or an answer */
	size_t path_largest, path_wanted;
	unsigned int path_mtu; /* of the route as the kernel knows it, 0: not known */

	/* Time. */
	int64_t now_s, built_s, floor_s; /* floor_s: the last moment that is known to have been */
	bool is_synchronised, require_sync;
	char time_source[32]; /* who keeps it right, while somebody does */
	bool has_clock_chip;  /* it goes on without power */

	/* Trust. */
	bool has_root_ca; /* it could be had here, at root_ca_from */
	char root_ca_from[FACTS_NAME_MAX], root_ca_text[FACTS_NAME_MAX];
	bool root_ca_is_readable; /* all of it is certificates */
	int64_t root_ca_from_s,
		root_ca_until_s; /* the time that one of them at least is good for */
	enum facts_handshake handshake;
	unsigned int certificate_faults; /* enum certificate_fault of session/certificate_fault.h */
	char handshake_text[FACTS_TEXT_MAX];

	/* onboardd. */
	enum facts_daemon daemon;
	char state[32], outcome[32], reason[FACTS_TEXT_MAX], claimed[16],
		store_notice[FACTS_TEXT_MAX];
	bool key_was_tried, key_works, key_is_in_token;
	char key_text[FACTS_TEXT_MAX];  /* why it does not */
	char seal_text[FACTS_TEXT_MAX]; /* what is wrong with the sealing key; "" for nothing */
	/* Why onboardd ended by itself the last time, by the name of a check; "" when it did not.
	 */
	char ended_by[32], ended_text[FACTS_TEXT_MAX];
	int ended_exit;

	/* Files. */
	char exposed_file[FACTS_NAME_MAX]; /* a secret that others can read; "" for none */
	char missing_file[FACTS_NAME_MAX]; /* a secret that the configuration names; "" for none */
	bool has_space;
	char state_dir[FACTS_NAME_MAX];
	uint64_t free_kib, free_inodes;

	/* Wi-Fi. */
	bool wifi_enabled, has_wifi_service, has_bluetooth_service, has_wifi_interface, is_blocked;
	char wifi_interface[IF_NAMESIZE]; /* the one that the configuration names; "" for any */
};
