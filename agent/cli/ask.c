/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cli/ask.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "base/exitcode.h"
#include "base/file.h"
#include "base/secret.h"

#define FILE_MAX 4096

bool ask_is_possible(void)
{
	return isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

static size_t without_line_end(const char *text, size_t len)
{
	if (len > 0 && text[len - 1] == '\n')
		len--;
	if (len > 0 && text[len - 1] == '\r')
		len--;
	return len;
}

/* By read(2): a stream would keep what it read in a buffer that nobody wipes. */
static int read_line(char *ret, size_t size, size_t *ret_len)
{
	size_t len = 0;
	char c;

	for (;;) {
		ssize_t n = read(STDIN_FILENO, &c, 1);

		if (n < 0)
			return -errno;
		if (n == 0 && len == 0)
			return -ENODATA;
		if (n == 0 || c == '\n')
			break;
		if (len + 1 < size)
			ret[len++] = c;
	}
	ret[len] = '\0';
	*ret_len = len;
	return 0;
}

int ask_line(const char *prompt, char *ret, size_t size)
{
	size_t len;

	fprintf(stderr, "%s", prompt);
	if (read_line(ret, size, &len) == 0)
		return 0;
	fprintf(stderr, "\nonboardctl: nothing was answered\n");
	return EXIT_CODE_FAILED;
}

static volatile sig_atomic_t caught;

static void on_signal(int signal)
{
	caught = signal;
}

/* Whatever ends the program, the terminal gets its echo back first. */
int ask_secret(const char *prompt, char *ret, size_t size)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
	const struct sigaction catch = {.sa_handler = on_signal};
	struct sigaction before[ARRAY_SIZE(signals)];
	struct termios shown, silent;
	int r;

	if (tcgetattr(STDIN_FILENO, &shown) < 0)
		return ask_line(prompt, ret, size);
	caught = 0;
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		sigaction(signals[i], &catch, &before[i]);
	silent = shown;
	silent.c_lflag &= ~(tcflag_t)ECHO;
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
	r = ask_line(prompt, ret, size);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		sigaction(signals[i], &before[i], NULL);
	fprintf(stderr, "\n");
	if (caught)
		raise(caught);
	return r;
}

/* ---- secrets ---- */

int ask_file(const char *path, size_t max, bool is_private, struct secret *ret)
{
	struct stat st;
	int r;

	if (is_private && stat(path, &st) == 0 && (st.st_mode & (S_IRWXG | S_IRWXO)))
		fprintf(stderr,
			"onboardctl: warning: %s is open to other users; better: chmod 600\n",
			path);
	r = file_read(path, max, ret);
	if (r == 0)
		return 0;
	fprintf(stderr, "onboardctl: %s: %s\n", path,
		r == -EINVAL  ? "not a regular file"
		: r == -EFBIG ? "too large for what it should hold"
			      : strerror(-r));
	return EXIT_CODE_FAILED;
}

static int read_input(struct secret *ret)
{
	char buf[FILE_MAX];
	size_t len = 0;
	int r;

	/* The first line: what is behind it is none of ours. */
	r = read_line(buf, sizeof(buf), &len);
	if (r == 0 || r == -ENODATA)
		r = secret_set(ret, buf, len);
	secret_wipe(buf, sizeof(buf));
	if (r < 0)
		fprintf(stderr, "onboardctl: standard input: %s\n", strerror(-r));
	return r < 0 ? EXIT_CODE_FAILED : 0;
}

static int ask_for(const struct wifi_network *n, struct secret *ret)
{
	char prompt[WIFI_SSID_TEXT_MAX + 64], ssid[WIFI_SSID_TEXT_MAX], buf[256];
	int r;

	snprintf(prompt, sizeof(prompt), "Passphrase of %s%s: ", wifi_ssid_text(n, ssid),
		 n->auth == WIFI_AUTH_UNKNOWN ? " (none for an open network)" : "");
	r = ask_secret(prompt, buf, sizeof(buf));
	if (r == 0 && secret_set(ret, buf, strlen(buf)) < 0) {
		fprintf(stderr, "onboardctl: %s\n", strerror(ENOMEM));
		r = EXIT_CODE_FAILED;
	}
	secret_wipe(buf, sizeof(buf));
	return r;
}

int ask_passphrase(const char *file, struct wifi_config *config)
{
	_cleanup_(secret_done) struct secret s = SECRET_INIT;
	size_t len;
	int r;

	r = file                ? ask_file(file, FILE_MAX, true, &s)
	    : ask_is_possible() ? ask_for(&config->network, &s)
				: read_input(&s);
	if (r != 0)
		return r;
	len = without_line_end((const char *)s.data, s.len);
	if (len > sizeof(config->passphrase)) {
		fprintf(stderr, "onboardctl: the passphrase is longer than %zu bytes\n",
			sizeof(config->passphrase));
		return EXIT_CODE_USAGE;
	}
	if (len > 0)
		memcpy(config->passphrase, s.data, len);
	config->passphrase_len = len;
	config->has_passphrase = len > 0;
	return 0;
}

int ask_label_code(const char *file, uint8_t *ret, size_t *ret_len)
{
	_cleanup_(secret_done) struct secret s = SECRET_INIT;
	size_t len;
	int r;

	r = ask_file(file, FILE_MAX, true, &s);
	if (r != 0)
		return r;
	len = without_line_end((const char *)s.data, s.len);
	if (len == 0 || len > WIFI_LABEL_CODE_MAX) {
		fprintf(stderr, "onboardctl: %s: a label code has 1 to %d characters\n", file,
			WIFI_LABEL_CODE_MAX);
		return EXIT_CODE_USAGE;
	}
	memcpy(ret, s.data, len);
	*ret_len = len;
	return 0;
}
