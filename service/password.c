/* SPDX-License-Identifier: Apache-2.0 */
#include "service/password.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/secret.h"
#include "base/text.h"
#include "service/crypto.h"

#define PREFIX "scrypt$"
#define SALT_LEN 16
#define HASH_LEN 32
/* Bounds of what is read: 1 GiB, and far beyond what anybody configures. */
#define LOG2_N_MAX 20
#define R_MAX 32
#define P_MAX 16
#define COST_R 8
#define COST_P 1

#define GENERATED_GROUPS 5
#define GENERATED_GROUP 5

struct stored {
	struct crypto_scrypt_cost cost;
	uint8_t salt[SALT_LEN], hash[HASH_LEN];
};

int password_check(const char *password, size_t len)
{
	if (len < PASSWORD_MIN)
		return PASSWORD_E_SHORT;
	if (len > PASSWORD_MAX)
		return PASSWORD_E_LONG;
	for (size_t i = 0; i < len;) {
		uint32_t point;
		size_t n = utf8_char(password + i, len - i, &point);

		if (n == 0 || point < 0x20 || (point >= 0x7f && point < 0xa0))
			return PASSWORD_E_TEXT;
		i += n;
	}
	return 0;
}

const char *password_why(int error)
{
	switch (error) {
	case PASSWORD_E_SHORT:
		return "a password has at least 8 bytes";
	case PASSWORD_E_LONG:
		return "a password has at most 128 bytes";
	case PASSWORD_E_TEXT:
		return "a password is UTF-8 without control characters";
	default:
		return "the password cannot be hashed now";
	}
}

/* The next of the numbers between dollar signs. */
static bool take_number(const char **p, uint64_t max, unsigned int *ret)
{
	size_t len = strcspn(*p, "$");
	uint64_t value;

	if ((*p)[len] != '$' || decimal_parse(*p, len, max, &value) < 0 || value == 0)
		return false;
	*ret = (unsigned int)value;
	*p += len + 1;
	return true;
}

static bool take_bytes(const char **p, char end, uint8_t *ret, size_t want)
{
	size_t len = strcspn(*p, "$"), n;

	if (len != BASE64URL_LEN(want) || (*p)[len] != end ||
	    base64url_decode(*p, len, ret, &n) < 0 || n != want)
		return false;
	*p += len + 1;
	return true;
}

static int parse(const char *text, struct stored *ret)
{
	const char *p = text + strlen(PREFIX);

	if (strncmp(text, PREFIX, strlen(PREFIX)) != 0 ||
	    !take_number(&p, LOG2_N_MAX, &ret->cost.log2_n) ||
	    !take_number(&p, R_MAX, &ret->cost.r) || !take_number(&p, P_MAX, &ret->cost.p) ||
	    !take_bytes(&p, '$', ret->salt, SALT_LEN) || !take_bytes(&p, '\0', ret->hash, HASH_LEN))
		return -EBADMSG;
	return 0;
}

int password_hash(const char *password, size_t len, unsigned int log2_n,
		  char ret[static PASSWORD_TEXT])
{
	const struct crypto_scrypt_cost cost = {.log2_n = log2_n, .r = COST_R, .p = COST_P};
	uint8_t salt[SALT_LEN], hash[HASH_LEN];
	char salt_text[BASE64URL_LEN(SALT_LEN) + 1], hash_text[BASE64URL_LEN(HASH_LEN) + 1];
	int r;

	if (password_check(password, len) != 0 || log2_n == 0 || log2_n > LOG2_N_MAX)
		return -EINVAL;
	random_fill(salt, sizeof(salt));
	r = crypto_scrypt(password, len, salt, sizeof(salt), &cost, hash);
	secret_wipe_stack();
	if (r < 0)
		return r;
	base64url_encode(salt, sizeof(salt), salt_text);
	base64url_encode(hash, sizeof(hash), hash_text);
	snprintf(ret, PASSWORD_TEXT, PREFIX "%u$%u$%u$%s$%s", cost.log2_n, cost.r, cost.p,
		 salt_text, hash_text);
	secret_wipe(hash, sizeof(hash));
	secret_wipe(hash_text, sizeof(hash_text));
	return 0;
}

int password_verify(const char *stored, const char *password, size_t len, unsigned int log2_n,
		    bool *ret)
{
	struct stored s = {.cost = {.log2_n = log2_n, .r = COST_R, .p = COST_P}};
	uint8_t hash[HASH_LEN];
	int r;

	if (stored) {
		r = parse(stored, &s);
		if (r < 0)
			return r;
	} else {
		random_fill(s.salt, sizeof(s.salt));
	}
	r = crypto_scrypt(password, len, s.salt, sizeof(s.salt), &s.cost, hash);
	secret_wipe_stack();
	if (r < 0)
		return r;
	*ret = secret_equal(hash, sizeof(hash), s.hash, sizeof(s.hash)) && stored;
	secret_wipe(hash, sizeof(hash));
	secret_wipe(&s, sizeof(s));
	return 0;
}

bool password_is_weak(const char *stored, unsigned int log2_n)
{
	struct stored s;

	return parse(stored, &s) < 0 || s.cost.log2_n < log2_n || s.cost.r < COST_R ||
	       s.cost.p < COST_P;
}

void password_generate(char ret[static PASSWORD_GENERATED_TEXT])
{
	/* 32 characters: five bits each. No 0 and o, no 1 and l. */
	static const char alphabet[] = "abcdefghijkmnpqrstuvwxyz23456789";
	char *p = ret;

	_Static_assert(GENERATED_GROUPS * (GENERATED_GROUP + 1) <= PASSWORD_GENERATED_TEXT, "");
	for (size_t i = 0; i < GENERATED_GROUPS; i++) {
		if (i > 0)
			*p++ = '-';
		for (size_t n = 0; n < GENERATED_GROUP; n++)
			*p++ = alphabet[random_below(sizeof(alphabet) - 1)];
	}
	*p = '\0';
}
