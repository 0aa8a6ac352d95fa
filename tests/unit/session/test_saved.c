/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "session/saved.h"

#define LABEL_AT 136

static const uint8_t context_bytes[] = "sixteen or more bytes of key material";

static struct saved_info sample(void)
{
	struct saved_info info = {.note = 0x1122334455667788, .srtt_ms = 42, .next_mid = 0xbeef};

	memset(info.boot_id, 0xb0, sizeof(info.boot_id));
	memset(info.binding, 0xb1, sizeof(info.binding));
	strcpy(info.suite, "ECDHE-ECDSA-AES128-GCM-SHA256");
	strcpy(info.label, "9f86d081884c7d65");
	return info;
}

static struct secret sample_context(void)
{
	struct secret s = SECRET_INIT;

	assert_int_equal(secret_set(&s, context_bytes, sizeof(context_bytes)), 0);
	return s;
}

static int stored(void)
{
	_cleanup_(secret_done) struct secret context = sample_context();
	struct saved_info info = sample();
	int fd = -1;

	assert_int_equal(saved_store(&info, &context, &fd), 0);
	return fd;
}

static int take(int fd)
{
	_cleanup_(secret_done) struct secret context = SECRET_INIT;
	struct saved_info info = sample(), got;

	return saved_take(fd, info.boot_id, info.binding, &got, &context);
}

static void what_was_stored_is_taken_once(void **state)
{
	_cleanup_(secret_done) struct secret context = SECRET_INIT;
	_cleanup_(closep) int fd = stored();
	struct saved_info info = sample(), got;

	(void)state;
	assert_int_equal(saved_take(fd, info.boot_id, info.binding, &got, &context), 0);
	assert_int_equal(context.len, sizeof(context_bytes));
	assert_memory_equal(context.data, context_bytes, context.len);
	assert_memory_equal(&got, &info, sizeof(info));
	assert_int_equal(take(fd), SAVED_E_UNUSABLE);
}

static void the_key_material_is_gone_from_the_memfd_after_taking(void **state)
{
	uint8_t content[1024];
	_cleanup_(closep) int fd = stored();
	ssize_t n;

	(void)state;
	assert_int_equal(take(fd), 0);
	n = pread(fd, content, sizeof(content), 0);
	assert_int_equal(n, SAVED_HEADER_LEN + sizeof(context_bytes));
	for (ssize_t i = SAVED_HEADER_LEN; i < n; i++)
		assert_int_equal(content[i], 0);
}

static void a_peek_takes_nothing(void **state)
{
	_cleanup_(closep) int fd = stored();
	struct saved_info info = sample(), got;

	(void)state;
	assert_int_equal(saved_peek(fd, &got), 0);
	assert_memory_equal(&got, &info, sizeof(info));
	assert_int_equal(take(fd), 0);
	assert_int_equal(saved_peek(fd, &got), SAVED_E_UNUSABLE);
}

static void of_two_processes_that_hold_it_only_one_gets_it(void **state)
{
	_cleanup_(closep) int fd = stored();
	int status = 0, got = 0;

	(void)state;
	for (int i = 0; i < 2; i++) {
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0)
			_exit(take(fd) == 0 ? 1 : 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		got += WEXITSTATUS(status);
	}
	assert_int_equal(got, 1);
}

/* The fault in the middle: marked, then the process is gone before it has read. */
static void one_that_was_only_marked_stays_unusable(void **state)
{
	const uint8_t consumed = 0x5a;
	_cleanup_(closep) int fd = stored();

	(void)state;
	assert_int_equal(pwrite(fd, &consumed, 1, 5), 1);
	assert_int_equal(take(fd), SAVED_E_UNUSABLE);
}

static void another_boot_server_or_ca_is_refused_and_wiped(void **state)
{
	(void)state;
	for (int other = 0; other < 2; other++) {
		_cleanup_(secret_done) struct secret context = SECRET_INIT;
		_cleanup_(closep) int fd = stored();
		struct saved_info info = sample(), got;
		uint8_t byte = 1;

		if (other == 0)
			info.boot_id[SAVED_BOOT_LEN - 1] ^= 1;
		else
			info.binding[0] ^= 1;
		assert_int_equal(saved_take(fd, info.boot_id, info.binding, &got, &context),
				 SAVED_E_UNUSABLE);
		assert_null(context.data);
		assert_int_equal(take(fd), SAVED_E_UNUSABLE);
		assert_int_equal(pread(fd, &byte, 1, SAVED_HEADER_LEN), 1);
		assert_int_equal(byte, 0);
	}
}

