/* SPDX-License-Identifier: Apache-2.0 */
/* All of Wi-Fi but the radios: link, provisioner, window and store are real. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "tests/unit/wifi/fake_address.h"
#include "tests/unit/wifi/fake_deadline.h"
#include "tests/unit/wifi/fake_station.h"
#include "wifi/wifi.h"

#define PHONE "/org/bluez/hci0/dev_00_00_00_00_00_01"
#define LIMIT 244

/* ---- the air: wifi/ble/peripheral.h as the test wants it ---- */

static struct {
	const struct peripheral_events *events;
	bool is_on;
	struct advertisement advertisement;
	char said[512]; /* words for what went out since the last look */
} air;

static void say(const char *kind, const void *data, size_t len)
{
	struct wifi_response response;
	struct wifi_result result;
	size_t at = strlen(air.said);

	if (strcmp(kind, "response") == 0) {
		assert_int_equal(wifi_response_decode(data, len, &response), 0);
		snprintf(air.said + at, sizeof(air.said) - at, "%s%s", at ? " " : "",
			 wifi_answer_name(response.answer));
		return;
	}
	assert_int_equal(wifi_result_decode(data, len, &result), 0);
	snprintf(air.said + at, sizeof(air.said) - at, "%s%s", at ? " " : "",
		 result.has_record ? "record" : wifi_state_name(result.state));
}

int peripheral_new(sd_event *event, sd_bus *bus, const struct peripheral_options *options,
		   const struct peripheral_events *events, struct peripheral **ret)
{
	(void)event;
	(void)bus;
	(void)options;
	memset(&air, 0, sizeof(air));
	air.events = events;
	*ret = (struct peripheral *)&air;
	return 0;
}

struct peripheral *peripheral_free(struct peripheral *p)
{
	(void)p;
	return NULL;
}

void peripheral_advertise(struct peripheral *p, const struct advertisement *a)
{
	(void)p;
	air.advertisement = *a;
	if (air.is_on)
		return;
	air.is_on = true;
	air.events->advertising(air.events->userdata, true, NULL);
}

void peripheral_stop_advertising(struct peripheral *p)
{
	(void)p;
	if (!air.is_on)
		return;
	air.is_on = false;
	air.events->advertising(air.events->userdata, false, "not wanted");
}

void peripheral_indicate(struct peripheral *p, const void *data, size_t len)
{
	(void)p;
	say("response", data, len);
}

void peripheral_notify(struct peripheral *p, const void *data, size_t len)
{
	(void)p;
	say("result", data, len);
}

/* ---- the rest of the stage ---- */

struct fixture {
	char dir[64];
	sd_event *event;
	struct store *store;
	struct wifi_options options;
	struct wifi_events events;
	struct wifi *wifi;
	char passkey[16];
	char step[512];
	int scan_done_r;
	unsigned int n_found;
};

static void on_step(void *userdata, const char *name, const char *text)
{
	struct fixture *f = userdata;

	assert_string_equal(name, "wifi");
	snprintf(f->step, sizeof(f->step), "%s", text);
}

static void on_passkey(void *userdata, const char *digits)
{
	struct fixture *f = userdata;

	snprintf(f->passkey, sizeof(f->passkey), "%s", digits);
}

static void on_found(void *userdata, const struct wifi_record *record)
{
	struct fixture *f = userdata;

	(void)record;
	f->n_found++;
}

static void on_claim(void *userdata, struct claimread_news *ret)
{
	(void)userdata;
	*ret = (struct claimread_news){.uuid = "50363154-3931-44f0-8022-121b6401627d",
				       .state = WIFI_CLAIM_STATE_UNCLAIMED,
				       .token = "2dn3.0oRD"};
}

