/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/agent/config_place.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/config_keys.h"

static void an_empty_file_gives_the_documented_defaults(void **state)
{
	struct place *p = *state;
	_cleanup_(config_freep) struct config *c = NULL;

	c = place_load_text(p, "");
	assert_string_equal(c->hardware, "onboardd");
	assert_null(c->uuid);
	assert_null(c->key_file);
	assert_int_equal(c->device_type, 23);
	assert_string_equal(c->server, "coap.nrfcloud.com");
	assert_null(c->address);
	assert_int_equal(c->port, 5684);
	assert_non_null(strstr(c->root_ca, "/onboardd/nrf-cloud-root-ca.pem"));
	assert_int_equal(c->root_ca_tag, 189298);
	assert_int_equal(c->jwt_lifetime_s, 300);
	assert_int_equal(c->rx_max, 8192);
	assert_int_equal(c->tx_max, 4096);
	assert_int_equal(c->limit, 10);
	assert_true(c->suspend);
	assert_true(c->resumption);
	assert_false(c->tickets);
	assert_true(c->cid);
	assert_int_equal(c->poll_fast_ms, 5000);
	assert_int_equal(c->poll_fast_for_ms, 600000);
	assert_int_equal(c->poll_ceiling_ms, 600000);
	assert_int_equal(c->backoff_first_ms, 5000);
	assert_int_equal(c->backoff_ceiling_ms, 3600000);
	assert_int_equal(c->handshake_timeout_ms, 20000);
	assert_int_equal(c->ack_timeout_ms, 2000);
	assert_int_equal(c->answer_timeout_ms, 30000);
	assert_true(c->validate);
	assert_string_equal(c->cloud_server, "coap.nrfcloud.com");
	assert_null(c->cloud_address);
	assert_int_equal(c->cloud_port, 5684);
	assert_int_equal(c->cloud_tag, 16842753);
	assert_int_equal(c->validate_first_ms, 1000);
	assert_int_equal(c->validate_ceiling_ms, 600000);
	assert_int_equal(c->validate_attempts, 8);
	assert_int_equal(c->time_wait_ms, 60000);
	assert_false(c->time_require_sync);
	assert_true(c->network_wait);
	assert_int_equal(c->network_wait_ms, 0);
	assert_string_equal(c->allow_keys[0], "provisioning/interval-sec");
	assert_null(c->allow_keys[1]);
	assert_string_equal(c->state_dir, "/var/lib/onboardd");
	assert_string_equal(c->log_level, "info");
}

