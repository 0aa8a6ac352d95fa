/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Network names for phones' apps, which take every name for UTF-8; one of them dies of anything
 * else. */

#include <stdbool.h>

#include "proto/wifi/wifi.h"

/* Something to show and to send back as it is: UTF-8, and neither empty nor the run of zeros that
 * some hidden networks say instead. */
bool ssid_is_showable(const struct wifi_network *n);
/* Puts wifi_ssid_text(), cut to length, in the place of a name that is not. */
void ssid_make_showable(struct wifi_network *n);
