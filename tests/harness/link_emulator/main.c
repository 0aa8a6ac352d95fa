/* SPDX-License-Identifier: Apache-2.0 */

/* link-emulator DEVICE-NETNS DEVICE-TUN SERVER-NETNS SERVER-TUN [KEY=VALUE...]
 *
 * Makes a TUN device in either network namespace and carries IP packets between them as a bad
 * network does: late, twice, in another order, not at all, through a NAT box. One thread in real
 * time; what becomes of the n-th packet of a direction depends on the seed alone. Packets that have
 * no single receiver, as IPv6's router solicitations, are nobody's and not counted.
 *
 * Keys: delay (one way, in ms), loss, duplicate, late (percent), late-by (ms besides the delay:
 * later packets overtake), mtu (of the path: what is larger disappears), icmp (yes: the sender is
 * told so), seed, nat4, nat6 (the outer addresses: the device is behind NAT), down (yes: nothing
 * passes).
 *
 * Lines on standard input: "set KEY=VALUE", "rebind" (NAT forgets its flows and takes new ports),
 * "stats". Each is answered by one line of JSON with what was counted so far; so is the end of
 * standard input or SIGTERM. */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "packet.h"

#define WAITING_MAX 16384
#define READS_PER_WAKE 64

enum { UP, DOWN, DIRECTIONS }; /* UP is from the device to the server */

static struct {
	uint64_t delay_us, late_by_us;
	double loss, duplicate, late; /* percent */
	size_t mtu;
	uint64_t seed;
	bool icmp, down;
	struct nat nat;
} link_is = {.late_by_us = 30000, .mtu = PACKET_MAX, .seed = 1};

struct counters {
	uint64_t packets, bytes, udp, fragments, largest; /* as the end sent them */
	uint64_t lost, duplicated, late, too_big, unmapped, delivered, delivered_bytes;
};

struct waiting {
	uint64_t due_us, order; /* of two that are due at once the first comes first */
	int to;
	size_t len;
	uint8_t *data; /* owned */
};

static struct counters counters[DIRECTIONS];
static uint64_t dice[DIRECTIONS];
static int tun[DIRECTIONS]; /* where a direction begins: its device, its server */
static struct waiting heap[WAITING_MAX];
static size_t n_waiting;
static uint64_t n_ever;

static _Noreturn void die(const char *what, const char *object)
{
	fprintf(stderr, "link-emulator: %s %s: %s\n", what, object, strerror(errno));
	exit(1);
}

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* ---- what waits to be delivered: a binary heap ---- */

static bool is_before(const struct waiting *a, const struct waiting *b)
{
	return a->due_us != b->due_us ? a->due_us < b->due_us : a->order < b->order;
}

static void swap(size_t a, size_t b)
{
	struct waiting w = heap[a];

	heap[a] = heap[b];
	heap[b] = w;
}

static void push(const uint8_t *data, size_t len, int to, uint64_t due_us)
{
	size_t i = n_waiting;

	if (n_waiting == WAITING_MAX)
		return;
	heap[i] = (struct waiting){due_us, n_ever++, to, len, malloc(len)};
	if (!heap[i].data)
		die("no memory for", "a packet");
	memcpy(heap[i].data, data, len);
	n_waiting++;
	for (; i > 0 && is_before(&heap[i], &heap[(i - 1) / 2]); i = (i - 1) / 2)
		swap(i, (i - 1) / 2);
}

static struct waiting pop(void)
{
	struct waiting first = heap[0];
	size_t i = 0;

	heap[0] = heap[--n_waiting];
	for (;;) {
		size_t least = i;

		for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < n_waiting; child++)
			if (is_before(&heap[child], &heap[least]))
				least = child;
		if (least == i)
			return first;
		swap(i, least);
		i = least;
	}
}

/* ---- the link ---- */

/* Of 0 to 100: SplitMix64. */
static double roll(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return (double)((z ^ z >> 31) >> 11) / (double)(1ULL << 53) * 100;
}

