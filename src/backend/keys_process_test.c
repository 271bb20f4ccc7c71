/* SPDX-License-Identifier: MIT */
/* Tests of the process that holds the keys as the monitor starts it: it has room for the peers of a
 * large request of wg(8), and is started again without a warning when there is none left. An
 * attacker who controls it, so that it reads slowly, does not delay the monitor for long. */
#include "backend/keys_process.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "backend/keys_client.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "crypto/tai64n.h"
#include "crypto/x25519.h"
#include "wg/key_table.h"

#define PEERS 1000

/* How long to try what needs no time but that of a busy host. */
#define PATIENCE (60 * NS_PER_S)

/** The process, and what an engine has of it. */
struct bench {
	struct loop loop;
	struct conf_site conf;
	struct keys_process keys;
	struct keys_client client;
	struct uapi_peer *peers; /* `PEERS`, the last one with a key that is valid */
};

static void forget_nothing(void *ctx)
{
	(void)ctx;
}

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	b->peers = calloc(PEERS, sizeof(*b->peers));
	assert_non_null(b->peers);
	for (size_t i = 0; i < PEERS; i++)
		store_le32(b->peers[i].public_key, (uint32_t)i + 1);
	assert_int_equal(
		x25519_public((uint8_t[KEY_LEN]){ 0x10 }, b->peers[PEERS - 1].public_key), 0);
	assert_int_equal(loop_open(&b->loop), 0);
	b->conf.name = strdup("test");
	b->keys =
		(struct keys_process){ .engine = { -1, -1 }, .monitor = -1, .watch = { .fd = -1 } };
	assert_int_equal(keys_process_open(&b->keys, &b->loop, &b->conf, forget_nothing, NULL), 0);
	keys_client_open(&b->client, b->keys.engine[0]);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	keys_process_close(&b->keys);
	loop_close(&b->loop);
	free(b->conf.name);
	free(b->peers);
	free(b);
	return 0;
}

/* Let wg(8) set our key and all peers. */
static void set_all(struct bench *b)
{
	const struct uapi_set set = { .has_private_key = true,
		.private_key = { 0xfe },
		.replace_peers = true,
		.peers = b->peers,
		.peers_len = PEERS };
	struct uapi_set marked;

	assert_int_equal(keys_process_set(&b->keys, &set, &marked), 0);
	key_ring_free_set(&marked);
	keys_process_commit(&b->keys, NULL);
}

/* The last peer can have a handshake. `ret`: its initiation. */
static void initiate(struct bench *b, struct wg_initiation *ret)
{
	const struct wg_key_service *s = &b->client.client.service;
	struct mono until = mono_add(clock_mono(), PATIENCE);
	int err;

	do {
		err = s->make_initiation(s->ctx, b->peers[PEERS - 1].public_key, 3,
			(uint8_t[WG_TIMESTAMP_LEN]){ 1 }, ret);
		if (err == -ETIMEDOUT)
			(void)usleep(10000);
	} while (err == -ETIMEDOUT && !mono_reached(until, clock_mono()));
	assert_int_equal(err, 0);
}

static void initiates(struct bench *b)
{
	struct wg_initiation msg;

	initiate(b, &msg);
}

static void test_many_peers(void **state)
{
	struct bench *b = *state;
	pid_t pid = b->keys.pid;

	set_all(b);
	initiates(b);
	assert_int_equal(b->keys.pid, pid);
	assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
	assert_false(mono_is_set(b->keys.due));
}

/* Nothing is sent to a process that has no room for it: on_end() would warn of its end. */
static void test_no_room(void **state)
{
	struct bench *b = *state;
	pid_t pid = b->keys.pid;

	b->keys.capacity = PEERS - 1;
	set_all(b);
	assert_int_equal(b->keys.pid, 0);
	assert_int_equal(b->keys.watch.fd, -1);
	assert_true(mono_reached(b->keys.due, clock_mono()));
	keys_process_work(&b->keys);
	assert_true(b->keys.pid > 0 && b->keys.pid != pid);
	assert_true(b->keys.capacity > PEERS);
	initiates(b);
}

/* ---- a clock that was set back ---- */

/* The timestamp of an initiation, as the last peer reads it. */
static void read_timestamp(struct bench *b, uint8_t ret[static WG_TIMESTAMP_LEN])
{
	struct wg_key_request open = { .seq = 1, .type = WG_KEY_OPEN_INITIATION };
	struct wg_key_change identity = { .type = WG_KEY_SET_IDENTITY, .secret = { 0x10 } };
	struct wg_key_change peer = { .type = WG_KEY_SET_PEER };
	struct wg_key_peer peers[1];
	struct wg_key_answer answer;
	struct wg_initiation msg;
	struct wg_key_table t;

	initiate(b, &msg);
	memset(peers, 0, sizeof(peers));
	memcpy(open.message, &msg, sizeof(msg));
	memcpy(peer.peer, b->keys.now.public_key, KEY_LEN);
	assert_int_equal(wg_key_table_init(&t, peers, 1, random_system()), 0);
	assert_int_equal(wg_key_table_change(&t, &identity), 0);
	assert_int_equal(wg_key_table_change(&t, &peer), 0);
	assert_true(wg_key_table_request(&t, &open, clock_wall(), &answer));
	assert_int_equal(answer.code, 0);
	memcpy(ret, answer.timestamp, WG_TIMESTAMP_LEN);
	wg_key_table_fini(&t);
}