static void the_memfd_can_neither_grow_nor_shrink(void **state)
{
	_cleanup_(closep) int fd = stored();

	(void)state;
	assert_int_equal(ftruncate(fd, 10), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(pwrite(fd, "x", 1, 100000), -1);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
	assert_int_not_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
}

static void the_header_reads_back_as_it_was_written(void **state)
{
	uint8_t data[SAVED_HEADER_LEN + 10] = {0};
	struct saved_info info = sample(), got;
	size_t context_len;

	(void)state;
	saved_encode(&info, 10, data);
	assert_int_equal(saved_decode(data, sizeof(data), &got, &context_len), 0);
	assert_memory_equal(&got, &info, sizeof(info));
	assert_int_equal(context_len, 10);
}

static void a_session_may_have_no_label(void **state)
{
	uint8_t data[SAVED_HEADER_LEN + 10] = {0};
	struct saved_info info = sample(), got;
	size_t context_len;

	(void)state;
	strcpy(info.label, "");
	saved_encode(&info, 10, data);
	assert_int_equal(saved_decode(data, sizeof(data), &got, &context_len), 0);
	assert_string_equal(got.label, "");
}

/* What is not a digit or a small letter could write into a log what never happened. */
static void a_label_with_any_other_character_is_refused(void **state)
{
	static const char good[] = "0123456789abcdefghijklmnopqrstuvwxyz";
	uint8_t data[SAVED_HEADER_LEN + 10] = {0};
	struct saved_info info = sample(), got;
	size_t context_len;

	(void)state;
	for (unsigned int c = 0; c < 256; c++)
		for (size_t i = 0; i < SAVED_LABEL_LEN; i++) {
			const bool is_good = c != 0 && strchr(good, (int)c);

			saved_encode(&info, 10, data);
			data[LABEL_AT + i] = (uint8_t)c;
			assert_int_equal(saved_decode(data, sizeof(data), &got, &context_len),
					 is_good ? 0 : SAVED_E_UNUSABLE);
		}
}

static void nothing_hides_behind_the_end_of_a_label(void **state)
{
	uint8_t data[SAVED_HEADER_LEN + 10] = {0};
	struct saved_info info = sample(), got;
	size_t context_len;

	(void)state;
	strcpy(info.label, "");
	for (size_t i = 0; i < SAVED_LABEL_LEN; i++) {
		saved_encode(&info, 10, data);
		data[LABEL_AT + i] = 'a';
		assert_int_equal(saved_decode(data, sizeof(data), &got, &context_len),
				 SAVED_E_UNUSABLE);
	}
}

static void a_label_is_all_of_its_length_or_none(void **state)
{
	(void)state;
	assert_true(saved_label_is_good(""));
	assert_true(saved_label_is_good("0123456789abcdef"));
	assert_true(saved_label_is_good("ghijklmnopqrstuv"));
	assert_false(saved_label_is_good("0123456789abcde"));
	assert_false(saved_label_is_good("0123456789abcdef0"));
	assert_false(saved_label_is_good("0123456789abcdeF"));
	assert_false(saved_label_is_good("0123456789abcde "));
}

/* One that a build before this one left, whole: its header was 16 bytes shorter. */
static void a_session_of_version_1_is_refused(void **state)
{
	uint8_t data[SAVED_HEADER_LEN + 10] = {0};
	struct saved_info info = sample(), got;
	size_t context_len;

	(void)state;
	saved_encode(&info, 10, data);
	data[4] = 1;
	memset(data + LABEL_AT, 0, 4);
	assert_int_equal(saved_decode(data, sizeof(data) - SAVED_LABEL_LEN, &got, &context_len),
			 SAVED_E_UNUSABLE);
}

static void of_one_that_is_discarded_nothing_is_left_of_whatever_version(void **state)
{
	(void)state;
	for (uint8_t version = 1; version <= 2; version++) {
		_cleanup_(closep) int fd = stored();
		uint8_t content[1024];
		ssize_t n;

		assert_int_equal(pwrite(fd, &version, 1, 4), 1);
		saved_discard(fd);
		assert_int_equal(take(fd), SAVED_E_UNUSABLE);
		n = pread(fd, content, sizeof(content), 0);
		assert_int_equal(n, SAVED_HEADER_LEN + sizeof(context_bytes));
		for (ssize_t i = 8; i < n; i++)
			assert_int_equal(content[i], 0);
	}
	saved_discard(-1);
}

static void every_other_length_is_refused(void **state)
{
	uint8_t data[SAVED_HEADER_LEN + 20] = {0};
	struct saved_info info = sample(), got;
	size_t context_len;

	(void)state;
	saved_encode(&info, 10, data);
	for (size_t len = 0; len <= sizeof(data); len++) {
		if (len != SAVED_HEADER_LEN + 10)
			assert_int_equal(saved_decode(data, len, &got, &context_len),
					 SAVED_E_UNUSABLE);
	}
}

static void each_corrupted_field_that_guards_is_refused(void **state)
{
	/* magic, version, state, context length, end of the suite text, label, spare bytes */
	const size_t guards[] = {0, 1, 2, 3, 4, 5, 68, 69, 70, 71, 135, 136, 151, 152, 155};
	uint8_t data[SAVED_HEADER_LEN + 10] = {0};
	struct saved_info info = sample(), got;
	size_t context_len;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(guards); i++) {
		saved_encode(&info, 10, data);
		data[guards[i]] ^= 0x10;
		assert_int_equal(saved_decode(data, sizeof(data), &got, &context_len),
				 SAVED_E_UNUSABLE);
	}
}

