/* Targets: store_open() over damaged files, and what it gives of them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/cursor.h"
#include "base/log.h"
#include "credstore/store.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/place.h"

#define TAG 16842753
#define HEADER_LEN 100 /* of the database, https://www.sqlite.org/fileformat.html §1.3 */
#define STORE_SIZE_MAX (1U << 18)

static const char value[] = "-----BEGIN CERTIFICATE-----\nYQ==\n-----END CERTIFICATE-----\n";
static uint8_t damaged[STORE_SIZE_MAX];
static size_t damaged_len;

static void begin(void)
{
	_cleanup_(store_closep) struct store *s = NULL;
	struct response result = {.correlation = "c1", .code = RESPONSE_CONFIG};
	const uint8_t digest[32] = {1};

	log_set_level(LOG_LEVEL_ERROR);
	unsetenv("CREDENTIALS_DIRECTORY");
	place_make();
	FUZZ_ASSERT(store_open(place_state(), NULL, &s, NULL) == 0);
	for (int type = CREDENTIAL_ROOT_CA; type <= CREDENTIAL_PSK; type++)
		FUZZ_ASSERT(store_credential_put(s, TAG, (enum credential_type)type, value,
						 sizeof(value), digest) == 0);
	FUZZ_ASSERT(store_secret_put(s, "wifi/config", value, sizeof(value)) == 0);
	FUZZ_ASSERT(store_value_put(s, "after", "c0") == 0);
	for (; result.correlation[1] < '5'; result.correlation[1]++)
		FUZZ_ASSERT(journal_add(s, &result) == 0);
	s = store_close(s);
	place_keep();
}

/* Writes what is left of the input over it, piece by piece: where, how long, and the bytes. */
static void damage(struct reader *input)
{
	const struct secret *kept = place_kept("store.db");

	FUZZ_ASSERT(kept && kept->len <= sizeof(damaged));
	damaged_len = kept->len;
	memcpy(damaged, kept->data, damaged_len);
	while (reader_left(input) > 3) {
		size_t at = (size_t)reader_u8(input) << 16 | reader_be16(input);
		size_t n = reader_u8(input);

		/* The pages' heads are where most is told. */
		at = at >> 23 ? at % damaged_len / 4096 * 4096 + at % 128 : at % damaged_len;
		n = n % 16 < reader_left(input) ? n % 16 : reader_left(input);
		n = n < damaged_len - at ? n : damaged_len - at;
		if (n == 15)
			damaged_len = at + 1;
		else if (n > 0)
			memcpy(damaged + at, reader_bytes(input, n), n);
	}
	place_write("store.db", damaged, damaged_len);
}

static bool is_told(int r)
{
	return r == 0 || r == -ENOENT || r == -EUCLEAN || r == -EIO || r == -ENOMEM ||
	       r == STORE_E_CORRUPT;
}

/* A value that was sealed is that value, or is not given: it is never another one. */
static void read_all(struct store *s)
{
	_cleanup_(response_list_done) struct response_list pending = RESPONSE_LIST_INIT;
	_cleanup_(freep) struct credential_info *infos = NULL;
	_cleanup_(freep) char *after = NULL;
	_cleanup_(secret_done) struct secret got = SECRET_INIT;
	size_t n = 0;
	int r;

	FUZZ_ASSERT(is_told(store_credential_list(s, &infos, &n)));
	for (int type = CREDENTIAL_ROOT_CA; type <= CREDENTIAL_PSK; type++) {
		r = store_credential_get(s, TAG, (enum credential_type)type, &got);
		FUZZ_ASSERT(is_told(r));
		if (r == 0)
			FUZZ_ASSERT(got.len == sizeof(value) &&
				    memcmp(got.data, value, got.len) == 0);
	}
	r = store_secret_get(s, "wifi/config", &got);
	FUZZ_ASSERT(is_told(r));
	if (r == 0)
		FUZZ_ASSERT(got.len == sizeof(value) && memcmp(got.data, value, got.len) == 0);
	FUZZ_ASSERT(is_told(store_value_get(s, "after", &after)));
	FUZZ_ASSERT(is_told(journal_pending(s, &pending)));
	(void)journal_count(s);
}

static void open_and_read(bool start_anew)
{
	const struct store_options options = {.start_anew = start_anew};
	_cleanup_(store_closep) struct store *s = NULL;
	_cleanup_(freep) char *detail = NULL, *again = NULL;
	int r = store_open(place_state(), &options, &s, &detail);

	FUZZ_ASSERT((r == 0) == (s != NULL) && (r == 0 || detail));
	FUZZ_ASSERT(r <= STORE_E_CORRUPT);
	if (r == 0 && !store_is_anew(s)) {
		read_all(s);
		return;
	}
	/* Damage is put aside and never written over; and refused until somebody looks. SQLite's
	 * header says WAL by then: that comes before the content is read. */
	if (r == STORE_E_CORRUPT || r == 0)
		FUZZ_ASSERT(place_has(damaged, damaged_len, HEADER_LEN));
	if (r == STORE_E_CORRUPT)
		FUZZ_ASSERT(store_open(place_state(), NULL, &s, &again) == STORE_E_CORRUPT);
}

/* data: what to damage (the store, its write-ahead log, or its key), and with what. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct reader input;
	uint8_t what;

	if (!damaged_len)
		begin();
	place_restore();
	reader_init(&input, data, len);
	what = reader_u8(&input);
	damaged_len = place_kept("store.db")->len;
	memcpy(damaged, place_kept("store.db")->data, damaged_len);
	if (what % 8 == 7)
		place_write("seal.key", data, len);
	else if (what % 8 == 6)
		place_write("store.db-wal", data, len);
	else
		damage(&input);
	open_and_read(what & 8);
	return 0;
}
