/* Targets: srv_parse(), hostname_read(), hostname_is_in(). */
/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "discovery/srv.h"
#include "tests/fuzz/fuzz.h"

/* Whatever an answer says, the name is one, and in the domain. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char again[HOSTNAME_MAX + 1];
	struct srv srv;

	if (srv_parse(data, len, "site.example", (uint32_t)len, &srv) != 0)
		return 0;
	FUZZ_ASSERT(srv.port > 0);
	FUZZ_ASSERT(hostname_is_in(srv.host, "site.example"));
	FUZZ_ASSERT(hostname_read(srv.host, again) && strcmp(again, srv.host) == 0);
	return 0;
}
