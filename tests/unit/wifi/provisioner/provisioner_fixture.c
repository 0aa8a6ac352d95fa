/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/wifi/provisioner/provisioner_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"

static void note(struct provisioner_fixture *f, char kind, const uint8_t *data, size_t len)
{
	char hex[2 * WIFI_MESSAGE_MAX + 1];

	assert_true(len <= WIFI_MESSAGE_MAX);
	hex_encode(data, len, hex);
	f->sent_len += (size_t)snprintf(f->sent + f->sent_len, sizeof(f->sent) - f->sent_len,
					"%c %s\n", kind, hex);
	assert_true(f->sent_len < sizeof(f->sent));
	f->n_sent++;
}

static void on_response(void *userdata, const uint8_t *data, size_t len)
{
	assert_true(len <= LIMIT);
	note(userdata, 'R', data, len);
}

static void on_result(void *userdata, const uint8_t *data, size_t len)
{
	assert_true(len <= LIMIT);
	note(userdata, 'N', data, len);
}

void provisioner_restart(struct provisioner_fixture *f)
{
	provisioner_free(f->provisioner);
	f->provisioner = NULL;
	assert_int_equal(provisioner_new(f->event, fake_link_as_link(&f->link), f->window,
					 &f->options, &f->events, &f->provisioner),
			 0);
}

int provisioner_setup(void **state)
{
	struct provisioner_fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	fake_clock_ms = 100;
	assert_int_equal(sd_event_new(&f->event), 0);
	f->link.view.stage = LINK_STAGE_UNCONFIGURED;
	assert_int_equal(window_new(f->event, fake_clock_ms + WINDOW_MS, NULL, NULL, &f->window),
			 0);
	f->options.attempts = ATTEMPTS;
	f->options.attempts_period_ms = ATTEMPTS_PERIOD_MS;
	f->events = (struct provisioner_events){
		.response = on_response, .result = on_result, .userdata = f};
	provisioner_restart(f);
	*state = f;
	return 0;
}

int provisioner_teardown(void **state)
{
	struct provisioner_fixture *f = *state;

	provisioner_free(f->provisioner);
	window_free(f->window);
	sd_event_unref(f->event);
	free(f);
	return 0;
}

int ask_as(struct provisioner_fixture *f, const char *peer, size_t limit, const char *hex)
{
	uint8_t data[2 * WIFI_MESSAGE_MAX], *exact;
	size_t len = strlen(hex) / 2;
	int r;

	assert_true(len <= sizeof(data));
	assert_int_equal(hex_decode(hex, strlen(hex), data, len), 0);
	/* Of its very size, so that a sanitizer sees a read past its end. */
	exact = malloc(len ? len : 1);
	assert_non_null(exact);
	memcpy(exact, data, len);
	r = provisioner_request(f->provisioner, peer, limit, exact, len);
	free(exact);
	return r;
}

void look_away(struct provisioner_fixture *f)
{
	f->sent_len = 0;
	f->sent[0] = '\0';
	f->n_sent = 0;
}

void expect(struct provisioner_fixture *f, const char *sent)
{
	assert_string_equal(f->sent, sent);
	look_away(f);
}

void ask(struct provisioner_fixture *f, const char *hex, const char *sent)
{
	assert_int_equal(ask_as(f, PEER, LIMIT, hex), 0);
	expect(f, sent);
}

struct wifi_record make_record(unsigned int n)
{
	struct wifi_record record = {
		.network = {.bssid = {2, 0, 0, 0, (uint8_t)(n >> 8), (uint8_t)n},
			    .band = WIFI_BAND_2_4_GHZ,
			    .channel = 1,
			    .auth = WIFI_AUTH_WPA2_PSK},
		.rssi_dbm = -30,
	};
	char name[WIFI_SSID_MAX + 1];

	record.network.ssid_len = (size_t)snprintf(name, sizeof(name), "net-%u", n);
	memcpy(record.network.ssid, name, record.network.ssid_len);
	return record;
}

void find(struct provisioner_fixture *f, const struct wifi_record *record)
{
	provisioner_on_found(f->provisioner, record);
}
