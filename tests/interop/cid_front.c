/* SPDX-License-Identifier: Apache-2.0 */
/* A DTLS server that gives its clients connection ids (RFC 9146), which libcoap's do not. It is
 * made of mbedTLS and knows nothing of CoAP: what a device says goes on, datagram by datagram, over
 * a DTLS session of its own to a server behind it, which sees each device at one address for ever.
 *   cid_front CERTIFICATE KEY PORT IDLE_SECONDS [SERVER_PORT [ADDRESS [no-cid]]]
 * Without a port it starts the program $CID_FRONT_SERVER, a coap_peer, and ends it with itself.
 * Prints "ready PORT", then a JSON object a line: what was negotiated, and when a device is found
 * at another address. Ends on SIGTERM with a goodbye to every device. */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/ssl.h>
#include <mbedtls/ssl_cookie.h>
#include <mbedtls/timing.h>
#include <psa/crypto.h>

#define CID_LEN 8
#define RECORD_CID 25
#define RECORD_HANDSHAKE 22
#define NUMBER_AT 3 /* of a record: epoch and sequence, 8 bytes, then the connection id */
#define CID_AT 11
#define DATAGRAM_MAX 4096
#define LINKS_MAX 32
#define TICK_MS 50 /* how often handshakes may send again */
#define SERVER_TIMEOUT_MS 5000

struct link {
	bool used, established;
	int fd;                    /* the front's */
	struct sockaddr_in device; /* where it was heard of last */
	uint8_t cid[CID_LEN];      /* ours, in its records */
	uint64_t newest;           /* number of the newest record that was genuine */
	mbedtls_ssl_context ssl;
	mbedtls_timing_delay_context timer;
	const uint8_t *datagram; /* that is being read; NULL: read */
	size_t datagram_len;

	mbedtls_net_context net; /* to the server */
	mbedtls_ssl_context server;
	mbedtls_timing_delay_context server_timer;
};

struct front {
	int fd;
	uint16_t server_port;
	bool with_cid;
	mbedtls_entropy_context entropy;
	mbedtls_ctr_drbg_context random;
	mbedtls_x509_crt certificate;
	mbedtls_pk_context key;
	mbedtls_ssl_cookie_ctx cookies;
	mbedtls_ssl_config conf, server_conf;
	struct link links[LINKS_MAX];
};

/* What libcoap's servers agree upon with us. */
static const int suites[] = {MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, 0};

static volatile sig_atomic_t stop;

static void on_term(int sig)
{
	(void)sig;
	stop = 1;
}

static void die(const char *what, int code)
{
	fprintf(stderr, "cid_front: %s: -0x%04x\n", what, (unsigned int)-code);
	exit(1);
}

static void check(const char *what, int code)
{
	if (code != 0)
		die(what, code);
}

/* ---- one device ---- */

static int send_to_device(void *p, const unsigned char *data, size_t len)
{
	const struct link *l = p;

	/* What the network does not take is lost. */
	(void)sendto(l->fd, data, len, 0, (const struct sockaddr *)&l->device, sizeof(l->device));
	return (int)len;
}

static int take_datagram(void *p, unsigned char *buf, size_t size)
{
	struct link *l = p;

	if (!l->datagram)
		return MBEDTLS_ERR_SSL_WANT_READ;
	if (l->datagram_len > size)
		return MBEDTLS_ERR_SSL_BUFFER_TOO_SMALL;
	memcpy(buf, l->datagram, l->datagram_len);
	l->datagram = NULL;
	return (int)l->datagram_len;
}

static void link_free(struct link *l)
{
	mbedtls_ssl_free(&l->ssl);
	mbedtls_ssl_free(&l->server);
	mbedtls_net_free(&l->net);
	l->used = false;
}

static struct link *link_new(struct front *f, const struct sockaddr_in *device)
{
	struct link *l = f->links;

