/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The code on the device's label, from the file that the factory wrote. */

#include "base/secret.h"

#define LABEL_CODE_MIN 6

/* One line of LABEL_CODE_MIN to WIFI_LABEL_CODE_MAX printable ASCII characters; without its line
 * end. -EINVAL, -errno; *ret_detail (may be NULL): an owned text for people. */
int label_read(const char *path, struct secret *ret, char **ret_detail) _must_check_;