static void deliver(const struct waiting *w)
{
	struct counters *c = &counters[w->to == tun[DOWN] ? UP : DOWN];

	if (write(w->to, w->data, w->len) == (ssize_t)w->len) {
		c->delivered++;
		c->delivered_bytes += w->len;
	}
}

static void tell_too_big(int direction, const uint8_t *data, size_t len)
{
	uint8_t message[PACKET_TOO_BIG_MAX];
	size_t n = packet_too_big(data, len, (uint16_t)link_is.mtu, message);

	push(message, n, tun[direction], now_us() + link_is.delay_us);
}

static void carry(int direction, uint8_t *data, size_t len)
{
	struct counters *c = &counters[direction];
	/* All are rolled for every packet, so that one rate does not change what another does. */
	const double lost = roll(&dice[direction]), twice = roll(&dice[direction]),
		     late = roll(&dice[direction]);
	uint64_t due_us = now_us() + link_is.delay_us;

	if (len > link_is.mtu) {
		c->too_big++;
		if (link_is.icmp)
			tell_too_big(direction, data, len);
		return;
	}
	if (link_is.down || lost < link_is.loss) {
		c->lost++;
		return;
	}
	if (link_is.nat.is_on && !(direction == UP ? nat_out(&link_is.nat, data, len)
						   : nat_in(&link_is.nat, data, len))) {
		c->unmapped++;
		return;
	}
	if (twice < link_is.duplicate) {
		c->duplicated++;
		push(data, len, tun[!direction], due_us);
	}
	if (late < link_is.late) {
		c->late++;
		due_us += link_is.late_by_us;
	}
	push(data, len, tun[!direction], due_us);
}

static void take(int direction)
{
	static uint8_t data[PACKET_MAX];
	struct counters *c = &counters[direction];

	for (int i = 0; i < READS_PER_WAKE; i++) {
		ssize_t n = read(tun[direction], data, sizeof(data));
		struct packet p;

		if (n < 0)
			return;
		if (!packet_parse(data, (size_t)n, &p))
			continue;
		c->packets++;
		c->bytes += (uint64_t)n;
		c->udp += p.is_udp;
		c->fragments += p.is_fragment;
		c->largest = (uint64_t)n > c->largest ? (uint64_t)n : c->largest;
		carry(direction, data, (size_t)n);
	}
}

/* ---- its control ---- */

static void print_stats(void)
{
	static const char *const names[] = {"up", "down"};

	for (int d = 0; d < DIRECTIONS; d++) {
		const struct counters *c = &counters[d];

		printf("%s\"%s\":{\"packets\":%lu,\"bytes\":%lu,\"udp\":%lu,\"fragments\":%lu,"
		       "\"largest\":%lu,"
		       "\"lost\":%lu,\"duplicated\":%lu,\"late\":%lu,\"too_big\":%lu,\"unmapped\":%"
		       "lu,"
		       "\"delivered\":%lu,\"delivered_bytes\":%lu}",
		       d == 0 ? "{" : ",", names[d], c->packets, c->bytes, c->udp, c->fragments,
		       c->largest, c->lost, c->duplicated, c->late, c->too_big, c->unmapped,
		       c->delivered, c->delivered_bytes);
	}
	printf("}\n");
	fflush(stdout);
}

static void set_seed(uint64_t seed)
{
	link_is.seed = seed;
	dice[UP] = seed * 2;
	dice[DOWN] = seed * 2 + 1;
	/* Neighbouring seeds begin far from each other. */
	for (int d = 0; d < DIRECTIONS; d++)
		dice[d] = dice[d] * 0x2545f4914f6cdd1d + 0x632be59bd9b4e019;
}

