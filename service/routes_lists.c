/* SPDX-License-Identifier: Apache-2.0 */

/* Lists of devices, worked off a row in each turn of the loop, so that devices and other owners are
 * served meanwhile. */

#include <stdio.h>
#include <string.h>

#include "service/core_owner.h"
#include "service/portal.h"
#include "service/routes_private.h"

#define HOST_MAX 256

static unsigned int on_step(void *data, struct answer *ret)
{
	return core_rows_step(data, &ret->json);
}

static void on_free(void *data)
{
	core_rows_free(data);
}

static unsigned int put_aside(const struct router_call *c, struct core_rows *rows)
{
	exchange_later(c->exchange, &(struct exchange_job){rows, on_step, on_free});
	return EXCHANGE_LATER;
}

unsigned int routes_claim_rows(const struct router_call *c, struct answer *ret)
{
	struct core_rows *rows;
	unsigned int status;

	status = core_claim_rows(c->core, c->owner, c->bytes, c->len, &rows, &ret->json);
	return status ? status : put_aside(c, rows);
}

unsigned int routes_onboard_rows(const struct router_call *c, struct answer *ret)
{
	struct core_rows *rows;
	unsigned int status;

	status = core_onboard_rows(c->core, c->owner, c->bytes, c->len, &rows, &ret->json);
	return status ? status : put_aside(c, rows);
}

/* The name that we were told, which is the proxy's where there is one; else where the client found
 * us, as it says itself: it alone gets to read it. */
static void base_of(const struct router_call *c, char *ret, size_t size)
{
	const struct exchange *x = c->exchange;
	const char *host = exchange_header(x, "Host"),
		   *url = c->portal ? portal_public_url(c->portal) : NULL;

	if (url) {
		snprintf(ret, size, "%.*s", (int)(strlen(url) - (url[strlen(url) - 1] == '/')),
			 url);
		return;
	}
	snprintf(ret, size, "%s://%s", exchange_is_tls(x) ? "https" : "http",
		 host && strlen(host) < HOST_MAX ? host : "localhost");
}

unsigned int routes_onboard_result(const struct router_call *c, struct answer *ret)
{
	char base[HOST_MAX + 40];

	base_of(c, base, sizeof(base));
	return core_onboard_result(c->core, c->owner, c->params->request, base, &ret->json);
}

unsigned int routes_onboard_errors(const struct router_call *c, struct answer *ret)
{
	return core_onboard_errors(c->core, c->params->tenant, c->params->request, &ret->json);
}

unsigned int routes_device_name(const struct router_call *c, struct answer *ret)
{
	json_auto_t *body = NULL;
	const json_t *name = json_array_get(c->body, 0);

	if (!json_is_array(c->body) || json_array_size(c->body) != 1)
		return core_problem(422, &ret->json, "the body must be an array of one name");
	body = json_pack("{s:O}", "name", name);
	return core_device_change(c->core, c->owner, c->params->device, body, &ret->json);
}
