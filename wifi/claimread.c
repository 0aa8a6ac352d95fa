/* SPDX-License-Identifier: Apache-2.0 */
#include "wifi/claimread.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/secret.h"

struct claimread {
	const struct provisioner *provisioner; /* borrowed */
	claimread_fn fn;
	void *userdata;
	char *peer;                      /* owned; who reads, or NULL */
	uint8_t value[WIFI_MESSAGE_MAX]; /* of its read that is under way */
	size_t len;
	size_t next;                    /* where in the token its next read begins */
	char token[CLAIM_TEXT_MAX + 1]; /* that next belongs to */
	const char *told;               /* of it in the log; static */
};

static void forget(struct claimread *c)
{
	free(TAKE_PTR(c->peer));
	secret_wipe(c->value, sizeof(c->value));
	secret_wipe(c->token, sizeof(c->token));
	c->len = c->next = 0;
	c->told = NULL;
}

/* A person's app asks over and over: once is enough. */
static void tell(struct claimread *c, const char *what)
{
	if (c->told == what)
		return;
	c->told = what;
	log_notice("configurator %s: read-claim: %s", c->peer, what);
}

static int take_peer(struct claimread *c, const char *peer)
{
	if (c->peer && strcmp(c->peer, peer) == 0)
		return 0;
	forget(c);
	c->peer = strdup(peer);
	return c->peer ? 0 : -ENOMEM;
}

static void add_part(struct claimread *c, const struct claimread_news *news, struct wifi_claim *ret)
{
	const size_t len = strlen(news->token);

	/* Parts of two tokens do not make one. */
	if (strcmp(c->token, news->token) != 0)
		c->next = 0;
	memcpy(c->token, news->token, len + 1);
	ret->token_whole_len = len;
	ret->token_offset = c->next;
	ret->token_len = MIN(len - c->next, (size_t)WIFI_CLAIM_PART_MAX);
	memcpy(ret->token, news->token + c->next, ret->token_len);
	c->next = c->next + ret->token_len < len ? c->next + ret->token_len : 0;
}

static int begin(struct claimread *c)
{
	_cleanup_(wifi_claim_wipe) struct wifi_claim claim = {.version = WIFI_CLAIM_VERSION};
	struct claimread_news news = {0};
	bool has_token;

	c->fn(c->userdata, &news);
	if (!news.uuid || strlen(news.uuid) != UUID_TEXT_LEN)
		return -ENODATA;
	memcpy(claim.uuid, news.uuid, UUID_TEXT_LEN);
	claim.state = news.state;
	has_token = news.state == WIFI_CLAIM_STATE_UNCLAIMED && news.token && *news.token &&
		    strlen(news.token) <= CLAIM_TEXT_MAX;
	if (has_token)
		add_part(c, &news, &claim);
	tell(c, has_token ? "told the claim token" : "told, without a claim token");
	return wifi_claim_encode(&claim, c->value, sizeof(c->value), &c->len);
}

int claimread_read(struct claimread *c, const char *peer, size_t offset, uint8_t *ret, size_t size,
		   size_t *ret_len)
{
	const char *why;
	int r;

	if (offset == 0) {
		r = take_peer(c, peer);
		if (r < 0)
			return r;
		c->len = 0;
		why = provisioner_claim_refusal(c->provisioner, peer);
		if (why) {
			tell(c, why);
			return -EACCES;
		}
		r = begin(c);
		if (r < 0)
			return r;
	}
	/* What was begun in time is finished. */
	if (!c->peer || strcmp(c->peer, peer) != 0 || c->len == 0 || offset > c->len)
		return -ERANGE;
	if (c->len - offset > size)
		return -ENOBUFS;
	memcpy(ret, c->value + offset, c->len - offset);
	*ret_len = c->len - offset;
	return 0;
}

void claimread_peer_gone(struct claimread *c, const char *peer)
{
	if (c->peer && strcmp(c->peer, peer) == 0)
		forget(c);
}

int claimread_new(const struct provisioner *provisioner, claimread_fn fn, void *userdata,
		  struct claimread **ret)
{
	struct claimread *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->provisioner = provisioner;
	c->fn = fn;
	c->userdata = userdata;
	*ret = c;
	return 0;
}

struct claimread *claimread_free(struct claimread *c)
{
	if (!c)
		return NULL;
	forget(c);
	free(c);
	return NULL;
}
