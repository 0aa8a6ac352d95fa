/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Tokens of a real SoftHSM in the scratch directory of a test, and what OpenSC's pkcs11-tool says
 * of them. */

#include <errno.h>

#include "credstore/key.h"
#include "tests/unit/credstore/scratch.h"

#define SOFTHSM_MODULE "/usr/lib/softhsm/libsofthsm2.so"
#define SOFTHSM_HOME "pkcs11:token=onboard"
#define SOFTHSM_PIN "271828"
#define SOFTHSM_SO_PIN "31415926"

struct softhsm {
	struct scratch *scratch;
	struct keyring *ring;
	char pin_file[PATH_MAX];
};

/* Runs a shell command; what it wrote is in <scratch>/out. The exit status. */
static inline int _printf_(2, 3) softhsm_run(const struct softhsm *h, const char *format, ...)
{
	char command[2048], whole[4096];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	/* The tools are not under the sanitizers' or valgrind's eyes. */
	snprintf(whole, sizeof(whole), "(%s) >%s/out 2>&1", command, h->scratch->dir);
	return system(whole);
}

static inline void softhsm_said(const struct softhsm *h, struct secret *ret)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/out", h->scratch->dir);
	scratch_read(path, ret);
}

#define SOFTHSM_MUST(h, ...)                                                                       \
	do {                                                                                       \
		if (softhsm_run((h), __VA_ARGS__) != 0) {                                          \
			struct secret _said = SECRET_INIT;                                         \
                                                                                                   \
			softhsm_said((h), &_said);                                                 \
			fail_msg("%s", (const char *)_said.data);                                  \
		}                                                                                  \
	} while (0)

static inline void softhsm_write_pin(const struct softhsm *h, const char *pin)
{
	char text[64];

	snprintf(text, sizeof(text), "%s\n", pin);
	scratch_write(h->pin_file, text, strlen(text));
}

static inline void softhsm_add_token(const struct softhsm *h, const char *label)
{
	SOFTHSM_MUST(h, "softhsm2-util --init-token --free --label '%s' --so-pin %s --pin %s",
		     label, SOFTHSM_SO_PIN, SOFTHSM_PIN);
}

static inline struct keyring *softhsm_ring(const char *module, const char *pin_file)
{
	const struct keyring_config c = {.module = module, .pin_file = pin_file};
	struct keyring *ring;

	assert_int_equal(keyring_new(&c, &ring), 0);
	return ring;
}

/* One token, "onboard". */
static inline int softhsm_setup(void **state)
{
	struct softhsm *h = calloc(1, sizeof(*h));
	char path[PATH_MAX], text[PATH_MAX];
	void *scratch = NULL;

	assert_non_null(h);
	scratch_setup(&scratch);
	h->scratch = scratch;
	snprintf(path, sizeof(path), "%s/tokens", h->scratch->dir);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(text, sizeof(text), "directories.tokendir = %s/tokens\nlog.level = ERROR\n",
		 h->scratch->dir);
	snprintf(path, sizeof(path), "%s/softhsm2.conf", h->scratch->dir);
	scratch_write(path, text, strlen(text));
	setenv("SOFTHSM2_CONF", path, 1);
	snprintf(h->pin_file, sizeof(h->pin_file), "%s/pin", h->scratch->dir);
	softhsm_write_pin(h, SOFTHSM_PIN);
	softhsm_add_token(h, "onboard");
	h->ring = softhsm_ring(SOFTHSM_MODULE, h->pin_file);
	*state = h;
	return 0;
}

static inline int softhsm_teardown(void **state)
{
	struct softhsm *h = *state;
	void *scratch = h->scratch;

	keyring_free(h->ring);
	scratch_teardown(&scratch);
	free(h);
	return 0;
}

#define SOFTHSM_TEST(f) cmocka_unit_test_setup_teardown(f, softhsm_setup, softhsm_teardown)

/* --- what somebody else sees and does */

/* Arguments of pkcs11-tool for the token, logged in. */
#define PKCS11_TOOL                                                                                \
	"pkcs11-tool --module " SOFTHSM_MODULE " --token-label onboard --login --pin " SOFTHSM_PIN \
	" "

/* Lines in which pkcs11-tool names the label, of both halves. */
static inline int softhsm_count(const struct softhsm *h, const char *label)
{
	_cleanup_(secret_done) struct secret said = SECRET_INIT;
	char line[256];
	int n = 0;

	SOFTHSM_MUST(h, PKCS11_TOOL "--list-objects");
	softhsm_said(h, &said);
	snprintf(line, sizeof(line), "label:      %s\n", label);
	for (const char *at = (const char *)said.data; (at = strstr(at, line)); at++)
		n++;
	return n;
}

/* A key pair as a factory makes it; id in hex. */
static inline void softhsm_factory_key(const struct softhsm *h, const char *label, const char *id)
{
	SOFTHSM_MUST(h, PKCS11_TOOL "--keypairgen --key-type EC:prime256v1 --label '%s' --id %s",
		     label, id);
}

/* --- what we do */

/* What went wrong last. Good until the next call. */
static inline const char *softhsm_why(const struct softhsm *h)
{
	static char why[256];

	keyring_detail(h->ring, why, sizeof(why));
	return why;
}

static inline struct key *softhsm_generate(const struct softhsm *h, const char *label,
					   struct secret *ret_uri)
{
	struct key *k = NULL;
	int r = key_generate_at(h->ring, SOFTHSM_HOME, label, &k, ret_uri);

	if (r != 0)
		fail_msg("%d: %s", r, softhsm_why(h));
	return k;
}

/* What a list of objects says of a key: this use and no other. Of one that was made without a word
 * on it SoftHSM says signRecover, too, and Debian 13's OpenSC shows that. */
static inline bool softhsm_is_for(const struct secret *said, const char *use)
{
	char line[64], with_default[64];

	snprintf(line, sizeof(line), "Usage:      %s\n", use);
	snprintf(with_default, sizeof(with_default), "Usage:      %s, signRecover\n", use);
	return strstr((const char *)said->data, line) ||
	       strstr((const char *)said->data, with_default);
}

static inline struct key *softhsm_key(const struct softhsm *h, const char *uri)
{
	struct key *k = NULL;

	assert_int_equal(key_open(h->ring, uri, strlen(uri), NULL, &k), 0);
	return k;
}
