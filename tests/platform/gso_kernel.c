/* SPDX-License-Identifier: MIT */
/* Splitting and merging compared with the kernel's segmentation. Superframes are written to a TAP
 * that is bridged, in a namespace of this process, to a second one without offloads: the kernel has
 * segmented and checksummed the frames read there. */
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "gso/merge.h"
#include "gso/split.h"
#include "pkt/testpkt.h"
#include "tap/tap.h"

#define SKIP	  77
#define WAIT_MS	  20000
#define FRAME_MAX 2048

static struct tap in, out;
static bool have_uso;

static const uint8_t timestamps[12] = { 1, 1, 8, 10, 0, 1, 2, 3, 0, 4, 5, 6 };

static const struct {
	const char *name;
	struct testpkt t;
	uint16_t size; /* 0: not a superframe, only a checksum to complete */
} cases[] = {
	{ "tcp4", { .payload = 20000, .df = true, .id = 7 }, 1448 },
	{ "tcp4 without DF, ids wrap", { .payload = 9000, .id = 0xfffe }, 1000 },
	{ "tcp4 FIN PSH, sequence wraps",
		{ .payload = 5000,
			.flags = 9,
			.seq = 0xfffff000,
			.options = timestamps,
			.options_len = 12 },
		1334 },
	{ "tcp4 CWR ECE", { .payload = 5000, .flags = 0xc8, .tos = 2 }, 1334 },
	{ "tcp4 odd sizes", { .payload = 4001, .flags = 8 }, 777 },
	{ "tcp4 largest", { .payload = 65535 - 54 }, 1448 },
	{ "tcp4 tagged", { .payload = 5000, .vlan_tags = 1 }, 1000 },
	{ "tcp4 QinQ", { .payload = 5000, .vlan_tags = 2 }, 1000 },
	{ "tcp4 small segments", { .payload = 3000 }, 32 },
	{ "tcp6", { .v6 = true, .payload = 20000, .flags = 8, .tos = 0x20 }, 1428 },
	{ "tcp6 tagged", { .v6 = true, .vlan_tags = 1, .payload = 5000 }, 1000 },
	{ "tcp6 extension header", { .v6 = true, .ip_options = 8, .payload = 5000 }, 1000 },
	{ "udp4", { .udp = true, .payload = 20000, .id = 3 }, 1200 },
	{ "udp4 tagged", { .udp = true, .vlan_tags = 1, .payload = 5000, .df = true }, 1000 },
	{ "udp6", { .v6 = true, .udp = true, .payload = 20001 }, 1200 },
	{ "tcp4 checksum", { .payload = 999 }, 0 },
	{ "tcp6 checksum", { .v6 = true, .payload = 1000 }, 0 },
	{ "udp4 checksum", { .udp = true, .payload = 999, .vlan_tags = 1 }, 0 },
	{ "udp6 checksum", { .udp = true, .v6 = true, .payload = 999 }, 0 },
};

static void write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd >= 0) {
		if (write(fd, text, strlen(text)) < 0)
			perror(path);
		close(fd);
	}
}

static int link_up(int sock, const char *name)
{
	struct ifreq ifr = { .ifr_flags = IFF_UP };

	strncpy(ifr.ifr_name, name, IFNAMSIZ - 1);
	return ioctl(sock, SIOCSIFFLAGS, &ifr);
}

static int bridge_add(int sock, const char *name)
{
	struct ifreq ifr = { 0 };

	strncpy(ifr.ifr_name, "br", IFNAMSIZ);
	ifr.ifr_ifindex = (int)if_nametoindex(name);
	return ioctl(sock, SIOCBRADDIF, &ifr);
}

