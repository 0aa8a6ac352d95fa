/* SPDX-License-Identifier: Apache-2.0 */
#include "session/saved.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/cursor.h"
#include "base/file.h"

#define MAGIC 0x4f425344 /* "OBSD" */
#define VERSION 2        /* 1 had no label */
#define STATE_OFFSET 5   /* after magic and version */
#define LABEL_ALPHABET "0123456789abcdefghijklmnopqrstuvwxyz"

enum saved_state {
	STATE_SAVED = 0xa5,
	STATE_CONSUMED = 0x5a,
};

static void write_be64(struct writer *w, uint64_t v)
{
	writer_be32(w, (uint32_t)(v >> 32));
	writer_be32(w, (uint32_t)v);
}

static uint64_t read_be64(struct reader *r)
{
	uint64_t high = reader_be32(r);

	return high << 32 | reader_be32(r);
}

bool saved_label_is_good(const char *label)
{
	const size_t len = strlen(label);

	return (len == 0 || len == SAVED_LABEL_LEN) && strspn(label, LABEL_ALPHABET) == len;
}

void saved_encode(const struct saved_info *info, size_t context_len,
		  uint8_t ret[static SAVED_HEADER_LEN])
{
	struct writer w;

	memset(ret, 0, SAVED_HEADER_LEN);
	writer_init(&w, ret, SAVED_HEADER_LEN);
	writer_be32(&w, MAGIC);
	writer_u8(&w, VERSION);
	writer_u8(&w, STATE_SAVED);
	writer_be16(&w, info->next_mid);
	writer_bytes(&w, info->boot_id, sizeof(info->boot_id));
	writer_bytes(&w, info->binding, sizeof(info->binding));
	write_be64(&w, info->note);
	writer_be32(&w, info->srtt_ms);
	writer_be32(&w, (uint32_t)context_len);
	writer_bytes(&w, info->suite, sizeof(info->suite));
	writer_text(&w, info->label);
}

_Static_assert(SAVED_HEADER_LEN == 8 + SAVED_BOOT_LEN + SAVED_BINDING_LEN + 16 + SAVED_SUITE_LEN +
					   SAVED_LABEL_LEN + 4,
	       "the header is its fields and four spare bytes");

/* As it is written: nothing hides behind the end of the text. */
static bool read_label(const uint8_t *bytes, char ret[static SAVED_LABEL_LEN + 1])
{
	static const uint8_t none[SAVED_LABEL_LEN];

	memcpy(ret, bytes, SAVED_LABEL_LEN);
	ret[SAVED_LABEL_LEN] = '\0';
	return ret[0] ? saved_label_is_good(ret) : memcmp(bytes, none, sizeof(none)) == 0;
}

int saved_decode(const uint8_t *data, size_t len, struct saved_info *ret_info,
		 size_t *ret_context_len)
{
	struct saved_info info = {.note = 0};
	const uint8_t *boot, *binding, *suite, *label;
	uint32_t magic, context_len;
	uint8_t version, state;
	struct reader r;

	reader_init(&r, data, MIN(len, (size_t)SAVED_HEADER_LEN));
	magic = reader_be32(&r);
	version = reader_u8(&r);
	state = reader_u8(&r);
	info.next_mid = reader_be16(&r);
	boot = reader_bytes(&r, sizeof(info.boot_id));
	binding = reader_bytes(&r, sizeof(info.binding));
	info.note = read_be64(&r);
	info.srtt_ms = reader_be32(&r);
	context_len = reader_be32(&r);
	suite = reader_bytes(&r, sizeof(info.suite));
	label = reader_bytes(&r, SAVED_LABEL_LEN);
	if (reader_be32(&r) != 0 || r.failed || magic != MAGIC || version != VERSION ||
	    state != STATE_SAVED)
		return SAVED_E_UNUSABLE;
	if (context_len == 0 || context_len > SAVED_CONTEXT_MAX ||
	    len != SAVED_HEADER_LEN + (size_t)context_len || suite[sizeof(info.suite) - 1] != 0 ||
	    !read_label(label, info.label))
		return SAVED_E_UNUSABLE;
	memcpy(info.boot_id, boot, sizeof(info.boot_id));
	memcpy(info.binding, binding, sizeof(info.binding));
	memcpy(info.suite, suite, sizeof(info.suite));
	*ret_info = info;
	*ret_context_len = context_len;
	return 0;
}

