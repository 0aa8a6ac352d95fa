/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A stranger's text made fit for a terminal and for D-Bus (which drops a sender of anything but
 * UTF-8): control characters and bytes that are not UTF-8 become '?', what is too long is cut
 * between characters. */

#include <stddef.h>

/* text NULL is "". ret holds at most size - 1 bytes and a NUL; size > 0. Returns ret. */
const char *plain_text(const char *text, char *ret, size_t size);
