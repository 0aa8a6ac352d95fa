/* SPDX-License-Identifier: Apache-2.0 */
#include "service/cloud_key.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "proto/at.h"
#include "proto/response.h"

/* A device whose new key does not work returns to the one before. One that never logged in is
 * nothing to return to. */
static void keep_before(struct store_device *device)
{
	if (!device->has_cloud_key || !device->cloud_seen_at)
		return;
	device->has_cloud_key_before = true;
	memcpy(device->cloud_key_before, device->cloud_key, CRYPTO_SPKI_LEN);
}

static void key_set(struct store_device *device, uint32_t tag, const uint8_t *spki)
{
	keep_before(device);
	device->has_cloud_key = spki != NULL;
	device->cloud_key_tag = tag;
	device->cloud_key_at = clock_wall_s();
	/* Nobody has logged in with this one yet. */
	device->cloud_seen_at = 0;
	if (spki)
		memcpy(device->cloud_key, spki, CRYPTO_SPKI_LEN);
	log_info("device=%s trace=%s cloud_key=%s tag=%u", device->uuid,
		 TRACE_OR_NONE(device->trace), spki ? "registered" : "removed", tag);
}

static bool is_cloud_tag(const struct core *c, const struct store_device *device, uint32_t tag)
{
	return tag == (device->has_cloud_key ? device->cloud_key_tag : c->cloud_tag);
}

bool cloud_key_generated(const struct core *c, struct store_device *device, uint32_t tag,
			 bool always, const uint8_t spki[static CRYPTO_SPKI_LEN])
{
	if (!always && !is_cloud_tag(c, device, tag))
		return false;
	key_set(device, tag, spki);
	return true;
}

/* A key that the owner wrote: login works with its public half. */
static int key_written(struct store_device *device, const struct at_fields *f)
{
	_cleanup_(secret_done) struct secret pem = SECRET_INIT, password = SECRET_INIT;
	uint8_t spki[CRYPTO_SPKI_LEN];
	int r;

	if (f->n < 4 || f->items[3].kind != AT_STRING)
		return 0;
	r = secret_set(&pem, f->items[3].text, f->items[3].len);
	if (r < 0)
		return r;
	if (f->n >= 5 && f->items[4].kind == AT_STRING) {
		r = secret_set(&password, f->items[4].text, f->items[4].len);
		if (r < 0)
			return r;
	}
	r = crypto_key_of_private((const char *)pem.data, (const char *)password.data, spki);
	if (r < 0)
		return r;
	key_set(device, f->items[1].number, r == 0 ? spki : NULL);
	return 0;
}

/* Whether the answer says that nothing was done; for a deletion, that something is still there. */
static bool is_refusal(const char *answer, bool is_deletion)
{
	const char *cme = strstr(answer, "+CME ERROR:");
	unsigned long number;

	if (!cme)
		return !response_at_ok(answer);
	number = strtoul(cme + strlen("+CME ERROR:"), NULL, 10);
	return !is_deletion || number != AT_CME_NOT_FOUND;
}

int cloud_key_credential(const struct core *c, struct store_device *device,
			 const struct command *step, const char *answer, bool is_wish)
{
	struct at_fields f;
	int r;

	r = at_parse(step->parameters, &f);
	if (r != 0)
		return r < 0 ? r : 0;
	for (size_t i = 0; i < 3; i++)
		if (i >= f.n || f.items[i].kind != AT_NUMBER)
			return 0;
	if (f.items[2].number != 2 || !is_cloud_tag(c, device, f.items[1].number))
		return 0;
	if (is_refusal(answer, f.items[0].number == 3))
		return 0;
	if (f.items[0].number == 0)
		return key_written(device, &f);
	if (f.items[0].number == 3 && device->has_cloud_key)
		key_set(device, f.items[1].number, NULL);
	/* Taken away, and not to make room for another. */
	if (f.items[0].number == 3 && is_wish)
		device->has_cloud_key_before = false;
	return 0;
}