static void a_context_of_the_largest_size_is_stored_and_one_byte_more_is_not(void **state)
{
	(void)state;
	for (size_t extra = 0; extra < 2; extra++) {
		_cleanup_(secret_done) struct secret context = SECRET_INIT;
		_cleanup_(closep) int fd = -1;
		struct saved_info info = sample();

		assert_int_equal(secret_alloc(&context, SAVED_CONTEXT_MAX + extra), 0);
		assert_int_equal(saved_store(&info, &context, &fd), extra ? -EFBIG : 0);
		if (!extra)
			assert_int_equal(take(fd), 0);
	}
}

static void a_file_that_is_not_a_sealed_memfd_is_refused(void **state)
{
	uint8_t data[SAVED_HEADER_LEN + 10] = {0};
	_cleanup_(closep) int open_fd = memfd_create("open", MFD_ALLOW_SEALING);
	_cleanup_(closep) int null = open("/dev/null", O_RDWR);
	struct saved_info info = sample(), got;

	(void)state;
	saved_encode(&info, 10, data);
	assert_int_equal(write(open_fd, data, sizeof(data)), sizeof(data));
	assert_int_equal(saved_peek(open_fd, &got), SAVED_E_UNUSABLE);
	assert_int_equal(take(open_fd), SAVED_E_UNUSABLE);
	assert_int_equal(take(null), SAVED_E_UNUSABLE);
	assert_int_equal(take(-1), -EBADF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_stored_is_taken_once),
		cmocka_unit_test(the_key_material_is_gone_from_the_memfd_after_taking),
		cmocka_unit_test(a_peek_takes_nothing),
		cmocka_unit_test(of_two_processes_that_hold_it_only_one_gets_it),
		cmocka_unit_test(one_that_was_only_marked_stays_unusable),
		cmocka_unit_test(another_boot_server_or_ca_is_refused_and_wiped),
		cmocka_unit_test(the_memfd_can_neither_grow_nor_shrink),
		cmocka_unit_test(the_header_reads_back_as_it_was_written),
		cmocka_unit_test(a_session_may_have_no_label),
		cmocka_unit_test(a_label_with_any_other_character_is_refused),
		cmocka_unit_test(nothing_hides_behind_the_end_of_a_label),
		cmocka_unit_test(a_label_is_all_of_its_length_or_none),
		cmocka_unit_test(a_session_of_version_1_is_refused),
		cmocka_unit_test(of_one_that_is_discarded_nothing_is_left_of_whatever_version),
		cmocka_unit_test(every_other_length_is_refused),
		cmocka_unit_test(each_corrupted_field_that_guards_is_refused),
		cmocka_unit_test(a_context_of_the_largest_size_is_stored_and_one_byte_more_is_not),
		cmocka_unit_test(a_file_that_is_not_a_sealed_memfd_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