/* End the process, and start another one. */
static void start_again(struct bench *b)
{
	pid_t pid = b->keys.pid;

	assert_int_equal(kill(pid, SIGKILL), 0);
	while (b->keys.pid)
		assert_true(loop_run_once(&b->loop, mono_add(clock_mono(), NS_PER_S)) >= 0);
	b->keys.due = clock_mono();
	keys_process_work(&b->keys);
	assert_true(b->keys.pid > 0 && b->keys.pid != pid);
}

/* Initiations of another process are later than all before: the peer would take others for replays,
 * until the clock has caught up. */
static void test_set_back(void **state)
{
	struct bench *b = *state;
	uint8_t before[WG_TIMESTAMP_LEN], after[WG_TIMESTAMP_LEN], real[WG_TIMESTAMP_LEN];
	struct wall ahead = clock_wall();

	set_all(b);
	read_timestamp(b, before);
	(void)usleep(20000); /* the precision of a timestamp */
	tai64n_encode(clock_wall(), real);
	assert_false(tai64n_later(before, real));
	ahead.sec += 86400; /* the clock was, when it was noted last */
	b->keys.time = (struct steady_wall){ clock_mono(), ahead };
	for (unsigned i = 0; i < 3; i++) {
		start_again(b);
		read_timestamp(b, after);
		assert_true(tai64n_later(after, before));
		memcpy(before, after, sizeof(before));
		tai64n_encode(ahead, real);
		assert_true(tai64n_later(after, real));
		(void)usleep(20000);
	}
}

/* ---- a process that reads slowly ---- */

/* It needs ten times longer for a request with so many peers than the monitor may wait for it in
 * this test. */
#define PEERS_SLOW 6000
#define PAUSE_US   100000
#define LIMIT_S	   60
#define BUFFER_LEN 4096

/* Read one change after another, with pauses. */
static void read_slowly(int fd) __attribute__((noreturn));

static void read_slowly(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint8_t packet[256];

	alarm(10 * LIMIT_S);
	for (;;) {
		(void)usleep(PAUSE_US);
		(void)poll(&p, 1, -1);
		(void)!recv(fd, packet, sizeof(packet), 0);
	}
}

/* Start it, with a short queue. */
static void start_slow(struct keys_process *k)
{
	const int size = BUFFER_LEN;
	int fds[2];

	*k = (struct keys_process){
		.engine = { -1, -1 }, .watch = { .fd = -1 }, .capacity = PEERS_SLOW
	};
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fds), 0);
	assert_int_equal(setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
	k->monitor = fds[0];
	k->pid = fork();
	if (k->pid == 0)
		read_slowly(fds[1]);
	assert_true(k->pid > 0);
	close(fds[1]);
}

static int warnings;

static void count_warning(enum log_level level, const char *line)
{
	warnings += level == LOG_LEVEL_WARNING && strstr(line, "too slow");
}

/* The monitor waits a bounded time for the whole request, not for each change; then another process
 * is to be started, which begins with the present keys. It is logged. */
static void test_slow(void **state)
{
	struct uapi_set set = { .peers_len = PEERS_SLOW };
	struct uapi_set marked;
	struct keys_process k;
	struct mono before;

	(void)state;
	set.peers = calloc(PEERS_SLOW, sizeof(*set.peers));
	assert_non_null(set.peers);
	for (uint32_t i = 0; i < PEERS_SLOW; i++)
		store_le32(set.peers[i].public_key, i + 1);
	start_slow(&k);
	log_set_level(LOG_LEVEL_WARNING);
	log_to_sink(count_warning);
	before = clock_mono();
	assert_int_equal(keys_process_set(&k, &set, &marked), 0);
	assert_true(mono_between(before, clock_mono()) < LIMIT_S * NS_PER_S);
	log_to_sink(NULL);
	log_set_level(LOG_LEVEL_SILENT);
	assert_int_equal(warnings, 1);
	assert_int_equal(k.pid, 0);
	assert_int_equal(k.monitor, -1);
	assert_true(mono_is_set(k.due));
	assert_int_equal(k.now.n, PEERS_SLOW);
	key_ring_free_set(&marked);
	free(set.peers);
	keys_process_close(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_many_peers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_room, setup, teardown),
		cmocka_unit_test_setup_teardown(test_set_back, setup, teardown),
		cmocka_unit_test(test_slow),
	};

	log_set_level(LOG_LEVEL_SILENT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
