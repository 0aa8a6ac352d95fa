/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A front's certificate and key, read and checked once at start, so that a wrong file is an error
 * with a reason then and not a failed handshake later. */

#include <stdbool.h>
#include <stdint.h>

#include "base/secret.h"

struct certfile {
	struct secret cert; /* PEM: leaf, then intermediates */
	struct secret key;  /* PEM */
	size_t n_certs;
	int64_t not_after; /* of the leaf */
	char *names;       /* owned; its DNS names and addresses, "a, b"; NULL for none */
};

#define CERTFILE_INIT                                                                              \
	(struct certfile)                                                                          \
	{                                                                                          \
		SECRET_INIT, SECRET_INIT, 0, 0, NULL                                               \
	}

/* 0, -errno, or 1 with *ret_detail (owned): unreadable, not PEM, more than CERTFILE_CHAIN_MAX, a
 * key that is encrypted or belongs to another certificate, a leaf that is out of its validity. */
#define CERTFILE_CHAIN_MAX 8
enum { CERTFILE_E_REFUSED = 1 };
int certfile_load(const char *cert_path, const char *key_path, struct certfile *ret,
		  char **ret_detail) _must_check_;
void certfile_done(struct certfile *c);
/* Whether the leaf is for a host: a DNS name or a numeric address. */
bool certfile_is_for(const struct certfile *c, const char *host);

/* The last certificate of a PEM file as PEM text (owned): the one closest to the root. Same codes.
 */
int certfile_last(const char *cert_path, char **ret_pem, char **ret_detail) _must_check_;
