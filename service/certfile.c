/* SPDX-License-Identifier: Apache-2.0 */
#include "service/certfile.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/file.h"

#define FILE_MAX 65536

DEFINE_CLEANUP(BIO *, BIO_free);
DEFINE_CLEANUP(X509 *, X509_free);
DEFINE_CLEANUP(EVP_PKEY *, EVP_PKEY_free);

static int refuse(char **ret_detail, const char *path, const char *why)
{
	char *detail;

	ERR_clear_error();
	if (asprintf(&detail, "%s: %s", path, why) < 0)
		return -ENOMEM;
	*ret_detail = detail;
	return CERTFILE_E_REFUSED;
}

static int read_pem(const char *path, struct secret *ret, char **ret_detail)
{
	int r;

	r = file_read(path, FILE_MAX, ret);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return refuse(ret_detail, path, strerror(-r));
	return 0;
}

/* Never asks a terminal for a passphrase. */
static int no_passphrase(char *buf, int size, int is_writing, void *data)
{
	(void)buf;
	(void)size;
	(void)is_writing;
	(void)data;
	return -1;
}

/* First and last certificate of the text; either may be NULL for "not wanted". */
static int parse_chain(const char *path, const struct secret *text, X509 **ret_first,
		       X509 **ret_last, size_t *ret_n, char **ret_detail)
{
	_cleanup_(BIO_freep) BIO *bio = BIO_new_mem_buf(text->data, (int)text->len);
	_cleanup_(X509_freep) X509 *first = NULL, *last = NULL;
	size_t n = 0;

	if (!bio)
		return -ENOMEM;
	for (;;) {
		X509 *cert = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL);

		if (!cert) {
			unsigned long e = ERR_peek_last_error();

			if (ERR_GET_REASON(e) == PEM_R_NO_START_LINE && n > 0)
				break;
			return refuse(ret_detail, path, "no PEM certificate, or a damaged one");
		}
		X509_free(last);
		last = cert;
		X509_up_ref(cert);
		if (n++ == 0)
			first = cert;
		else
			X509_free(cert);
		if (n > CERTFILE_CHAIN_MAX)
			return refuse(ret_detail, path, "too many certificates");
	}
	ERR_clear_error();
	if (ret_first)
		*ret_first = TAKE_PTR(first);
	if (ret_last)
		*ret_last = TAKE_PTR(last);
	*ret_n = n;
	return 0;
}

static int check_key(const char *path, const struct secret *text, X509 *leaf, char **ret_detail)
{
	_cleanup_(BIO_freep) BIO *bio = BIO_new_mem_buf(text->data, (int)text->len);
	_cleanup_(EVP_PKEY_freep) EVP_PKEY *key = NULL;

	if (!bio)
		return -ENOMEM;
	key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
	if (!key)
		return refuse(ret_detail, path, "no PEM private key, or an encrypted one");
	if (X509_check_private_key(leaf, key) != 1)
		return refuse(ret_detail, path, "the key does not belong to the certificate");
	return 0;
}

void certfile_done(struct certfile *c)
{
	secret_done(&c->cert);
	secret_done(&c->key);
	free(TAKE_PTR(c->names));
	c->n_certs = 0;
}

/* As openssl(1) prints them: "DNS:a, IP Address:b". */
static int names_format(X509 *leaf, char **ret)
{
	_cleanup_(BIO_freep) BIO *bio = BIO_new(BIO_s_mem());
	int at = X509_get_ext_by_NID(leaf, NID_subject_alt_name, -1);
	const char *data;
	long len;

	if (!bio)
		return -ENOMEM;
	if (at < 0 || X509V3_EXT_print(bio, X509_get_ext(leaf, at), 0, 0) != 1)
		return 0;
	len = BIO_get_mem_data(bio, &data);
	*ret = strndup(data, (size_t)len);
	return *ret ? 0 : -ENOMEM;
}

static int look(X509 *leaf, struct certfile *c)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(X509_get0_notAfter(leaf), &tm) == 1)
		c->not_after = timegm(&tm);
	return names_format(leaf, &c->names);
}

int certfile_load(const char *cert_path, const char *key_path, struct certfile *ret,
		  char **ret_detail)
{
	_cleanup_(certfile_done) struct certfile c = CERTFILE_INIT;
	_cleanup_(X509_freep) X509 *leaf = NULL;
	int r;

	r = read_pem(cert_path, &c.cert, ret_detail);
	if (r != 0)
		return r;
	r = read_pem(key_path, &c.key, ret_detail);
	if (r != 0)
		return r;
	r = parse_chain(cert_path, &c.cert, &leaf, NULL, &c.n_certs, ret_detail);
	if (r != 0)
		return r;
	if (X509_cmp_current_time(X509_get0_notBefore(leaf)) > 0)
		return refuse(ret_detail, cert_path, "not valid yet");
	if (X509_cmp_current_time(X509_get0_notAfter(leaf)) < 0)
		return refuse(ret_detail, cert_path, "expired");
	r = check_key(key_path, &c.key, leaf, ret_detail);
	if (r != 0)
		return r;
	r = look(leaf, &c);
	if (r < 0)
		return r;
	*ret = c;
	c = CERTFILE_INIT;
	return 0;
}

int certfile_last(const char *cert_path, char **ret_pem, char **ret_detail)
{
	_cleanup_(secret_done) struct secret text = SECRET_INIT;
	_cleanup_(X509_freep) X509 *last = NULL;
	_cleanup_(BIO_freep) BIO *out = NULL;
	const char *data;
	char *pem;
	size_t n;
	long len;
	int r;

	r = read_pem(cert_path, &text, ret_detail);
	if (r != 0)
		return r;
	r = parse_chain(cert_path, &text, NULL, &last, &n, ret_detail);
	if (r != 0)
		return r;
	out = BIO_new(BIO_s_mem());
	if (!out || PEM_write_bio_X509(out, last) != 1)
		return -ENOMEM;
	len = BIO_get_mem_data(out, &data);
	pem = strndup(data, (size_t)len);
	if (!pem)
		return -ENOMEM;
	*ret_pem = pem;
	return 0;
}

bool certfile_is_for(const struct certfile *c, const char *host)
{
	_cleanup_(BIO_freep) BIO *bio = BIO_new_mem_buf(c->cert.data, (int)c->cert.len);
	_cleanup_(X509_freep) X509 *leaf = NULL;

	leaf = bio ? PEM_read_bio_X509(bio, NULL, no_passphrase, NULL) : NULL;
	return leaf && (X509_check_host(leaf, host, 0, 0, NULL) == 1 ||
			X509_check_ip_asc(leaf, host, 0) == 1);
}
