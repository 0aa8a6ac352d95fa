/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A service in a folder of its own with a real store, two teams, and devices that prove themselves
 * as real ones do. Everything is made when the test runs. */

#include <jansson.h>
#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proto/command.h"
#include "proto/cose.h"
#include "proto/keygen.h"
#include "proto/limits.h"
#include "proto/response.h"
#include "proto/x5chain.h"
#include "service/core_owner.h"
#include "service/store.h"

#define TAG 16842753

struct fixture {
	char dir[64], db[96], ca[96];
	char *root_ca;                /* owned; PEM */
	struct crypto_makers *makers; /* owned; NULL unless a test trusts some */
	struct service_store *store;
	struct core *core;
	struct core_owner editor, viewer, other; /* other: admin of another team */
};

int fixture_setup(void **state);
int fixture_teardown(void **state);
/* A second door to the same store, as another process has. */
void fixture_open(struct fixture *f, struct service_store **ret_store, struct core **ret_core);

/* All that is below it too. */
void folder_remove(const char *dir);

/* The device, asking from a usual place: one at a time. */
struct core_caller *caller(const char *device);
/* p/auth-jwt and auth/jwt; device is who core says that it is, or "". */
enum core_verdict token_show(struct core *c, const char *jwt, size_t len,
			     char device[static CORE_UUID_TEXT]);
enum core_verdict cloud_token_show(struct core *c, const char *jwt, size_t len,
				   char device[static CORE_UUID_TEXT]);

/* How many devices the service knows, claimed or not. */
size_t identity_count(struct fixture *f);
/* The status; tags is JSON or NULL. */
unsigned int token_claim(struct fixture *f, const struct core_owner *o, const char *token,
			 const char *tags, json_t **ret);

struct device {
	EVP_PKEY *key; /* identity */
	char uuid[CORE_UUID_TEXT];
	uint8_t spki[91];
};

void device_init(struct device *d);
void device_done(struct device *d);
void device_import(struct fixture *f, const struct device *d);
/* Imported and claimed by f->editor's team; tags is JSON or NULL. */
void device_claim(struct fixture *f, const struct device *d, const char *tags);

EVP_PKEY *key_make(void);
void key_spki(EVP_PKEY *key, uint8_t ret[static 91]);
/* jwt_sign_fn over an EVP_PKEY. */
int key_sign(void *key, const uint8_t *data, size_t len, uint8_t ret[static 64]);

/* Provisioning token valid now. */
void device_jwt(const struct device *d, char ret[static JWT_MAX]);
void device_token(const struct device *d, enum cose_form form, char ret[static TOKEN_TEXT_MAX]);
/* The same with a chain. */
void device_token_with(const struct device *d, const struct x5chain *chain,
		       char ret[static CLAIM_TEXT_MAX + 1]);

struct keygen_spec {
	EVP_PKEY *key;    /* the generated one */
	EVP_PKEY *signer; /* NULL: the device's */
	const char *uuid; /* NULL: the device's */
	uint32_t tag;
	enum keygen_message type;
	enum cose_form form;
	bool csr_null_parameter, break_digest, break_csr;
};

/* The answer text of a modem to %KEYGEN. */
void device_keygen(const struct device *d, const struct keygen_spec *spec,
		   char ret[static AT_ANSWER_MAX]);
/* DER of a request as modems make it. */
size_t csr_make(EVP_PKEY *key, const char *cn, bool null_parameter, uint8_t *ret, size_t size);

/* Fetches with room for everything and returns the decoded commands. */
struct command_list device_fetch(struct fixture *f, const struct device *d, const char *after);
/* Sends one answer. code as on the wire. */
enum core_verdict device_answer(struct fixture *f, const struct device *d, const char *id, int code,
				uint64_t cme, const char *message);
/* Answers every step of the queue with success: "OK", or a generated key for %KEYGEN. Returns how
 * many steps that were. */
size_t device_obey(struct fixture *f, const struct device *d, EVP_PKEY *key);

/* Adds a command; request is JSON. Returns its id in a static buffer; fails the test when refused.
 */
const char *command_add(struct fixture *f, const struct device *d, const char *request);
/* The status for adding it. */
unsigned int command_try(struct fixture *f, const struct device *d, const char *request);
/* The command as its owner reads it. */
json_t *command_read(struct fixture *f, const struct device *d, const char *id);
void assert_command(struct fixture *f, const struct device *d, const char *id, const char *status,
		    const char *error_part);