	while (l < f->links + LINKS_MAX && l->used)
		l++;
	if (l == f->links + LINKS_MAX)
		return NULL;
	*l = (struct link){.used = true, .fd = f->fd, .device = *device};
	mbedtls_ssl_init(&l->ssl);
	mbedtls_ssl_init(&l->server);
	mbedtls_net_init(&l->net);
	check("set up", mbedtls_ssl_setup(&l->ssl, &f->conf));
	check("cookie", mbedtls_ssl_set_client_transport_id(&l->ssl, (const uint8_t *)device,
							    sizeof(*device)));
	check("random", mbedtls_ctr_drbg_random(&f->random, l->cid, sizeof(l->cid)));
	if (f->with_cid)
		check("connection id", mbedtls_ssl_set_cid(&l->ssl, MBEDTLS_SSL_CID_ENABLED, l->cid,
							   sizeof(l->cid)));
	mbedtls_ssl_set_bio(&l->ssl, l, send_to_device, take_datagram, NULL);
	mbedtls_ssl_set_timer_cb(&l->ssl, &l->timer, mbedtls_timing_set_delay,
				 mbedtls_timing_get_delay);
	return l;
}

static void say_address(const char *name, const struct sockaddr_in *a)
{
	char text[INET_ADDRSTRLEN];

	printf(", \"%s\": \"%s:%u\"", name, inet_ntop(AF_INET, &a->sin_addr, text, sizeof(text)),
	       ntohs(a->sin_port));
}

/* The server behind is near: this waits. */
static bool reach_server(struct front *f, struct link *l)
{
	char port[8];
	int r;

	snprintf(port, sizeof(port), "%u", f->server_port);
	r = mbedtls_net_connect(&l->net, "127.0.0.1", port, MBEDTLS_NET_PROTO_UDP);
	if (r == 0)
		r = mbedtls_ssl_setup(&l->server, &f->server_conf);
	if (r == 0)
		r = mbedtls_ssl_set_hostname(&l->server, NULL);
	if (r != 0)
		return false;
	mbedtls_ssl_set_timer_cb(&l->server, &l->server_timer, mbedtls_timing_set_delay,
				 mbedtls_timing_get_delay);
	mbedtls_ssl_set_bio(&l->server, &l->net, mbedtls_net_send, NULL, mbedtls_net_recv_timeout);
	do
		r = mbedtls_ssl_handshake(&l->server);
	while (r == MBEDTLS_ERR_SSL_WANT_READ || r == MBEDTLS_ERR_SSL_WANT_WRITE);
	if (r != 0)
		return false;
	mbedtls_ssl_set_bio(&l->server, &l->net, mbedtls_net_send, mbedtls_net_recv, NULL);
	return mbedtls_net_set_nonblock(&l->net) == 0;
}

static void part(struct link *l)
{
	if (l->established) {
		mbedtls_ssl_close_notify(&l->ssl);
		mbedtls_ssl_close_notify(&l->server);
	}
	link_free(l);
}

/* False: the link is gone. */
static bool step_handshake(struct front *f, struct link *l)
{
	const int r = mbedtls_ssl_handshake(&l->ssl);
	unsigned char theirs[MBEDTLS_SSL_CID_OUT_LEN_MAX];
	size_t len = 0;
	int cid = MBEDTLS_SSL_CID_DISABLED;

	if (r == MBEDTLS_ERR_SSL_WANT_READ || r == MBEDTLS_ERR_SSL_WANT_WRITE)
		return true;
	/* Also with the first hello, which is to come again with a cookie. */
	if (r != 0 || !reach_server(f, l)) {
		link_free(l);
		return false;
	}
	l->established = true;
	check("connection id", mbedtls_ssl_get_peer_cid(&l->ssl, &cid, theirs, &len));
	printf("{\"event\": \"handshake\", \"cid\": %s",
	       cid == MBEDTLS_SSL_CID_ENABLED ? "true" : "false");
	say_address("device", &l->device);
	printf("}\n");
	return true;
}

