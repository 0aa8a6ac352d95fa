/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "credstore/db.h"
#include "wifi/saved.h"

#define NAME "wifi/config"

struct fixture {
	char dir[64];
	struct store *store;
	struct saved *saved;
};

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
	snprintf(f->dir, sizeof(f->dir), "/tmp/onboard-saved-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	assert_int_equal(store_open(f->dir, NULL, &f->store, NULL), 0);
	assert_int_equal(saved_new(f->store, &f->saved), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	saved_free(f->saved);
	store_close(f->store);
	nftw(f->dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	free(f);
	return 0;
}

static void restart(struct fixture *f)
{
	saved_free(f->saved);
	f->saved = NULL;
	store_close(f->store);
	f->store = NULL;
	assert_int_equal(store_open(f->dir, NULL, &f->store, NULL), 0);
	assert_int_equal(saved_new(f->store, &f->saved), 0);
}

static struct wifi_config config_of(const char *ssid, bool is_volatile)
{
	struct wifi_config c = {
		.network = {.ssid_len = strlen(ssid),
			    .bssid = {2, 0, 0, 0, 1, 0},
			    .band = WIFI_BAND_2_4_GHZ,
			    .channel = 11,
			    .auth = WIFI_AUTH_WPA2_PSK},
		.has_passphrase = true,
		.passphrase = "correct horse",
		.passphrase_len = 13,
		.is_volatile = is_volatile,
		.has_any_channel = true,
		.any_channel = false,
	};

	memcpy(c.network.ssid, ssid, c.network.ssid_len);
	return c;
}

static void keep(struct fixture *f, const char *ssid, bool is_volatile)
{
	struct wifi_config c = config_of(ssid, is_volatile);

	assert_int_equal(saved_keep(f->saved, &c), 0);
}

static void assert_gets(struct fixture *f, const char *ssid)
{
	const struct wifi_config *c = saved_get(f->saved);

	if (!ssid) {
		assert_null(c);
		return;
	}
	assert_non_null(c);
	assert_int_equal(c->network.ssid_len, strlen(ssid));
	assert_memory_equal(c->network.ssid, ssid, strlen(ssid));
}

static void what_is_kept_comes_back_whole_after_a_restart(void **state)
{
	struct fixture *f = *state;
	const struct wifi_config want = config_of("home", false), *got;

	assert_gets(f, NULL);
	keep(f, "home", false);
	restart(f);
	got = saved_get(f->saved);
	assert_non_null(got);
	assert_memory_equal(&got->network.ssid, "home", 4);
	assert_memory_equal(got->network.bssid, want.network.bssid, WIFI_BSSID_LEN);
	assert_int_equal(got->network.band, want.network.band);
	assert_int_equal(got->network.channel, want.network.channel);
	assert_int_equal(got->network.auth, want.network.auth);
	assert_int_equal(got->passphrase_len, want.passphrase_len);
	assert_memory_equal(got->passphrase, want.passphrase, want.passphrase_len);
	assert_true(got->has_any_channel);
	assert_false(got->any_channel);
	assert_false(got->is_volatile);
}

static void a_newer_one_takes_the_place_of_the_one_before(void **state)
{
	struct fixture *f = *state;

	keep(f, "home", false);
	keep(f, "away", false);
	assert_gets(f, "away");
	restart(f);
	assert_gets(f, "away");
}

static void a_volatile_one_wins_until_the_program_ends(void **state)
{
	struct fixture *f = *state;

	keep(f, "home", false);
	keep(f, "guest", true);
	assert_gets(f, "guest");
	assert_true(saved_get(f->saved)->is_volatile);
	restart(f);
	assert_gets(f, "home");
	keep(f, "guest", true);
	keep(f, "away", false);
	assert_gets(f, "away");
}

static void a_volatile_one_alone_is_never_written(void **state)
{
	_cleanup_(secret_done) struct secret bytes = SECRET_INIT;
	struct fixture *f = *state;

	keep(f, "guest", true);
	assert_gets(f, "guest");
	assert_int_equal(store_secret_get(f->store, NAME, &bytes), -ENOENT);
	restart(f);
	assert_gets(f, NULL);
}

static void what_was_kept_may_be_kept_again(void **state)
{
	struct fixture *f = *state;

	keep(f, "guest", true);
	assert_int_equal(saved_keep(f->saved, saved_get(f->saved)), 0);
	assert_gets(f, "guest");
	keep(f, "home", false);
	assert_int_equal(saved_keep(f->saved, saved_get(f->saved)), 0);
	assert_gets(f, "home");
	restart(f);
	assert_gets(f, "home");
}

static void forgetting_wipes_both(void **state)
{
	_cleanup_(secret_done) struct secret bytes = SECRET_INIT;
	struct fixture *f = *state;

	keep(f, "home", false);
	keep(f, "guest", true);
	assert_int_equal(saved_forget(f->saved), 0);
	assert_gets(f, NULL);
	assert_int_equal(store_secret_get(f->store, NAME, &bytes), -ENOENT);
	assert_int_equal(saved_forget(f->saved), 0);
	restart(f);
	assert_gets(f, NULL);
}

static void what_no_station_could_use_is_not_kept(void **state)
{
	struct fixture *f = *state;
	struct wifi_config c = config_of("", false);

	keep(f, "home", false);
	assert_int_equal(saved_keep(f->saved, &c), -EINVAL);
	c = config_of("other", true);
	c.passphrase_len = 5;
	assert_int_equal(saved_keep(f->saved, &c), -EINVAL);
	assert_gets(f, "home");
}

static void when_the_store_refuses_everything_is_as_it_was(void **state)
{
	struct fixture *f = *state;
	struct wifi_config c = config_of("away", false);

	keep(f, "home", false);
	keep(f, "guest", true);
	f->store->broken = -ENOSPC;
	assert_int_equal(saved_keep(f->saved, &c), -ENOSPC);
	assert_gets(f, "guest");
	assert_int_equal(saved_forget(f->saved), -ENOSPC);
	assert_gets(f, "guest");
	f->store->broken = 0;
	restart(f);
	assert_gets(f, "home");
}

/* Kept until something takes its place, so that a newer program could still read it. */
static void a_record_that_cannot_be_used_is_ignored_but_kept(void **state)
{
	static const char bad[] = "\xff\xff\xff\xff no message";
	_cleanup_(secret_done) struct secret bytes = SECRET_INIT;
	struct fixture *f = *state;

	log_set_level(LOG_LEVEL_ERROR);
	assert_int_equal(store_secret_put(f->store, NAME, bad, sizeof(bad)), 0);
	restart(f);
	assert_gets(f, NULL);
	assert_int_equal(store_secret_get(f->store, NAME, &bytes), 0);
	assert_memory_equal(bytes.data, bad, sizeof(bad));
	keep(f, "home", false);
	restart(f);
	assert_gets(f, "home");
	assert_int_equal(store_secret_put(f->store, NAME, bad, sizeof(bad)), 0);
	restart(f);
	assert_int_equal(saved_forget(f->saved), 0);
	secret_done(&bytes);
	assert_int_equal(store_secret_get(f->store, NAME, &bytes), -ENOENT);
}

/* Whatever is cut off: nothing, or something that a station can use. */
static void a_record_that_was_cut_is_never_used_half(void **state)
{
	_cleanup_(secret_done) struct secret whole = SECRET_INIT;
	struct fixture *f = *state;

	log_set_level(LOG_LEVEL_ERROR);
	keep(f, "home", false);
	assert_int_equal(store_secret_get(f->store, NAME, &whole), 0);
	for (size_t n = 0; n < whole.len; n++) {
		struct saved *s = NULL;

		assert_int_equal(store_secret_put(f->store, NAME, whole.data, n), 0);
		assert_int_equal(saved_new(f->store, &s), 0);
		if (saved_get(s))
			assert_null(wifi_config_refusal(saved_get(s)));
		saved_free(s);
	}
}

static void a_store_that_cannot_be_read_is_an_error(void **state)
{
	struct fixture *f = *state;
	struct saved *s = NULL;

	keep(f, "home", false);
	f->store->broken = -EIO;
	assert_int_equal(saved_new(f->store, &s), -EIO);
	assert_null(s);
	f->store->broken = 0;
	f->store->seal_key[0] ^= 1;
	assert_int_equal(saved_new(f->store, &s), STORE_E_CORRUPT);
	assert_null(s);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(what_is_kept_comes_back_whole_after_a_restart),
		T(a_newer_one_takes_the_place_of_the_one_before),
		T(a_volatile_one_wins_until_the_program_ends),
		T(a_volatile_one_alone_is_never_written),
		T(what_was_kept_may_be_kept_again),
		T(forgetting_wipes_both),
		T(what_no_station_could_use_is_not_kept),
		T(when_the_store_refuses_everything_is_as_it_was),
		T(a_record_that_cannot_be_used_is_ignored_but_kept),
		T(a_record_that_was_cut_is_never_used_half),
		T(a_store_that_cannot_be_read_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
