/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* How the Wi-Fi stands, as one sentence for people: status, journal, monitor. */

#include "wifi/wifi.h"

#define TELL_TEXT_MAX 384

const char *tell_stage(const struct wifi_view *v, char ret[static TELL_TEXT_MAX]);
