/* SPDX-License-Identifier: MIT */
/* Floods a WireGuard port from spoofed addresses at a given rate: with initiations whose mac1 is
 * right or wrong, with random bytes, or with datagrams read from a file; or, from addresses at
 * which it can receive, with initiations that carry the cookie it received there. For flood.py.
 *
 * Usage: flood KIND INTERFACE MAC TARGET PORT RATE SECONDS SOURCES ARGUMENT
 *   KIND     mac1 | badmac | random | file | cookie
 *   MAC      the target's on the interface; packets bypass our own routing and queues, so that
 *            generating a flood costs the host little
 *   RATE     datagrams per second
 *   SOURCES  number of source addresses, from 198.18.0.0/15
 *   ARGUMENT mac1, badmac, cookie: the target's public key; file: the datagrams to send, each
 *            preceded by its length in two bytes, big endian; random: nothing
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <poll.h>
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

#define PACKETS	   4096 /* prepared in advance, sent repeatedly */
#define PACKET_MAX 1600
#define BURST	   16
#define HEADERS	   28 /* of IPv4 and UDP */
#define NS	   1000000000ULL

#define FIRST_SOURCE 0xc6120000U /* 198.18.0.0/15, RFC 2544 */

struct packet {
	size_t len;
	uint8_t data[PACKET_MAX];
};

static struct packet packets[PACKETS];
static size_t n_packets;

/* Destination of the packets. */
struct target {
	int fd;
	struct sockaddr_ll link;
	uint8_t addr[4];
	uint16_t port;
};

/* Initiations of an unknown peer: the target detects that only after X25519. */
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
	wg_peer_set_endpoint(&dev, &peer, &anywhere);
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

/* Random bytes of the sizes of messages, every second one with a valid message type. */
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

static void address(struct packet *p, uint32_t source, const struct target *target)
{
	uint8_t *ip = p->data;

	memset(ip, 0, HEADERS);
	ip[0] = 0x45;
	store_be16(ip + 2, (uint16_t)(HEADERS + p->len));
	ip[8] = 64;
	ip[9] = IPPROTO_UDP;
	store_be32(ip + 12, FIRST_SOURCE + source);
	memcpy(ip + 16, target->addr, 4);
	checksum_store(ip + 10, checksum_add(0, ip, 20));
	store_be16(ip + 20, (uint16_t)(1024 + source % 60000));
	store_be16(ip + 22, target->port);
	store_be16(ip + 24, (uint16_t)(8 + p->len));
}

/* Fill in the macs of every packet's initiation, for its source address. */
static void add_macs(struct wg_crypto *crypto, struct wg_cookie_maker *makers, struct mono now)
{
	for (size_t i = 0; i < n_packets; i++)
		wg_cookie_add_macs(
			crypto, &makers[i], packets[i].data + HEADERS, WG_INITIATION_LEN, now);
}

/* Receive cookie replies until none has arrived for a while. Return: their number. */
static size_t receive_cookies(int wire, struct wg_crypto *crypto, struct wg_cookie_maker *makers)
{
	struct pollfd p = { .fd = wire, .events = POLLIN };
	uint8_t got[2048];
	size_t n = 0;

	while (poll(&p, 1, 300) > 0) {
		ssize_t len = recv(wire, got, sizeof(got), 0);
		size_t source;

		if (len != HEADERS + WG_COOKIE_REPLY_LEN || got[HEADERS] != WG_MSG_COOKIE)
			continue;
		source = load_be32(got + 16) - FIRST_SOURCE;
		n += source < n_packets &&
		     !wg_cookie_take_reply(crypto, &makers[source],
			     (const struct wg_cookie_reply *)(const void *)(got + HEADERS),
			     (struct mono){ NS });
	}
	return n;
}

/* Get a cookie for each of as many sources as there are packets, by bursts beyond what is accepted
 * without one, and assign the packets to these sources. */
