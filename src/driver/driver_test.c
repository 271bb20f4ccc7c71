/* SPDX-License-Identifier: MIT */
/* Tests of the engine's sockets (replaced, or unchanged after a failure), and of its memory,
 * which grows with its peers. */
#include "driver/driver.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "driver/batch.h"
#include "driver/ports.h"
#include "driver/sockets.h"
#include "driver/test_underlay.h"
#include "pkt/drop.h"

int __real_loop_add(struct loop *l, struct loop_watch *w, uint32_t events);
int __wrap_loop_add(struct loop *l, struct loop_watch *w, uint32_t events);

/* Number of calls of loop_add() that still succeed. */
static unsigned adds;

int __wrap_loop_add(struct loop *l, struct loop_watch *w, uint32_t events)
{
	if (!adds)
		return -ENOSPC;
	adds--;
	return __real_loop_add(l, w, events);
}

/* Sends that the socket refuses because its buffer is full. */
static unsigned refusals;

int __real_sendmmsg(int fd, struct mmsghdr *msgs, unsigned n, int flags);
int __wrap_sendmmsg(int fd, struct mmsghdr *msgs, unsigned n, int flags);

int __wrap_sendmmsg(int fd, struct mmsghdr *msgs, unsigned n, int flags)
{
	if (!refusals)
		return __real_sendmmsg(fd, msgs, n, flags);
	refusals--;
	errno = EAGAIN;
	return -1;
}

struct bench {
	struct loop loop;
	struct driver *d;
	struct driver_peer peer;
	int outsider;
	int silence; /* the other end of the socket pair that replaces the TUN */
};

static int setup(void **state)
{
	static const uint8_t key[WG_KEY_LEN] = { 9 };
	const struct driver_sizes sizes = { .peers = 4, .allowed_ips = 8, .packet_max = 2048 };
	struct driver_options options;
	struct bench *b = calloc(1, sizeof(*b));
	int pipe_fds[2];

	assert_non_null(b);
	adds = 100;
	assert_int_equal(driver_options_from(NULL, &options), 0);
	assert_int_equal(loop_open(&b->loop), 0);
	assert_int_equal(driver_open(&b->loop, &options, &sizes, &test_underlay, &b->d), 0);
	assert_int_equal(pipe2(pipe_fds, O_NONBLOCK), 0);
	b->d->tun.tap.fd = pipe_fds[0];
	b->silence = pipe_fds[1];
	assert_int_equal(ports_watch(b->d, &b->d->tun), 0);
	assert_int_equal(driver_start(b->d, 0, 0), 0);
	assert_int_equal(engine_add_peer(&b->d->engine, &b->peer.path, key), 0);
	list_push_tail(&b->d->peers, &b->peer.link);
	b->outsider = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_true(b->outsider >= 0);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	list_remove(&b->peer.link); /* driver_close() must not free it */
	engine_remove_peer(&b->d->engine, &b->peer.path);
	close(b->outsider);
	driver_close(b->d);
	close(b->silence);
	loop_close(&b->loop);
	free(b);
	return 0;
}

static void send_to_port(const struct bench *b, uint16_t port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(sendto(b->outsider, "hello", 5, 0,
				 (const struct sockaddr *)(const void *)&to, sizeof(to)),
		5);
}

/* Run the loop until the engine has received this many datagrams, however slow the host is. */
static void await_datagrams(struct bench *b, uint64_t datagrams)
{
	struct mono end = mono_add(clock_mono(), 60 * NS_PER_S);

	while (b->d->engine.rx.counters.stats.datagrams_rx < datagrams &&
		!mono_reached(end, clock_mono()))
		assert_int_equal(loop_run_once(&b->loop, end), 0);
	assert_int_equal(b->d->engine.rx.counters.stats.datagrams_rx, datagrams);
}

/* A datagram to the port reaches the engine through the event loop. */
static void expect_received(struct bench *b, uint16_t port)
{
	uint64_t before = b->d->engine.rx.counters.stats.datagrams_rx;

	send_to_port(b, port);
	await_datagrams(b, before + 1);
}

