/* SPDX-License-Identifier: Apache-2.0 */
#include "wifi/saved.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"

#define NAME "wifi/config"

struct saved {
	struct store *store; /* borrowed */
	bool has_stored, has_volatile;
	struct wifi_config stored, volatile_one;
};

static int read_stored(struct saved *s)
{
	_cleanup_(secret_done) struct secret bytes = SECRET_INIT;
	_cleanup_(wifi_config_wipe) struct wifi_config config = {0};
	const char *refusal;
	int r;

	r = store_secret_get(s->store, NAME, &bytes);
	if (r == -ENOENT)
		return 0;
	if (r != 0)
		return r;
	r = wifi_config_decode(bytes.data, bytes.len, &config);
	if (r < 0 && r != -EBADMSG)
		return r;
	refusal = r < 0 ? "not a configuration" : wifi_config_refusal(&config);
	if (refusal) {
		log_warning("the Wi-Fi configuration in the store cannot be used, ignoring it: %s",
			    refusal);
		return 0;
	}
	/* One that lives in memory only is never written. */
	config.is_volatile = false;
	s->stored = config;
	s->has_stored = true;
	return 0;
}

int saved_new(struct store *store, struct saved **ret)
{
	struct saved *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	s->store = store;
	r = read_stored(s);
	if (r != 0) {
		saved_free(s);
		return r;
	}
	*ret = s;
	return 0;
}

struct saved *saved_free(struct saved *s)
{
	if (!s)
		return NULL;
	wifi_config_wipe(&s->stored);
	wifi_config_wipe(&s->volatile_one);
	free(s);
	return NULL;
}

const struct wifi_config *saved_get(const struct saved *s)
{
	if (s->has_volatile)
		return &s->volatile_one;
	return s->has_stored ? &s->stored : NULL;
}

static void forget_volatile(struct saved *s)
{
	wifi_config_wipe(&s->volatile_one);
	s->has_volatile = false;
}

int saved_keep(struct saved *s, const struct wifi_config *config)
{
	uint8_t bytes[WIFI_MESSAGE_MAX];
	struct wifi_config copy;
	size_t len;
	int r;

	if (wifi_config_refusal(config))
		return -EINVAL;
	/* It may be the one that this call replaces. */
	copy = *config;
	r = wifi_config_encode(&copy, bytes, sizeof(bytes), &len);
	if (r == 0 && !copy.is_volatile)
		r = store_secret_put(s->store, NAME, bytes, len);
	secret_wipe(bytes, sizeof(bytes));
	if (r == 0) {
		forget_volatile(s);
		if (copy.is_volatile)
			s->volatile_one = copy;
		else
			s->stored = copy;
		s->has_volatile = copy.is_volatile;
		s->has_stored = s->has_stored || !copy.is_volatile;
	}
	wifi_config_wipe(&copy);
	return r;
}

int saved_forget(struct saved *s)
{
	int r;

	r = store_secret_delete(s->store, NAME);
	if (r < 0 && r != -ENOENT)
		return r;
	wifi_config_wipe(&s->stored);
	s->has_stored = false;
	forget_volatile(s);
	return 0;
}
