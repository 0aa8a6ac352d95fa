/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* In which network the machine is, by rtnetlink (rtnetlink(7)). */

#include "agent/transport.h"

/* All empty when there is no default route, or the kernel does not say. */
void network_now(struct network *ret);
