/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The verbs that the wire may run: this table is all there is. A verb reads parameters from a
 * hostile peer and answers as a modem would. Inside credstore/ only. */

#include <stdbool.h>

#include "base/macros.h"
#include "credstore/execute.h"
#include "proto/at.h"

enum verb_outcome {
	VERB_OK,     /* text is the whole answer */
	VERB_CME,    /* refused with a modem's number */
	VERB_FAILED, /* refused in words: what a modem has no number for */
};

struct verb_result {
	enum verb_outcome outcome;
	enum at_cme cme;
	char *text;   /* owned; of VERB_OK and VERB_FAILED */
	bool changed; /* a credential was written, generated or deleted */
};

/* -errno only for failures of our own; every refusal is a result. */
typedef int (*verb_fn)(struct executor *e, const char *parameters, struct verb_result *ret);

/* The verb of exactly this name, "%CMNG", or NULL. */
verb_fn verb_find(const char *name);

int verb_cmng(struct executor *e, const char *parameters, struct verb_result *ret);
int verb_keygen(struct executor *e, const char *parameters, struct verb_result *ret);
int verb_attesttoken(struct executor *e, const char *parameters, struct verb_result *ret);
int verb_keyinject(struct executor *e, const char *parameters, struct verb_result *ret);

/* To be called before a credential of this tag is written or deleted: the cloud's keep their
 * predecessors (staged.h). -errno. */
int verb_stage(struct executor *e, uint32_t tag) _must_check_;

/* Results. -ENOMEM. */
int verb_ok(struct verb_result *ret, const char *text) _must_check_;
/* The answer `%VERB: "<value>"` and OK. */
int verb_value(struct verb_result *ret, const char *name, const char *value) _must_check_;
int verb_cme(struct verb_result *ret, enum at_cme cme) _must_check_;
int verb_failed(struct verb_result *ret, const char *format, ...) _must_check_ _printf_(2, 3);
/* What the store answered: a damaged value is told in words, the rest is -errno and nobody's
 * result. A full disk is among it: SQLite gives the whole transaction up then. */
int verb_store_error(struct verb_result *ret, int r) _must_check_;

/* Parameter i when it is a number; false when it is anything else or absent. */
bool verb_number(const struct at_fields *fields, size_t i, uint32_t *ret);
bool verb_is_absent(const struct at_fields *fields, size_t i);
