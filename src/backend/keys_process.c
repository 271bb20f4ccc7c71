/* SPDX-License-Identifier: MIT */
/* The process that holds a site's keys, as the monitor sees it: started, informed of changes,
 * and started again when it ends. */
#include "backend/keys_process.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backend/keys_server.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "confine/confine.h"
#include "confine/title.h"
#include "crypto/tai64n.h"
#include "crypto/x25519.h"

/* If it ends so soon after its start, it is started again only after a pause. */
#define SOON  NS_PER_S
#define PAUSE NS_PER_S

/* Room for peers that are added later, at least: for as many as one request can have. What is not
 * used stays untouched, and takes no memory. */
#define PEERS_MORE UAPI_PEERS_MAX

/* Heap that the crypto library may use: more than it ever needs at a time. */
#define HEAP_SPARE ((size_t)512 << 10)

/* How long it may take to read all that one request changes. */
#define SEND_PATIENCE (5 * NS_PER_S)

/* In place of the key of a peer or a secret that a change does not have. */
static const uint8_t none[KEY_LEN];

struct wall keys_process_time(struct keys_process *k)
{
	return steady_wall_read(&k->time, clock_mono(), clock_wall());
}

/* ---- in the new process ---- */

/* Have heap at hand and what the crypto library loads at its first use, as no call for memory is
 * allowed later. Return: 0 or -errno. */
static int warm_up(void)
{
	static const uint8_t any[KEY_LEN] = { 9 };
	uint8_t shared[KEY_LEN];

#ifdef __GLIBC__ /* the heap of musl has no such settings; confine/rules.c lets it grow */
	(void)mallopt(M_MMAP_THRESHOLD, (int)(2 * HEAP_SPARE));
	(void)mallopt(M_TRIM_THRESHOLD, (int)(64 * HEAP_SPARE));
#endif
	free(malloc(HEAP_SPARE));
	return x25519_dh(any, any, shared);
}

static int set_key(struct wg_key_table *table, enum wg_key_change_type type, const uint8_t *peer,
	const uint8_t *secret)
{
	struct wg_key_change change = { .type = type };
	int err;

	memcpy(change.peer, peer, KEY_LEN);
	memcpy(change.secret, secret, KEY_LEN);
	err = wg_key_table_change(table, &change);
	secret_wipe(&change, sizeof(change));
	return err;
}

/* Move the keys into a table for `capacity` peers, whose initiations are later than `time`. Return:
 * 0 or -errno. */
static int fill_table(
	const struct key_ring *ring, size_t capacity, struct wall time, struct wg_key_table *table)
{
	struct wg_key_peer *peers = calloc(capacity, sizeof(*peers));
	int err = peers ? wg_key_table_init(table, peers, capacity, random_system()) : -ENOMEM;

	if (!err)
		tai64n_encode(time, table->latest);
	if (!err)
		err = set_key(table, WG_KEY_SET_IDENTITY, none, ring->private_key);
	for (size_t i = 0; i < ring->n && !err; i++)
		err = set_key(
			table, WG_KEY_SET_PEER, ring->peers[i].public_key, ring->peers[i].psk);
	return err;
}

void keys_process_run(struct keys_process *k, unsigned has, int monitor, int report)
{
	const struct confinement c = { .measures =
					       ~(confine_is_debugged() ? CONFINE_NOT_DUMPABLE : 0U),
		.user = k->user,
		.calls = &filter_rules_keys };
	int engine = k->engine[1];
	int keep[3] = { engine, monitor, report };
	struct wg_key_table table;
	unsigned measures;

	signal(SIGPIPE, SIG_IGN);
	confine_streams();
	if (confine_descriptors(keep, 3) < 0)
		_exit(1);
	confine_lock_memory();
	if (fill_table(&k->now, k->capacity, keys_process_time(k), &table) < 0)
		_exit(1);
	k->forget(k->ctx);
	if (warm_up() < 0)
		_exit(1);
	secret_wipe_stack();
	title_set("keys", k->site);
	measures = confine_process(&c, has);
	if (write(report, &measures, sizeof(measures)) != sizeof(measures))
		_exit(1);
	keys_serve(&table, monitor, engine);
	_exit(0);
}

/* ---- life ---- */

static void end_process(struct keys_process *k)
{
	int status;

	if (k->watch.fd >= 0)
		close(k->watch.fd);
	k->watch.fd = -1;
	if (k->monitor >= 0)
		close(k->monitor);
	k->monitor = -1;
	if (k->pid > 0)
		(void)process_wait(k->pid, k->guardian, 0, &status);
	k->pid = 0;
	k->guardian = 0;
}

