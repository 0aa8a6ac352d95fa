/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The service's own certification authority: a folder with ca.key (0600) and ca.pem, made when the
 * first certificate is needed. Issues client certificates for keys that devices proved to hold. */

#include <stdint.h>

#include "base/macros.h"
#include "service/crypto.h"

struct ca;

/* Reads the folder, or makes what is missing in it. -errno with *ret_detail, owned by the caller. A
 * key that others can read is -EPERM. */
int ca_open(const char *dir, struct ca **ret, char **ret_detail) _must_check_;
struct ca *ca_free(struct ca *ca);
DEFINE_CLEANUP(struct ca *, ca_free);

/* A client certificate whose subject is CN=device; crl_url may be NULL. */
int ca_issue(struct ca *ca, const uint8_t spki[static CRYPTO_SPKI_LEN], const char *device,
	     const char *crl_url, struct crypto_issued *ret) _must_check_;
/* The revocation list, DER, owned: good for CA_CRL_S from now on. */
#define CA_CRL_S 86400
int ca_crl(struct ca *ca, const struct crypto_revoked *items, size_t n, uint8_t **ret,
	   size_t *ret_len) _must_check_;
/* Its own certificate, PEM. */
const char *ca_certificate(const struct ca *ca);
/* Its public key. */
int ca_key(const struct ca *ca, uint8_t ret[static CRYPTO_SPKI_LEN]) _must_check_;