/* A datagram to the port does not reach the engine; a later one to the right port proves it. */
static void expect_unheard(struct bench *b, uint16_t port)
{
	uint64_t before = b->d->engine.rx.counters.stats.datagrams_rx;

	send_to_port(b, port);
	send_to_port(b, b->d->udp.port);
	await_datagrams(b, before + 1);
}

/* A port that is free in both families. */
static uint16_t free_port(void)
{
	struct udp udp;
	uint16_t port;

	assert_int_equal(udp_open(0, 0, (struct udp_offloads){ 0 }, &udp), 0);
	port = udp.port;
	udp_close(&udp);
	return port;
}

/* What was sent to the port before is received for a while: peers learn the new one by our next
 * datagram only. */
static void test_exchange(void **state)
{
	static const uint8_t addr[4] = { 127, 0, 0, 1 };
	struct bench *b = *state;
	struct pollfd there = { .events = POLLIN };
	uint16_t before = b->d->udp.port, after = free_port();
	uint64_t received;

	expect_received(b, before);
	b->peer.path.wg.endpoint.local = ip_addr_v4(addr);
	b->peer.path.wg.endpoint.local_ifindex = 1;
	received = b->d->engine.rx.counters.stats.datagrams_rx;
	assert_int_equal(driver_rebind(b->d, after, 0), 0);
	assert_int_equal(b->d->udp.port, after);
	assert_false(b->peer.path.wg.endpoint.local.family);
	assert_int_equal(b->peer.path.wg.endpoint.local_ifindex, 0);
	expect_received(b, after);
	expect_received(b, before);
	there.fd = b->d->retired.fd4;
	received = b->d->engine.rx.counters.stats.datagrams_rx;
	send_to_port(b, before); /* already queued when the socket is closed */
	assert_int_equal(poll(&there, 1, 60000), 1);
	b->d->retired_until = clock_mono();
	assert_true(mono_reached(driver_deadline(b->d), clock_mono()));
	driver_work(b->d);
	assert_int_equal(b->d->engine.rx.counters.stats.datagrams_rx, received + 1);
	expect_unheard(b, before);
	expect_received(b, after);
}

/* The port that is still received from can be opened again at once. */
static void test_exchange_back(void **state)
{
	struct bench *b = *state;
	uint16_t before = b->d->udp.port, other = free_port();

	assert_int_equal(driver_rebind(b->d, other, 0), 0);
	assert_int_equal(driver_rebind(b->d, before, 0), 0);
	expect_received(b, before);
	expect_received(b, other);
	driver_stop(b->d);
	assert_int_equal(b->d->retired.fd4, -1);
	assert_false(mono_is_set(driver_deadline(b->d)));
}

/* A port in use or a full event loop leaves the open sockets unchanged. */
static void test_failed_exchange(void **state)
{
	struct bench *b = *state;
	uint16_t before = b->d->udp.port, other = free_port();

	for (unsigned i = 0; i < 2; i++) {
		adds = i;
		assert_int_equal(driver_rebind(b->d, other, 0), -ENOSPC);
		assert_int_equal(b->d->udp.port, before);
		expect_received(b, before);
		expect_unheard(b, other);
	}
	adds = 100;
	assert_int_equal(driver_rebind(b->d, other, 0), 0);
	expect_received(b, other);
}

/* A plain socket, bound to `port` (0: not bound). */
static int plain_socket(int family, uint16_t port, int only6)
{
	struct sockaddr_in6 at = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int fd = socket(family, SOCK_DGRAM, 0);

	assert_true(fd >= 0);
	if (family == AF_INET6)
		assert_int_equal(
			setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only6, sizeof(only6)), 0);
	at.sin6_family = (sa_family_t)family; /* both families have the port in one place */
	if (port)
		assert_int_equal(
			bind(fd, (const struct sockaddr *)(const void *)&at, sizeof(at)), 0);
	return fd;
}

