/* SPDX-License-Identifier: Apache-2.0 */

/* A keyring on a terminal, for tests against tokens that need more than one process: one command a
 * line in, one answer a line out, "ok …" or "error NUMBER TEXT (DETAIL)".
 *
 *   generate HOME LABEL     ok URI        spki URI          ok HEX
 *   sign URI TEXT           ok HEX        csr URI CN        ok HEX
 *   destroy URI             ok            sweep HOME PREFIX [KEEP...]   ok N
 *
 * Its arguments are the module ("-": those of p11-kit) and the PIN file ("-": the credential). A
 * "+" in a label or prefix is a space.
 */

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "credstore/key.h"

#define WORDS_MAX 16

struct answer {
	uint8_t data[KEY_CSR_MAX];
	size_t len;
};

static void plus_to_space(char *text)
{
	for (; *text; text++)
		if (*text == '+')
			*text = ' ';
}

static int use_key(struct keyring *ring, char **words, size_t n, struct answer *ret)
{
	_cleanup_(key_freep) struct key *k = NULL;
	int r;

	r = key_open(ring, words[1], strlen(words[1]), NULL, &k);
	if (r != 0)
		return r;
	if (strcmp(words[0], "spki") == 0)
		return key_spki(k, ret->data, &ret->len);
	if (strcmp(words[0], "csr") == 0 && n == 3)
		return key_csr(k, words[2], NULL, NULL, ret->data, &ret->len);
	if (strcmp(words[0], "sign") != 0 || n != 3)
		return -1;
	ret->len = 64;
	return key_sign(k, (const uint8_t *)words[2], strlen(words[2]), ret->data);
}

static int generate(struct keyring *ring, char **words)
{
	_cleanup_(key_freep) struct key *k = NULL;
	_cleanup_(secret_done) struct secret uri = SECRET_INIT;
	int r;

	plus_to_space(words[2]);
	r = key_generate_at(ring, words[1], words[2], &k, &uri);
	if (r == 0)
		printf("ok %s\n", (const char *)uri.data);
	return r;
}

static int sweep(struct keyring *ring, char **words, size_t n)
{
	size_t destroyed;
	int r;

	plus_to_space(words[2]);
	r = key_sweep(ring, words[1], words[2], (const char *const *)words + 3, n - 3, &destroyed);
	if (r == 0)
		printf("ok %zu\n", destroyed);
	return r;
}

static int obey(struct keyring *ring, char **words, size_t n)
{
	char hex[2 * KEY_CSR_MAX + 1];
	struct answer a;
	int r;

	if (n < 2)
		return -1;
	if (strcmp(words[0], "generate") == 0 && n == 3)
		return generate(ring, words);
	if (strcmp(words[0], "sweep") == 0 && n >= 3)
		return sweep(ring, words, n);
	if (strcmp(words[0], "destroy") == 0) {
		r = key_destroy(ring, words[1], strlen(words[1]));
		if (r == 0)
			puts("ok");
		return r;
	}
	r = use_key(ring, words, n, &a);
	if (r != 0)
		return r;
	hex_encode(a.data, a.len, hex);
	printf("ok %s\n", hex);
	return 0;
}

int main(int argc, char **argv)
{
	struct keyring_config c = {NULL, NULL};
	char line[8192], why[256], *words[WORDS_MAX], *save;
	struct keyring *ring;
	size_t n;
	int r;

	if (argc != 3)
		return 64;
	c.module = strcmp(argv[1], "-") == 0 ? NULL : argv[1];
	c.pin_file = strcmp(argv[2], "-") == 0 ? NULL : argv[2];
	if (keyring_new(&c, &ring) < 0)
		return 1;
	setvbuf(stdout, NULL, _IOLBF, 0);
	while (fgets(line, sizeof(line), stdin)) {
		n = 0;
		for (char *w = strtok_r(line, " \n", &save); w && n < WORDS_MAX;
		     w = strtok_r(NULL, " \n", &save))
			words[n++] = w;
		r = obey(ring, words, n);
		keyring_detail(ring, why, sizeof(why));
		if (r != 0)
			printf("error %d %s (%s)\n", r, key_strerror(r), why);
	}
	keyring_free(ring);
	return 0;
}