static int get_cookies(const struct target *target, const char *key_text)
{
	static struct wg_cookie_maker makers[PACKETS];
	struct wg_crypto crypto;
	uint8_t key[WG_KEY_LEN];
	int wire = socket(AF_PACKET, SOCK_DGRAM, htons(ETH_P_IP));

	if (wire < 0 || blake2s_init(&crypto.blake2s) || aead_init(&crypto.aead, NULL) ||
		key_from_base64(key_text, strlen(key_text), key) < 0)
		return -EIO;
	for (size_t i = 0; i < n_packets; i++) {
		wg_cookie_maker_init(&crypto, &makers[i], key);
		address(&packets[i], (uint32_t)i, target);
	}
	for (int round = 0; round < 8; round++) {
		add_macs(&crypto, makers, (struct mono){ NS });
		for (size_t i = 0; i < n_packets; i++) {
			if (!mono_is_set(makers[i].cookie_born))
				(void)sendto(target->fd, packets[i].data, HEADERS + packets[i].len,
					0, (const struct sockaddr *)(const void *)&target->link,
					sizeof(target->link));
			if (i % 512 == 511)
				(void)receive_cookies(wire, &crypto, makers);
		}
	}
	add_macs(&crypto, makers, (struct mono){ NS });
	close(wire);
	for (size_t i = 0; i < n_packets; i++)
		if (!mono_is_set(makers[i].cookie_born))
			return -ENODATA;
	return 0;
}

static void pause_until(uint64_t when)
{
	struct timespec ts = { .tv_sec = (time_t)(when / NS), .tv_nsec = (long)(when % NS) };

	(void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

/* Return: the number of datagrams sent. */
static uint64_t flood(
	struct target *target, uint64_t rate, uint64_t seconds, uint32_t sources, bool proven)
{
	struct mmsghdr msgs[BURST];
	struct iovec iov[BURST];
	uint64_t begun = stopwatch_ns();
	uint64_t sent = 0;
	uint32_t source = 0;

	for (uint64_t n = 0; stopwatch_ns() - begun < seconds * NS; n += BURST) {
		pause_until(begun + n * NS / rate);
		for (size_t i = 0; i < BURST; i++) {
			struct packet *p = &packets[(n + i) % n_packets];

			/* an odd step visits all sources; packets with a cookie keep theirs */
			source = (source + 40503) % sources;
			if (!proven)
				address(p, source, target);
			iov[i] = (struct iovec){ p->data, HEADERS + p->len };
			msgs[i].msg_hdr = (struct msghdr){ .msg_name = &target->link,
				.msg_namelen = sizeof(target->link),
				.msg_iov = &iov[i],
				.msg_iovlen = 1 };
		}
		int done = sendmmsg(target->fd, msgs, BURST, 0);

		if (done > 0)
			sent += (uint64_t)done;
	}
	return sent;
}

static int open_target(char **argv, struct target *ret)
{
	struct target t = { .port = (uint16_t)atoi(argv[5]) };
	const struct ether_addr *mac = ether_aton(argv[3]);
	int one = 1;

	if (!mac || inet_pton(AF_INET, argv[4], t.addr) != 1)
		return -EINVAL;
	t.link = (struct sockaddr_ll){ .sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_IP),
		.sll_ifindex = (int)if_nametoindex(argv[2]),
		.sll_halen = ETH_ALEN };
	memcpy(t.link.sll_addr, mac, ETH_ALEN);
	t.fd = socket(AF_PACKET, SOCK_DGRAM, 0); /* protocol 0: receives nothing */
	if (t.fd < 0)
		return -errno;
	if (setsockopt(t.fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one)) < 0) {
		close(t.fd);
		return -errno;
	}
	*ret = t;
	return 0;
}

static int make_packets(const char *kind, const char *argument)
{
	if (!strcmp(kind, "mac1") || !strcmp(kind, "cookie"))
		return make_initiations(argument, true);
	if (!strcmp(kind, "badmac"))
		return make_initiations(argument, false);
	return !strcmp(kind, "random") ? make_random() : read_file(argument);
}

int main(int argc, char **argv)
{
	struct target target;
	bool proven;
	int err;

	if (argc != 10) {
		fputs("usage: flood KIND INTERFACE MAC TARGET PORT RATE SECONDS SOURCES ARGUMENT\n",
			stderr);
		return 2;
	}
	proven = !strcmp(argv[1], "cookie");
	err = make_packets(argv[1], argv[9]);
	if (!err)
		err = open_target(argv, &target);
	if (!err && proven)
		err = get_cookies(&target, argv[9]);
	if (err < 0) {
		fprintf(stderr, "flood: %s\n", strerror(-err));
		return 1;
	}
	puts("ready");
	fflush(stdout);
	printf("%llu\n",
		(unsigned long long)flood(&target, strtoull(argv[6], NULL, 10),
			strtoull(argv[7], NULL, 10), (uint32_t)strtoul(argv[8], NULL, 10), proven));
	close(target.fd);
	return 0;
}