static void every_key_is_read_into_its_place(void **state)
{
	struct place *p = *state;
	_cleanup_(config_freep) struct config *c = NULL;

	c = place_load_text(
		p, "# comment\n; another\n\n"
		   "[identity]\nhardware = nRF-x_1\nuuid = 50363154-3931-44F0-8022-121B6401627D\n"
		   "key-file=/etc/key\ndevice-type=255\n"
		   "[provisioning]\nserver = a.example\naddress = ::1\nport = 1\nroot-ca = /ca\n"
		   "root-ca-tag = 2147483647\njwt-lifetime = 6min\nrx-max-size = 256\n"
		   "tx-max-size = 16384\nlimit = 20\nsuspend = no\nresumption = false\n"
		   "tickets = true\ncid = no\nunclaimed-poll = 250ms\n"
		   "unclaimed-poll-fast-for = 0\nunclaimed-poll-max = 1h\nretry-first = 10ms\n"
		   "retry-max = 1s\nhandshake-timeout = 3\nack-timeout = 100ms\n"
		   "answer-timeout = 4s\n"
		   "[cloud]\nvalidate = no\nserver = b.example\naddress = 192.0.2.1\nport = 65535\n"
		   "sec-tag = 0\nretry-first = 2s\nretry-max = 3s\nattempts = 1000\n"
		   "[time]\nwait = 0\nrequire-sync = yes\n"
		   "[network]\nwait-for-default-route = no\nwait = 1d\n"
		   "[config-keys]\nallow = a/b  c\td\n"
		   "[daemon]\nstate-directory = /tmp/x\nlog-level = debug\n");
	assert_string_equal(c->hardware, "nRF-x_1");
	assert_string_equal(c->uuid, "50363154-3931-44f0-8022-121b6401627d");
	assert_string_equal(c->key_file, "/etc/key");
	assert_int_equal(c->device_type, 255);
	assert_string_equal(c->server, "a.example");
	assert_string_equal(c->address, "::1");
	assert_int_equal(c->port, 1);
	assert_string_equal(c->root_ca, "/ca");
	assert_int_equal(c->root_ca_tag, 2147483647);
	assert_int_equal(c->jwt_lifetime_s, 360);
	assert_int_equal(c->rx_max, 256);
	assert_int_equal(c->tx_max, 16384);
	assert_int_equal(c->limit, 20);
	assert_false(c->suspend);
	assert_false(c->resumption);
	assert_true(c->tickets);
	assert_false(c->cid);
	assert_int_equal(c->poll_fast_ms, 250);
	assert_int_equal(c->poll_fast_for_ms, 0);
	assert_int_equal(c->poll_ceiling_ms, 3600000);
	assert_int_equal(c->backoff_first_ms, 10);
	assert_int_equal(c->backoff_ceiling_ms, 1000);
	assert_int_equal(c->handshake_timeout_ms, 3000);
	assert_int_equal(c->ack_timeout_ms, 100);
	assert_int_equal(c->answer_timeout_ms, 4000);
	assert_false(c->validate);
	assert_string_equal(c->cloud_server, "b.example");
	assert_string_equal(c->cloud_address, "192.0.2.1");
	assert_int_equal(c->cloud_port, 65535);
	assert_int_equal(c->cloud_tag, 0);
	assert_int_equal(c->validate_first_ms, 2000);
	assert_int_equal(c->validate_ceiling_ms, 3000);
	assert_int_equal(c->validate_attempts, 1000);
	assert_int_equal(c->time_wait_ms, 0);
	assert_true(c->time_require_sync);
	assert_false(c->network_wait);
	assert_int_equal(c->network_wait_ms, 86400000);
	assert_string_equal(c->allow_keys[0], "a/b");
	assert_string_equal(c->allow_keys[1], "c");
	assert_string_equal(c->allow_keys[2], "d");
	assert_null(c->allow_keys[3]);
	assert_string_equal(c->state_dir, "/tmp/x");
	assert_string_equal(c->log_level, "debug");
}

static void wifi_is_off_unless_it_is_enabled(void **state)
{
	struct place *p = *state;
	_cleanup_(config_freep) struct config *c = NULL;

	c = place_load_text(p, "");
	assert_false(c->wifi_enable);
	assert_null(c->wifi_interface);
	assert_null(c->wifi_adapter);
	assert_string_equal(c->wifi_name_prefix, "PV");
	assert_string_equal(c->wifi_pairing, "just-works");
	assert_null(c->wifi_label_file);
	assert_int_equal(c->wifi_window_ms, 600000);
	assert_true(c->wifi_window_at_boot);
	assert_null(c->wifi_button_chip);
	assert_int_equal(c->wifi_attempts, 10);
	assert_int_equal(c->wifi_attempts_period_ms, 600000);
	assert_false(c->wifi_claim_token);
	assert_int_equal(c->wifi_signal_refresh_ms, 5000);
	assert_int_equal(c->wifi_connect_ms, 45000);
	assert_int_equal(c->wifi_address_ms, 25000);
	assert_int_equal(c->wifi_retry_first_ms, 1000);
	assert_int_equal(c->wifi_retry_ceiling_ms, 60000);
	assert_int_equal(c->wifi_fallback_ms, 120000);
}

