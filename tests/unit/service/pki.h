/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Throw-away certificates, made by the openssl command in a temporary directory: root.pem,
 * inter.pem, leaf.pem with leaf.key (issued by the intermediate, names localhost and 127.0.0.1),
 * chain.pem (leaf, intermediate), other.key. */

/* The directory, which pki_free() removes; fails the test when something goes wrong. */
char *pki_make(void);
char *pki_free(char *dir);
/* dir "/" name, owned by the caller. */
char *pki_path(const char *dir, const char *name);
