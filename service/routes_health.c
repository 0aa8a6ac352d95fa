/* SPDX-License-Identifier: Apache-2.0 */

/* For load balancers, which reach this port anyway; operators' programs have one of their own
 * (service/ops_front.h). */

#include "service/routes_private.h"

unsigned int routes_health_live(const struct router_call *call, struct answer *ret)
{
	(void)call;
	ret->json = json_pack("{s:s}", "status", "live");
	return 200;
}

unsigned int routes_health_ready(const struct router_call *call, struct answer *ret)
{
	if (!core_is_ready(call->core))
		return core_problem(503, &ret->json, "the store does not answer, or we are to end");
	ret->json = json_pack("{s:s}", "status", "ready");
	return 200;
}