static void every_wifi_key_is_read_into_its_place(void **state)
{
	struct place *p = *state;
	_cleanup_(config_freep) struct config *c = NULL;

	c = place_load_text(
		p, "[wifi]\nenable = yes\ninterface = wlan-1\nadapter = hci9\nname-prefix = X\n"
		   "pairing = passkey-on-label\nlabel-file = /label\nwindow = 90s\n"
		   "window-at-boot = no\nbutton-chip = gpiochip7\nbutton-line = 17\n"
		   "button-active-low = yes\nattempts = 3\nattempts-period = 2min\n"
		   "claim-token = yes\n"
		   "signal-refresh = 0\nconnect-timeout = 20s\naddress-timeout = 10s\n"
		   "retry-first = 2s\nretry-max = 3s\nfallback = 5min\n");
	assert_true(c->wifi_enable);
	assert_string_equal(c->wifi_interface, "wlan-1");
	assert_string_equal(c->wifi_adapter, "hci9");
	assert_string_equal(c->wifi_name_prefix, "X");
	assert_string_equal(c->wifi_pairing, "passkey-on-label");
	assert_string_equal(c->wifi_label_file, "/label");
	assert_int_equal(c->wifi_window_ms, 90000);
	assert_false(c->wifi_window_at_boot);
	assert_string_equal(c->wifi_button_chip, "gpiochip7");
	assert_int_equal(c->wifi_button_line, 17);
	assert_true(c->wifi_button_active_low);
	assert_int_equal(c->wifi_attempts, 3);
	assert_int_equal(c->wifi_attempts_period_ms, 120000);
	assert_true(c->wifi_claim_token);
	assert_int_equal(c->wifi_signal_refresh_ms, 0);
	assert_int_equal(c->wifi_connect_ms, 20000);
	assert_int_equal(c->wifi_address_ms, 10000);
	assert_int_equal(c->wifi_retry_first_ms, 2000);
	assert_int_equal(c->wifi_retry_ceiling_ms, 3000);
	assert_int_equal(c->wifi_fallback_ms, 300000);
}

static void keys_stay_in_files_unless_a_token_is_named(void **state)
{
	struct place *p = *state;
	_cleanup_(config_freep) struct config *c = NULL;

	c = place_load_text(p, "");
	assert_null(c->key_uri);
	assert_null(c->chain_file);
	assert_null(c->token_module);
	assert_null(c->token_pin_file);
	assert_null(c->seal_uri);
	assert_null(c->cloud_key_uri);
	assert_true(c->roll_back);
	assert_string_equal(c->damaged_store, "refuse");
}

static void every_key_of_a_token_is_read_into_its_place(void **state)
{
	struct place *p = *state;
	_cleanup_(config_freep) struct config *c = NULL;

	c = place_load_text(p,
			    "[identity]\nkey = pkcs11:token=a%20b;object=id?pin-source=file:/pin\n"
			    "chain = /chain.pem\n[token]\nmodule = /m.so\npin-file = /pin\n"
			    "[sealing]\nkey = pkcs11:token=s;object=seal\n"
			    "[cloud]\nkey = pkcs11:token=c\nroll-back = no\n"
			    "[daemon]\ndamaged-store = start-anew\n");
	assert_string_equal(c->key_uri, "pkcs11:token=a%20b;object=id?pin-source=file:/pin");
	assert_string_equal(c->chain_file, "/chain.pem");
	assert_string_equal(c->token_module, "/m.so");
	assert_string_equal(c->token_pin_file, "/pin");
	assert_string_equal(c->seal_uri, "pkcs11:token=s;object=seal");
	assert_string_equal(c->cloud_key_uri, "pkcs11:token=c");
	assert_false(c->roll_back);
	assert_string_equal(c->damaged_store, "start-anew");
}

static void no_two_keys_share_a_name_or_a_place(void **state)
{
	(void)state;
	for (size_t i = 0; i < config_n_keys; i++)
		for (size_t k = 0; k < i; k++) {
			assert_true(config_keys[i].offset != config_keys[k].offset);
			assert_false(strcmp(config_keys[i].section, config_keys[k].section) == 0 &&
				     strcmp(config_keys[i].name, config_keys[k].name) == 0);
		}
}

