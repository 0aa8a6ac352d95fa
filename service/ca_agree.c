/* SPDX-License-Identifier: Apache-2.0 */

/* All processes of a store sign with one CA: a certificate has to be good whichever of them issued
 * it, and so has the revocation list. The fingerprint of the CA's key is in the store, and a folder
 * with another one is refused; so is a store that was restored without its CA. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "service/ca.h"
#include "service/core_private.h"
#include "service/crypto.h"

#define NAME "device-ca"
#define FINGERPRINT_TEXT 65

static int fingerprint(const struct ca *ca, char ret[static FINGERPRINT_TEXT])
{
	uint8_t spki[CRYPTO_SPKI_LEN], digest[32];
	int r;

	r = ca_key(ca, spki);
	if (r < 0)
		return r;
	crypto_sha256(spki, sizeof(spki), digest);
	hex_encode(digest, sizeof(digest), ret);
	return 0;
}

static int refuse(const struct core *c, char **ret_detail)
{
	core_detail(ret_detail,
		    "the certificates of this store are signed by another CA than the one in %s: "
		    "copy ca.key and ca.pem there from a machine that serves the store, or from "
		    "its backup",
		    c->ca_dir);
	return -EPERM;
}

/* The first one to come says which CA it is. */
static int agree(const struct core *c, const char *ours)
{
	const struct service_store_ops *ops = c->store->ops;
	_cleanup_(freep) char *theirs = NULL;
	int r;

	r = ops->meta_add(c->store, NAME, ours);
	if (r != STORE_E_EXISTS)
		return r;
	r = ops->meta_get(c->store, NAME, &theirs);
	if (r != 0)
		return r < 0 ? r : -EBADMSG;
	return strcmp(ours, theirs) == 0 ? 0 : -EPERM;
}

/* A folder that has no CA must not get one when the store has. */
static int may_be_made(const struct core *c)
{
	_cleanup_(freep) char *known = NULL, *path = NULL;
	int r;

	if (asprintf(&path, "%s/ca.key", c->ca_dir) < 0)
		return -ENOMEM;
	if (access(path, F_OK) == 0)
		return 0;
	r = c->store->ops->meta_get(c->store, NAME, &known);
	return r == 0 ? -EPERM : MIN(r, 0);
}

int core_ca_open(struct core *c, char **ret_detail)
{
	_cleanup_(ca_freep) struct ca *ca = NULL;
	char ours[FINGERPRINT_TEXT];
	int r;

	if (c->ca)
		return 0;
	r = may_be_made(c);
	if (r == -EPERM)
		return refuse(c, ret_detail);
	if (r < 0)
		return r;
	r = ca_open(c->ca_dir, &ca, ret_detail);
	if (r == 0)
		r = fingerprint(ca, ours);
	if (r < 0)
		return r;
	r = agree(c, ours);
	if (r == -EPERM)
		return refuse(c, ret_detail);
	if (r == 0)
		c->ca = TAKE_PTR(ca);
	return r;
}
