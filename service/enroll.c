/* SPDX-License-Identifier: Apache-2.0 */
#include "service/enroll.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "service/crypto_chain.h"

#define HARDWARE                                                                                   \
	"idevid" /* a certificate does not say the name that a factory would have given            \
		  */

unsigned int enroll_vouch(struct core *c, const struct attest *a, const char *device,
			  struct store_identity *ret_identity, json_t **ret)
{
	struct store_identity row = {.hardware = HARDWARE, .imported_at = clock_wall_s()};
	_cleanup_(freep) char *detail = NULL;
	int r;

	if (!c->makers)
		return core_problem(404, ret,
				    "device %s is not known to this service: its identity key has "
				    "to be imported first",
				    device);
	if (a->chain.n == 0)
		return core_problem(
			404, ret,
			"device %s is not known to this service, and its claim token "
			"carries no manufacturer's certificate: its identity key has to "
			"be imported first",
			device);
	r = crypto_chain_verify(c->makers, &a->chain, row.imported_at, device, row.spki, &detail);
	if (r < 0)
		return core_fail_http(r, "cannot verify a manufacturer's certificate", ret);
	if (r > 0)
		return core_problem(422, ret,
				    "the certificate chain in the claim token of device %s is "
				    "refused: %s",
				    device, detail);
	snprintf(row.uuid, sizeof(row.uuid), "%s", device);
	*ret_identity = row;
	return 0;
}

static unsigned int other_key(const char *device, json_t **ret)
{
	return core_problem(409, ret,
			    "device %s is known with another identity key than that of the "
			    "certificate in its claim token; a known key is never replaced",
			    device);
}

unsigned int enroll_register(struct core *c, const struct store_identity *identity, json_t **ret)
{
	struct service_store *s = c->store;
	struct store_identity known;
	int r;

	r = s->ops->identity_get(s, identity->uuid, &known);
	if (r == STORE_E_NOT_FOUND) {
		r = s->ops->identity_add(s, identity);
		if (r == 0)
			log_info("device=%s identity=registered by=certificate", identity->uuid);
		if (r > 0)
			r = -EEXIST;
	} else if (r == 0 && memcmp(known.spki, identity->spki, sizeof(known.spki)) != 0) {
		return other_key(identity->uuid, ret);
	}
	return r < 0 ? core_fail_http(r, "cannot register an identity", ret) : 0;
}

unsigned int enroll_differs(const struct attest *a, const struct store_identity *known,
			    json_t **ret)
{
	uint8_t spki[CRYPTO_SPKI_LEN];

	if (crypto_chain_key(&a->chain, spki) != 0 ||
	    memcmp(spki, known->spki, sizeof(known->spki)) == 0)
		return 0;
	return other_key(known->uuid, ret);
}
