/* SPDX-License-Identifier: Apache-2.0 */
#include "session/hello.h"

#include <errno.h>

#include "base/cursor.h"

/* RFC 6347 §4.1, §4.2.2 */
#define RECORD_HEADER_LEN 13
#define HANDSHAKE_HEADER_LEN 12
#define CONTENT_ALERT 21
#define CONTENT_HANDSHAKE 22
#define VERSION_DTLS_1_0 0xfeff /* of a HelloVerifyRequest, also by servers of 1.2 */
#define VERSION_DTLS_1_2 0xfefd
#define CLIENT_HELLO 1
#define SERVER_HELLO 2
#define HELLO_VERIFY_REQUEST 3

/* As our sessions ask for them. */
static const uint16_t suites[] = {
	0xc02b, /* ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 */
	0xc0ae, /* ECDHE_ECDSA_WITH_AES_128_CCM_8 */
	0xc02c, /* ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 */
	0xc0ac, /* ECDHE_ECDSA_WITH_AES_128_CCM */
};

static const uint8_t extensions[] = {
	0x00, 0x0a, 0x00, 0x04, 0x00, 0x02, 0x00, 0x17,             /* groups: secp256r1 */
	0x00, 0x0b, 0x00, 0x02, 0x01, 0x00,                         /* points: uncompressed */
	0x00, 0x0d, 0x00, 0x06, 0x00, 0x04, 0x04, 0x03, 0x05, 0x03, /* ECDSA with SHA-256, -384 */
};
#define EXTENSION_PADDING 21

static void be24(struct writer *w, size_t v)
{
	writer_u8(w, (uint8_t)(v >> 16));
	writer_be16(w, (uint16_t)v);
}

static void write_body(struct writer *w, size_t size, const uint8_t *random)
{
	writer_be16(w, VERSION_DTLS_1_2);
	writer_bytes(w, random, HELLO_RANDOM_LEN);
	writer_u8(w, 0); /* session id */
	writer_u8(w, 0); /* cookie */
	writer_be16(w, sizeof(suites));
	for (size_t i = 0; i < ARRAY_SIZE(suites); i++)
		writer_be16(w, suites[i]);
	writer_be16(w, 0x0100); /* one compression method: none */
	writer_be16(w, (uint16_t)(size - w->len - 2));
	writer_bytes(w, extensions, sizeof(extensions));
	writer_be16(w, EXTENSION_PADDING);
	writer_be16(w, (uint16_t)(size - w->len - 2));
	while (w->len < size && !w->failed)
		writer_u8(w, 0);
}

int hello_build(size_t size, const uint8_t random[static HELLO_RANDOM_LEN],
		uint8_t ret[static HELLO_MAX])
{
	struct writer w;
	size_t len;

	if (size < HELLO_MIN || size > HELLO_MAX)
		return -EINVAL;
	len = size - RECORD_HEADER_LEN - HANDSHAKE_HEADER_LEN;
	writer_init(&w, ret, size);
	writer_u8(&w, CONTENT_HANDSHAKE);
	writer_be16(&w, VERSION_DTLS_1_2);
	writer_be32(&w, 0); /* epoch, and the sequence number's upper third */
	writer_be32(&w, 0);
	writer_be16(&w, (uint16_t)(len + HANDSHAKE_HEADER_LEN));
	writer_u8(&w, CLIENT_HELLO);
	be24(&w, len);
	writer_be16(&w, 0); /* message sequence number */
	be24(&w, 0);        /* fragment offset */
	be24(&w, len);
	write_body(&w, size, random);
	return writer_ok(&w) ? 0 : -EINVAL;
}

bool hello_is_answer(const uint8_t *data, size_t len)
{
	struct reader r;
	uint16_t version, epoch, body;
	uint8_t content, first;

	reader_init(&r, data, len);
	content = reader_u8(&r);
	version = reader_be16(&r);
	epoch = reader_be16(&r);
	(void)reader_bytes(&r, 6);
	body = reader_be16(&r);
	first = reader_u8(&r);
	if (r.failed || (version != VERSION_DTLS_1_0 && version != VERSION_DTLS_1_2) ||
	    epoch != 0 || body == 0 || len < RECORD_HEADER_LEN + (size_t)body)
		return false;
	return content == CONTENT_ALERT ||
	       (content == CONTENT_HANDSHAKE &&
		(first == SERVER_HELLO || first == HELLO_VERIFY_REQUEST));
}
