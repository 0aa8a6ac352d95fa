/* SPDX-License-Identifier: Apache-2.0 */

/* What the tests of the API need beside HTTP: devices that can be claimed, a device that fetches
 * its commands, and the router's own table.
 * api-probe devices N      N lines "uuid,hardware,public key,claim token,token of its identity"
 * api-probe cloud DB UUID  gives the device a cloud access key, and prints a token of it
 * api-probe fetch DB UUID  hands the device its commands, as its CoAP request would
 * api-probe routes         lines "METHOD pattern role" */

#include <stdlib.h>

#include "base/clock.h"
#include "base/text.h"
#include "service/routes.h"
#include "service/store/sqlite.h"
#include "tests/unit/service/fixture.h"

static int devices(int n)
{
	for (int i = 0; i < n; i++) {
		char token[TOKEN_TEXT_MAX], key[BASE64_LEN(91) + 1], jwt[JWT_MAX];
		struct device d;

		device_init(&d);
		device_token(&d, COSE_FORM_RFC9052, token);
		base64_encode(d.spki, sizeof(d.spki), key);
		device_jwt(&d, jwt);
		printf("%s,nRF9160,%s,%s,%s\n", d.uuid, key, token, jwt);
		device_done(&d);
	}
	return 0;
}

static int fetch(const char *db, const char *uuid)
{
	struct fixture f = {.root_ca = NULL};
	struct device d;
	struct command_list list;
	size_t n;

	snprintf(f.db, sizeof(f.db), "%s", db);
	snprintf(d.uuid, sizeof(d.uuid), "%s", uuid);
	fixture_open(&f, &f.store, &f.core);
	list = device_fetch(&f, &d, "");
	n = list.n;
	command_list_done(&list);
	core_free(f.core);
	service_store_free(f.store);
	printf("%zu\n", n);
	return n > 0 ? 0 : 1;
}

static int cloud(const char *db, const char *uuid)
{
	struct store_device row;
	struct store_txn t = {NULL};
	struct fixture f = {.root_ca = NULL};
	struct device d;
	char jwt[JWT_MAX];

	snprintf(f.db, sizeof(f.db), "%s", db);
	fixture_open(&f, &f.store, &f.core);
	device_init(&d);
	snprintf(d.uuid, sizeof(d.uuid), "%s", uuid);
	assert_int_equal(store_txn_begin(&t, f.store, STORE_WRITE, uuid), 0);
	assert_int_equal(f.store->ops->device_get(f.store, uuid, &row), 0);
	row.has_cloud_key = true;
	row.cloud_key_tag = TAG;
	row.cloud_key_at = clock_wall_s();
	memcpy(row.cloud_key, d.spki, sizeof(row.cloud_key));
	assert_int_equal(f.store->ops->device_update(f.store, &row), 0);
	assert_int_equal(store_txn_commit(&t), 0);
	store_device_done(&row);
	device_jwt(&d, jwt);
	puts(jwt);
	device_done(&d);
	core_free(f.core);
	service_store_free(f.store);
	return 0;
}

static int certificate(const char *db, const char *uuid, const char *serial)
{
	struct store_certificate row = {
		.sec_tag = TAG, .not_before = 1700000000, .not_after = 1900000000};
	struct store_device device;
	struct store_txn t = {NULL};
	struct fixture f = {.root_ca = NULL};

	snprintf(f.db, sizeof(f.db), "%s", db);
	fixture_open(&f, &f.store, &f.core);
	assert_int_equal(store_txn_begin(&t, f.store, STORE_WRITE, uuid), 0);
	assert_int_equal(f.store->ops->device_get(f.store, uuid, &device), 0);
	snprintf(row.device, sizeof(row.device), "%s", uuid);
	snprintf(row.team, sizeof(row.team), "%s", device.team);
	snprintf(row.serial, sizeof(row.serial), "%s", serial);
	assert_int_equal(f.store->ops->certificate_add(f.store, &row), 0);
	assert_int_equal(store_txn_commit(&t), 0);
	store_device_done(&device);
	core_free(f.core);
	service_store_free(f.store);
	return 0;
}

static int routes(void)
{
	static const char *const roles[] = {"none",  "viewer", "editor",
					    "admin", "public", "device"};

	for (size_t i = 0; i < routes_owner.n; i++)
		printf("%s %s %s\n", routes_owner.routes[i].method, routes_owner.routes[i].pattern,
		       roles[routes_owner.routes[i].role]);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "devices") == 0)
		return devices(atoi(argv[2]));
	if (argc == 4 && strcmp(argv[1], "fetch") == 0)
		return fetch(argv[2], argv[3]);
	if (argc == 4 && strcmp(argv[1], "cloud") == 0)
		return cloud(argv[2], argv[3]);
	if (argc == 5 && strcmp(argv[1], "certificate") == 0)
		return certificate(argv[2], argv[3], argv[4]);
	if (argc == 2 && strcmp(argv[1], "routes") == 0)
		return routes();
	fprintf(stderr, "usage: api-probe devices N | cloud DB UUID | fetch DB UUID | "
			"certificate DB UUID SERIAL | routes\n");
	return 64;
}
