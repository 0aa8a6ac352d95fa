/* SPDX-License-Identifier: Apache-2.0 */
#include "stores.h"

#include <errno.h>
#include <glob.h>
#include <libpq-fe.h>
#include <poll.h>
#include <pwd.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "fixture.h"
#include "service/store/postgres.h"
#include "service/store/sqlite.h"

#define START_MS 60000

/* execv() takes texts that it does not change. */
static char *text_of(const char *text)
{
	return (char *)(uintptr_t)text;
}

static struct {
	char dir[64]; /* "" until there is a server */
	char url[160];
	char bin[128];
	pid_t pid; /* 0: it is down */
} server;

bool stores_is_postgres(void)
{
	const char *wanted = getenv("ONBOARD_TEST_STORE");

	return wanted && strcmp(wanted, "postgresql") == 0;
}

static void programs_find(void)
{
	glob_t found;

	/* Debian has the server's programs outside of PATH, a folder for each version. */
	if (glob("/usr/lib/postgresql/*/bin", 0, NULL, &found) != 0)
		fail_msg("there is no PostgreSQL server: apt-get install postgresql");
	snprintf(server.bin, sizeof(server.bin), "%s", found.gl_pathv[found.gl_pathc - 1]);
	globfree(&found);
}

/* Runs a program of the server as its user, which root may not be. */
static pid_t spawn(const char *program, char *const arguments[])
{
	char path[192], *all[40] = {NULL};
	size_t n = 0;
	pid_t pid;

	snprintf(path, sizeof(path), "%s/%s", server.bin, program);
	if (getuid() == 0) {
		char *const as_user[] = {text_of("setpriv"), text_of("--reuid=nobody"),
					 text_of("--regid=nogroup"), text_of("--clear-groups"),
					 text_of("--pdeathsig=SIGQUIT")};

		for (; n < ARRAY_SIZE(as_user); n++)
			all[n] = as_user[n];
	}
	all[n++] = path;
	for (; *arguments && n < ARRAY_SIZE(all) - 1; arguments++)
		all[n++] = *arguments;
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		char log[96];

		snprintf(log, sizeof(log), "%s/log", server.dir);
		/* What the sanitizers said of the test is none of the server's. */
		unsetenv("LD_PRELOAD");
		if (!freopen(log, "a", stderr) || !freopen("/dev/null", "w", stdout) ||
		    chdir("/") < 0)
			_exit(126);
		execvp(all[0], all);
		_exit(127);
	}
	return pid;
}

static void wait_done(pid_t pid, const char *what)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		fail_msg("%s failed: see %s/log", what, server.dir);
}

static int notify_socket(char *ret_name, size_t size)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	/* In the abstract name space: the server's user could not reach a folder of ours. */
	snprintf(a.sun_path + 1, sizeof(a.sun_path) - 1, "onboard-test-%d", (int)getpid());
	assert_int_equal(bind(fd, (struct sockaddr *)&a,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
					  strlen(a.sun_path + 1))),
			 0);
	snprintf(ret_name, size, "@onboard-test-%d", (int)getpid());
	return fd;
}

/* The server says when it takes connections, as it says it to systemd. */
void stores_server_start(void)
{
	char data[64], option[96], name[64], text[256];
	struct pollfd fd = {.events = POLLIN};
	char *const arguments[] = {
		text_of("-D"), data,
		text_of("-c"), option,
		text_of("-c"), text_of("listen_addresses="),
		text_of("-c"), text_of(getenv("ONBOARD_TEST_FSYNC") ? "fsync=on" : "fsync=off"),
		text_of("-c"), text_of("shared_buffers=16MB"),
		NULL};

	snprintf(data, sizeof(data), "%.50s/data", server.dir);
	snprintf(option, sizeof(option), "unix_socket_directories=%s", server.dir);
	fd.fd = notify_socket(name, sizeof(name));
	setenv("NOTIFY_SOCKET", name, 1);
	server.pid = spawn("postgres", arguments);
	unsetenv("NOTIFY_SOCKET");
	for (;;) {
		ssize_t n;

		if (poll(&fd, 1, START_MS) != 1)
			fail_msg("the server does not come up: see %s/log", server.dir);
		n = recv(fd.fd, text, sizeof(text) - 1, 0);
		assert_true(n >= 0);
		text[n] = 0;
		if (strstr(text, "READY=1"))
			break;
	}
	close(fd.fd);
}