struct mapping {
	uint8_t *data;
	size_t len;
};

static void mapping_done(struct mapping *m)
{
	if (m->data)
		munmap(m->data, m->len);
}

static int mapping_init(struct mapping *m, int fd, int prot)
{
	struct stat st;
	void *p;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size < SAVED_HEADER_LEN ||
	    st.st_size > SAVED_HEADER_LEN + SAVED_CONTEXT_MAX)
		return SAVED_E_UNUSABLE;
	/* Nobody may shrink it under the mapping; only a memfd that we sealed is one of ours. */
	if ((fcntl(fd, F_GET_SEALS) & (F_SEAL_SHRINK | F_SEAL_GROW)) !=
	    (F_SEAL_SHRINK | F_SEAL_GROW))
		return SAVED_E_UNUSABLE;
	p = mmap(NULL, (size_t)st.st_size, prot, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	m->data = p;
	m->len = (size_t)st.st_size;
	madvise(p, m->len, MADV_DONTDUMP);
	return 0;
}

int saved_store(const struct saved_info *info, const struct secret *context, int *ret_fd)
{
	_cleanup_(closep) int fd = -1;
	uint8_t header[SAVED_HEADER_LEN];
	int r;

	if (context->len == 0 || context->len > SAVED_CONTEXT_MAX)
		return -EFBIG;
	fd = memfd_create("onboard-session", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	saved_encode(info, context->len, header);
	r = file_write_all(fd, header, sizeof(header));
	if (r < 0)
		return r;
	r = file_write_all(fd, context->data, context->len);
	if (r < 0)
		return r;
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return -errno;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int saved_peek(int fd, struct saved_info *ret)
{
	_cleanup_(mapping_done) struct mapping m = {NULL, 0};
	size_t context_len;
	int r;

	r = mapping_init(&m, fd, PROT_READ);
	if (r != 0)
		return r;
	return saved_decode(m.data, m.len, ret, &context_len);
}

int saved_take(int fd, const uint8_t boot_id[static SAVED_BOOT_LEN],
	       const uint8_t binding[static SAVED_BINDING_LEN], struct saved_info *ret_info,
	       struct secret *ret_context)
{
	_cleanup_(mapping_done) struct mapping m = {NULL, 0};
	uint8_t header[SAVED_HEADER_LEN];
	struct saved_info info;
	size_t context_len;
	uint8_t before;
	int r;

	r = mapping_init(&m, fd, PROT_READ | PROT_WRITE);
	if (r != 0)
		return r;
	/* The one moment that decides who loads: before a byte of the context is read. */
	before = __atomic_exchange_n(&m.data[STATE_OFFSET], (uint8_t)STATE_CONSUMED,
				     __ATOMIC_SEQ_CST);
	/* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): mapping_init() gave 0 */
	memcpy(header, m.data, sizeof(header));
	header[STATE_OFFSET] = before;
	r = before == STATE_SAVED ? saved_decode(header, m.len, &info, &context_len)
				  : SAVED_E_UNUSABLE;
	if (r == 0 && (memcmp(info.boot_id, boot_id, SAVED_BOOT_LEN) != 0 ||
		       memcmp(info.binding, binding, SAVED_BINDING_LEN) != 0))
		r = SAVED_E_UNUSABLE;
	if (r == 0)
		r = secret_set(ret_context, m.data + SAVED_HEADER_LEN, context_len);
	if (before == STATE_SAVED)
		secret_wipe(m.data + SAVED_HEADER_LEN, m.len - SAVED_HEADER_LEN);
	if (r == 0)
		*ret_info = info;
	return r;
}

void saved_discard(int fd)
{
	_cleanup_(mapping_done) struct mapping m = {NULL, 0};

	if (mapping_init(&m, fd, PROT_READ | PROT_WRITE) != 0)
		return; /* none that we made */
	__atomic_store_n(&m.data[STATE_OFFSET], (uint8_t)STATE_CONSUMED, __ATOMIC_SEQ_CST);
	secret_wipe(m.data + STATE_OFFSET + 1, m.len - STATE_OFFSET - 1);
}
