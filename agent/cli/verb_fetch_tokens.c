/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "agent/cli/bench.h"
#include "agent/cli/claiming.h"
#include "agent/cli/verbs.h"
#include "base/exitcode.h"
#include "base/file.h"
#include "discovery/answer.h"
#include "discovery/fetch.h"
#include "proto/limits.h"

/* What the service takes. */
#define TAGS_MAX 16
#define TAG_MAX 64
#define TIMEOUT_MS 10000
#define CODE_CONTENT 0x45
#define CODE_NOT_FOUND 0x84

/* Of one device: its claim token, or why there is none. */
struct token {
	struct tokens *all; /* borrowed */
	char uuid[UUID_TEXT_LEN + 1];
	struct resolve_address addresses[BENCH_ADDRESSES_MAX];
	size_t n_addresses, tried;
	struct fetch *fetch; /* owned; NULL: over */
	char *text;          /* owned; NULL: not had */
	char why[96];
};

struct tokens {
	struct bench bench;
	struct token *of[BENCH_DEVICES_MAX]; /* owned */
	size_t n;
	char **wanted; /* borrowed from argv: UUIDs; none: every device */
	size_t n_wanted;
	const char *tags[TAGS_MAX]; /* borrowed from argv */
	size_t n_tags;
	const char *out; /* borrowed from argv; NULL: standard output */
};

/* ---- one device ---- */

static bool is_over(const struct bench *b)
{
	const struct tokens *t = b->userdata;

	for (size_t i = 0; i < t->n; i++)
		if (t->of[i]->fetch)
			return false;
	return b->count > 0 && t->n >= b->count;
}

static void try_next(struct token *k);

static void on_reply(int r, const struct reply *reply, void *userdata)
{
	struct token *k = userdata;

	k->fetch = fetch_free(k->fetch);
	if (r != 0)
		snprintf(k->why, sizeof(k->why), "%s", session_strerror(r));
	else if (reply->code == CODE_NOT_FOUND)
		snprintf(k->why, sizeof(k->why),
			 "it keeps its claim token from the LAN ('claim-token' of [discovery])");
	else if (reply->code != CODE_CONTENT)
		snprintf(k->why, sizeof(k->why), "it answered %u.%02u", reply->code >> 5,
			 reply->code & 31U);
	else if (!claiming_is_token_of((const char *)reply->payload, reply->payload_len, k->uuid))
		snprintf(k->why, sizeof(k->why), "what it sent is no claim token of this device");
	else if (!(k->text = strndup((const char *)reply->payload, reply->payload_len)))
		snprintf(k->why, sizeof(k->why), "%s", strerror(ENOMEM));
	if (r != 0)
		try_next(k);
	bench_look(&k->all->bench);
}

static void try_next(struct token *k)
{
	while (k->tried < k->n_addresses) {
		int r = fetch_new(k->all->bench.event, &k->addresses[k->tried++], ANSWER_TOKEN_PATH,
				  CLAIM_TEXT_MAX, on_reply, k, &k->fetch);

		if (r == 0)
			return;
		snprintf(k->why, sizeof(k->why), "%s", strerror(-r));
	}
}

static bool is_wanted(const struct tokens *t, const char *uuid)
{
	for (size_t i = 0; i < t->n_wanted; i++)
		if (strcasecmp(t->wanted[i], uuid) == 0)
			return true;
	return t->n_wanted == 0;
}

static void on_found(struct bench *b, size_t device)
{
	const struct bench_device *d = &b->devices[device];
	struct tokens *t = b->userdata;
	struct token *k;

	if (!is_wanted(t, d->record.uuid))
		return;
	k = calloc(1, sizeof(*k));
	if (!k)
		return;
	k->all = t;
	memcpy(k->uuid, d->record.uuid, sizeof(k->uuid));
	memcpy(k->addresses, d->addresses, sizeof(k->addresses));
	k->n_addresses = d->n_addresses;
	t->of[t->n++] = k;
	try_next(k);
}

/* ---- the list ---- */

static void put_row(FILE *f, const struct tokens *t, const struct token *k)
{
	fprintf(f, "\"%s\",\"", k->text);
	for (size_t i = 0; i < t->n_tags; i++)
		fprintf(f, "%s%s", i > 0 ? "|" : "", t->tags[i]);
	fprintf(f, "\"\n");
}

static int by_uuid(const void *a, const void *b)
{
	const struct token *const *one = a, *const *other = b;

	return strcmp((*one)->uuid, (*other)->uuid);
}