/* Sockets that others opened carry the engine's traffic as its own do. */
static void test_offered_sockets(void **state)
{
	struct bench *b = *state;
	struct driver *d = b->d;
	uint16_t port = free_port(), other = free_port();
	int fd4 = plain_socket(AF_INET, port, 0), fd6 = plain_socket(AF_INET6, port, 1);

	assert_int_equal(sockets_offer(d, fd4, fd6), 0);
	assert_int_equal(sockets_offer(d, fd4, fd6), -EBUSY);
	assert_int_equal(driver_rebind(d, other, 0), 0); /* another port: they stay offered */
	assert_int_not_equal(d->udp.fd4, fd4);
	assert_int_equal(driver_rebind(d, port, 0), 0);
	assert_int_equal(d->udp.fd4, fd4);
	assert_int_equal(d->udp.fd6, fd6);
	assert_int_equal(fcntl(fd4, F_GETFD), FD_CLOEXEC);
	expect_received(b, port);
	assert_int_equal(driver_rebind(d, other, 0), 0);
	sockets_end_retired(d);
	assert_int_equal(fcntl(fd4, F_GETFD), -1); /* the driver closed them as its own */
	assert_int_equal(fcntl(fd6, F_GETFD), -1);
	expect_received(b, other);
}

/* What cannot be used is refused, and stays the caller's. */
static void test_refused_sockets(void **state)
{
	const struct bench *b = *state;
	uint16_t port = free_port();
	int fd4 = plain_socket(AF_INET, port, 0), fd6 = plain_socket(AF_INET6, port, 1);
	const struct {
		int fd4;
		int fd6;
		int err;
	} table[] = {
		{ -1, -1, -EBADF },
		{ b->silence, -1, -EPROTOTYPE },
		{ fd6, -1, -EPROTOTYPE },
		{ fd4, plain_socket(AF_INET6, free_port(), 0), -EPROTOTYPE },
		{ plain_socket(AF_INET, 0, 0), fd6, -EADDRNOTAVAIL },
		{ fd4, plain_socket(AF_INET6, free_port(), 1), -EADDRNOTAVAIL },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		assert_int_equal(sockets_offer(b->d, table[i].fd4, table[i].fd6), table[i].err);
		assert_true(table[i].fd4 < 0 || fcntl(table[i].fd4, F_GETFD) >= 0);
	}
	for (size_t i = 3; i < ARRAY_LEN(table); i++)
		close(table[i].fd4 == fd4 ? table[i].fd6 : table[i].fd4);
	close(fd4);
	close(fd6);
}

/* The send buffer is full: what is sealed stays, no port is read, and both go on when the socket
 * can be written to. */
static void test_full_buffer(void **state)
{
	static const uint8_t addr[4] = { 127, 0, 0, 1 };
	struct bench *b = *state;
	struct driver *d = b->d;
	struct train_queue *q = &d->engine.tx.out.heads;
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t len = sizeof(at);
	struct endpoint to = { .addr = ip_addr_v4(addr) };
	uint8_t got[200];

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(b->outsider, (const struct sockaddr *)(const void *)&at, len), 0);
	assert_int_equal(getsockname(b->outsider, (struct sockaddr *)(void *)&at, &len), 0);
	to.port = ntohs(at.sin_port);
	memset(train_tail(q), 7, 100);
	train_append(q, 100, &to, 0);
	refusals = 2;
	batch_begin(d);
	batch_flush(d);
	assert_true(d->engine.tx.blocked);
	assert_int_equal(q->n, 1);
	assert_int_equal(write(b->silence, "x", 1), 1); /* the port is readable */

	assert_int_equal(loop_run_once(&b->loop, clock_mono()), 0); /* refused once more */
	assert_true(d->engine.tx.blocked);
	assert_int_equal(d->stats.batches_tx, 0);
	assert_int_equal(recv(b->outsider, got, sizeof(got), MSG_DONTWAIT), -1);

	assert_int_equal(loop_run_once(&b->loop, clock_mono()), 0);
	assert_false(d->engine.tx.blocked);
	assert_int_equal(q->n, 0);
	assert_int_equal(recv(b->outsider, got, sizeof(got), 0), 100);
	assert_int_equal(loop_run_once(&b->loop, clock_mono()), 0);
	assert_int_equal(d->stats.batches_tx, 1);
	assert_int_equal(d->engine.tx.counters.drops.n[DROP_TX_SEND], 0);

	/* new sockets are not full */
	memset(train_tail(q), 8, 100);
	train_append(q, 100, &to, 0);
	refusals = 1;
	batch_flush(d);
	assert_true(d->engine.tx.blocked);
	assert_int_equal(driver_rebind(d, free_port(), 0), 0);
	assert_false(d->engine.tx.blocked);
	batch_flush(d);
	assert_int_equal(recv(b->outsider, got, sizeof(got), 0), 100);
	assert_int_equal(got[0], 8);
}

