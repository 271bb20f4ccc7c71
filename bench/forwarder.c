/* SPDX-License-Identifier: MIT */
/* A forwarder without cryptography: frames of a TAP interface in UDP datagrams, and back. It uses
 * the same splitting, merging and UDP offloads as the engine and nothing else, so it shows what
 * those alone cost.
 *
 *     forwarder INTERFACE PORT ADDRESS:PORT
 *
 * creates the TAP interface, and carries its frames to and from the other forwarder until it is
 * killed. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "gso/merge.h"
#include "gso/split.h"
#include "tap/tap.h"
#include "udp/udp.h"

#define BATCH	  32		  /* superframes read before the datagrams are sent */
#define ARENA_LEN (4U << 20)	  /* of the datagrams of a batch: more are sent earlier */
#define UDP_ROOM  UDP_RECV_STRIDE /* of each receive buffer */

struct forwarder {
	struct tap tap;
	struct udp udp;
	struct endpoint to;
	struct train_queue out;
	struct gso_merge in;
	uint8_t buffer[TAP_BUFFER_LEN];
	uint8_t arena[ARENA_LEN];
	uint8_t received[UDP_RECV_MAX * UDP_ROOM];
};

/* Send all datagrams; wait while the socket's buffer is full. */
static void send_all(struct forwarder *f)
{
	while (udp_send(&f->udp, &f->out) & UDP_BLOCKED) {
		struct pollfd writable = { .fd = f->udp.blocked_fd, .events = POLLOUT };

		(void)poll(&writable, 1, 1000);
	}
	train_queue_reset(&f->out);
}

static void split(struct forwarder *f, const struct gso_plan *plan)
{
	for (unsigned i = 0; i < plan->n_segs; i++) {
		size_t len = gso_segment_len(plan, i);

		if (!train_has_room(&f->out, 1, len))
			send_all(f);
		gso_split_write(plan, i, train_tail(&f->out));
		train_append(&f->out, len, &f->to, 0);
	}
}

static void tap_to_udp(struct forwarder *f)
{
	struct offload offload;
	struct gso_plan plan;

	for (unsigned n = 0; n < BATCH; n++) {
		int len = tap_read(&f->tap, f->buffer, sizeof(f->buffer), &offload);

		if (len < 0)
			break;
		if (gso_split_plan(&offload, f->buffer + VNET_HDR_LEN, (size_t)len, true, &plan) ==
			DROP_NONE)
			split(f, &plan);
	}
	send_all(f);
}

static void write_all(struct forwarder *f)
{
	struct gso_superframe frame;

	while (gso_merge_next(&f->in, &frame))
		(void)!tap_write(&f->tap, &frame.offload, frame.iov, frame.n_iov);
}

static void udp_to_tap(struct forwarder *f)
{
	struct udp_received got[UDP_RECV_MAX];
	int n = udp_receive(&f->udp, f->udp.fd4, f->received, got);

	for (int i = 0; i < n; i++)
		for (size_t at = 0; at < got[i].len; at += got[i].stride) {
			if (gso_merge_is_full(&f->in))
				write_all(f);
			(void)!gso_merge_add(&f->in, got[i].data + at,
				size_min(got[i].stride, got[i].len - at), true, NULL, NULL);
		}
	write_all(f);
}

static int run(struct forwarder *f)
{
	struct pollfd fds[] = {
		{ .fd = f->tap.fd, .events = POLLIN },
		{ .fd = f->udp.fd4, .events = POLLIN },
	};

	while (poll(fds, ARRAY_LEN(fds), -1) > 0 || errno == EINTR) {
		if (fds[0].revents)
			tap_to_udp(f);
		if (fds[1].revents)
			udp_to_tap(f);
	}
	perror("forwarder: poll");
	return EXIT_FAILURE;
}

static int fail(const char *what, int err)
{
	fprintf(stderr, "forwarder: %s: %s\n", what, strerror(-err));
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	static struct forwarder f;
	struct tap_offloads tap = { .vnet_hdr = true, .tso = true, .uso = true };
	struct udp_offloads udp = { .segment = true, .gro = true };
	int err;

	if (argc != 4 || endpoint_parse(argv[3], &f.to) < 0) {
		fprintf(stderr, "usage: forwarder INTERFACE PORT ADDRESS:PORT\n");
		return EXIT_FAILURE;
	}
	err = tap_open(argv[1], TAP_ETHERNET, tap, &f.tap);
	if (err < 0)
		return fail(argv[1], err);
	err = udp_open((uint16_t)atoi(argv[2]), 0, udp, &f.udp);
	if (err < 0)
		return fail("UDP", err);
	train_queue_init(&f.out, f.arena, sizeof(f.arena));
	gso_merge_init(&f.in, &(struct gso_merge_caps){ .tcp4 = f.tap.offloads.tso,
				      .tcp6 = f.tap.offloads.tso,
				      .udp = f.tap.offloads.uso });
	return run(&f);
}
