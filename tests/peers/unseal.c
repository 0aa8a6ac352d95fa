/* SPDX-License-Identifier: Apache-2.0 */

/* unseal DIR TAG TYPE: one credential of a store in the clear, in hex, for tests that must know a
 * secret in order to search for it. DIR is a copy: a store has one user at a time. */

#include <stdio.h>
#include <stdlib.h>

#include "base/secret.h"
#include "base/text.h"
#include "credstore/store.h"

int main(int argc, char **argv)
{
	_cleanup_(store_closep) struct store *store = NULL;
	_cleanup_(secret_done) struct secret value = SECRET_INIT;
	_cleanup_(freep) char *detail = NULL, *hex = NULL;

	if (argc != 4)
		return 64;
	if (store_open(argv[1], NULL, &store, &detail) != 0) {
		fprintf(stderr, "unseal: %s\n", detail ? detail : "no memory");
		return 1;
	}
	if (store_credential_get(store, (uint32_t)strtoul(argv[2], NULL, 10),
				 (enum credential_type)strtoul(argv[3], NULL, 10), &value) != 0) {
		fprintf(stderr, "unseal: there is no such credential\n");
		return 1;
	}
	hex = malloc(2 * value.len + 1);
	if (!hex)
		return 1;
	hex_encode(value.data, value.len, hex);
	puts(hex);
	return 0;
}
