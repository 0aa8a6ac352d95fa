/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The agent's Wi-Fi: [wifi] of the configuration made into a struct wifi, on a bus connection of
 * its own that comes back when the bus was away. What happens is told to the agent's observers. */

#include "agent/agent.h"
#include "base/macros.h"

struct wireless;

/* config and agent are borrowed. No bus yet is no error. ret_detail as agent_new(). -errno,
 * EXIT_CODE_STORE. */
int wireless_new(sd_event *event, const struct config *config, struct store *store,
		 struct agent *agent, struct wireless **ret, char **ret_detail) _must_check_;
struct wireless *wireless_free(struct wireless *w);
DEFINE_CLEANUP(struct wireless *, wireless_free);
/* NULL while there is no bus. */
struct wifi *wireless_wifi(struct wireless *w);
/* The passkey to show, "" for none. */
const char *wireless_passkey(const struct wireless *w);
