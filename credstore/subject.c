/* SPDX-License-Identifier: Apache-2.0 */
#include "credstore/subject.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

static const struct {
	const char *name;
	uint8_t oid[9];
	uint8_t oid_len;
	uint8_t value_max; /* RFC 5280 appendix A.1 */
	enum der_tag tag;
} attributes[] = {
	{"CN", {0x55, 0x04, 0x03}, 3, 64, DER_UTF8_STRING},
	{"serialNumber", {0x55, 0x04, 0x05}, 3, 64, DER_PRINTABLE_STRING},
	{"C", {0x55, 0x04, 0x06}, 3, 2, DER_PRINTABLE_STRING},
	{"L", {0x55, 0x04, 0x07}, 3, 64, DER_UTF8_STRING},
	{"ST", {0x55, 0x04, 0x08}, 3, 64, DER_UTF8_STRING},
	{"O", {0x55, 0x04, 0x0a}, 3, 64, DER_UTF8_STRING},
	{"OU", {0x55, 0x04, 0x0b}, 3, 64, DER_UTF8_STRING},
	{"emailAddress",
	 {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x01},
	 9,
	 64,
	 DER_IA5_STRING},
};

/* X.680 §41.4 PrintableString; IA5String is ASCII; UTF8String takes what the command brought. */
static bool fits_type(enum der_tag tag, const char *value, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)value[i];

		if (c < 0x20 || c == 0x7f)
			return false;
		if (c >= 0x80 && tag != DER_UTF8_STRING)
			return false;
		if (tag == DER_PRINTABLE_STRING &&
		    !((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
		      strchr(" '()+,-./:=?", c)))
			return false;
	}
	return true;
}

static int add(struct subject *s, const char *name, size_t name_len, const char *value, size_t len)
{
	struct subject_attribute *a;

	if (s->n == SUBJECT_ATTRIBUTES_MAX || len == 0)
		return -EINVAL;
	a = &s->items[s->n];
	for (size_t i = 0; i < ARRAY_SIZE(attributes); i++) {
		if (strlen(attributes[i].name) != name_len ||
		    strncasecmp(attributes[i].name, name, name_len) != 0)
			continue;
		if (len > attributes[i].value_max || !fits_type(attributes[i].tag, value, len))
			return -EINVAL;
		a->oid = attributes[i].oid;
		a->oid_len = attributes[i].oid_len;
		a->tag = attributes[i].tag;
		memcpy(a->value, value, len);
		a->value[len] = '\0';
		a->len = len;
		s->n++;
		return 0;
	}
	return -EINVAL;
}

/* The value from *at to the next bare comma or the end, without its escapes and trailing blanks. */
static int read_value(const char **at, char ret[static SUBJECT_VALUE_MAX], size_t *ret_len)
{
	const char *p = *at;
	size_t len = 0, kept = 0;

	for (; *p && *p != ','; p++) {
		bool escaped = *p == '\\';

		if (escaped)
			p++;
		if (*p == '\0' || len == SUBJECT_VALUE_MAX)
			return -EINVAL;
		ret[len++] = *p;
		if (escaped || *p != ' ')
			kept = len;
	}
	*at = p;
	*ret_len = kept;
	return 0;
}

int subject_parse(const char *text, struct subject *ret)
{
	struct subject s = {.n = 0};
	char value[SUBJECT_VALUE_MAX];
	const char *p = text, *name;
	size_t name_len, len;
	int r;

	for (;;) {
		p += strspn(p, " ");
		name = p;
		name_len = strcspn(p, "=,\\ ");
		p += name_len + strspn(p + name_len, " ");
		if (*p++ != '=')
			return -EINVAL;
		p += strspn(p, " ");
		r = read_value(&p, value, &len);
		if (r < 0)
			return r;
		r = add(&s, name, name_len, value, len);
		if (r < 0)
			return r;
		if (*p == '\0')
			break;
		p++;
	}
	*ret = s;
	return 0;
}

int subject_of_cn(const char *name, struct subject *ret)
{
	struct subject s = {.n = 0};
	int r;

	r = add(&s, "CN", 2, name, strlen(name));
	if (r < 0)
		return r;
	*ret = s;
	return 0;
}

void subject_write(struct der *d, const struct subject *s)
{
	size_t whole = d->len;

	for (size_t i = s->n; i > 0; i--) {
		const struct subject_attribute *a = &s->items[i - 1];
		size_t mark = d->len;

		der_value(d, a->tag, a->value, a->len);
		der_value(d, DER_OID, a->oid, a->oid_len);
		der_wrap(d, DER_SEQUENCE, mark);
		der_wrap(d, DER_SET, mark);
	}
	der_wrap(d, DER_SEQUENCE, whole);
}