static void on_scan_done(void *userdata, int r)
{
	struct fixture *f = userdata;

	f->scan_done_r = r;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	log_set_level(LOG_LEVEL_ERROR);
	fake_station_reset();
	fake_address_reset();
	fake_deadline_reset();
	snprintf(f->dir, sizeof(f->dir), "/tmp/onboard-wifi-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	assert_int_equal(store_open(f->dir, NULL, &f->store, NULL), 0);
	assert_true(sd_event_new(&f->event) >= 0);
	f->options = (struct wifi_options){.link = {.connect_ms = 45000,
						    .address_ms = 25000,
						    .retry_first_ms = 1000,
						    .retry_ceiling_ms = 60000,
						    .fallback_ms = 120000},
					   .name_prefix = "PV",
					   .window_ms = 600000,
					   .attempts = 10,
					   .attempts_period_ms = 600000};
	f->events = (struct wifi_events){.step = on_step,
					 .passkey = on_passkey,
					 .found = on_found,
					 .scan_done = on_scan_done,
					 .claim = on_claim,
					 .userdata = f};
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	wifi_free(f->wifi);
	store_close(f->store);
	sd_event_unref(f->event);
	nftw(f->dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	free(f);
	return 0;
}

static void settle(struct fixture *f)
{
	int r;

	do
		r = sd_event_run(f->event, 0);
	while (r > 0);
	assert_int_equal(r, 0);
}

static void begin(struct fixture *f)
{
	fake_station.is_available = true;
	assert_int_equal(
		wifi_new(f->event, NULL, f->store, &f->options, &f->events, &f->wifi, NULL), 0);
	assert_int_equal(wifi_start(f->wifi), 0);
	settle(f);
}

/* A phone, with the window open. */
static void meet_phone(struct fixture *f)
{
	wifi_open_window(f->wifi, 0);
	air.events->peer(air.events->userdata, PHONE, true);
	settle(f);
}

static void part_from_phone(struct fixture *f)
{
	air.events->peer(air.events->userdata, PHONE, false);
	settle(f);
}

static void ask(struct fixture *f, const struct wifi_request *q)
{
	uint8_t data[WIFI_MESSAGE_MAX];
	size_t len;

	assert_int_equal(wifi_request_encode(q, data, sizeof(data), &len), 0);
	assert_int_equal(air.events->write(air.events->userdata, PHONE, LIMIT, data, len), 0);
	settle(f);
}

static struct wifi_config network(const char *ssid)
{
	struct wifi_config c = {.network = {.ssid_len = strlen(ssid), .auth = WIFI_AUTH_WPA2_PSK},
				.has_passphrase = true,
				.passphrase = "correct horse",
				.passphrase_len = 13};

	memcpy(c.network.ssid, ssid, c.network.ssid_len);
	return c;
}

static void ask_for(struct fixture *f, const char *ssid)
{
	const struct wifi_request q = {.op = WIFI_OP_SET_CONFIG,
				       .has_config = true,
				       .has_network = true,
				       .config = network(ssid)};

	ask(f, &q);
}

static void connect(struct fixture *f)
{
	fake_station_progress(WIFI_STATE_OBTAINING_IP);
	settle(f);
	fake_address_set_ip4(7);
	settle(f);
}

static void assert_said(const char *words)
{
	assert_string_equal(air.said, words);
	*air.said = '\0';
}

/* ---- what is on the air ---- */

static void an_unconfigured_device_advertises_eagerly(void **state)
{
	struct fixture *f = *state;

	begin(f);
	assert_true(air.is_on);
	assert_true(air.advertisement.is_fast);
	assert_false(air.advertisement.is_provisioned);
	assert_false(air.advertisement.is_connected);
	assert_int_equal(air.advertisement.rssi_dbm, INT8_MIN);
	assert_string_equal(air.advertisement.name, "PV000007");
}

static void a_connected_device_advertises_slowly_with_its_signal(void **state)
{
	struct fixture *f = *state;

	begin(f);
	meet_phone(f);
	ask_for(f, "home");
	connect(f);
	part_from_phone(f);
	fake_station_signal(-61);
	settle(f);
	assert_false(air.advertisement.is_fast);
	assert_true(air.advertisement.is_provisioned);
	assert_true(air.advertisement.is_connected);
	assert_int_equal(air.advertisement.rssi_dbm, -61);
}

static void a_device_without_its_network_for_long_advertises_eagerly_again(void **state)
{
	struct fixture *f = *state;

	begin(f);
	meet_phone(f);
	ask_for(f, "home");
	connect(f);
	part_from_phone(f);
	fake_station_lost();
	settle(f);
	assert_false(air.advertisement.is_fast);
	assert_true(air.advertisement.is_provisioned);
	assert_false(air.advertisement.is_connected);
	while (!air.advertisement.is_fast && fake_deadline_ring(fake_now_ms + 200000)) {
		settle(f);
		if (fake_station.is_connecting)
			fake_station_failed(WIFI_REASON_NETWORK_NOT_FOUND);
		settle(f);
	}
	assert_true(air.advertisement.is_fast);
	assert_true(air.advertisement.is_provisioned);
}

static void without_an_interface_nothing_is_advertised(void **state)
{
	struct fixture *f = *state;

	begin(f);
	fake_station_set_available(false);
	settle(f);
	assert_false(air.is_on);
	assert_non_null(strstr(f->step, "no Wi-Fi interface"));
	fake_station_set_available(true);
	settle(f);
	assert_true(air.is_on);
}

/* ---- a phone ---- */

static void a_phone_takes_the_device_to_its_network(void **state)
{
	struct fixture *f = *state;

	begin(f);
	meet_phone(f);
	ask_for(f, "home");
	assert_said("success");
	connect(f);
	assert_said("authentication association obtaining-ip connected");
	assert_non_null(strstr(f->step, "connected to \"home\" as 192.0.2.7"));
	ask_for(f, "other");
	assert_said("internal-error"); /* the success has closed the window */
	assert_memory_equal(fake_station.config.network.ssid, "home", 4);
}

static int read_claim(const char *peer, size_t offset)
{
	uint8_t value[WIFI_MESSAGE_MAX];
	struct wifi_claim claim;
	size_t len;
	int r = air.events->read_claim(air.events->userdata, peer, offset, value, sizeof(value),
				       &len);

	if (r == 0 && offset == 0) {
		assert_int_equal(wifi_claim_decode(value, len, &claim), 0);
		assert_int_equal(claim.token_len, 9);
		assert_memory_equal(claim.token, "2dn3.0oRD", 9);
	}
	return r;
}

static void a_phone_that_got_the_device_to_its_network_may_claim_it(void **state)
{
	struct fixture *f = *state;

	begin(f);
	assert_int_equal(read_claim(PHONE, 0), -EACCES);
	meet_phone(f);
	assert_int_equal(read_claim(PHONE, 0), 0);
	ask_for(f, "home");
	connect(f);
	assert_int_equal(read_claim(PHONE, 0), 0);
	assert_int_equal(read_claim(PHONE, 7), 0);
	part_from_phone(f);
	assert_int_equal(read_claim(PHONE, 7), -ERANGE);
	assert_int_equal(read_claim(PHONE, 0), -EACCES);
}

static void without_an_agent_there_is_nothing_to_claim(void **state)
{
	struct fixture *f = *state;

	f->events.claim = NULL;
	begin(f);
	meet_phone(f);
	assert_int_equal(read_claim(PHONE, 0), -ENODATA);
}

static void outside_of_the_window_nothing_is_set_and_nobody_pairs(void **state)
{
	struct fixture *f = *state;

	begin(f);
	assert_false(air.events->may_pair(air.events->userdata, PHONE));
	air.events->peer(air.events->userdata, PHONE, true);
	ask_for(f, "home");
	assert_said("internal-error");
	ask(f, &(struct wifi_request){.op = WIFI_OP_FORGET_CONFIG});
	assert_said("internal-error");
	assert_int_equal(fake_station.n_connects, 0);
	wifi_open_window(f->wifi, 1000);
	assert_true(air.events->may_pair(air.events->userdata, PHONE));
}

static void power_on_opens_the_window_when_it_may(void **state)
{
	struct fixture *f = *state;
	struct wifi_view v;

	f->options.window_at_boot = true;
	f->options.window_ms = UINT64_C(8760) * 3600 * 1000 * 100;
	begin(f);
	wifi_get_view(f->wifi, &v);
	assert_true(v.is_window_open);
}

static void an_attempt_outlives_the_phone(void **state)
{
	struct fixture *f = *state;
	struct wifi_view v;

	begin(f);
	meet_phone(f);
	ask_for(f, "home");
	assert_said("success");
	part_from_phone(f);
	connect(f);
	assert_said("");
	wifi_get_view(f->wifi, &v);
	assert_int_equal(v.link.stage, LINK_STAGE_CONNECTED);
	assert_false(v.has_configurator);
}

static void a_passkey_has_six_digits(void **state)
{
	struct fixture *f = *state;

	begin(f);
	air.events->passkey(air.events->userdata, 42, false);
	assert_string_equal(f->passkey, "000042");
	air.events->passkey(air.events->userdata, 42, true);
	assert_string_equal(f->passkey, "");
}

/* ---- the owner ---- */

static void the_owner_needs_no_window(void **state)
{
	struct fixture *f = *state;
	struct wifi_config config = network("home");
	struct wifi_view v;

	begin(f);
	assert_int_equal(wifi_connect(f->wifi, &config), 0);
	connect(f);
	wifi_get_view(f->wifi, &v);
	assert_int_equal(v.link.stage, LINK_STAGE_CONNECTED);
	assert_true(v.link.is_configured);
	assert_int_equal(wifi_forget(f->wifi), 0);
	settle(f);
	wifi_get_view(f->wifi, &v);
	assert_int_equal(v.link.stage, LINK_STAGE_UNCONFIGURED);
}

static void a_phone_is_told_when_the_owner_takes_over(void **state)
{
	struct fixture *f = *state;
	struct wifi_config config = network("owners");

	begin(f);
	meet_phone(f);
	ask_for(f, "phones");
	assert_said("success");
	assert_int_equal(wifi_connect(f->wifi, &config), 0);
	settle(f);
	assert_said("connection-failed");
	connect(f);
	assert_said("");
	assert_memory_equal(fake_station.config.network.ssid, "owners", 6);
}

static void a_phone_is_told_when_the_owners_attempt_cannot_even_begin(void **state)
{
	struct fixture *f = *state;
	struct wifi_config config = network("owners");

	begin(f);
	meet_phone(f);
	ask_for(f, "phones");
	assert_said("success");
	fake_station.connect_r = -EIO;
	assert_int_equal(wifi_connect(f->wifi, &config), -EIO);
	settle(f);
	assert_said("connection-failed");
	/* What the owner does next is no business of the phone's. */
	fake_station.connect_r = 0;
	assert_int_equal(wifi_connect(f->wifi, &config), 0);
	connect(f);
	assert_said("");
}

static void a_command_that_is_refused_leaves_the_phones_attempt_alone(void **state)
{
	struct fixture *f = *state;
	struct wifi_config config = network("");

	begin(f);
	meet_phone(f);
	ask_for(f, "phones");
	assert_said("success");
	assert_int_equal(wifi_connect(f->wifi, &config), -EINVAL);
	connect(f);
	assert_said("authentication association obtaining-ip connected");
}

static void the_owner_scans_unless_a_phone_does(void **state)
{
	struct fixture *f = *state;

	begin(f);
	assert_int_equal(wifi_scan(f->wifi), 0);
	fake_station_found("home");
	assert_int_equal(f->n_found, 1);
	meet_phone(f);
	ask(f, &(struct wifi_request){.op = WIFI_OP_START_SCAN});
	assert_int_equal(f->scan_done_r, -ECANCELED);
	assert_int_equal(wifi_scan(f->wifi), -EBUSY);
	part_from_phone(f);
	/* One that only stays connected holds nobody up. */
	meet_phone(f);
	assert_int_equal(wifi_scan(f->wifi), 0);
	fake_station_scan_done(0);
	settle(f);
	assert_int_equal(f->scan_done_r, 0);
}

static void a_configuration_survives_and_is_tried_at_once(void **state)
{
	struct fixture *f = *state;
	struct wifi_config config = network("home");

	begin(f);
	assert_int_equal(wifi_connect(f->wifi, &config), 0);
	connect(f);
	f->wifi = wifi_free(f->wifi);
	fake_station_reset();
	fake_deadline_reset();
	begin(f);
	assert_true(fake_station.is_connecting);
	assert_memory_equal(fake_station.config.network.ssid, "home", 4);
	assert_true(air.advertisement.is_provisioned);
	assert_false(air.advertisement.is_fast);
}

static void a_bad_label_file_is_told(void **state)
{
	struct fixture *f = *state;
	_cleanup_(freep) char *detail = NULL;

	f->options.label_file = "/nonexistent";
	assert_int_equal(
		wifi_new(f->event, NULL, f->store, &f->options, &f->events, &f->wifi, &detail),
		-ENOENT);
	assert_non_null(strstr(detail, "/nonexistent"));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(an_unconfigured_device_advertises_eagerly),
		T(a_connected_device_advertises_slowly_with_its_signal),
		T(a_device_without_its_network_for_long_advertises_eagerly_again),
		T(without_an_interface_nothing_is_advertised),
		T(a_phone_takes_the_device_to_its_network),
		T(a_phone_that_got_the_device_to_its_network_may_claim_it),
		T(without_an_agent_there_is_nothing_to_claim),
		T(outside_of_the_window_nothing_is_set_and_nobody_pairs),
		T(power_on_opens_the_window_when_it_may),
		T(an_attempt_outlives_the_phone),
		T(a_passkey_has_six_digits),
		T(the_owner_needs_no_window),
		T(a_phone_is_told_when_the_owner_takes_over),
		T(a_phone_is_told_when_the_owners_attempt_cannot_even_begin),
		T(a_command_that_is_refused_leaves_the_phones_attempt_alone),
		T(the_owner_scans_unless_a_phone_does),
		T(a_configuration_survives_and_is_tried_at_once),
		T(a_bad_label_file_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
