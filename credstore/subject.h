/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The text form of a certificate subject in commands, "O=Example,CN=unit 7", as the DER of an X.501
 * Name. Inside credstore/ only. */

#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "credstore/der.h"

#define SUBJECT_ATTRIBUTES_MAX 10
#define SUBJECT_VALUE_MAX 64 /* characters; the upper bounds of RFC 5280 appendix A.1 */

struct subject_attribute {
	const uint8_t *oid; /* static */
	size_t oid_len;
	enum der_tag tag; /* of the value's string type */
	char value[SUBJECT_VALUE_MAX + 1];
	size_t len;
};

struct subject {
	struct subject_attribute items[SUBJECT_ATTRIBUTES_MAX];
	size_t n;
};

/* Attributes C, ST, L, O, OU, CN, serialNumber and emailAddress, in the text's order; a backslash
 * takes the next character as it is; blanks around = and comma do not
 * count. -EINVAL. */
int subject_parse(const char *text, struct subject *ret) _must_check_;
/* Just CN=<name>. -EINVAL. */
int subject_of_cn(const char *name, struct subject *ret) _must_check_;
/* Name ::= SEQUENCE OF RelativeDistinguishedName (RFC 5280 §4.1.2.4). */
void subject_write(struct der *d, const struct subject *s);