#define LONG_PACKET (DRIVER_BURST / 3 + 1)

/* Replace the TUN by a socket pair from which packets can be read: some long ones, which fill more
 * than two turns, then a short one that is not IP. Return: the other end. */
static int offer_packets(struct driver *d, int long_packets)
{
	static const uint8_t not_ip[100];
	static uint8_t packet[LONG_PACKET] = { 0x45, [8] = 64, 17, [12] = 10, 0, 0, 1, 10, 0, 0,
		2 };
	const int room = 200000; /* twice as much, by the kernel's accounting */
	int fds[2];

	store_be16(packet + 2, sizeof(packet));
	ports_unwatch(d, &d->tun);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fds), 0);
	assert_int_equal(setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room)), 0);
	for (int i = 0; i < long_packets; i++)
		assert_int_equal(write(fds[1], packet, sizeof(packet)), sizeof(packet));
	assert_int_equal(write(fds[1], not_ip, sizeof(not_ip)), sizeof(not_ip));
	d->tun.tap.fd = fds[0];
	assert_int_equal(ports_watch(d, &d->tun), 0);
	return fds[1];
}

static void run_turn(struct bench *b)
{
	assert_int_equal(loop_run_once(&b->loop, driver_deadline(b->d)), 0);
	driver_work(b->d);
}

/* Before it starts, and while it is stopped, what it has to send is not due: the event loop would
 * not sleep. It is processed once the engine starts. */
static void test_stopped(void **state)
{
	struct bench *b = *state;
	struct driver *d = b->d;

	driver_stop(d);
	d->engine.control.follow_due = clock_mono(); /* the path to a peer is to be probed */
	driver_work(d);
	assert_false(mono_reached(driver_deadline(d), clock_mono()));
	assert_int_equal(driver_start(d, 0, 0), 0);
	assert_false(mono_is_set(d->engine.control.follow_due));
}

/* A port with much to read does not keep the other descriptors waiting until all of it is
 * processed; and a packet of another flow does not wait for the long ones before it. */
static void test_burst_of_port(void **state)
{
	struct bench *b = *state;
	struct driver *d = b->d;
	const struct lane_counters *counters = &d->engine.tx.counters;
	int other_end = offer_packets(d, 7);

	for (uint64_t turn = 1; turn <= 3; turn++) {
		run_turn(b);
		assert_int_equal(d->stats.batches_tx, turn);
		assert_int_equal(counters->drops.n[DROP_TX_NO_PEER], turn < 3 ? 3 * turn : 7);
		assert_int_equal(counters->drops.n[DROP_TUN_NOT_IP], 1);
		assert_int_equal(mono_reached(driver_deadline(d), clock_mono()), turn < 3);
	}
	close(other_end);
}

/* All buffers have superframes of another port, `other`: short frames of this port are read and
 * processed one after another all the same, not one for each superframe. */
static void test_shared_buffers(void **state)
{
	static uint8_t packet[100] = { 0x45, [3] = 100, [8] = 64, 17, [12] = 10, 0, 0, 1, 10, 0, 0,
		2 };
	struct bench *b = *state;
	struct driver *d = b->d;
	struct driver_port other = { .d = d, .path = &d->engine.tun, .tap = { .fd = -1 } };
	int other_end = offer_packets(d, 0);
	struct ahead_frame *f;

	for (int i = 0; i < 40; i++)
		assert_int_equal(write(other_end, packet, sizeof(packet)), sizeof(packet));
	while ((f = ahead_room(&d->ahead))) {
		memcpy(f->bytes, packet, sizeof(packet));
		store_be16(f->bytes + 2, LONG_PACKET);
		store_be16(f->bytes + 22, 9); /* another flow */
		f->port = &other;
		f->offload = (struct offload){ 0 };
		f->len = LONG_PACKET;
		f->ethernet = false;
		ahead_push(&d->ahead);
	}
	run_turn(b);
	assert_int_equal(d->stats.batches_tx, 1);
	assert_int_equal(d->engine.tx.counters.stats.superframes_tx, 32);
	assert_int_equal(ahead_forget(&d->ahead, &other), AHEAD_MAX - 1);
	close(other_end);
}

