/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A provisioner with an open window on a fake link. What it sends is noted as text: "R" and the
 * response in hex, or "N" and the result. */

#include <stddef.h>
#include <systemd/sd-event.h>

#include "tests/unit/wifi/provisioner/fake_clock.h"
#include "tests/unit/wifi/provisioner/fake_link.h"
#include "wifi/provisioner.h"
#include "wifi/window.h"

#define PEER "AA:BB:CC:00:00:01"
#define OTHER_PEER "AA:BB:CC:00:00:02"
#define LIMIT 88
#define WINDOW_MS 600
#define ATTEMPTS 3
#define ATTEMPTS_PERIOD_MS 400

/* lab-wpa2 on channel 1 of 2.4 GHz, "correct horse"; as Android sends it. */
#define SET_WPA2                                                                                   \
	"08045a2d0a180a086c61622d777061321206020000000100180120012803120d636f727265637420686f7273" \
	"65"                                                                                       \
	"18002000"
/* lab-open with an empty passphrase; as iOS sends it. */
#define SET_OPEN "08045a1e0a180a086c61622d6f70656e120602000000010018012001280012001800"
/* Field 100: the code "4711-0815". */
#define LABEL_CODE "4711-0815"
#define WITH_LABEL "a20609343731312d30383135"
#define WITH_WRONG_LABEL "a20609343731312d30383136"

struct provisioner_fixture {
	sd_event *event;
	struct fake_link link;
	struct window *window;
	struct provisioner *provisioner;
	struct provisioner_options options;
	struct provisioner_events events;
	char sent[65536];
	size_t sent_len;
	unsigned int n_sent;
};

int provisioner_setup(void **state);
int provisioner_teardown(void **state);
/* Another one, with the options as they are now. */
void provisioner_restart(struct provisioner_fixture *f);

/* What provisioner_request() of the bytes returns. */
int ask_as(struct provisioner_fixture *f, const char *peer, size_t limit, const char *hex);
/* The request by PEER, accepted, and the whole of what was sent since the last look is sent. */
void ask(struct provisioner_fixture *f, const char *hex, const char *sent);
/* The whole of what was sent since the last look, one line each. */
void expect(struct provisioner_fixture *f, const char *sent);
/* Without expecting anything of it. */
void look_away(struct provisioner_fixture *f);

/* "net-<n>" with BSSID 02:00:00:00:00:<n>, channel 1, WPA2, -30 dBm. */
struct wifi_record make_record(unsigned int n);
void find(struct provisioner_fixture *f, const struct wifi_record *record);
