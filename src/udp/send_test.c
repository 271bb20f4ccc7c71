/* SPDX-License-Identifier: MIT */
/* Tests of sending on a kernel that refuses: simulates every error of sendmmsg and sendmsg. */
#include "udp/udp.h"

#include <errno.h>
#include <netinet/udp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "base/bytes.h"

#define CALLS_MAX 16

/* The simulated kernel: its results for successive calls (0: accepts all), and what it has sent. */
static struct {
	int errors[CALLS_MAX]; /* errno; for sendmmsg, -n: accepts n messages */
	size_t n_errors;
	int always;	  /* errno of all calls after these, or 0 */
	bool no_segments; /* EIO for every message with UDP_SEGMENT */
	int no_source;	  /* errno of every message with a source address, or 0 */
	int too_large;	  /* errno of every message with UDP_SEGMENT, or 0 */
	size_t calls;
	size_t taken; /* datagrams */
	uint8_t bytes[65536];
	size_t n_bytes;
	int ttls[CALLS_MAX]; /* of successive messages; 0: not set */
	size_t n_ttls;
	unsigned pktinfos; /* messages with a source address or interface */
	struct in_pktinfo pktinfo4;
	struct in6_pktinfo pktinfo6;
} kernel;

ssize_t __wrap_sendmsg(int fd, const struct msghdr *msg, int flags);
int __wrap_sendmmsg(int fd, struct mmsghdr *msgs, unsigned n, int flags);

static int verdict_of_call(void)
{
	size_t i = kernel.calls++;

	return i < kernel.n_errors ? kernel.errors[i] : kernel.always;
}

/* The TTL or hop limit of a message; 0: the system default. */
static int ttl_of(struct msghdr *msg)
{
	int ttl = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c))
		if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL) ||
			(c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_HOPLIMIT)) {
			assert_int_equal(c->cmsg_len, CMSG_LEN(sizeof(ttl)));
			memcpy(&ttl, CMSG_DATA(c), sizeof(ttl));
		}
	return ttl;
}

static void take_source(struct cmsghdr *c)
{
	if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO)
		memcpy(&kernel.pktinfo4, CMSG_DATA(c), sizeof(kernel.pktinfo4));
	else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO)
		memcpy(&kernel.pktinfo6, CMSG_DATA(c), sizeof(kernel.pktinfo6));
	else
		return;
	kernel.pktinfos++;
}

/* Return: 0 or an errno. */
static int take_datagram(const struct msghdr *msg)
{
	size_t len = msg->msg_iov->iov_len;
	uint16_t stride = (uint16_t)len;
	struct msghdr m = *msg;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		take_source(c);
		if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_SEGMENT) {
			memcpy(&stride, CMSG_DATA(c), sizeof(stride));
			if (kernel.no_segments)
				return EIO;
			if (kernel.too_large)
				return kernel.too_large;
		}
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO && kernel.no_source)
			return kernel.no_source;
	}
	if (kernel.n_ttls < CALLS_MAX)
		kernel.ttls[kernel.n_ttls++] = ttl_of(&m);
	kernel.taken += (len + stride - 1) / stride;
	memcpy(kernel.bytes + kernel.n_bytes, msg->msg_iov->iov_base, len);
	kernel.n_bytes += len;
	return 0;
}

ssize_t __wrap_sendmsg(int fd, const struct msghdr *msg, int flags)
{
	int error = verdict_of_call();

	assert_int_equal(fd, 4);
	assert_true(flags & MSG_DONTWAIT);
	if (!error)
		error = take_datagram(msg);
	errno = error;
	return error ? -1 : (ssize_t)msg->msg_iov->iov_len;
}

int __wrap_sendmmsg(int fd, struct mmsghdr *msgs, unsigned n, int flags)
{
	int error = verdict_of_call();

	assert_int_equal(fd, 4);
	if (error < 0)
		n = (unsigned)-error;
	for (unsigned i = 0; i < n; i++) {
		if (error <= 0)
			error = take_datagram(&msgs[i].msg_hdr);
		if (error > 0) {
			errno = error;
			return i ? (int)i : -1;
		}
	}
	return (int)n;
}

static uint8_t arena[8192];

/* Three trains of 4, 4 and 1 datagrams. */
static void make_trains(struct train_queue *q)
{
	static const uint8_t addr[4] = { 192, 0, 2, 1 };
	struct endpoint to = { .addr = ip_addr_v4(addr), .port = 8172, .local = ip_addr_v4(addr) };

	train_queue_init(q, arena, sizeof(arena));
	for (unsigned i = 0; i < 9; i++) {
		to.port = (uint16_t)(8172 + i / 4);
		memset(train_tail(q), (int)i, 100);
		train_append(q, 100, &to, 0);
	}
	assert_int_equal(q->n, 3);
}

