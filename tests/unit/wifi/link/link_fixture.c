/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/wifi/link/link_fixture.h"

#include <errno.h>
#include <ftw.h>
#include <unistd.h>

#include "base/log.h"
#include "credstore/db.h"

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

int link_setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";

	assert_non_null(f);
	log_set_level(LOG_LEVEL_WARNING);
	fake_station_reset();
	fake_address_reset();
	fake_deadline_reset();
	snprintf(f->dir, sizeof(f->dir), "%s/onboard-link-XXXXXX", base);
	assert_non_null(mkdtemp(f->dir));
	assert_int_equal(store_open(f->dir, NULL, &f->store, NULL), 0);
	assert_int_equal(saved_new(f->store, &f->saved), 0);
	assert_true(sd_event_new(&f->event) >= 0);
	*state = f;
	return 0;
}

int link_teardown(void **state)
{
	struct fixture *f = *state;

	link_free(f->link);
	saved_free(f->saved);
	store_close(f->store);
	sd_event_unref(f->event);
	nftw(f->dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	free(f);
	return 0;
}

struct wifi_config config_of(const char *ssid, const char *passphrase)
{
	struct wifi_config c = {.network.ssid_len = strlen(ssid),
				.network.auth = WIFI_AUTH_UNKNOWN};

	memcpy(c.network.ssid, ssid, c.network.ssid_len);
	if (passphrase) {
		c.has_passphrase = true;
		c.passphrase_len = strlen(passphrase);
		memcpy(c.passphrase, passphrase, c.passphrase_len);
	}
	return c;
}

/* --- what the link tells */

static void _printf_(2, 3) note(struct fixture *f, const char *format, ...)
{
	size_t len = strlen(f->told);
	va_list ap;

	assert_true(len < sizeof(f->told) - 64);
	if (len > 0)
		f->told[len++] = ' ';
	va_start(ap, format);
	vsnprintf(f->told + len, sizeof(f->told) - len, format, ap);
	va_end(ap);
}

static void on_changed(void *userdata)
{
	struct fixture *f = userdata;

	f->n_changed++;
}

static void on_result(void *userdata, enum wifi_state state, enum wifi_reason reason)
{
	struct fixture *f = userdata;

	if (state == WIFI_STATE_CONNECTION_FAILED)
		note(f, "%s/%s", wifi_state_name(state), wifi_reason_name(reason));
	else
		note(f, "%s", wifi_state_name(state));
	if (f->on_result)
		f->on_result(f, state);
}

static void on_found(void *userdata, const struct wifi_record *record)
{
	char ssid[WIFI_SSID_TEXT_MAX];

	note(userdata, "found/%s", wifi_ssid_text(&record->network, ssid));
}

static void on_scan_done(void *userdata, int r)
{
	note(userdata, "scan-done/%d", r);
}

void link_begin(struct fixture *f, const char *ssid)
{
	const struct link_options options = {
		.connect_ms = CONNECT_MS,
		.address_ms = ADDRESS_MS,
		.retry_first_ms = RETRY_FIRST_MS,
		.retry_ceiling_ms = RETRY_CEILING_MS,
		.fallback_ms = FALLBACK_MS,
	};
	const struct link_events events = {
		.changed = on_changed,
		.result = on_result,
		.found = on_found,
		.scan_done = on_scan_done,
		.userdata = f,
	};

	if (ssid) {
		struct wifi_config config = config_of(ssid, "passphrase");

		assert_int_equal(saved_keep(f->saved, &config), 0);
	}
	fake_station.is_available = true;
	assert_int_equal(link_new(f->event, NULL, f->saved, &options, &events, &f->link), 0);
	assert_int_equal(link_start(f->link), 0);
	settle(f);
}

/* --- what happens */

void settle(struct fixture *f)
{
	int r;

	do
		r = sd_event_run(f->event, 0);
	while (r > 0);
	assert_int_equal(r, 0);
}

void pass_ms(struct fixture *f, uint64_t ms)
{
	uint64_t end = fake_now_ms + ms;

	while (fake_deadline_ring(end))
		settle(f);
}

void progress(struct fixture *f, enum wifi_state state)
{
	fake_station_progress(state);
	settle(f);
}

void failed(struct fixture *f, enum wifi_reason reason)
{
	fake_station_failed(reason);
	settle(f);
}

void lost(struct fixture *f)
{
	fake_station_lost();
	settle(f);
}

void available(struct fixture *f, bool is_available)
{
	fake_station_set_available(is_available);
	settle(f);
}

void scan_done(struct fixture *f, int r)
{
	fake_station_scan_done(r);
	settle(f);
}

void ip4(struct fixture *f, uint8_t last_byte)
{
	fake_address_set_ip4(last_byte);
	settle(f);
}

void succeed(struct fixture *f)
{
	progress(f, WIFI_STATE_AUTHENTICATION);
	progress(f, WIFI_STATE_ASSOCIATION);
	progress(f, WIFI_STATE_OBTAINING_IP);
	ip4(f, 7);
	assert_stage(f, LINK_STAGE_CONNECTED);
}

void try_one(struct fixture *f, const char *ssid)
{
	struct wifi_config config = config_of(ssid, "passphrase");

	assert_int_equal(link_try(f->link, &config), 0);
	assert_connects(ssid);
	settle(f);
}

/* --- what is */

struct link_view view_of(struct fixture *f)
{
	struct link_view view;

	link_get_view(f->link, &view);
	return view;
}

void assert_stage(struct fixture *f, enum link_stage stage)
{
	assert_string_equal(link_stage_name(view_of(f).stage), link_stage_name(stage));
}

void assert_told(struct fixture *f, const char *words)
{
	assert_string_equal(f->told, words);
	f->told[0] = '\0';
}

static void assert_ssid(const struct wifi_network *n, const char *ssid)
{
	assert_int_equal(n->ssid_len, strlen(ssid));
	assert_memory_equal(n->ssid, ssid, n->ssid_len);
}

void assert_kept(struct fixture *f, const char *ssid)
{
	const struct wifi_config *config = saved_get(f->saved);

	if (!ssid) {
		assert_null(config);
		return;
	}
	assert_non_null(config);
	assert_ssid(&config->network, ssid);
}

void assert_connects(const char *ssid)
{
	assert_true(fake_station.is_connecting || fake_station.is_linked);
	assert_ssid(&fake_station.config.network, ssid);
}

void break_store(struct fixture *f, int r)
{
	f->store->broken = r;
}