static void on_end(void *ctx, uint32_t events)
{
	struct keys_process *k = ctx;
	struct mono now = clock_mono();

	(void)events;
	loop_remove(k->loop, &k->watch);
	end_process(k);
	k->due = mono_between(k->started, now) < SOON ? mono_add(now, PAUSE) : now;
	log_warning("The process that holds the keys has ended. Starting it again; sessions go "
		    "on.");
}

/* Wait until the new process is confined. Return: 0 or -errno. */
static int await_ready(struct keys_process *k, int report)
{
	ssize_t n = read(report, &k->measures, sizeof(k->measures));

	return n == sizeof(k->measures) ? 0 : -EPIPE;
}

/* Let systemd start it. Return: 0; or -errno, and it is to be forked. */
static int start_guarded(struct keys_process *k, int monitor, int report)
{
	struct guarded_task task = {
		.role = GUARDED_KEYS, .capacity = k->capacity, .time = k->time
	};
	const int fds[] = { k->engine[1], monitor, report };
	struct guarded started;
	int err;

	(void)snprintf(task.site, sizeof(task.site), "%s", k->site);
	memcpy(task.private_key, k->now.private_key, sizeof(task.private_key));
	err = guardians_begin(k->guardians, &task, k->now.peers, k->now.n * sizeof(*k->now.peers),
		fds, ARRAY_LEN(fds), &started);
	secret_wipe(&task, sizeof(task));
	if (err < 0)
		return err;
	k->pid = started.pid;
	k->guardian = started.guardian;
	k->user = (struct confined_user){ started.user, started.user, .given = true };
	return 0;
}

static int start(struct keys_process *k)
{
	int report[2], monitor[2];
	unsigned has;
	int err;

	if (pipe2(report, O_CLOEXEC) < 0)
		return -errno;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, monitor) < 0) {
		err = -errno;
		close(report[0]);
		close(report[1]);
		return err;
	}
	k->user = confined_user(k->named, 2);
	k->capacity = 2 * k->now.n + PEERS_MORE;
	k->started = clock_mono();
	k->measures = 0;
	if (start_guarded(k, monitor[1], report[1]) < 0) {
		k->pid = confined_fork(~0U, &has);
		if (k->pid == 0)
			keys_process_run(k, has, monitor[1], report[1]);
	}
	close(report[1]);
	close(monitor[1]);
	k->monitor = monitor[0];
	err = k->pid < 0 ? k->pid : await_ready(k, report[0]);
	if (!err)
		err = loop_watch_input(k->loop, &k->watch, report[0], on_end, k);
	else
		close(report[0]);
	if (err < 0)
		end_process(k);
	return err;
}

int keys_process_open(struct keys_process *k, struct loop *loop, struct conf_site *conf,
	void (*forget)(void *ctx), void *ctx)
{
	int err = key_ring_take_conf(&k->now, conf);

	k->loop = loop;
	(void)snprintf(k->site, sizeof(k->site), "%s", conf->name);
	k->forget = forget;
	k->ctx = ctx;
	if (err < 0)
		return err;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, k->engine) < 0)
		return -errno;
	return start(k);
}

void keys_process_work(struct keys_process *k)
{
	int err;

	(void)keys_process_time(k);
	if (!mono_is_set(k->due) || !mono_reached(k->due, clock_mono()))
		return;
	err = start(k);
	k->due = err < 0 ? mono_add(clock_mono(), PAUSE) : MONO_NEVER;
	if (err < 0)
		log_error("Cannot start the process that holds the keys (%s): no handshakes. "
			  "Trying again.",
			strerror(-err));
}

void keys_process_close(struct keys_process *k)
{
	if (k->watch.fd >= 0)
		loop_remove(k->loop, &k->watch);
	end_process(k);
	for (int i = 0; i < 2; i++) {
		if (k->engine[i] >= 0)
			close(k->engine[i]);
		k->engine[i] = -1;
	}
	keys_process_forget(k);
}

void keys_process_forget(struct keys_process *k)
{
	key_ring_clear(&k->now);
	key_ring_clear(&k->before);
}

/* ---- changes ---- */