static void the_cloud_is_the_provisioning_server_unless_it_is_named(void **state)
{
	struct place *p = *state;
	_cleanup_(config_freep) struct config *both = NULL, *named = NULL, *port = NULL;

	both = place_load_text(p, "[provisioning]\nserver = s\naddress = 127.0.0.1\nport = 7\n");
	assert_string_equal(both->cloud_server, "s");
	assert_string_equal(both->cloud_address, "127.0.0.1");
	assert_int_equal(both->cloud_port, 7);

	named = place_load_text(p, "[provisioning]\nserver = s\naddress = 127.0.0.1\nport = 7\n"
				   "[cloud]\nserver = t\n");
	assert_string_equal(named->cloud_server, "t");
	assert_null(named->cloud_address);
	assert_int_equal(named->cloud_port, 5684);

	port = place_load_text(p, "[provisioning]\nport = 7\n[cloud]\nport = 5684\n");
	assert_int_equal(port->cloud_port, 5684);
}

static void drop_ins_win_in_name_order_and_others_are_ignored(void **state)
{
	struct place *p = *state;
	_cleanup_(config_freep) struct config *c = NULL;

	place_put(p, "[provisioning]\nport = 1\nserver = one\nlimit = 1\n"
		     "[identity]\nkey-file = /x\n[config-keys]\nallow = a\nallow = b\n");
	place_put_drop_in(p, "20-b.conf", "[provisioning]\nport = 3\n");
	place_put_drop_in(p, "10-a.conf",
			  "[provisioning]\nport = 2\nserver = two\n"
			  "[identity]\nkey-file =\n[config-keys]\nallow = c\n");
	place_put_drop_in(p, "30-c.conf.bak", "[provisioning]\nport = 4\n");
	place_put_drop_in(p, ".hidden.conf", "[provisioning]\nport = 5\n");
	place_put_drop_in(p, ".conf", "nonsense");
	c = place_load(p);
	assert_int_equal(c->port, 3);
	assert_string_equal(c->server, "two");
	assert_int_equal(c->limit, 1);
	assert_null(c->key_file);
	assert_string_equal(c->allow_keys[0], "c");
	assert_null(c->allow_keys[1]);
}

static void words_of_one_file_add_up(void **state)
{
	struct place *p = *state;
	_cleanup_(config_freep) struct config *c = NULL, *none = NULL;

	c = place_load_text(p, "[config-keys]\nallow = a\nallow = b c\n");
	assert_string_equal(c->allow_keys[0], "a");
	assert_string_equal(c->allow_keys[1], "b");
	assert_string_equal(c->allow_keys[2], "c");
	assert_null(c->allow_keys[3]);

	none = place_load_text(p, "[config-keys]\nallow =\n");
	assert_null(none->allow_keys[0]);
}

static void blanks_bom_and_carriage_returns_do_no_harm(void **state)
{
	struct place *p = *state;
	_cleanup_(config_freep) struct config *c = NULL;

	c = place_load_text(p, "\xef\xbb\xbf[provisioning]\r\nserver = a ; why\r\n\t port = 9\r\n"
			       "  # indented comment\n [cloud] # here\nattempts=3");
	assert_string_equal(c->server, "a");
	assert_int_equal(c->port, 9);
	assert_int_equal(c->validate_attempts, 3);
}

static void comments_have_no_length_limit(void **state)
{
	struct place *p = *state;
	_cleanup_(config_freep) struct config *c = NULL;
	char text[2048];

	memset(text, 'x', sizeof(text));
	text[0] = '#';
	strcpy(text + 1500, "\n[provisioning]\nport = 9\n");
	c = place_load_text(p, text);
	assert_int_equal(c->port, 9);
}

static void state_directory_of_the_environment_wins(void **state)
{
	struct place *p = *state;
	_cleanup_(config_freep) struct config *c = NULL;

	place_put(p, "[daemon]\nstate-directory = /one\n");
	setenv("STATE_DIRECTORY", "/two:/three", 1);
	c = place_load(p);
	unsetenv("STATE_DIRECTORY");
	assert_string_equal(c->state_dir, "/two");
}