static const struct {
	const char *name;
	int errors[CALLS_MAX];
	size_t n_errors;
	bool no_segments;
	int no_source;
	int too_large;
	size_t taken; /* of 9 */
	size_t calls;
	bool segment_stays;
} table[] = {
	{ .name = "willing", .taken = 9, .calls = 1, .segment_stays = true },
	{ .name = "takes one at a time",
		.errors = { -1, -1, -1 },
		.n_errors = 3,
		.taken = 9,
		.calls = 3,
		.segment_stays = true },
	{ .name = "interrupted",
		.errors = { EINTR },
		.n_errors = 1,
		.taken = 9,
		.calls = 2,
		.segment_stays = true },
	{ .name = "an ICMP error about another destination",
		.errors = { ECONNREFUSED },
		.n_errors = 1,
		.taken = 9,
		.calls = 3,
		.segment_stays = true },
	{ .name = "a flood of ICMP errors about other destinations",
		.errors = { ECONNREFUSED, EHOSTUNREACH, EMSGSIZE, ECONNREFUSED },
		.n_errors = 4,
		.taken = 9,
		.calls = 6,
		.segment_stays = true },
	{ .name = "a full queue: one train is lost",
		.errors = { ENOBUFS },
		.n_errors = 1,
		.taken = 5,
		.calls = 2,
		.segment_stays = true },
	{ .name = "no checksum offload", .no_segments = true, .taken = 9, .calls = 13 },
	{ .name = "the source is no longer local",
		.no_source = EINVAL,
		.taken = 9,
		.calls = 9,
		.segment_stays = true },
	{ .name = "the source's interface has no route there",
		.no_source = ENETUNREACH,
		.taken = 9,
		.calls = 18,
		.segment_stays = true },
	{ .name = "segments larger than the device's MTU, as older kernels report it",
		.too_large = EINVAL,
		.taken = 9,
		.calls = 15,
		.segment_stays = true },
	{ .name = "segments larger than the device's MTU",
		.too_large = EMSGSIZE,
		.taken = 9,
		.calls = 19,
		.segment_stays = true },
	{ .name = "both at once, the source gone and no segments",
		.no_source = EINVAL,
		.too_large = EINVAL,
		.taken = 9,
		.calls = 21,
		.segment_stays = true },
};

static void test_refusals(void **state)
{
	static struct train_queue q;

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct udp u = { .fd4 = 4, .fd6 = -1, .offloads = { .segment = true } };
		unsigned events;

		print_message("%s\n", table[i].name);
		memset(&kernel, 0, sizeof(kernel));
		memcpy(kernel.errors, table[i].errors, sizeof(kernel.errors));
		kernel.n_errors = table[i].n_errors;
		kernel.no_segments = table[i].no_segments;
		kernel.no_source = table[i].no_source;
		kernel.too_large = table[i].too_large;
		make_trains(&q);
		events = udp_send(&u, &q);
		assert_int_equal(kernel.taken, table[i].taken);
		assert_int_equal(u.send_errors, 0);
		assert_int_equal(u.full, 9 - table[i].taken);
		assert_int_equal(kernel.calls, table[i].calls);
		assert_int_equal(u.offloads.segment, table[i].segment_stays);
		assert_int_equal(events, table[i].no_source   ? UDP_SOURCE_STALE
					 : table[i].taken < 9 ? UDP_FULL
							      : 0);
		assert_int_equal(q.n, 0);
		if (table[i].taken == 9)
			assert_memory_equal(kernel.bytes, arena, 900);
	}
}

/* The send buffer is full, at first or after some datagrams, with and without segmentation: what is
 * left stays in the queue, and is sent once, in order, by the next calls. */
static void test_full_buffer(void **state)
{
	static struct train_queue q;

	for (unsigned i = 0; i < 16; i++) {
		bool segment = i & 1;
		struct udp u = { .fd4 = 4, .fd6 = -1, .offloads = { .segment = segment } };
		unsigned calls = 0;

		memset(&kernel, 0, sizeof(kernel));
		for (kernel.n_errors = 0; kernel.n_errors < i / 2; kernel.n_errors++)
			kernel.errors[kernel.n_errors] = segment ? -1 : 0;
		kernel.errors[kernel.n_errors++] = EAGAIN;
		kernel.errors[kernel.n_errors++] = EAGAIN;
		make_trains(&q);
		while (udp_send(&u, &q) & UDP_BLOCKED) {
			assert_int_equal(u.blocked_fd, 4);
			assert_int_not_equal(q.n, 0);
			calls++;
		}
		assert_int_equal(calls, !segment || i / 2 < 3 ? 2 : 0);
		assert_int_equal(q.n, 0);
		assert_int_equal(kernel.taken, 9);
		assert_memory_equal(kernel.bytes, arena, 900);
		assert_int_equal(u.send_errors + u.full, 0);
	}
}

