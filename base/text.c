/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include <errno.h>
#include <string.h>

static const char alphabet_url[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char alphabet_std[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static char *encode64(const char *alphabet, const uint8_t *in, size_t len, char *out)
{
	uint32_t bits = 0;
	unsigned int n = 0;

	for (size_t i = 0; i < len; i++) {
		bits = bits << 8 | in[i];
		for (n += 8; n >= 6; n -= 6)
			*out++ = alphabet[bits >> (n - 6) & 63];
	}
	if (n > 0)
		*out++ = alphabet[bits << (6 - n) & 63];
	return out;
}

static int decode64(const char *alphabet, const char *text, size_t text_len, uint8_t *ret,
		    size_t *ret_len)
{
	uint32_t bits = 0;
	unsigned int n = 0;
	size_t len = 0;

	if (text_len % 4 == 1)
		return -EINVAL;
	for (size_t i = 0; i < text_len; i++) {
		const char *at = text[i] ? strchr(alphabet, text[i]) : NULL;

		if (!at)
			return -EINVAL;
		bits = bits << 6 | (uint32_t)(at - alphabet);
		n += 6;
		if (n >= 8) {
			n -= 8;
			ret[len++] = (uint8_t)(bits >> n);
		}
	}
	if (bits & ((1U << n) - 1))
		return -EINVAL;
	*ret_len = len;
	return 0;
}

void base64url_encode(const void *data, size_t len, char *ret)
{
	*encode64(alphabet_url, data, len, ret) = '\0';
}

int base64url_decode(const char *text, size_t text_len, uint8_t *ret, size_t *ret_len)
{
	return decode64(alphabet_url, text, text_len, ret, ret_len);
}

void base64_encode(const void *data, size_t len, char *ret)
{
	char *end = encode64(alphabet_std, data, len, ret);

	while ((end - ret) % 4 != 0)
		*end++ = '=';
	*end = '\0';
}

int base64_decode(const char *text, size_t text_len, uint8_t *ret, size_t *ret_len)
{
	if (text_len % 4 != 0)
		return -EINVAL;
	if (text_len > 0 && text[text_len - 1] == '=')
		text_len -= text[text_len - 2] == '=' ? 2 : 1;
	return decode64(alphabet_std, text, text_len, ret, ret_len);
}

static const char digits[] = "0123456789abcdef";

void hex_encode(const void *data, size_t len, char *ret)
{
	const uint8_t *in = data;

	for (size_t i = 0; i < len; i++) {
		*ret++ = digits[in[i] >> 4];
		*ret++ = digits[in[i] & 15];
	}
	*ret = '\0';
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -EINVAL;
}

int hex_decode(const char *text, size_t text_len, uint8_t *ret, size_t len)
{
	if (text_len != 2 * len)
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		int hi = hex_digit(text[2 * i]), lo = hex_digit(text[2 * i + 1]);

		if (hi < 0 || lo < 0)
			return -EINVAL;
		ret[i] = (uint8_t)(hi << 4 | lo);
	}
	return 0;
}

/* Lengths of the five groups of a UUID, in bytes (RFC 9562 §4). */
static const uint8_t uuid_groups[] = {4, 2, 2, 2, 6};

void uuid_format(const uint8_t uuid[static UUID_LEN], char ret[static UUID_TEXT_LEN + 1])
{
	for (size_t g = 0; g < ARRAY_SIZE(uuid_groups); g++) {
		if (g > 0)
			*ret++ = '-';
		hex_encode(uuid, uuid_groups[g], ret);
		uuid += uuid_groups[g];
		ret += 2 * uuid_groups[g];
	}
}

int uuid_parse(const char *text, size_t text_len, uint8_t ret[static UUID_LEN])
{
	uint8_t uuid[UUID_LEN];
	size_t at = 0;

	if (text_len != UUID_TEXT_LEN)
		return -EINVAL;
	for (size_t g = 0; g < ARRAY_SIZE(uuid_groups); g++) {
		if (g > 0 && *text++ != '-')
			return -EINVAL;
		if (hex_decode(text, 2 * (size_t)uuid_groups[g], uuid + at, uuid_groups[g]) < 0)
			return -EINVAL;
		at += uuid_groups[g];
		text += 2 * uuid_groups[g];
	}
	memcpy(ret, uuid, UUID_LEN);
	return 0;
}

int decimal_parse(const char *text, size_t text_len, uint64_t max, uint64_t *ret)
{
	uint64_t v = 0;

	if (text_len == 0 || (text[0] == '0' && text_len > 1))
		return -EINVAL;
	for (size_t i = 0; i < text_len; i++) {
		uint64_t digit;

		if (text[i] < '0' || text[i] > '9')
			return -EINVAL;
		digit = (uint64_t)(text[i] - '0');
		if (v > (UINT64_MAX - digit) / 10)
			return -ERANGE;
		v = v * 10 + digit;
	}
	if (v > max)
		return -ERANGE;
	*ret = v;
	return 0;
}

size_t utf8_char(const void *text, size_t len, uint32_t *ret_point)
{
	static const struct {
		uint8_t mask, lead;
		uint32_t least; /* a shorter form carries what is below */
	} forms[] = {
		{0x80, 0x00, 0x00}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};
	const uint8_t *at = text;

	for (size_t i = 0; len > 0 && i < ARRAY_SIZE(forms); i++) {
		uint32_t point = at[0] & (uint8_t)~forms[i].mask;

		if ((at[0] & forms[i].mask) != forms[i].lead)
			continue;
		if (len < i + 1)
			return 0;
		for (size_t k = 1; k <= i; k++) {
			if ((at[k] & 0xc0) != 0x80)
				return 0;
			point = point << 6 | (at[k] & 0x3f);
		}
		if (point < forms[i].least || point > 0x10ffff ||
		    (point >= 0xd800 && point <= 0xdfff))
			return 0;
		*ret_point = point;
		return i + 1;
	}
	return 0;
}
