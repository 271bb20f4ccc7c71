/* SPDX-License-Identifier: MIT */
/* Floods a WireGuard port from addresses that are not its own, at a given rate: with initiations
 * whose mac1 is right or wrong, with random bytes, or with datagrams out of a file. For flood.py.
 *
 * Usage: flood KIND TARGET PORT RATE SECONDS SOURCES ARGUMENT
 *   KIND     mac1 | badmac | random | file
 *   RATE     datagrams a second
 *   SOURCES  how many addresses of 198.18.0.0/15 they come from
 *   ARGUMENT mac1, badmac: the target's public key; file: what to send, each datagram behind its
 *            length in two bytes, big endian; random: nothing
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/keytext.h"
#include "pkt/checksum.h"
#include "stopwatch.h"
#include "wg/device.h"

#define PACKETS	   4096 /* made beforehand; then they go round */
#define PACKET_MAX 1600
#define BURST	   16
#define HEADERS	   28 /* of IPv4 and UDP */
#define NS	   1000000000ULL

struct packet {
	size_t len;
	uint8_t data[PACKET_MAX];
};

static struct packet packets[PACKETS];
static size_t n_packets;

/* Initiations of somebody whom the target does not know: it finds that out only after X25519. */
static int make_initiations(const char *key_text, bool right)
{
	static struct wg_device dev;
	static struct wg_peer peer;
	struct wg_sizes sizes = { .peers = 1, .allowed_ips = 1, .sources = 64 };
	struct rng rng = random_system();
	struct endpoint anywhere = { .addr = ip_addr_v4((uint8_t[]){ 192, 0, 2, 1 }), .port = 1 };
	struct mono now = { NS };
	uint8_t ours[WG_KEY_LEN];
	uint8_t key[WG_KEY_LEN];

	if (key_from_base64(key_text, strlen(key_text), key) < 0)
		return -EINVAL;
	if (wg_device_init(&dev, &sizes, calloc(1, wg_device_memory(&sizes)), rng))
		return -ENOMEM;
	rng_fill(&rng, ours, sizeof(ours));
	wg_device_set_private_key(&dev, ours);
	if (wg_device_add_peer(&dev, &peer, key))
		return -EINVAL;
	wg_peer_set_endpoint(&peer, &anywhere);
	for (n_packets = 0; n_packets < PACKETS / 4; n_packets++) {
		struct packet *p = &packets[n_packets];

		now = mono_add(now, 10 * NS);
		p->len = WG_INITIATION_LEN;
		if (wg_peer_make_initiation(
			    &dev, &peer, now, (struct wall){ now.ns / NS, 0 }, p->data + HEADERS))
			return -EIO;
		if (!right)
			p->data[HEADERS + WG_INITIATION_LEN - 32] ^= 1;
	}
	return 0;
}

/* Random bytes of the sizes of messages, every other one with the type of one. */
static int make_random(void)
{
	static const size_t sizes[] = { 1, 20, 32, 64, 92, 148, 500, 1452 };
	struct rng rng = random_system();

	for (n_packets = 0; n_packets < PACKETS; n_packets++) {
		struct packet *p = &packets[n_packets];

		p->len = sizes[n_packets % ARRAY_LEN(sizes)];
		rng_fill(&rng, p->data + HEADERS, p->len);
		if (n_packets / ARRAY_LEN(sizes) % 2 && p->len >= 4) {
			memset(p->data + HEADERS, 0, 4);
			p->data[HEADERS] = (uint8_t)(1 + n_packets / 16 % 4);
		}
	}
	return 0;
}

static int read_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t head[2];

	if (!f)
		return -errno;
	while (n_packets < PACKETS && fread(head, 2, 1, f) == 1) {
		struct packet *p = &packets[n_packets];

		p->len = load_be16(head);
		if (p->len > PACKET_MAX - HEADERS || fread(p->data + HEADERS, p->len, 1, f) != 1)
			break;
		n_packets++;
	}
	fclose(f);
	return n_packets ? 0 : -ENODATA;
}

static void address(struct packet *p, uint32_t source, const uint8_t target[4], uint16_t port)
{
	uint8_t *ip = p->data;

	memset(ip, 0, HEADERS);
	ip[0] = 0x45;
	store_be16(ip + 2, (uint16_t)(HEADERS + p->len));
	ip[8] = 64;
	ip[9] = IPPROTO_UDP;
	store_be32(ip + 12, 0xc6120000U + source); /* 198.18.0.0/15, RFC 2544 */
	memcpy(ip + 16, target, 4);
	store_be16(ip + 20, (uint16_t)(1024 + source % 60000));
	store_be16(ip + 22, port);
	store_be16(ip + 24, (uint16_t)(8 + p->len));
}

static void pause_until(uint64_t when)
{
	struct timespec ts = { .tv_sec = (time_t)(when / NS), .tv_nsec = (long)(when % NS) };

	(void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

/* Return: how many datagrams left. */
static uint64_t flood(int fd, const uint8_t target[4], uint16_t port, uint64_t rate,
	uint64_t seconds, uint32_t sources)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct mmsghdr msgs[BURST];
	struct iovec iov[BURST];
	uint64_t begun = stopwatch_ns();
	uint64_t sent = 0;
	uint32_t source = 0;

	memcpy(&to.sin_addr, target, 4);
	for (uint64_t n = 0; stopwatch_ns() - begun < seconds * NS; n += BURST) {
		pause_until(begun + n * NS / rate);
		for (size_t i = 0; i < BURST; i++) {
			struct packet *p = &packets[(n + i) % n_packets];

			/* any odd step visits them all */
			source = (source + 40503) % sources;
			address(p, source, target, port);
			iov[i] = (struct iovec){ p->data, HEADERS + p->len };
			msgs[i].msg_hdr = (struct msghdr){ .msg_name = &to,
				.msg_namelen = sizeof(to),
				.msg_iov = &iov[i],
				.msg_iovlen = 1 };
		}
		int done = sendmmsg(fd, msgs, BURST, 0);

		if (done > 0)
			sent += (uint64_t)done;
	}
	return sent;
}

int main(int argc, char **argv)
{
	uint8_t target[4];
	int err;
	int fd;

	if (argc != 8 || inet_pton(AF_INET, argv[2], target) != 1) {
		fputs("usage: flood KIND TARGET PORT RATE SECONDS SOURCES ARGUMENT\n", stderr);
		return 2;
	}
	if (!strcmp(argv[1], "mac1") || !strcmp(argv[1], "badmac"))
		err = make_initiations(argv[7], !strcmp(argv[1], "mac1"));
	else if (!strcmp(argv[1], "random"))
		err = make_random();
	else
		err = read_file(argv[7]);
	if (err < 0) {
		fprintf(stderr, "flood: %s\n", strerror(-err));
		return 1;
	}
	fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
	if (fd < 0) {
		perror("flood: raw socket");
		return 1;
	}
	puts("ready");
	fflush(stdout);
	printf("%llu\n", (unsigned long long)flood(fd, target, (uint16_t)atoi(argv[3]),
				 strtoull(argv[4], NULL, 10), strtoull(argv[5], NULL, 10),
				 (uint32_t)strtoul(argv[6], NULL, 10)));
	close(fd);
	return 0;
}
