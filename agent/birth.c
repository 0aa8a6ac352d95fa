/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/birth.h"

#include <errno.h>
#include <stdio.h>

#include "agent/internal.h"

static int refuse_born(const struct config *config, struct store *store, char **ret_detail)
{
	_cleanup_(freep) char *uuid = NULL, *digest = NULL;
	int r = identity_born(store, &uuid, &digest);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	if (asprintf(ret_detail,
		     "%s holds an identity already: device %s, SHA-256 of its public key %s; "
		     "onboardd --init prints its row, and without the directory there can be "
		     "another",
		     config->state_dir, uuid, digest) < 0)
		*ret_detail = NULL;
	return EXIT_CODE_IDENTITY;
}

int agent_birth(const struct config *config, bool must_be_new,
		char ret_row[static IDENTITY_CSV_MAX + 1], char **ret_detail)
{
	_cleanup_(keyring_freep) struct keyring *ring = NULL;
	_cleanup_(store_closep) struct store *store = NULL;
	_cleanup_(identity_freep) struct identity *identity = NULL;
	struct config here = *config; /* its texts stay the caller's */
	int r = agent_open_keyring(config, &ring);

	if (here.chain_file && access(here.chain_file, F_OK) < 0 && errno == ENOENT)
		here.chain_file = NULL;
	if (r == 0)
		r = agent_open_store(&here, ring, &store, ret_detail);
	if (r == 0 && must_be_new)
		r = refuse_born(&here, store, ret_detail);
	if (r == 0)
		r = agent_open_identity(&here, ring, store, &identity, ret_detail);
	return r == 0 ? identity_csv(identity, ret_row, IDENTITY_CSV_MAX + 1) : r;
}
