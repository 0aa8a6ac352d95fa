/* Targets: address_parse(), address_format(), resolve_literal(), resolve_format(). */
/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "service/address.h"
#include "session/resolve.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	_cleanup_(freep) char *text = strndup((const char *)data, len);
	char once[ADDRESS_TEXT], twice[ADDRESS_TEXT], host[RESOLVE_TEXT_MAX];
	struct resolve_address peer, peer_again;
	union address a, again;
	socklen_t size;

	if (address_parse(text, &a, &size) == 0) {
		address_format(&a, once);
		FUZZ_ASSERT(address_parse(once, &again, &size) == 0);
		address_format(&again, twice);
		FUZZ_ASSERT(strcmp(once, twice) == 0);
		FUZZ_ASSERT(address_port(&a) == address_port(&again));
		FUZZ_ASSERT(address_is_loopback(&a) == address_is_loopback(&again));
		address_host(&a, host, sizeof(host));
		FUZZ_ASSERT(resolve_literal(host, 1, &peer) == 0);
	}
	if (resolve_literal(text, 5684, &peer) == 0) {
		resolve_format(&peer, host);
		FUZZ_ASSERT(resolve_literal(host, 5684, &peer_again) == 0);
		FUZZ_ASSERT(peer.len == peer_again.len &&
			    peer.any.sa_family == peer_again.any.sa_family);
	}
	return 0;
}
