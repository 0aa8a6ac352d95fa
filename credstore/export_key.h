/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Keys and certificates in the forms that other programs read. Inside credstore/ only. */

#include "base/secret.h"

/* A stored key (DER or PEM) as PKCS#8 PEM. -EINVAL. */
int export_key_pem(const struct secret *key, struct secret *ret) _must_check_;
/* SHA-256 of its SubjectPublicKeyInfo. -EINVAL. */
int export_key_digest(const struct secret *key, uint8_t ret[static 32]) _must_check_;
/* The same of the first certificate of a PEM text. -EINVAL. */
int export_certificate_digest(const struct secret *pem, uint8_t ret[static 32]) _must_check_;

/* ONBOARD_KEY_URI="…", quoted for a shell and for EnvironmentFile= of systemd, without what tells
 * the PIN or where it is. -EINVAL for what is no URI. */
int export_uri_env(const struct secret *uri, struct secret *ret) _must_check_;