static void mistakes_are_told_with_file_and_line(void **state)
{
	static const struct {
		const char *text, *at, *what;
	} rows[] = {
		{"[provisioning]\nprot = 1\n", "onboardd.conf:2: ", "unknown key 'prot'"},
		{"[provisioning]\nprot = 1\n", "onboardd.conf:2: ", "root-ca-tag"},
		{"\n[nothing]\n", "onboardd.conf:2: ", "unknown section [nothing]"},
		{"\n[nothing]\n", "onboardd.conf:2: ", "identity, token, sealing"},
		{"[Cloud]\n", "onboardd.conf:1: ", "unknown section"},
		{"[]\n", "onboardd.conf:1: ", "unknown section"},
		{"[cloud\n", "onboardd.conf:1: ", "without"},
		{"[cloud] x\n", "onboardd.conf:1: ", "after the section"},
		{"port = 1\n", "onboardd.conf:1: ", "before any section"},
		{"[provisioning]\n\nport\n", "onboardd.conf:3: ", "neither"},
		{"[provisioning]\nwhat\nport = x\n", "onboardd.conf:2: ", "neither"},
		{"[provisioning]\nport = x\nwhat\n", "onboardd.conf:2: ", "'x'"},
		{"[provisioning]\nport = 1\n\nport = 1\n",
		 "onboardd.conf:4: ", "already set in line 2"},
		{"[provisioning]\nport = 0\n", "onboardd.conf:2: ", "1 to 65535"},
		{"[provisioning]\nport = 65536\n", "onboardd.conf:2: ", "1 to 65535"},
		{"[provisioning]\nport = -1\n", "onboardd.conf:2: ", "1 to 65535"},
		{"[provisioning]\nport = 5684 # x\n", "onboardd.conf:2: ", "1 to 65535"},
		{"[provisioning]\nport =\n", "onboardd.conf:2: ", "1 to 65535"},
		{"[provisioning]\nserver =\n", "onboardd.conf:2: ", "DNS name"},
		{"[provisioning]\nserver = a:5684\n", "onboardd.conf:2: ", "without port"},
		{"[provisioning]\nserver = coaps://a\n", "onboardd.conf:2: ", "DNS name"},
		{"[provisioning]\nserver = a b\n", "onboardd.conf:2: ", "DNS name"},
		{"[provisioning]\naddress = a.example\n", "onboardd.conf:2: ", "IPv4 or IPv6"},
		{"[provisioning]\nroot-ca = ca.pem\n", "onboardd.conf:2: ", "begins with /"},
		{"[provisioning]\nroot-ca-tag = 2147483648\n", "onboardd.conf:2: ", "2147483647"},
		{"[provisioning]\nlimit = 21\n", "onboardd.conf:2: ", "1 to 20"},
		{"[provisioning]\nrx-max-size = 16385\n", "onboardd.conf:2: ", "16384"},
		{"[provisioning]\nrx-max-size = 255\n", "onboardd.conf:2: ", "256"},
		{"[provisioning]\njwt-lifetime = 29s\n", "onboardd.conf:2: ", "30s to 6min"},
		{"[provisioning]\njwt-lifetime = 361s\n", "onboardd.conf:2: ", "30s to 6min"},
		{"[provisioning]\ntx-max-size = 511\n", "onboardd.conf:2: ", "512"},
		{"[provisioning]\njwt-lifetime = 30500ms\n", "onboardd.conf:2: ", "30s to 6min"},
		{"[provisioning]\nack-timeout = 1 hour\n", "onboardd.conf:2: ", "10ms to 1h"},
		{"[provisioning]\nsuspend = on\n", "onboardd.conf:2: ", "yes, no, true"},
		{"[identity]\nhardware = a.b\n", "onboardd.conf:2: ", "1 to 32"},
		{"[identity]\nhardware = 123456789012345678901234567890123\n",
		 "onboardd.conf:2: ", "1 to 32"},
		{"[identity]\nuuid = 1234\n", "onboardd.conf:2: ", "a UUID such as"},
		{"[identity]\ndevice-type = 256\n", "onboardd.conf:2: ", "0 to 255"},
		{"[daemon]\nlog-level = loud\n", "onboardd.conf:2: ", "notice"},
		{"[config-keys]\nallow = \x01\n", "onboardd.conf:2: ", "printable"},
		{"[provisioning]\nretry-max = 1s\n", "onboardd.conf:2: ", "above 'retry-max'"},
		{"[cloud]\nretry-first = 1h\n", "onboardd.conf:2: ", "above 'retry-max'"},
		{"[provisioning]\n\nunclaimed-poll = 1h\n",
		 "onboardd.conf:3: ", "above 'unclaimed-poll-max'"},
		{"[provisioning]\nroot-ca-tag = 16842753\n", "onboardd.conf:2: ", "must differ"},
		{"[cloud]\nsec-tag = 189298\n", "onboardd.conf:2: ", "must differ"},
		{"[identity]\nkey = file\n", "onboardd.conf:2: ", "pkcs11:"},
		{"[cloud]\nkey = pkcs11:token=a?pin-value=1\n",
		 "onboardd.conf:2: ", "without pin-value"},
		{"[identity]\nkey = pkcs11:token=a\nkey-file = /k\n",
		 "onboardd.conf:3: ", "exclude each other"},
		{"[provisioning]\ntransport = tcp\n", "onboardd.conf:2: ", "auto, coap and https"},
		{"[provisioning]\nhttps-port = 0\n", "onboardd.conf:2: ", "from 1 to 65535"},
		{"[provisioning]\nproxy = proxy.example:3128\n",
		 "onboardd.conf:2: ", "http://HOST:PORT"},
		{"[provisioning]\nproxy = http://proxy.example\n",
		 "onboardd.conf:2: ", "http://HOST:PORT"},
		{"[provisioning]\nproxy = http://proxy.example:65536\n",
		 "onboardd.conf:2: ", "http://HOST:PORT"},
		{"[provisioning]\nproxy = http://:3128\n", "onboardd.conf:2: ", "http://HOST:PORT"},
		{"[provisioning]\nproxy = http://me:secret@proxy.example:3128\n",
		 "onboardd.conf:2: ", "proxy-login-file"},
		{"[provisioning]\nproxy-login-file = /login\n",
		 "onboardd.conf:2: ", "needs a 'proxy'"},
		{"[daemon]\ndamaged-store = format\n", "onboardd.conf:2: ", "start-anew"},
		{"[wifi]\npairing = none\n", "onboardd.conf:2: ", "passkey-on-label"},
		{"[wifi]\npairing = passkey-on-label\n", "onboardd.conf:2: ", "label-file"},
		{"[wifi]\nname-prefix = PVX\n", "onboardd.conf:2: ", "1 to 2"},
		{"[wifi]\nretry-first = 2min\n", "onboardd.conf:2: ", "above 'retry-max'"},
		{"[wifi]\naddress-timeout = 50s\n", "onboardd.conf:2: ", "above 'connect-"},
	};
	struct place *p = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		place_refuses_text(p, rows[i].text, rows[i].at, rows[i].what);
	}
}

