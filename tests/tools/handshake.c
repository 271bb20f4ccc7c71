/* SPDX-License-Identifier: MIT */
/* A WireGuard peer that makes handshakes only, one after the other, and prints every secret that it
 * shares with the other side; and that then roams. For secrets_test.py and hostile_test.py.
 *
 * Usage: handshake ADDRESS PORT COUNT [MOVES]
 *   MOVES  then send so many keepalives, 5 ms apart, each from another port
 * Input: our private key, the other side's public key and the preshared key, in hex, one per line.
 * Output: "static KEY", the two static keys' Diffie-Hellman result; then for each handshake
 * "session KEY KEY", after a keepalive of that session has been sent.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/keytext.h"
#include "wg/device.h"
#include "wg/handshake.h"

#define MOVE_NS	 (5 * NS_PER_MS)
#define PAUSE_NS (50 * NS_PER_MS) /* more than 50 initiations per second are rejected */

static struct wg_device dev;
static struct wg_peer peer;
static struct aead_ctx aead;

static int fail(const char *what, int err)
{
	fprintf(stderr, "handshake: %s: %s\n", what, strerror(-err));
	return 1;
}

static int read_key(uint8_t ret[static WG_KEY_LEN])
{
	char line[KEY_HEX_LEN + 2];

	return fgets(line, sizeof(line), stdin) ? key_from_hex(line, strcspn(line, "\n"), ret)
						: -ENODATA;
}

static void print_key(const char *before, const uint8_t key[static WG_KEY_LEN], const char *after)
{
	char text[KEY_HEX_LEN + 1];

	key_to_hex(key, text);
	printf("%s %s%s", before, text, after);
}

static int prepare(const struct endpoint *target)
{
	static const struct wg_sizes sizes = { .peers = 1, .allowed_ips = 1, .sources = 1 };
	uint8_t ours[WG_KEY_LEN], theirs[WG_KEY_LEN], psk[WG_KEY_LEN];
	int err =
		wg_device_init(&dev, &sizes, calloc(1, wg_device_memory(&sizes)), random_system());

	if (!err)
		err = aead_init(&aead, NULL);
	if (!err)
		err = read_key(ours);
	if (!err)
		err = read_key(theirs);
	if (!err)
		err = read_key(psk);
	if (err)
		return err;
	wg_device_set_private_key(&dev, ours);
	err = wg_device_add_peer(&dev, &peer, theirs);
	if (err)
		return err;
	wg_peer_set_psk(&dev, &peer, psk);
	wg_peer_set_endpoint(&dev, &peer, target);
	print_key("static", peer.remote.static_static, "\n");
	return 0;
}

/* Make one handshake, and confirm it to the other side with a keepalive. */
static int make_handshake(int fd, const struct endpoint *target, struct mono now)
{
	uint8_t msg[WG_HANDSHAKE_MAX];
	struct wg_keypair *kp;
	struct wg_event event;
	ssize_t n;
	int err = wg_peer_make_initiation(&dev, &peer, now, clock_wall(), msg);

	if (err)
		return err;
	if (send(fd, msg, WG_INITIATION_LEN, 0) < 0)
		return -errno;
	do { /* other messages may arrive first */
		n = recv(fd, msg, sizeof(msg), 0);
		if (n < 0)
			return -errno;
	} while (msg[0] != WG_MSG_RESPONSE);
	if (wg_device_handshake(&dev, msg, (size_t)n, target, now, clock_wall(), &event))
		return -EBADMSG;
	kp = peer.keys.current;
	wg_data_seal(&aead, kp, 0, msg, 0);
	if (send(fd, msg, WG_DATA_OVERHEAD, 0) < 0)
		return -errno;
	print_key("session", kp->tx_key, "");
	print_key("", kp->rx_key, "\n");
	return 0;
}

/* Send a keepalive from a new port. */
static int move(const struct sockaddr_in6 *target, socklen_t len, uint64_t counter)
{
	int fd = socket(target->sin6_family, SOCK_DGRAM, 0);
	uint8_t msg[WG_DATA_OVERHEAD];
	int err = 0;

	if (fd < 0)
		return -errno;
	wg_data_seal(&aead, peer.keys.current, counter, msg, 0);
	if (sendto(fd, msg, sizeof(msg), 0, (const struct sockaddr *)(const void *)target, len) < 0)
		err = -errno;
	close(fd);
	return err;
}

/* Return: 0 or -errno. */
static int move_often(const struct sockaddr_in6 *target, socklen_t len, uint64_t moves)
{
	const struct timespec pause = { .tv_nsec = MOVE_NS };
	int err = 0;

	for (uint64_t i = 1; i <= moves && !err; i++) {
		err = move(target, len, i);
		nanosleep(&pause, NULL);
	}
	return err;
}

int main(int argc, char **argv)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS };
	const struct timeval patience = { .tv_sec = 3 };
	struct sockaddr_in6 sa;
	struct endpoint target;
	char text[ENDPOINT_TEXT_LEN];
	socklen_t len;
	int fd;
	int err;

	if (argc < 4 || argc > 5)
		return 2;
	snprintf(text, sizeof(text), "%s:%s", argv[1], argv[2]);
	if (endpoint_parse(text, &target))
		return 2;
	err = prepare(&target);
	if (err)
		return fail("cannot prepare", err);
	len = endpoint_to_sockaddr(&target, &sa);
	fd = socket(target.addr.family, SOCK_DGRAM, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) ||
		connect(fd, (const struct sockaddr *)(const void *)&sa, len))
		return fail("cannot connect", -errno);
	for (uint64_t i = 1; i <= strtoul(argv[3], NULL, 10); i++) {
		/* our own clock runs ahead, so that no rate limit applies to us */
		err = make_handshake(fd, &target, (struct mono){ i * 10 * NS_PER_S });
		if (err)
			return fail("no handshake", err);
		nanosleep(&pause, NULL);
	}
	close(fd);
	err = argc == 5 ? move_often(&sa, len, strtoul(argv[4], NULL, 10)) : 0;
	return err ? fail("cannot move", err) : 0;
}
