/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A link on a fake station, fake addresses and a clock that the test moves; the store is real. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/wifi/fake_address.h"
#include "tests/unit/wifi/fake_deadline.h"
#include "tests/unit/wifi/fake_station.h"
#include "wifi/link.h"

#define CONNECT_MS 45000
#define ADDRESS_MS 25000
#define RETRY_FIRST_MS 1000
#define RETRY_CEILING_MS 60000
#define FALLBACK_MS 120000

struct fixture {
	sd_event *event;
	char dir[64];
	struct store *store;
	struct saved *saved;
	struct link *link; /* made by link_begin() */
	char told[1024];   /* words since the last assert_told() */
	unsigned int n_changed;
	/* Called with every result, after it was noted. */
	void (*on_result)(struct fixture *f, enum wifi_state state);
};

int link_setup(void **state);
int link_teardown(void **state);
#define LINK_TEST(f) cmocka_unit_test_setup_teardown(f, link_setup, link_teardown)

/* An SSID and, unless NULL, a passphrase. */
struct wifi_config config_of(const char *ssid, const char *passphrase);

/* Makes and starts the link with `ssid` kept (NULL: nothing); the interface is there. */
void link_begin(struct fixture *f, const char *ssid);
/* Runs the loop until there is nothing to do. */
void settle(struct fixture *f);
/* Lets time pass, and what happens in it happen. */
void pass_ms(struct fixture *f, uint64_t ms);

/* The station says it, and the loop runs. */
void progress(struct fixture *f, enum wifi_state state);
void failed(struct fixture *f, enum wifi_reason reason);
void lost(struct fixture *f);
void available(struct fixture *f, bool is_available);
void scan_done(struct fixture *f, int r);
void ip4(struct fixture *f, uint8_t last_byte);
/* The whole way from the beginning of a connection to an address. */
void succeed(struct fixture *f);

/* Takes link_try(), which must succeed. */
void try_one(struct fixture *f, const char *ssid);

void assert_stage(struct fixture *f, enum link_stage stage);
struct link_view view_of(struct fixture *f);
/* Results as "authentication", "connection-failed/auth-error"; "found/home"; "scan-done/-125". */
void assert_told(struct fixture *f, const char *words);
void assert_kept(struct fixture *f, const char *ssid); /* NULL: nothing */
/* What the station is connecting or connected to. */
void assert_connects(const char *ssid);
/* From now on the store refuses everything. */
void break_store(struct fixture *f, int r);
