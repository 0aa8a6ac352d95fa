/* Targets: netwatch_scan(). */
/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "agent/netwatch.h"
#include "base/macros.h"
#include "tests/fuzz/fuzz.h"

/* Its end is the end of the memory, as of a whole datagram in the buffer of the agent. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	_cleanup_(freep) uint8_t *datagram = malloc(len + 1);
	uint64_t ways = 0, again = 1;
	enum netwatch_scan scan;

	FUZZ_ASSERT(datagram);
	memcpy(datagram, data, len);
	scan = netwatch_scan(datagram, len, &ways);
	FUZZ_ASSERT(scan <= NETWATCH_BROKEN);
	/* It adds to what there is, and nothing else tells on it. */
	FUZZ_ASSERT(netwatch_scan(datagram, len, &again) == scan && again == ways + 1);
	return 0;
}