static void set(const char *text)
{
	const char *value = strchr(text, '=');
	const size_t len = value ? (size_t)(value - text) : 0;
	const bool yes = value && strcmp(value + 1, "yes") == 0;
	char *end = NULL;
	double number = value ? strtod(value + 1, &end) : 0;
	const bool is_number = end && *end == '\0' && end != value + 1 && number >= 0;

#define IS(key) (len == strlen(key) && strncmp(text, key, len) == 0)
	if (IS("delay") && is_number)
		link_is.delay_us = (uint64_t)(number * 1000);
	else if (IS("late-by") && is_number)
		link_is.late_by_us = (uint64_t)(number * 1000);
	else if (IS("loss") && is_number)
		link_is.loss = number;
	else if (IS("duplicate") && is_number)
		link_is.duplicate = number;
	else if (IS("late") && is_number)
		link_is.late = number;
	else if (IS("mtu") && is_number && number <= PACKET_MAX)
		link_is.mtu = (size_t)number;
	else if (IS("seed") && is_number)
		set_seed((uint64_t)number);
	else if (IS("icmp"))
		link_is.icmp = yes;
	else if (IS("down"))
		link_is.down = yes;
	else if (IS("nat4") && inet_pton(AF_INET, value + 1, link_is.nat.outer4) == 1)
		link_is.nat.is_on = true;
	else if (IS("nat6") && inet_pton(AF_INET6, value + 1, link_is.nat.outer6) == 1)
		link_is.nat.is_on = true;
	else {
		errno = EINVAL;
		die("bad setting", text);
	}
#undef IS
}

/* false: the end. */
static bool obey(void)
{
	char line[256];

	/* One line a time is written, and its answer awaited. */
	ssize_t n = read(STDIN_FILENO, line, sizeof(line) - 1);

	if (n <= 0)
		return false;
	line[n] = '\0';
	line[strcspn(line, "\n")] = '\0';
	if (strcmp(line, "rebind") == 0)
		nat_rebind(&link_is.nat);
	else if (strncmp(line, "set ", 4) == 0)
		set(line + 4);
	else if (strcmp(line, "stats") != 0) {
		errno = EINVAL;
		die("bad command", line);
	}
	print_stats();
	return true;
}

static int make_tun(const char *netns, const char *name)
{
	struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
	int ns = open(netns, O_RDONLY | O_CLOEXEC), fd;

	if (ns < 0 || setns(ns, CLONE_NEWNET) < 0)
		die("cannot enter", netns);
	close(ns);
	fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		die("cannot open", "/dev/net/tun");
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (ioctl(fd, TUNSETIFF, &request) < 0)
		die("cannot make", name);
	return fd;
}

static int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

static void deliver_due(void)
{
	while (n_waiting > 0 && heap[0].due_us <= now_us()) {
		struct waiting w = pop();

		deliver(&w);
		free(w.data);
	}
}

static void run(int signals)
{
	struct pollfd fds[] = {
		{.fd = tun[UP], .events = POLLIN},
		{.fd = tun[DOWN], .events = POLLIN},
		{.fd = STDIN_FILENO, .events = POLLIN},
		{.fd = signals, .events = POLLIN},
	};

	for (;;) {
		const uint64_t now = now_us();
		const uint64_t wait =
			n_waiting > 0 && heap[0].due_us > now ? heap[0].due_us - now : 0;
		const struct timespec t = {(time_t)(wait / 1000000), (long)(wait % 1000000) * 1000};

		if (ppoll(fds, 4, n_waiting > 0 ? &t : NULL, NULL) < 0)
			die("cannot wait for", "packets");
		for (int d = 0; d < DIRECTIONS; d++)
			if (fds[d].revents)
				take(d);
		deliver_due();
		if (fds[3].revents || (fds[2].revents && !obey()))
			return;
	}
}

int main(int argc, char **argv)
{
	int signals = open_signals();

	if (argc < 5) {
		fprintf(stderr,
			"usage: link-emulator DEVICE-NETNS TUN SERVER-NETNS TUN [KEY=VALUE...]\n");
		return 64;
	}
	set_seed(link_is.seed);
	for (int i = 5; i < argc; i++)
		set(argv[i]);
	tun[UP] = make_tun(argv[1], argv[2]);
	tun[DOWN] = make_tun(argv[3], argv[4]);
	printf("ready\n");
	fflush(stdout);
	run(signals);
	print_stats();
	while (n_waiting > 0)
		free(pop().data);
	return 0;
}
