/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Handlers that are more than one line: for the table in routes.c. */

#include "service/router.h"

/* routes_lists.c: lists, in slices */
unsigned int routes_claim_rows(const struct router_call *call, struct answer *ret);
unsigned int routes_onboard_rows(const struct router_call *call, struct answer *ret);
unsigned int routes_onboard_result(const struct router_call *call, struct answer *ret);
unsigned int routes_onboard_errors(const struct router_call *call, struct answer *ret);
/* nRF Cloud's way to name a device: ["name"] */
unsigned int routes_device_name(const struct router_call *call, struct answer *ret);

/* openapi.c */
unsigned int routes_openapi(const struct router_call *call, struct answer *ret);

/* routes_certificates.c */
unsigned int routes_ca_certificate(const struct router_call *call, struct answer *ret);
unsigned int routes_ca_crl(const struct router_call *call, struct answer *ret);

/* routes_health.c */
unsigned int routes_health_live(const struct router_call *call, struct answer *ret);
unsigned int routes_health_ready(const struct router_call *call, struct answer *ret);