static void a_mistake_in_a_drop_in_names_the_drop_in(void **state)
{
	struct place *p = *state;

	place_put(p, "[provisioning]\nport = 1\n");
	place_put_drop_in(p, "a.conf", "[provisioning]\n\n\nport = none\n");
	place_assert_fails(p, -EINVAL, "conf.d/a.conf:4: ", "1 to 65535");
	place_put_drop_in(p, "a.conf", "[provisioning]\nretry-first = 2h\n");
	place_assert_fails(p, -EINVAL, "conf.d/a.conf:2: ", "above 'retry-max'");
}

static void lines_have_a_limit_that_is_told(void **state)
{
	struct place *p = *state;
	char text[400] = "[config-keys]\nallow = ";

	memset(text + strlen(text), 'x', 300);
	assert_true(strlen(text) < sizeof(text));
	place_refuses_text(p, text, "onboardd.conf:2: ", "characters");
}

static void words_are_held_to_their_number_and_length(void **state)
{
	struct place *p = *state;
	_cleanup_(config_freep) struct config *c = NULL;
	char text[4096] = "[config-keys]\nallow = ";

	memset(text + strlen(text), 'x', CONFIG_KEY_MAX);
	c = place_load_text(p, text);
	assert_int_equal(strlen(c->allow_keys[0]), CONFIG_KEY_MAX);
	strcat(text, "x");
	place_refuses_text(p, text, "onboardd.conf:2: ", "at most 64 printable");

	strcpy(text, "[config-keys]\n");
	for (int i = 0; i < 64; i++)
		strcat(text, "allow = x\n");
	place_put(p, text);
	c = config_free(c);
	c = place_load(p);
	strcat(text, "allow = x\n");
	place_refuses_text(p, text, "onboardd.conf:66: ", "at most 64 words");
	place_refuses_text(p, "[config-keys]\nallow =; x\n", "onboardd.conf:2: ", "begins with ;");
}

