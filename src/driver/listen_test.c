/* SPDX-License-Identifier: MIT */
/* Tests of the engine's port while another program uses it: refused when requested, pending after
 * the interface is set up or the file reloaded, opened once it is free. */
#include "driver/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/log.h"
#include "driver/driver.h"
#include "driver/peers.h"
#include "driver/sockets.h"
#include "driver/test_underlay.h"

struct bench {
	struct loop loop;
	struct driver *d;
	int tun[2];	/* a pipe that replaces the TUN */
	uint16_t port;	/* free in both families at the start */
	uint16_t other; /* free in both families at the start */
	int families[2];
	size_t n_families; /* 1 where the kernel has no IPv6 */
};

/* Return: a socket that is bound to the port in one family. */
static int occupy(int family, uint16_t port)
{
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
	int on = 1;

	assert_true(fd >= 0);
	if (family == AF_INET6) {
		assert_int_equal(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)), 0);
		assert_int_equal(
			bind(fd, (const struct sockaddr *)(const void *)&in6, sizeof(in6)), 0);
	} else {
		assert_int_equal(
			bind(fd, (const struct sockaddr *)(const void *)&in, sizeof(in)), 0);
	}
	return fd;
}

static bool has_ipv6(void)
{
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static uint16_t free_port(void)
{
	struct udp udp;
	uint16_t port;

	assert_int_equal(udp_open(0, 0, (struct udp_offloads){ 0 }, &udp), 0);
	port = udp.port;
	udp_close(&udp);
	return port;
}

static int setup(void **state)
{
	const struct driver_sizes sizes = { .peers = 4, .allowed_ips = 8, .packet_max = 2048 };
	struct driver_options options;
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	log_set_level(LOG_LEVEL_SILENT);
	assert_int_equal(driver_options_from(NULL, &options), 0);
	assert_int_equal(loop_open(&b->loop), 0);
	assert_int_equal(driver_open(&b->loop, &options, &sizes, &test_underlay, &b->d), 0);
	assert_int_equal(pipe(b->tun), 0);
	b->d->tun.tap.fd = b->tun[0];
	b->port = free_port();
	b->other = free_port();
	b->families[0] = AF_INET;
	b->families[1] = AF_INET6;
	b->n_families = 1 + has_ipv6();
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	driver_close(b->d);
	close(b->tun[1]);
	loop_close(&b->loop);
	free(b);
	return 0;
}

/* Whether both sockets are open on this port. */
static bool is_open(const struct bench *b, uint16_t port)
{
	return b->d->running && b->d->udp.fd4 >= 0 && (b->d->udp.fd6 >= 0 || b->n_families == 1) &&
	       b->d->udp.port == port && listen_port(b->d) == port;
}

/* Advance the clock to the next attempt. */
static void retry(struct bench *b)
{
	assert_true(mono_is_set(listen_deadline(b->d)));
	b->d->listen.due = clock_mono();
	listen_work(b->d);
}

/* While the interface is down, a request is tried and refused, or stored. */
static void test_request_while_down(void **state)
{
	struct bench *b = *state;
	const uint32_t none = 0;
	const uint16_t any = 0;

	assert_int_equal(listen_request(b->d, &b->other, &none), 0);
	for (size_t i = 0; i < b->n_families; i++) {
		int fd = occupy(b->families[i], b->port);

		assert_int_equal(listen_request(b->d, &b->port, NULL), -EADDRINUSE);
		assert_int_equal(listen_port(b->d), b->other);
		close(fd);
	}
	assert_int_equal(listen_request(b->d, &b->port, NULL), 0);
	assert_int_equal(listen_port(b->d), b->port);
	assert_int_equal(b->d->udp.fd4, -1); /* opened only when the interface is set up */
	close(occupy(AF_INET, b->port));
	assert_int_equal(listen_request(b->d, &any, NULL), 0);
	assert_int_equal(listen_port(b->d), 0);
	assert_false(mono_is_set(listen_deadline(b->d)));
}

/* A port in use when the interface is set up becomes pending, and is opened once it is free. */
static void test_pending_when_set_up(void **state)
{
	struct bench *b = *state;
	uint64_t wait = LISTEN_RETRY_MIN;

	for (size_t i = 0; i < b->n_families; i++) {
		int fd;

		assert_int_equal(listen_request(b->d, &b->port, NULL), 0);
		fd = occupy(b->families[i], b->port);
		listen_up(b->d);
		assert_int_equal(listen_port(b->d), 0);
		assert_int_equal(b->d->listen.error, -EADDRINUSE);
		assert_int_equal(b->d->listen.port, b->port);
		listen_work(b->d); /* too soon to try again */
		assert_int_equal(b->d->listen.wait_ns, LISTEN_RETRY_MIN);
		for (wait = LISTEN_RETRY_MIN; wait < 3 * LISTEN_RETRY_MAX; wait *= 2) {
			assert_int_equal(b->d->listen.wait_ns,
				wait < LISTEN_RETRY_MAX ? wait : LISTEN_RETRY_MAX);
			retry(b);
			assert_false(b->d->running);
		}
		close(fd);
		retry(b);
		assert_true(is_open(b, b->port));
		assert_false(mono_is_set(listen_deadline(b->d)));
		listen_down(b->d);
		assert_int_equal(listen_port(b->d), b->port);
	}
}

/* While a port is pending, another port, the same port or a firewall mark can be requested. */
static void test_request_while_pending(void **state)
{
	struct bench *b = *state;
	const uint32_t mark = 7;
	int fd;

	assert_int_equal(listen_request(b->d, &b->port, NULL), 0);
	fd = occupy(AF_INET, b->port);
	listen_up(b->d);
	assert_int_equal(listen_request(b->d, &b->port, NULL), -EADDRINUSE);
	assert_int_equal(b->d->listen.error, -EADDRINUSE);
	if (geteuid() == 0) { /* setting a mark needs privileges */
		assert_int_equal(listen_request(b->d, NULL, &mark), 0);
		assert_int_equal(b->d->fwmark, mark);
	}
	retry(b);
	assert_int_equal(listen_port(b->d), 0);
	assert_int_equal(listen_request(b->d, &b->other, NULL), 0);
	assert_true(is_open(b, b->other));
	assert_false(mono_is_set(listen_deadline(b->d)));
	close(fd);
	listen_down(b->d);
}

/* An interface that is set down while its port is pending stays down. */
static void test_down_while_pending(void **state)
{
	struct bench *b = *state;
	int fd;

	assert_int_equal(listen_request(b->d, &b->port, NULL), 0);
	fd = occupy(b->families[b->n_families - 1], b->port);
	listen_up(b->d);
	listen_down(b->d);
	close(fd);
	assert_false(mono_is_set(listen_deadline(b->d)));
	listen_work(b->d);
	assert_false(b->d->running);
	assert_int_equal(listen_port(b->d), b->port);
}

/* Another program took a port that the kernel had chosen: any other port is used instead. */
static void test_port_of_no_choice(void **state)
{
	struct bench *b = *state;
	uint16_t first;
	int fd;

	listen_up(b->d);
	first = listen_port(b->d);
	assert_true(first && is_open(b, first));
	listen_down(b->d);
	fd = occupy(AF_INET, first);
	listen_up(b->d);
	assert_true(b->d->running);
	assert_int_not_equal(listen_port(b->d), first);
	close(fd);
	/* a port that was requested explicitly is not replaced */
	assert_int_equal(listen_request(b->d, &b->port, NULL), 0);
	listen_down(b->d);
	fd = occupy(AF_INET, b->port);
	listen_up(b->d);
	assert_int_equal(listen_port(b->d), 0);
	close(fd);
}

/* A reload wants a port in use: the old port stays open until the new one can be opened. */
static void test_reload(void **state)
{
	struct bench *b = *state;
	int fd = occupy(b->families[b->n_families - 1], b->other);

	assert_int_equal(listen_request(b->d, &b->port, NULL), 0);
	listen_up(b->d);
	assert_int_equal(listen_want(b->d, b->other, 0), -EADDRINUSE);
	assert_true(is_open(b, b->port));
	assert_int_equal(b->d->listen.port, b->other);
	retry(b);
	assert_true(is_open(b, b->port));
	close(fd);
	retry(b);
	assert_true(is_open(b, b->other));
	assert_int_equal(b->d->listen.error, 0);
	sockets_end_retired(b->d);
	/* reloading back before the next attempt: nothing is pending any more */
	fd = occupy(AF_INET, b->port);
	assert_int_equal(listen_want(b->d, b->port, 0), -EADDRINUSE);
	assert_int_equal(listen_want(b->d, b->other, 0), 0);
	assert_false(mono_is_set(listen_deadline(b->d)));
	close(fd);
}

/* Once the port is open, peers with a persistent keepalive get a handshake, as after any rebind. */
static void test_handshake_once_open(void **state)
{
	static const uint8_t ours[WG_KEY_LEN] = { 8, [31] = 0x40 };
	static const uint8_t localhost[4] = { 127, 0, 0, 1 };
	uint8_t theirs[WG_KEY_LEN] = { 9 };
	uint8_t msg[WG_INITIATION_LEN + 1];
	struct bench *b = *state;
	struct driver_peer *p;
	struct endpoint to = { .addr = ip_addr_v4(localhost), .port = b->other };
	int far = occupy(AF_INET, b->other);
	int fd = occupy(AF_INET, b->port);

	assert_int_equal(peers_set_private_key(b->d, ours), 0);
	assert_int_equal(peers_add(b->d, theirs, &p), 0);
	wg_peer_set_endpoint(&b->d->engine.wg, &p->path.wg, &to);
	wg_peer_set_keepalive(&b->d->engine.wg, &p->path.wg, 25);
	b->d->udp.port = b->port;
	listen_up(b->d);
	driver_work(b->d);
	assert_int_equal(recv(far, msg, sizeof(msg), MSG_DONTWAIT), -1);
	close(fd);
	retry(b);
	assert_int_equal(recv(far, msg, sizeof(msg), 0), WG_INITIATION_LEN);
	close(far);
}

static void test_sentences(void **state)
{
	static const int errors[] = { -EADDRINUSE, -EACCES, -EPERM, -EMFILE };
	char text[LISTEN_TEXT_LEN];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(errors); i++)
		assert_true(strlen(listen_hint(errors[i])) > 10);
	assert_string_equal(listen_problem(8172, 0, -EADDRINUSE, text),
		"Cannot listen on UDP port 8172: Address already in use");
	assert_string_equal(listen_problem(80, 1, -EACCES, text),
		"Cannot listen on UDP port 80: Permission denied");
	assert_string_equal(listen_problem(80, 0xca6c, -EPERM, text),
		"Cannot set the firewall mark 0xca6c: Operation not permitted");
	assert_string_equal(
		listen_problem(0, 0, -EMFILE, text), "Cannot open a UDP port: Too many open files");
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_request_while_down),
		CASE(test_pending_when_set_up),
		CASE(test_request_while_pending),
		CASE(test_down_while_pending),
		CASE(test_port_of_no_choice),
		CASE(test_reload),
		CASE(test_handshake_once_open),
		cmocka_unit_test(test_sentences),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