/* Return: NULL, or the reason for the failure. */
static const char *set_up(void)
{
	const struct tap_offloads all = { .vnet_hdr = true, .tso = true, .uso = true };
	const struct tap_offloads none = { 0 };
	int sock;

	if (unshare(CLONE_NEWNET))
		return "no network namespace";
	write_text("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
	write_text("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
	if (tap_open("in", TAP_ETHERNET, all, &in) || tap_open("out", TAP_ETHERNET, none, &out))
		return "no TAP";
	if (!in.offloads.tso)
		return "no TSO on TAPs";
	have_uso = in.offloads.uso;
	sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sock < 0 || ioctl(sock, SIOCBRADDBR, "br"))
		return "no bridge";
	if (bridge_add(sock, "in") || bridge_add(sock, "out") || link_up(sock, "in") ||
		link_up(sock, "out") || link_up(sock, "br"))
		return "bridge cannot be set up";
	close(sock);
	return NULL;
}

/* Read the kernel's next frame with our MAC address. Return: its length, or 0 if none arrives. */
static size_t next_out(uint8_t *buf, size_t cap)
{
	static uint8_t read_to[TAP_BUFFER_LEN];
	const uint8_t *frame = read_to + VNET_HDR_LEN;
	struct offload o;

	for (;;) {
		struct pollfd p = { .fd = out.fd, .events = POLLIN };
		int n;

		if (poll(&p, 1, WAIT_MS) <= 0)
			return 0;
		n = tap_read(&out, read_to, sizeof(read_to), &o);
		if (n < 14 || (size_t)n > cap ||
			memcmp(frame, (const uint8_t[]){ 2, 0, 0, 0, 1 }, 5) != 0)
			continue;
		memcpy(buf, frame, (size_t)n);
		return (size_t)n;
	}
}

static bool write_in(const struct offload *o, uint8_t *frame, size_t len)
{
	struct iovec iov[2] = { { 0 }, { frame, len } };
	int err = tap_write(&in, o, iov, 2);

	if (err)
		fprintf(stderr, "write: %s\n", strerror(-err));
	return !err;
}

/* One superframe: compare the kernel's segments with ours. */
static bool split_case(struct testpkt t, uint16_t size)
{
	static uint8_t frame[SUPERFRAME_MAX], ours[SUPERFRAME_MAX], theirs[SUPERFRAME_MAX];
	struct offload o = {
		.needs_csum = true,
		.gso = !size   ? GSO_NONE
		       : t.udp ? GSO_UDP_L4
		       : t.v6  ? GSO_TCP6
			       : GSO_TCP4,
		.gso_size = size,
		.ecn = t.flags & 0x80,
	};
	struct gso_plan p;
	size_t len;

	t.ethernet = t.partial = true;
	t.ttl = 64;
	o.hdr_len = (uint16_t)testpkt_hdr_len(&t);
	o.csum_start = (uint16_t)testpkt_l4(&t);
	o.csum_offset = t.udp ? 6 : 16;
	len = testpkt_build(&t, frame);
	if (gso_split_plan(&o, frame, len, true, &p) != DROP_NONE || !write_in(&o, frame, len))
		return false;
	for (unsigned i = 0; i < p.n_segs; i++) {
		size_t got = next_out(theirs, sizeof(theirs));

		gso_split_write(&p, i, ours);
		if (got != gso_segment_len(&p, i) || memcmp(ours, theirs, got) != 0) {
			fprintf(stderr, "segment %u of %u differs (%zu bytes, ours %zu)\n", i,
				p.n_segs, got, gso_segment_len(&p, i));
			return false;
		}
	}
	return true;
}

/* A batch of segments: merged, written, and split by the kernel into the original ones. */
static bool merge_case(struct testpkt t, uint16_t size)
{
	static const struct gso_merge_caps caps = { .tcp4 = true, .tcp6 = true, .udp = true };
	static uint8_t frames[64][FRAME_MAX], copies[64][FRAME_MAX], theirs[SUPERFRAME_MAX];
	static struct gso_merge m;
	struct gso_superframe s;
	unsigned n = 0, items = 0;
	size_t lens[64];

	t.ethernet = true;
	t.ttl = 64;
	t.flags &= 0x40;
	gso_merge_init(&m, &caps);
	for (unsigned left = t.payload; left > 0 && n < 40; left -= t.payload, n++) {
		t.payload = left < size ? left : size;
		lens[n] = testpkt_build(&t, frames[n]);
		memcpy(copies[n], frames[n], lens[n]);
		if (gso_merge_add(&m, frames[n], lens[n], true, NULL, NULL))
			return false;
		t.seq += t.payload;
		t.stream += t.payload;
		t.id++;
	}
	while (gso_merge_next(&m, &s)) {
		int err = tap_write(&in, &s.offload, s.iov, s.n_iov);

		items++;
		if (err) {
			fprintf(stderr, "write: %s\n", strerror(-err));
			return false;
		}
	}
	for (unsigned i = 0; i < n; i++) {
		size_t got = next_out(theirs, sizeof(theirs));

		if (got != lens[i] || memcmp(theirs, copies[i], got) != 0) {
			fprintf(stderr, "frame %u of %u differs (%zu bytes)\n", i, n, got);
			return false;
		}
	}
	return t.ip_options ? items == n : items == 1;
}

int main(void)
{
	const char *why_not = set_up();
	unsigned failed = 0;

	if (why_not) {
		printf("CASE SKIP gso against the kernel: %s\n", why_not);
		return SKIP;
	}
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		bool ok = true;

		if (cases[i].t.udp && cases[i].size && !have_uso) {
			printf("CASE SKIP gso, kernel: %s: no USO on TAPs\n", cases[i].name);
			continue;
		}
		ok = split_case(cases[i].t, cases[i].size);
		printf("CASE %s gso, same segments as the kernel: %s\n", ok ? "PASS" : "FAIL",
			cases[i].name);
		failed += !ok;
		if (!cases[i].size)
			continue;
		ok = merge_case(cases[i].t, cases[i].size);
		printf("CASE %s gso, merged frames split by the kernel: %s\n", ok ? "PASS" : "FAIL",
			cases[i].name);
		failed += !ok;
	}
	tap_close(&in);
	tap_close(&out);
	return failed != 0;
}
