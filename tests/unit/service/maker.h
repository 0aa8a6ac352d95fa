/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A maker of devices: certificates of the moment, as good or as bad as a test wants them. */

#include <openssl/x509.h>

#include "proto/x5chain.h"
#include "service/crypto_chain.h"

struct maker {
	EVP_PKEY *root_key, *line_key;
	X509 *root, *line; /* line: the CA below the root that issues for devices */
};

struct cert_spec {
	const char *cn, *serial;       /* of the subject; NULL: not there */
	EVP_PKEY *key;                 /* its own */
	X509 *issuer;                  /* NULL: self-signed */
	EVP_PKEY *signer;              /* the issuer's */
	const char *constraints;       /* basicConstraints; NULL: none */
	const char *usage;             /* keyUsage; NULL: none */
	int64_t not_before, not_after; /* seconds from now; not_after 0 is 99991231235959Z */
	const EVP_MD *digest;          /* NULL: SHA-256 */
};

X509 *cert_make(const struct cert_spec *spec);
/* Leaf first; NULLs are left out. */
void chain_make(X509 *const *certs, size_t n, struct x5chain *ret);

struct maker *maker_new(const char *root_name);
void maker_free(struct maker *m);
/* What a device of this maker has: its certificate and the line's. */
void maker_chain(const struct maker *m, EVP_PKEY *key, const char *uuid, struct x5chain *ret);
/* PEM (owned). */
char *cert_pem(X509 *cert);