static int write_list(struct tokens *t)
{
	_cleanup_(freep) char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	int r = 0;

	if (t->n > 1)
		qsort(t->of, t->n, sizeof(struct token *), by_uuid);
	for (size_t i = 0; f && i < t->n; i++)
		if (t->of[i]->text)
			put_row(f, t, t->of[i]);
	if (!f || fclose(f) != 0)
		r = -ENOMEM;
	/* Whoever has a token can claim its device. */
	else if (t->out)
		r = file_write_atomic(t->out, text, len, 0600);
	else if (fwrite(text, 1, len, stdout) != len || fflush(stdout) != 0)
		r = -errno;
	if (r == 0)
		return 0;
	fprintf(stderr, "onboardctl: %s: %s\n", t->out ? t->out : "standard output", strerror(-r));
	return EXIT_CODE_FAILED;
}

static int tell(const struct tokens *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++) {
		const struct token *k = t->of[i];

		n += k->text != NULL;
		if (!k->text)
			fprintf(stderr, "onboardctl: %s: %s\n", k->uuid,
				k->fetch ? "no answer in time" : k->why);
	}
	fprintf(stderr, "onboardctl: %zu claim tokens of %zu devices\n", n, t->n);
	if (t->bench.count > t->n) {
		fprintf(stderr, "onboardctl: found %zu of %zu devices in time\n", t->n,
			t->bench.count);
		return EXIT_CODE_TIMEOUT;
	}
	return n > 0 && n == t->n ? 0 : EXIT_CODE_FAILED;
}

static int fetch_tokens(struct tokens *t, uint64_t timeout_ms)
{
	int r = bench_run(&t->bench, timeout_ms);

	if (r != 0 && r != EXIT_CODE_TIMEOUT)
		return r;
	r = write_list(t);
	return r != 0 ? r : tell(t);
}

static void tokens_done(struct tokens *t)
{
	for (size_t i = 0; i < t->n; i++) {
		fetch_free(t->of[i]->fetch);
		free(t->of[i]->text);
		free(t->of[i]);
	}
	bench_done(&t->bench);
}

/* ---- arguments ---- */

static int add_tag(struct tokens *t, const char *tag)
{
	size_t len = strlen(tag);

	if (t->n_tags == TAGS_MAX)
		return usage_error("fetch-tokens", "at most %d tags", TAGS_MAX);
	if (len == 0 || len > TAG_MAX ||
	    strspn(tag, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:") !=
		    len)
		return usage_error("fetch-tokens",
				   "--tag: 1 to %d letters, digits and -_.: are allowed", TAG_MAX);
	t->tags[t->n_tags++] = tag;
	return 0;
}

static int take_uuids(struct tokens *t, char **uuids, size_t n)
{
	uint8_t uuid[UUID_LEN];

	for (size_t i = 0; i < n; i++)
		if (uuid_parse(uuids[i], strlen(uuids[i]), uuid) < 0)
			return usage_error("fetch-tokens", "'%s' is no UUID", uuids[i]);
	if (n > 0 && t->bench.count > 0)
		return usage_error("fetch-tokens", "UUIDs or --count, not both");
	t->wanted = uuids;
	t->n_wanted = n;
	if (n > 0)
		t->bench.count = n;
	return 0;
}

static int take_option(struct tokens *t, int option, uint64_t *timeout_ms)
{
	switch (option) {
	case 'o':
		t->out = optarg;
		return 0;
	case 'g':
		return add_tag(t, optarg);
	case 'n':
		return bench_count_of("fetch-tokens", optarg, &t->bench.count);
	case 't':
		return timeout_of("fetch-tokens", optarg, timeout_ms);
	}
	return usage_error("fetch-tokens", "unknown flag, or its value is missing");
}

int verb_fetch_tokens(int argc, char **argv)
{
	static const struct option options[] = {{"out", required_argument, NULL, 'o'},
						{"tag", required_argument, NULL, 'g'},
						{"count", required_argument, NULL, 'n'},
						{"timeout", required_argument, NULL, 't'},
						{NULL, 0, NULL, 0}};
	_cleanup_(tokens_done) struct tokens t = {
		.bench = {.found = on_found, .is_complete = is_over, .userdata = &t}};
	uint64_t timeout_ms = TIMEOUT_MS;
	int o, r;

	while ((o = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		r = take_option(&t, o, &timeout_ms);
		if (r != 0)
			return r;
	}
	r = take_uuids(&t, argv + optind, (size_t)(argc - optind));
	if (r != 0)
		return r;
	if (timeout_ms == 0 && t.bench.count == 0)
		return usage_error("fetch-tokens",
				   "--timeout 0 looks for ever; it needs --count or UUIDs");
	return fetch_tokens(&t, timeout_ms);
}
