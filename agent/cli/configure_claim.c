/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/cli/configure.h"
#include "agent/cli/show.h"
#include "base/clock.h"
#include "base/exitcode.h"

/* A device that has just got its Wi-Fi asks its service next. */
#define AGAIN_MS 1000

static bool wants_token(const struct configure *k)
{
	return k->is_token || k->claiming.server;
}

static int read_claim(struct configure *k, struct central_claim *ret)
{
	const uint64_t end_ms = clock_ms() + k->timeout_ms;
	int r;

	for (;;) {
		r = central_read_claim(k->central, ret);
		if (r < 0 || ret->state != WIFI_CLAIM_STATE_UNKNOWN || !wants_token(k) ||
		    clock_ms() >= end_ms)
			return r;
		r = central_wait(k->central, AGAIN_MS);
		if (r < 0)
			return r;
	}
}

static int claim_failed(const struct configure *k, int r)
{
	const int exit_code = configure_failed(k, r);

	if (r == -EACCES)
		fprintf(stderr, "onboardctl: the device tells who it is while its window is open, "
				"or to whom its Wi-Fi came from just now; and with a code on its "
				"label to who has that (--label-file)\n");
	return exit_code;
}

static const char *owner_words(enum wifi_claim_state state)
{
	switch (state) {
	case WIFI_CLAIM_STATE_UNCLAIMED:
		return "none yet";
	case WIFI_CLAIM_STATE_CLAIMED:
		return "it has one";
	case WIFI_CLAIM_STATE_UNKNOWN:
		break;
	}
	return "not known: it has not asked its service yet";
}

static void show(const struct configure *k, const struct central_claim *c)
{
	const char *state = wifi_claim_state_name(c->state);

	if (!k->is_json) {
		show_field("Device", c->uuid);
		show_field("Its owner", owner_words(c->state));
		if (k->is_token && *c->token)
			printf("%s\n", c->token);
	} else if (k->is_token && *c->token) {
		configure_put(json_pack("{s:s, s:s, s:s, s:s}", "event", "claim", "uuid", c->uuid,
					"state", state, "token", c->token));
	} else {
		configure_put(json_pack("{s:s, s:s, s:s}", "event", "claim", "uuid", c->uuid,
					"state", state));
	}
}

/* Why there is nothing to claim it with: an exit code. */
static int no_token(const struct central_claim *c)
{
	switch (c->state) {
	case WIFI_CLAIM_STATE_UNKNOWN:
		fprintf(stderr, "onboardctl: the device has not got to its service in time, so it "
				"does not know yet whether it has an owner\n");
		return EXIT_CODE_TIMEOUT;
	case WIFI_CLAIM_STATE_CLAIMED:
		fprintf(stderr, "onboardctl: the device has an owner already\n");
		return EXIT_CODE_FAILED;
	case WIFI_CLAIM_STATE_UNCLAIMED:
		break;
	}
	fprintf(stderr, "onboardctl: the device keeps its claim token to itself ('claim-token' of "
			"[wifi])\n");
	return EXIT_CODE_FAILED;
}

int configure_read_claim(struct configure *k)
{
	struct central_claim *c = &k->claim;
	int r;

	r = read_claim(k, c);
	if (r < 0)
		return claim_failed(k, r);
	if (*c->token && !claiming_is_token_of(c->token, strlen(c->token), c->uuid)) {
		fprintf(stderr, "onboardctl: what the device sent is no claim token of %s\n",
			c->uuid);
		return EXIT_CODE_FAILED;
	}
	show(k, c);
	return wants_token(k) && !*c->token ? no_token(c) : 0;
}

int configure_claim(const struct configure *k)
{
	_cleanup_(freep) char *device = NULL;
	int r;

	r = claiming_run(&k->claiming, k->claim.token, &device);
	if (r == 0 && k->is_json)
		configure_put(json_pack("{s:s, s:s}", "event", "claimed", "uuid", device));
	else if (r == 0)
		printf("claimed %s\n", device);
	return r;
}