static void what_is_no_text_file_is_refused(void **state)
{
	struct place *p = *state;
	_cleanup_(freep) char *big = malloc(65537);

	place_assert_fails(p, -ENOENT, "onboardd.conf: ", "No such file");
	place_put_bytes(p->file, "[cloud]\n\0", 9);
	place_assert_fails(p, -EINVAL, "onboardd.conf: ", "NUL");

	assert_non_null(big);
	memset(big, '\n', 65537);
	place_put_bytes(p->file, big, 65536);
	config_free(place_load(p));
	place_put_bytes(p->file, big, 65537);
	place_assert_fails(p, -EFBIG, "onboardd.conf: ", "larger than 65536");

	assert_int_equal(remove(p->file), 0);
	assert_int_equal(mkdir(p->file, 0700), 0);
	place_assert_fails(p, -EINVAL, "onboardd.conf: ", "not a regular file");
}

static void too_many_drop_ins_are_refused(void **state)
{
	struct place *p = *state;

	place_put(p, "");
	for (int i = 0; i < 64; i++) {
		char name[16];

		snprintf(name, sizeof(name), "%02d.conf", i);
		place_put_drop_in(p, name, "[cloud]\nattempts = 3\n");
	}
	config_free(place_load(p));
	place_put_drop_in(p, "64.conf", "");
	place_assert_fails(p, -E2BIG, "conf.d: ", "65 drop-ins");
}

static void any_cut_of_a_file_loads_or_fails_cleanly(void **state)
{
	static const char text[] = "# x\n[identity]\nuuid = 50363154-3931-44f0-8022-121b6401627d\n"
				   "[provisioning]\nserver = a.example\njwt-lifetime = 6min\n"
				   "[config-keys]\nallow = a b\n[daemon]\nlog-level = debug\n";
	struct place *p = *state;

	for (size_t len = 0; len <= strlen(text); len++) {
		_cleanup_(config_freep) struct config *c = NULL;
		_cleanup_(freep) char *detail = NULL;
		int r;

		place_put_bytes(p->file, text, len);
		r = config_load(p->file, &c, &detail);
		assert_true(r == 0 || r == -EINVAL);
		assert_true((r == 0) == (c != NULL));
		assert_true((r == 0) == (detail == NULL));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLACE_TEST(an_empty_file_gives_the_documented_defaults),
		PLACE_TEST(every_key_is_read_into_its_place),
		PLACE_TEST(wifi_is_off_unless_it_is_enabled),
		PLACE_TEST(keys_stay_in_files_unless_a_token_is_named),
		PLACE_TEST(every_key_of_a_token_is_read_into_its_place),
		PLACE_TEST(every_wifi_key_is_read_into_its_place),
		cmocka_unit_test(no_two_keys_share_a_name_or_a_place),
		PLACE_TEST(the_cloud_is_the_provisioning_server_unless_it_is_named),
		PLACE_TEST(drop_ins_win_in_name_order_and_others_are_ignored),
		PLACE_TEST(words_of_one_file_add_up),
		PLACE_TEST(blanks_bom_and_carriage_returns_do_no_harm),
		PLACE_TEST(comments_have_no_length_limit),
		PLACE_TEST(state_directory_of_the_environment_wins),
		PLACE_TEST(mistakes_are_told_with_file_and_line),
		PLACE_TEST(a_mistake_in_a_drop_in_names_the_drop_in),
		PLACE_TEST(lines_have_a_limit_that_is_told),
		PLACE_TEST(words_are_held_to_their_number_and_length),
		PLACE_TEST(what_is_no_text_file_is_refused),
		PLACE_TEST(too_many_drop_ins_are_refused),
		PLACE_TEST(any_cut_of_a_file_loads_or_fails_cleanly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
