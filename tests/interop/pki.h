/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A throw-away root CA and server certificates of it, made when a test runs. */

#include <stddef.h>

struct pki;

struct pki *pki_new(const char *common_name);
void pki_free(struct pki *pki);
/* PEM of the root; lives as long as pki. */
const char *pki_root_pem(const struct pki *pki);
/* Writes <dir>/<stem>.pem and <dir>/<stem>.key for a server named dns; valid from now + from_s to
 * now + to_s. */
void pki_issue(struct pki *pki, const char *dir, const char *stem, const char *dns, long from_s,
	       long to_s);
