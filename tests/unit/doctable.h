/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A table of a document that is made by a test from the code's own, so that both say the same. */

/* Fails unless `document` (from the root of the tree) holds table between the line that says that
 * `maker` makes it and "<!-- end of table -->". ONBOARD_UPDATE_DOCS=1 writes it there instead.
 * Skips without ONBOARD_SOURCE_DIR. */
void doctable_check(const char *document, const char *maker, const char *table);