/* What was read waits while the socket takes nothing, without a busy loop, and is dropped and
 * counted if its port is closed. */
static void test_closed_port(void **state)
{
	struct bench *b = *state;
	struct driver *d = b->d;
	const struct lane_counters *counters = &d->engine.tx.counters;
	int other_end = offer_packets(d, 7);

	run_turn(b);
	assert_int_equal(counters->stats.superframes_tx, 4);
	d->engine.tx.blocked = true;
	assert_false(mono_reached(driver_deadline(d), clock_mono()));
	driver_work(d);
	assert_int_equal(counters->stats.superframes_tx, 4);
	d->engine.tx.blocked = false;
	ports_unwatch(d, &d->tun);
	assert_int_equal(counters->drops.n[DROP_TX_QUEUE], 4);
	assert_int_equal(d->engine.tun.stats.tx.dropped, 4 + 4);
	assert_false(mono_reached(driver_deadline(d), clock_mono()));
	driver_work(d);
	assert_int_equal(counters->stats.superframes_tx, 4);
	close(other_end);
}

/* Nor does a socket. What it has queued is read nevertheless if it is replaced. */
static void test_burst_of_socket(void **state)
{
	static const uint8_t datagram[DRIVER_BURST / UDP_RECV_MAX + 1] = { 9 };
	struct bench *b = *state;
	struct driver *d = b->d;
	const uint64_t *read_now = &d->engine.rx.counters.stats.datagrams_rx;
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(d->udp.port) };
	uint64_t before = *read_now;

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	for (int i = 0; i < UDP_RECV_MAX + 4; i++)
		assert_int_equal(sendto(b->outsider, datagram, sizeof(datagram), 0,
					 (const struct sockaddr *)(const void *)&to, sizeof(to)),
			sizeof(datagram));
	while (*read_now == before)
		assert_int_equal(loop_run_once(&b->loop, clock_mono()), 0);
	assert_int_equal(*read_now - before, UDP_RECV_MAX); /* one call, not two */
	assert_int_equal(driver_rebind(d, free_port(), 0), 0);
	sockets_end_retired(d);
	assert_int_equal(*read_now, before + UDP_RECV_MAX + 4);
}

/* Each added peer gets its share of the common pools; a smaller request changes nothing. */
static void test_grow(void **state)
{
	struct bench *b = *state;
	struct driver *d = b->d;
	uint64_t memory = driver_memory(d), peers[] = { 100, 1000, 500, 3000 };
	unsigned slots = d->engine.rx.reassembly.pool.size, units = d->engine.tx.pending.pool.size;

	for (size_t i = 0; i < 4; i++) {
		bool less = i == 2;

		assert_int_equal(driver_grow(d, peers[i], 8), 0);
		assert_int_equal(d->engine.rx.reassembly.pool.size > slots, !less);
		assert_int_equal(d->engine.tx.pending.pool.size > units, !less);
		assert_int_equal(driver_memory(d) > memory, !less);
		slots = d->engine.rx.reassembly.pool.size;
		units = d->engine.tx.pending.pool.size;
		memory = driver_memory(d);
		assert_true(slots >= 8 * peers[i] && units >= 8 * peers[i]);
	}
	assert_in_range(memory, 100 << 20, 150 << 20); /* 40 kB for each of 3,000 */
	driver_work(d);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_grow),
		CASE(test_full_buffer),
		CASE(test_burst_of_port),
		CASE(test_shared_buffers),
		CASE(test_closed_port),
		CASE(test_stopped),
		CASE(test_burst_of_socket),
		CASE(test_exchange),
		CASE(test_exchange_back),
		CASE(test_failed_exchange),
		CASE(test_offered_sockets),
		CASE(test_refused_sockets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
