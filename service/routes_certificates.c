/* SPDX-License-Identifier: Apache-2.0 */

/* The CA of devices' certificates, for everybody. */

#include <stdlib.h>
#include <string.h>

#include "service/core_owner.h"
#include "service/routes_private.h"

static unsigned int copy(const void *data, size_t len, const char *type, struct answer *ret)
{
	ret->text = malloc(len);
	if (!ret->text)
		return core_problem(500, &ret->json, "no memory");
	memcpy(ret->text, data, len);
	ret->len = len;
	ret->type = type;
	return 200;
}

unsigned int routes_ca_certificate(const struct router_call *c, struct answer *ret)
{
	const char *pem;

	if (core_ca_certificate(c->core, &pem) < 0)
		return core_problem(500, &ret->json, "the service failed; its log says why");
	return copy(pem, strlen(pem), "application/x-pem-file", ret);
}

unsigned int routes_ca_crl(const struct router_call *c, struct answer *ret)
{
	const uint8_t *der;
	size_t len;

	if (core_ca_crl(c->core, &der, &len) < 0)
		return core_problem(500, &ret->json, "the service failed; its log says why");
	return copy(der, len, "application/pkix-crl", ret);
}
