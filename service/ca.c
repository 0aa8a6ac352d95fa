/* SPDX-License-Identifier: Apache-2.0 */
#include "service/ca.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"

#define CA_FILE_MAX 16384
#define CA_NAME "onboard-service device CA"
#define CERTIFICATE_DAYS 730

struct ca {
	struct crypto_ca *crypto;
	char *cert; /* owned; PEM */
};

struct ca *ca_free(struct ca *ca)
{
	if (!ca)
		return NULL;
	crypto_ca_free(ca->crypto);
	free(ca->cert);
	free(ca);
	return NULL;
}

struct paths {
	char *key, *cert; /* owned */
};

static void paths_done(struct paths *p)
{
	free(p->key);
	free(p->cert);
}

static char *path_join(const char *dir, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s", dir, name) < 0 ? NULL : path;
}

static int detail_set(char **ret_detail, int r, const char *what, const char *path)
{
	if (asprintf(ret_detail, "%s %s: %s", what, path, strerror(-r)) < 0)
		*ret_detail = NULL;
	return r;
}

/* A key file that is there but open to others was not made by us or was tampered with. */
static int key_mode_check(const char *path, char **ret_detail)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || (st.st_mode & 077)) {
		if (asprintf(
			    ret_detail,
			    "the CA key %s may be read by others: chmod 0600 it, or remove it with "
			    "its ca.pem to have a new one made",
			    path) < 0)
			*ret_detail = NULL;
		return -EPERM;
	}
	return 0;
}

/* The key is written first: a crash in between leaves a key without certificate, and the next
 * opening certifies that one. */
static int ca_make(const struct paths *p, char **ret_detail)
{
	_cleanup_(secret_done) struct secret key = SECRET_INIT;
	_cleanup_(freep) char *cert = NULL;
	int r;

	r = crypto_ca_make(CA_NAME, clock_wall_s(), &key, &cert);
	if (r < 0)
		return detail_set(ret_detail, r, "cannot make a key for", p->key);
	r = file_write_atomic(p->key, key.data, key.len, 0600);
	if (r < 0)
		return detail_set(ret_detail, r, "cannot write", p->key);
	r = file_write_atomic(p->cert, cert, strlen(cert), 0600);
	if (r < 0)
		return detail_set(ret_detail, r, "cannot write", p->cert);
	return 0;
}

static int ca_renew(const struct paths *p, char **ret_detail)
{
	_cleanup_(secret_done) struct secret key = SECRET_INIT;
	_cleanup_(freep) char *cert = NULL;
	int r;

	r = file_read(p->key, CA_FILE_MAX, &key);
	if (r < 0)
		return detail_set(ret_detail, r, "cannot read", p->key);
	r = crypto_ca_renew(&key, CA_NAME, clock_wall_s(), &cert);
	if (r != 0)
		return detail_set(ret_detail, r < 0 ? r : -EBADMSG, "no usable private key in",
				  p->key);
	r = file_write_atomic(p->cert, cert, strlen(cert), 0600);
	if (r < 0)
		return detail_set(ret_detail, r, "cannot write", p->cert);
	return 0;
}

static int ca_prepare(const struct paths *p, char **ret_detail)
{
	struct stat st;
	int r;

	r = key_mode_check(p->key, ret_detail);
	if (r == -ENOENT)
		return ca_make(p, ret_detail);
	if (r < 0)
		return *ret_detail ? r : detail_set(ret_detail, r, "cannot look at", p->key);
	if (lstat(p->cert, &st) < 0)
		return ca_renew(p, ret_detail);
	return 0;
}

static int ca_load(const struct paths *p, struct ca *ca, char **ret_detail)
{
	_cleanup_(secret_done) struct secret key = SECRET_INIT, cert = SECRET_INIT;
	int r;

	r = file_read(p->key, CA_FILE_MAX, &key);
	if (r < 0)
		return detail_set(ret_detail, r, "cannot read", p->key);
	r = file_read(p->cert, CA_FILE_MAX, &cert);
	if (r < 0)
		return detail_set(ret_detail, r, "cannot read", p->cert);
	r = crypto_ca_load(&key, (const char *)cert.data, &ca->crypto);
	if (r == CRYPTO_E_KEY)
		return detail_set(ret_detail, -EBADMSG, "no usable private key in", p->key);
	if (r == CRYPTO_E_CERTIFICATE)
		return detail_set(ret_detail, -EBADMSG, "no certificate of ca.key in", p->cert);
	if (r < 0)
		return r;
	ca->cert = strdup((const char *)cert.data);
	return ca->cert ? 0 : -ENOMEM;
}

int ca_open(const char *dir, struct ca **ret, char **ret_detail)
{
	_cleanup_(ca_freep) struct ca *ca = calloc(1, sizeof(*ca));
	_cleanup_(paths_done) struct paths p = {NULL, NULL};
	int r;

	*ret_detail = NULL;
	p.key = path_join(dir, "ca.key");
	p.cert = path_join(dir, "ca.pem");
	if (!ca || !p.key || !p.cert)
		return -ENOMEM;
	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return detail_set(ret_detail, -errno, "cannot make the folder", dir);
	r = ca_prepare(&p, ret_detail);
	if (r < 0)
		return r;
	r = ca_load(&p, ca, ret_detail);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(ca);
	return 0;
}

int ca_issue(struct ca *ca, const uint8_t spki[static CRYPTO_SPKI_LEN], const char *device,
	     const char *crl_url, struct crypto_issued *ret)
{
	const struct crypto_profile profile = {device, CERTIFICATE_DAYS, crl_url};
	int r;

	r = crypto_ca_issue(ca->crypto, spki, &profile, clock_wall_s(), ret);
	return r > 0 ? -EINVAL : r;
}

/* Several processes may make lists of one CA: milliseconds make their numbers rise all the same. */
int ca_crl(struct ca *ca, const struct crypto_revoked *items, size_t n, uint8_t **ret,
	   size_t *ret_len)
{
	int64_t now_ms = clock_wall_ms();
	const struct crypto_crl crl = {
		.this_update = now_ms / 1000,
		.next_update = now_ms / 1000 + CA_CRL_S,
		.number = (uint64_t)now_ms,
		.items = items,
		.n = n,
	};

	return crypto_ca_crl(ca->crypto, &crl, ret, ret_len);
}

const char *ca_certificate(const struct ca *ca)
{
	return ca->cert;
}

int ca_key(const struct ca *ca, uint8_t ret[static CRYPTO_SPKI_LEN])
{
	int r = crypto_ca_key(ca->crypto, ret);

	return r > 0 ? -EBADMSG : r;
}