/* RFC 9146 §6: only a record that was genuine and is newer than all before says where a peer is. */
static void note_address(struct link *l, uint64_t number, const struct sockaddr_in *from)
{
	if (number <= l->newest)
		return;
	l->newest = number;
	if (memcmp(from, &l->device, sizeof(*from)) == 0)
		return;
	printf("{\"event\": \"moved\"");
	say_address("from", &l->device);
	say_address("to", from);
	printf("}\n");
	l->device = *from;
}

static uint64_t number_of(const uint8_t *record)
{
	uint64_t number = 0;

	for (size_t i = 0; i < 8; i++)
		number = number << 8 | record[NUMBER_AT + i];
	return number;
}

static void read_device(struct front *f, struct link *l, const uint8_t *data, size_t len,
			const struct sockaddr_in *from)
{
	uint8_t message[DATAGRAM_MAX];
	int r;

	l->datagram = data;
	l->datagram_len = len;
	if (!l->established && !step_handshake(f, l))
		return;
	while (l->established) {
		r = mbedtls_ssl_read(&l->ssl, message, sizeof(message));
		if (r <= 0)
			break;
		note_address(l, number_of(data), from);
		mbedtls_ssl_write(&l->server, message, (size_t)r);
	}
	l->datagram = NULL;
	if (l->established && r == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY)
		part(l);
}

static void read_server(struct link *l)
{
	uint8_t message[DATAGRAM_MAX];
	int r;

	while ((r = mbedtls_ssl_read(&l->server, message, sizeof(message))) > 0)
		mbedtls_ssl_write(&l->ssl, message, (size_t)r);
	if (r == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY)
		part(l);
}

/* ---- all of them ---- */

static struct link *find(struct front *f, const uint8_t *data, size_t len,
			 const struct sockaddr_in *from)
{
	for (struct link *l = f->links; l < f->links + LINKS_MAX; l++) {
		if (!l->used)
			continue;
		if (data[0] != RECORD_CID) {
			if (memcmp(from, &l->device, sizeof(*from)) == 0)
				return l;
		} else if (len >= CID_AT + CID_LEN && memcmp(data + CID_AT, l->cid, CID_LEN) == 0) {
			return l;
		}
	}
	return NULL;
}

static void read_socket(struct front *f)
{
	struct sockaddr_in from = {0};
	socklen_t from_len = sizeof(from);
	uint8_t data[DATAGRAM_MAX];
	struct link *l;
	ssize_t n;

	n = recvfrom(f->fd, data, sizeof(data), MSG_DONTWAIT, (struct sockaddr *)&from, &from_len);
	if (n < CID_AT)
		return;
	l = find(f, data, (size_t)n, &from);
	/* A hello; what else comes from nowhere is dropped without a word. */
	if (!l && data[0] == RECORD_HANDSHAKE)
		l = link_new(f, &from);
	if (l)
		read_device(f, l, data, (size_t)n, &from);
}

static void turn(struct front *f)
{
	struct pollfd fds[1 + LINKS_MAX] = {{.fd = f->fd, .events = POLLIN}};

	for (size_t i = 0; i < LINKS_MAX; i++)
		fds[1 + i] = (struct pollfd){
			.fd = f->links[i].used && f->links[i].established ? f->links[i].net.fd : -1,
			.events = POLLIN};
	if (poll(fds, 1 + LINKS_MAX, TICK_MS) < 0)
		return;
	for (size_t i = 0; i < LINKS_MAX; i++) {
		if (fds[1 + i].revents)
			read_server(&f->links[i]);
		else if (f->links[i].used && !f->links[i].established)
			(void)step_handshake(f, &f->links[i]);
	}
	if (fds[0].revents)
		read_socket(f);
	fflush(stdout);
}

