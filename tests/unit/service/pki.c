/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "pki.h"

static const char script[] =
	"set -e; cd '%s'\n"
	"exec >log 2>&1\n"
	"for k in root inter leaf other; do\n"
	"  openssl ecparam -name prime256v1 -genkey -noout -out $k.key\n"
	"done\n"
	"openssl req -x509 -new -key root.key -subj /CN=root -days 2 -out root.pem \\\n"
	"  -addext basicConstraints=critical,CA:TRUE\n"
	"openssl req -new -key inter.key -subj /CN=inter -out inter.csr\n"
	"printf 'basicConstraints=critical,CA:TRUE\\n' >inter.ext\n"
	"openssl x509 -req -in inter.csr -CA root.pem -CAkey root.key -set_serial 2 -days 2 \\\n"
	"  -extfile inter.ext -out inter.pem\n"
	"openssl req -new -key leaf.key -subj /CN=localhost -out leaf.csr\n"
	"printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\\n' >leaf.ext\n"
	"openssl x509 -req -in leaf.csr -CA inter.pem -CAkey inter.key -set_serial 3 -days 2 \\\n"
	"  -extfile leaf.ext -out leaf.pem\n"
	"cat leaf.pem inter.pem >chain.pem\n";

char *pki_make(void)
{
	char *dir = strdup("/tmp/onboard-pki-XXXXXX");
	_cleanup_(freep) char *command = NULL;

	assert_non_null(mkdtemp(dir));
	assert_true(asprintf(&command, script, dir) > 0);
	assert_int_equal(system(command), 0);
	return dir;
}

char *pki_free(char *dir)
{
	_cleanup_(freep) char *command = NULL;

	assert_true(asprintf(&command, "rm -r '%s'", dir) > 0);
	assert_int_equal(system(command), 0);
	free(dir);
	return NULL;
}

char *pki_path(const char *dir, const char *name)
{
	char *path;

	assert_true(asprintf(&path, "%s/%s", dir, name) > 0);
	return path;
}
