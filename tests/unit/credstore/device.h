/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A store with an identity and an executor, and commands in one line. */

#include "tests/unit/credstore/scratch.h"

#include "credstore/execute.h"
#include "credstore/identity.h"

#define TEST_CLOUD_TAG 16842753
#define TEST_UUID "9f0c0b5e-1f2d-4a3b-8c4d-0123456789ab"

struct device {
	struct store *store;
	struct identity *identity;
	struct executor executor;
};

static inline const char *device_config_check(const char *key, const char *value)
{
	(void)value;
	return strncmp(key, "provisioning/", 13) == 0 ? NULL : "not a setting of this device";
}

static inline void device_open(const struct scratch *t, struct device *ret)
{
	const struct identity_config config = {
		.hardware = "linux", .uuid = TEST_UUID, .device_type = 0x20};
	char *detail = NULL;

	ret->store = scratch_open(t);
	if (identity_open(ret->store, &config, &ret->identity, &detail) != 0)
		fail_msg("identity_open: %s", detail ? detail : "");
	ret->executor = (struct executor){.store = ret->store,
					  .identity = ret->identity,
					  .config_check = device_config_check,
					  .cloud_tag = TEST_CLOUD_TAG};
}

static inline void device_close(struct device *d)
{
	identity_free(d->identity);
	store_close(d->store);
	*d = (struct device){NULL};
}

static inline struct command command_of(const char *id, enum command_type type)
{
	struct command c = {.type = type};

	snprintf(c.correlation, sizeof(c.correlation), "%s", id);
	return c;
}

/* Borrows verb and parameters; never command_done() it. */
static inline struct command at_command(const char *id, const char *verb, const char *parameters)
{
	struct command c = command_of(id, COMMAND_AT);

	c.verb = (char *)verb;
	c.parameters = (char *)parameters;
	return c;
}

static inline struct command config_command(const char *id, const char *key, const char *value)
{
	struct command c = command_of(id, COMMAND_CONFIG);

	c.pairs[0] = (struct config_pair){(char *)key, (char *)value};
	c.n_pairs = 1;
	return c;
}

static inline struct batch_result device_run(struct device *d, struct command *commands, size_t n)
{
	const struct command_list list = {commands, n};
	struct batch_result result = {0};

	assert_int_equal(execute_batch(&d->executor, &list, NULL, &result), 0);
	return result;
}

/* Runs one AT command, takes its result out of the journal and gives its text (owned). */
static inline char *device_at(struct device *d, const char *verb, const char *parameters,
			      enum response_code *ret_code, uint64_t *ret_cme)
{
	struct command c = at_command("one", verb, parameters);
	struct batch_result b = device_run(d, &c, 1);
	struct response result;

	assert_int_equal(b.n_results, 1);
	assert_int_equal(journal_find(d->store, "one", &result), 0);
	assert_int_equal(journal_forget(d->store, &result, 1), 0);
	assert_int_equal(b.failed, result.code == RESPONSE_ERROR);
	assert_non_null(result.message);
	*ret_code = result.code;
	*ret_cme = result.cme_error;
	return result.message;
}

/* The answer must be this text, or this modem's error when cme is not 0. */
static inline void assert_at(struct device *d, const char *verb, const char *parameters,
			     unsigned int cme, const char *text)
{
	enum response_code code;
	uint64_t number;
	char expected[32];
	char *message = device_at(d, verb, parameters, &code, &number);

	snprintf(expected, sizeof(expected), "+CME ERROR: %u\r\n", cme);
	if (cme)
		text = expected;
	if (code != (cme ? RESPONSE_ERROR : RESPONSE_AT) || number != cme || strcmp(message, text))
		fail_msg("%s=%.60s: %d %u %s", verb, parameters, (int)code, (unsigned int)number,
			 message);
	free(message);
}

static inline size_t count_credentials(struct store *s)
{
	struct credential_info *list;
	size_t n;

	assert_int_equal(store_credential_list(s, &list, &n), 0);
	free(list);
	return n;
}