static void configure(struct front *f, const char *certificate, const char *key)
{
	mbedtls_entropy_init(&f->entropy);
	mbedtls_ctr_drbg_init(&f->random);
	mbedtls_x509_crt_init(&f->certificate);
	mbedtls_pk_init(&f->key);
	mbedtls_ssl_cookie_init(&f->cookies);
	mbedtls_ssl_config_init(&f->conf);
	mbedtls_ssl_config_init(&f->server_conf);
	check("PSA", psa_crypto_init());
	check("seed",
	      mbedtls_ctr_drbg_seed(&f->random, mbedtls_entropy_func, &f->entropy, NULL, 0));
	check(certificate, mbedtls_x509_crt_parse_file(&f->certificate, certificate));
	check(key,
	      mbedtls_pk_parse_keyfile(&f->key, key, NULL, mbedtls_ctr_drbg_random, &f->random));
	check("cookies",
	      mbedtls_ssl_cookie_setup(&f->cookies, mbedtls_ctr_drbg_random, &f->random));
	for (int i = 0; i < 2; i++) {
		mbedtls_ssl_config *conf = i == 0 ? &f->conf : &f->server_conf;

		check("configuration",
		      mbedtls_ssl_config_defaults(
			      conf, i == 0 ? MBEDTLS_SSL_IS_SERVER : MBEDTLS_SSL_IS_CLIENT,
			      MBEDTLS_SSL_TRANSPORT_DATAGRAM, MBEDTLS_SSL_PRESET_DEFAULT));
		mbedtls_ssl_conf_max_tls_version(conf, MBEDTLS_SSL_VERSION_TLS1_2);
		mbedtls_ssl_conf_rng(conf, mbedtls_ctr_drbg_random, &f->random);
	}
	mbedtls_ssl_conf_ciphersuites(&f->conf, suites);
	check("certificate", mbedtls_ssl_conf_own_cert(&f->conf, &f->certificate, &f->key));
	mbedtls_ssl_conf_dtls_cookies(&f->conf, mbedtls_ssl_cookie_write, mbedtls_ssl_cookie_check,
				      &f->cookies);
	if (f->with_cid)
		check("connection ids",
		      mbedtls_ssl_conf_cid(&f->conf, CID_LEN, MBEDTLS_SSL_UNEXPECTED_CID_IGNORE));
	/* Both are of one test, on one machine. */
	mbedtls_ssl_conf_authmode(&f->server_conf, MBEDTLS_SSL_VERIFY_NONE);
	mbedtls_ssl_conf_read_timeout(&f->server_conf, SERVER_TIMEOUT_MS);
}

static uint16_t start_server(char **argv)
{
	const char *program = getenv("CID_FRONT_SERVER");
	unsigned short port = 0;
	int out[2];
	FILE *in;

	if (!program || pipe(out) < 0)
		exit(64);
	if (fork() == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(out[1], STDOUT_FILENO);
		close(out[0]);
		close(out[1]);
		execl(program, program, argv[1], argv[2], "0", argv[4], NULL);
		_exit(127);
	}
	close(out[1]);
	in = fdopen(out[0], "re");
	if (!in || fscanf(in, "ready %hu", &port) != 1)
		die(program, errno);
	fclose(in);
	return port;
}

static uint16_t listen_on(struct front *f, const char *address, const char *port)
{
	struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
	socklen_t len = sizeof(here);

	if (inet_pton(AF_INET, address, &here.sin_addr) != 1)
		exit(64);
	f->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (f->fd < 0 || bind(f->fd, (struct sockaddr *)&here, sizeof(here)) < 0 ||
	    getsockname(f->fd, (struct sockaddr *)&here, &len) < 0)
		die(address, errno);
	return ntohs(here.sin_port);
}

int main(int argc, char **argv)
{
	static struct front f;

	if (argc < 5 || argc > 8)
		return 64;
	signal(SIGTERM, on_term);
	signal(SIGPIPE, SIG_IGN);
	f.with_cid = argc < 8;
	configure(&f, argv[1], argv[2]);
	f.server_port = argc > 5 ? (uint16_t)atoi(argv[5]) : start_server(argv);
	printf("ready %u\n", listen_on(&f, argc > 6 ? argv[6] : "127.0.0.1", argv[3]));
	fflush(stdout);
	while (!stop)
		turn(&f);
	for (size_t i = 0; i < LINKS_MAX; i++)
		if (f.links[i].used)
			part(&f.links[i]);
	return 0;
}
