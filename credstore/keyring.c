/* SPDX-License-Identifier: Apache-2.0 */
#include "credstore/keyring.h"

#include <errno.h>
#include <mbedtls/md.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"

#define PIN_FILE_MAX 1024

static void keyring_destroy(struct keyring *r)
{
	token_module_free_all(r);
	pthread_mutex_destroy(&r->lock);
	pthread_mutex_destroy(&r->detail_lock);
	free(r->module);
	free(r->pin_file);
	free(r);
}

int keyring_new(const struct keyring_config *c, struct keyring **ret)
{
	struct keyring *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->refs = 1;
	pthread_mutex_init(&r->lock, NULL);
	pthread_mutex_init(&r->detail_lock, NULL);
	random_fill(r->salt, sizeof(r->salt));
	r->module = c->module ? strdup(c->module) : NULL;
	r->pin_file = c->pin_file ? strdup(c->pin_file) : NULL;
	if ((c->module && !r->module) || (c->pin_file && !r->pin_file)) {
		keyring_destroy(r);
		return -ENOMEM;
	}
	*ret = r;
	return 0;
}

struct keyring *keyring_ref(struct keyring *r)
{
	__atomic_add_fetch(&r->refs, 1, __ATOMIC_ACQ_REL);
	return r;
}

struct keyring *keyring_free(struct keyring *r)
{
	if (r && __atomic_sub_fetch(&r->refs, 1, __ATOMIC_ACQ_REL) == 0)
		keyring_destroy(r);
	return NULL;
}

/* --- PINs */

int keyring_read_pin(const struct keyring *r, const char *uri_file, struct secret *ret)
{
	const char *path = uri_file ? uri_file : r->pin_file, *directory;
	char credential[4096];
	int n;

	if (!path) {
		directory = getenv("CREDENTIALS_DIRECTORY");
		if (!directory)
			return KEY_E_PIN_MISSING;
		n = snprintf(credential, sizeof(credential), "%s/onboardd.pin", directory);
		if (n < 0 || (size_t)n >= sizeof(credential))
			return KEY_E_PIN_MISSING;
		path = credential;
	}
	n = file_read(path, PIN_FILE_MAX, ret);
	if (n < 0)
		return n == -ENOMEM ? n : KEY_E_PIN_MISSING;
	if (ret->len > 0 && ret->data[ret->len - 1] == '\n')
		ret->data[--ret->len] = '\0';
	if (ret->len > 0 && ret->data[ret->len - 1] == '\r')
		ret->data[--ret->len] = '\0';
	return ret->len > 0 ? 0 : KEY_E_PIN_MISSING;
}

static int pin_digest(const struct keyring *r, const CK_TOKEN_INFO *info, const struct secret *pin,
		      uint8_t ret[static 32])
{
	_cleanup_(mbedtls_md_free) mbedtls_md_context_t md;

	mbedtls_md_init(&md);
	if (mbedtls_md_setup(&md, mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), 1) != 0 ||
	    mbedtls_md_hmac_starts(&md, r->salt, sizeof(r->salt)) != 0 ||
	    mbedtls_md_hmac_update(&md, info->label, sizeof(info->label)) != 0 ||
	    mbedtls_md_hmac_update(&md, info->serialNumber, sizeof(info->serialNumber)) != 0 ||
	    mbedtls_md_hmac_update(&md, pin->data, pin->len) != 0 ||
	    mbedtls_md_hmac_finish(&md, ret) != 0)
		return -ENOMEM;
	return 0;
}

bool keyring_is_refused(const struct keyring *r, const CK_TOKEN_INFO *info,
			const struct secret *pin)
{
	uint8_t digest[32];

	if (r->n_refused == REFUSED_MAX || pin_digest(r, info, pin, digest) < 0)
		return true;
	for (size_t i = 0; i < r->n_refused; i++)
		if (memcmp(r->refused[i], digest, sizeof(digest)) == 0)
			return true;
	return false;
}

void keyring_refuse(struct keyring *r, const CK_TOKEN_INFO *info, const struct secret *pin)
{
	if (r->n_refused == REFUSED_MAX)
		return;
	if (pin_digest(r, info, pin, r->refused[r->n_refused]) < 0)
		r->n_refused = REFUSED_MAX;
	else
		r->n_refused++;
}

bool keyring_was_refused(struct keyring *r)
{
	bool refused;

	pthread_mutex_lock(&r->lock);
	refused = r->n_refused > 0;
	pthread_mutex_unlock(&r->lock);
	return refused;
}

/* --- what failed, for people */

void keyring_set_detail(struct keyring *r, const char *format, ...)
{
	va_list args;

	pthread_mutex_lock(&r->detail_lock);
	va_start(args, format);
	vsnprintf(r->detail, sizeof(r->detail), format, args);
	va_end(args);
	pthread_mutex_unlock(&r->detail_lock);
}

void keyring_detail(struct keyring *r, char *ret, size_t size)
{
	pthread_mutex_lock(&r->detail_lock);
	snprintf(ret, size, "%s", r->detail);
	pthread_mutex_unlock(&r->detail_lock);
}