static void server_end(int signal_number)
{
	int status;

	if (server.pid == 0)
		return;
	kill(server.pid, signal_number);
	waitpid(server.pid, &status, 0);
	server.pid = 0;
}

void stores_server_stop(void)
{
	server_end(SIGINT);
}

void stores_server_kill(void)
{
	/* "Immediate": processes quit at once, and the next start recovers. */
	server_end(SIGQUIT);
}

static void server_remove(void)
{
	server_end(SIGQUIT);
	folder_remove(server.dir);
}

static void server_make(void)
{
	char data[64];
	char *const arguments[] = {text_of("-D"),
				   data,
				   text_of("-A"),
				   text_of("trust"),
				   text_of("-U"),
				   text_of("onboard"),
				   text_of("-E"),
				   text_of("UTF8"),
				   text_of("--locale=C.UTF-8"),
				   text_of("--no-sync"),
				   NULL};
	struct passwd *user = getpwnam("nobody");

	programs_find();
	snprintf(server.dir, sizeof(server.dir), "/tmp/onboard-postgresql-XXXXXX");
	assert_non_null(mkdtemp(server.dir));
	if (getuid() == 0) {
		assert_non_null(user);
		assert_int_equal(chown(server.dir, user->pw_uid, user->pw_gid), 0);
	}
	atexit(server_remove);
	snprintf(data, sizeof(data), "%.50s/data", server.dir);
	wait_done(spawn("initdb", arguments), "initdb");
	snprintf(server.url, sizeof(server.url), "postgresql://onboard@/postgres?host=%s",
		 server.dir);
	stores_server_start();
}

const char *stores_url(void)
{
	if (!server.dir[0])
		server_make();
	return server.url;
}

void stores_run(const char *sql)
{
	PGconn *conn = PQconnectdb(stores_url());
	PGresult *result = PQexec(conn, sql);

	if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK)
		fail_msg("%s: %s", sql, PQerrorMessage(conn));
	PQclear(result);
	PQfinish(conn);
}

bool stores_hold(const char *text)
{
	PGconn *conn = PQconnectdb(stores_url());
	PGresult *result = PQexecParams(
		conn, "SELECT strpos(schema_to_xml('public', true, false, '')::text, $1) > 0", 1,
		NULL, &text, NULL, NULL, 0);
	bool is_there;

	assert_int_equal(PQresultStatus(result), PGRES_TUPLES_OK);
	is_there = strcmp(PQgetvalue(result, 0, 0), "t") == 0;
	PQclear(result);
	PQfinish(conn);
	return is_there;
}

void stores_clear(void)
{
	stores_run("SET client_min_messages = warning; DROP SCHEMA public CASCADE;"
		   " CREATE SCHEMA public");
}

void stores_copy(const char *name, char *ret_url, size_t size)
{
	char sql[96], file[96];
	char *const dump[] = {text_of("-Fc"), text_of("-f"), file, text_of(stores_url()), NULL};
	char *const restore[] = {text_of("--exit-on-error"), text_of("-d"), ret_url, file, NULL};

	snprintf(file, sizeof(file), "%s/dump", server.dir);
	snprintf(ret_url, size, "%s&dbname=%s", stores_url(), name);
	wait_done(spawn("pg_dump", dump), "pg_dump");
	snprintf(sql, sizeof(sql), "CREATE DATABASE %s TEMPLATE template0", name);
	stores_run(sql);
	wait_done(spawn("pg_restore", restore), "pg_restore");
}

void stores_open(const char *path, struct service_store **ret)
{
	char *detail = NULL;
	int r;

	r = stores_is_postgres() ? store_postgres_open(stores_url(), ret, &detail)
				 : store_sqlite_open(path, ret, &detail);
	if (r != 0)
		fail_msg("%s", detail ? detail : strerror(-r));
}
