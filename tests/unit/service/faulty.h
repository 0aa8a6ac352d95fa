/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A fixture's store that fails the call that the test names: what the service does when the disk
 * does. */

#include "fixture.h"

/* From now on, until the fixture is torn down. No call fails yet. */
void faulty_install(struct fixture *f);
/* This call of the store's operations, by its name, is r from now on, the others do their work; ""
 * for none. */
void faulty_fail(const char *call, int r);
