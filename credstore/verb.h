/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The verbs that the wire may run: this table is all there is. A verb reads parameters from a
 * hostile peer and answers as a modem would. Inside credstore/ only. */

#include <stdbool.h>

#include "base/macros.h"
#include "credstore/execute.h"
#include "credstore/keywork.h"
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

/* prepared: what its plan asked for, NULL when there was none. -errno only for failures of our own;
 * every refusal is a result. */
typedef int (*verb_fn)(struct executor *e, const char *parameters, const struct key_work *prepared,
		       struct verb_result *ret);
/* Fills what the verb will need of keys, and notes what it will do to them. -errno. */
typedef int (*verb_plan_fn)(struct executor *e, const char *parameters, struct foreseen *foreseen,
			    struct key_work *ret);

/* The verb of exactly this name, "%CMNG", or NULL. */
verb_fn verb_find(const char *name);
int verb_plan(struct executor *e, const struct command *c, struct foreseen *foreseen,
	      struct key_work *ret) _must_check_;

int verb_cmng(struct executor *e, const char *parameters, const struct key_work *prepared,
	      struct verb_result *ret);
int verb_cmng_plan(struct executor *e, const char *parameters, struct foreseen *foreseen,
		   struct key_work *ret);
int verb_keygen(struct executor *e, const char *parameters, const struct key_work *prepared,
		struct verb_result *ret);
int verb_keygen_plan(struct executor *e, const char *parameters, struct foreseen *foreseen,
		     struct key_work *ret);
int verb_attesttoken(struct executor *e, const char *parameters, const struct key_work *prepared,
		     struct verb_result *ret);
int verb_attesttoken_plan(struct executor *e, const char *parameters, struct foreseen *foreseen,
			  struct key_work *ret);
int verb_keyinject(struct executor *e, const char *parameters, const struct key_work *prepared,
		   struct verb_result *ret);

/* Does at once what was not prepared. -ENOMEM, -errno of the store, -ENODEV when a token failed;
 * what went wrong otherwise is in w->r. */
int verb_work_now(struct executor *e, struct key_work *w) _must_check_;

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