static int send_change(struct keys_process *k, struct mono until, enum wg_key_change_type type,
	const uint8_t *peer, const uint8_t *secret)
{
	struct pollfd p = { .fd = k->monitor, .events = POLLOUT };
	struct wg_key_change change = { .type = type };
	int err = 0;

	memcpy(change.peer, peer, KEY_LEN);
	memcpy(change.secret, secret, KEY_LEN);
	while (!err && send(k->monitor, &change, sizeof(change), MSG_NOSIGNAL) < 0) {
		if (errno != EAGAIN && errno != EINTR)
			err = -errno;
		else if (mono_reached(until, clock_mono()))
			err = -ETIMEDOUT;
		else
			(void)poll(&p, 1, 100);
	}
	secret_wipe(&change, sizeof(change));
	return err;
}

static bool same_psk(const struct key_ring_peer *a, const struct key_ring_peer *b)
{
	return secret_equal(a->psk, b->psk, KEY_LEN);
}

/* Send what differs; both lists are sorted. Return: 0; -ETIMEDOUT, however slowly the process
 * reads; or -errno. */
static int send_changes(struct keys_process *k, const struct key_ring *a, const struct key_ring *b)
{
	struct mono until = mono_add(clock_mono(), SEND_PATIENCE);
	size_t i = 0;
	size_t j = 0;
	int err = 0;

	if (!secret_equal(a->private_key, b->private_key, KEY_LEN))
		err = send_change(k, until, WG_KEY_SET_IDENTITY, none, b->private_key);
	while (!err && (i < a->n || j < b->n)) {
		int order = i == a->n	? 1
			    : j == b->n ? -1
					: memcmp(a->peers[i].public_key, b->peers[j].public_key,
						  KEY_LEN);

		if (order < 0)
			err = send_change(
				k, until, WG_KEY_REMOVE_PEER, a->peers[i].public_key, none);
		else if (order > 0 || !same_psk(&a->peers[i], &b->peers[j]))
			err = send_change(
				k, until, WG_KEY_SET_PEER, b->peers[j].public_key, b->peers[j].psk);
		i += order <= 0;
		j += order >= 0;
	}
	return err;
}

/* Inform the process of what has changed since `before`. If that fails, or there are more peers
 * than it has room for, it is started again with the present keys: by keys_process_work(), as the
 * new process would inherit the keys of a request that is being performed. */
static void pass_changes(struct keys_process *k, const struct key_ring *before)
{
	int err;

	if (!k->pid)
		return;
	err = k->now.n <= k->capacity ? send_changes(k, before, &k->now) : -ENOSPC;
	if (!err)
		return;
	if (err == -ETIMEDOUT)
		log_warning("The process that holds the keys was too slow to read a change. "
			    "Starting it again; sessions go on.");
	if (k->watch.fd >= 0)
		loop_remove(k->loop, &k->watch);
	end_process(k);
	k->due = clock_mono();
}

/* Replace the present keys. */
static void replace(struct keys_process *k, struct key_ring *now)
{
	struct key_ring before = k->now;

	k->now = *now;
	secret_wipe(now, sizeof(*now));
	k->now.last_mark = before.last_mark; /* no mark is used for two keys */
	pass_changes(k, &before);
	key_ring_clear(&before);
}

/* After an attempt to change the keys: inform the process, or undo it. Return: `err`. */
static int finish_taking(struct keys_process *k, int err)
{
	if (err < 0)
		replace(k, &k->before);
	else
		pass_changes(k, &k->before);
	return err;
}

int keys_process_apply(struct keys_process *k, struct conf_site *next)
{
	if (key_ring_copy(&k->now, &k->before) < 0)
		return -ENOMEM;
	return finish_taking(k, key_ring_take_conf(&k->now, next));
}

int keys_process_set(struct keys_process *k, const struct uapi_set *set, struct uapi_set *ret)
{
	if (key_ring_copy(&k->now, &k->before) < 0)
		return -ENOMEM;
	return finish_taking(k, key_ring_set(&k->now, set, ret));
}

int keys_process_take_changes(struct keys_process *k, struct wg_changes *changes)
{
	int err = key_ring_copy(&k->now, &k->before);

	if (err < 0)
		return err;
	err = finish_taking(k, wg_changes_take_keys(changes, &k->now));
	keys_process_commit(k, NULL);
	return err;
}

void keys_process_commit(struct keys_process *k, const struct conf_site *conf)
{
	struct key_ring swept;

	key_ring_clear(&k->before);
	if (!conf || key_ring_copy(&k->now, &swept) < 0)
		return;
	key_ring_sweep(&swept, conf);
	replace(k, &swept);
}

void keys_process_revert(struct keys_process *k)
{
	replace(k, &k->before);
}