/* A datagram that cannot be sent at all is dropped after a bounded number of calls, and counted. */
static void test_nothing_goes(void **state)
{
	static struct train_queue q;
	static const int errors[] = { ENOBUFS, ENETUNREACH, EHOSTUNREACH, EPERM, ECONNREFUSED,
		EMSGSIZE, EINVAL, EIO };

	for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
		struct udp u = { .fd4 = 4, .fd6 = -1, .offloads = { .segment = true } };

		memset(&kernel, 0, sizeof(kernel));
		kernel.always = errors[i];
		make_trains(&q);
		assert_int_equal(udp_send(&u, &q), errors[i] == EMSGSIZE  ? UDP_TOO_BIG
						   : errors[i] == ENOBUFS ? UDP_FULL
									  : 0);
		assert_int_equal(u.send_errors + u.full, 9);
		assert_in_range(kernel.calls, 3, 80);
	}
}

/* A train with its own TTL, of either family, combined with every other message option. */
static void test_ttl(void **state)
{
	static struct train_queue q;

	for (unsigned v6 = 0; v6 < 2; v6++) {
		struct udp u = {
			.fd4 = v6 ? -1 : 4, .fd6 = v6 ? 4 : -1, .offloads = { .segment = true }
		};
		struct endpoint to = { .port = 8172, .local_ifindex = 3 };

		assert_int_equal(ip_addr_parse(v6 ? "2001:db8::1" : "192.0.2.1", &to.addr), 0);
		to.local = to.addr;
		memset(&kernel, 0, sizeof(kernel));
		train_queue_init(&q, arena, sizeof(arena));
		for (unsigned i = 0; i < 9; i++) {
			train_append(&q, 100, &to, 0x88);
			if (i % 3 == 1)
				train_close_with_ttl(&q, (uint8_t)(200 + i));
		}
		udp_send(&u, &q);
		assert_int_equal(kernel.taken, 9);
		assert_int_equal(kernel.n_ttls, 4);
		assert_int_equal(kernel.ttls[0], 201);
		assert_int_equal(kernel.ttls[1], 204);
		assert_int_equal(kernel.ttls[2], 207);
		assert_int_equal(kernel.ttls[3], 0);
	}
}

/* From an address, through an interface, or both; an address of the other family counts as none. */
static void test_source(void **state)
{
	static const uint8_t addr4[4] = { 192, 0, 2, 1 };
	static const uint8_t addr6[16] = { 0x20, 1, 0xd, 0xb8, [15] = 1 };
	static const uint8_t none[16];
	static struct train_queue q;

	for (unsigned i = 0; i < 16; i++) {
		struct udp u = { .fd4 = 4, .fd6 = 4 };
		struct endpoint to = { .port = 8172 };
		bool v6 = i & 1;
		bool other = i & 8; /* the address is of the other family */

		to.addr = v6 ? ip_addr_v6(addr6) : ip_addr_v4(addr4);
		if (i & 2)
			to.local = v6 != other ? ip_addr_v6(addr6) : ip_addr_v4(addr4);
		if (i & 4)
			to.local_ifindex = 7;
		memset(&kernel, 0, sizeof(kernel));
		train_queue_init(&q, arena, sizeof(arena));
		memset(train_tail(&q), 1, 100);
		train_append(&q, 100, &to, 0);
		udp_send(&u, &q);
		assert_int_equal(kernel.taken, 1);
		assert_int_equal(kernel.pktinfos, i & 2 ? !other : (i & 4) != 0);
		if (!kernel.pktinfos)
			continue;
		assert_int_equal(
			v6 ? (int)kernel.pktinfo6.ipi6_ifindex : kernel.pktinfo4.ipi_ifindex,
			to.local_ifindex);
		if (v6)
			assert_memory_equal(
				&kernel.pktinfo6.ipi6_addr, i & 2 ? addr6 : none, sizeof(addr6));
		else
			assert_memory_equal(
				&kernel.pktinfo4.ipi_spec_dst, i & 2 ? addr4 : none, sizeof(addr4));
	}
}

static void test_no_socket_of_the_family(void **state)
{
	static struct train_queue q;
	struct udp u = { .fd4 = -1, .fd6 = -1, .offloads = { .segment = true } };

	memset(&kernel, 0, sizeof(kernel));
	make_trains(&q);
	udp_send(&u, &q);
	assert_int_equal(kernel.calls, 0);
	assert_int_equal(u.send_errors, 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_full_buffer),
		cmocka_unit_test(test_nothing_goes),
		cmocka_unit_test(test_ttl),
		cmocka_unit_test(test_source),
		cmocka_unit_test(test_no_socket_of_the_family),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
