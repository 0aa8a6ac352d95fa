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

/* A client certificate, PEM, owned, whose subject is CN=device. */
int ca_issue(struct ca *ca, const uint8_t spki[static CRYPTO_SPKI_LEN], const char *device,
	     char **ret) _must_check_;
