/* SPDX-License-Identifier: MIT */
/* The program that systemd starts for each confined process of a site. */
#include "backend/guardian.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backend/engine_channel.h"
#include "backend/engine_process.h"
#include "backend/keys_process.h"
#include "backend/resolver_process.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "confine/confine.h"
#include "confine/title.h"
#include "host/unit_socket.h"

/* How long the monitor may take to read a report. */
#define SEND_PATIENCE (10 * NS_PER_S)

/** This process. */
struct guardian {
	struct engine_channel channel;
	struct engine_message task;
	struct keys_process keys; /* in the process that holds the keys */
};

/* ---- the task ---- */

static bool ends(const char *text, size_t size)
{
	return memchr(text, '\0', size);
}

/* How many descriptors a task has; 0: it cannot be. */
static size_t count_descriptors(const struct guarded_task *t)
{
	switch ((enum guarded_role)t->role) {
	case GUARDED_ENGINE:
		return 3 + (size_t) !!t->has_store + !!t->has_fd4 + !!t->has_fd6 + t->n_ports;
	case GUARDED_KEYS:
		return 3;
	case GUARDED_RESOLVER:
		return 2;
	}
	return 0;
}

static bool is_whole(const struct guarded_task *t, size_t more, size_t n_fds)
{
	const size_t peers = more / sizeof(struct key_ring_peer);

	if (!ends(t->site, sizeof(t->site)) || !ends(t->options, sizeof(t->options)))
		return false;
	if (t->role == GUARDED_KEYS &&
		(more != peers * sizeof(struct key_ring_peer) || t->capacity < peers))
		return false;
	return n_fds && count_descriptors(t) == n_fds;
}

int guardian_check(const void *body, size_t len, size_t n_fds)
{
	struct guarded_task t;
	int err = 0;

	if (len < sizeof(t))
		return -EBADMSG;
	memcpy(&t, body, sizeof(t));
	if (!is_whole(&t, len - sizeof(t), n_fds))
		err = -EBADMSG;
	else if (!namespace_id_is("/proc/self/ns/net", &t.net))
		err = -EXDEV;
	secret_wipe(&t, sizeof(t));
	return err;
}

/* ---- in the new process ---- */

static void wipe_task(void *ctx)
{
	struct guardian *g = ctx;
	uint8_t *body;

	memcpy(&body, &g->task.body, sizeof(body));
	secret_wipe(body, g->task.head.len);
	secret_wipe(g->keys.now.private_key, sizeof(g->keys.now.private_key));
}

static void run_engine(struct guardian *g, const struct guarded_task *t, unsigned has)
	__attribute__((noreturn));

static void run_engine(struct guardian *g, const struct guarded_task *t, unsigned has)
{
	const int *fds = g->task.fds;
	size_t n = 3;
	int store = t->has_store ? fds[n++] : -1;
	int fd4 = t->has_fd4 ? fds[n++] : -1;
	int fd6 = t->has_fd6 ? fds[n++] : -1;
	const struct userspace_adopted adopted = { .ports = fds + n,
		.n_ports = t->n_ports,
		.fd4 = fd4,
		.fd6 = fd6,
		.resolver_fd = fds[2] };
	static struct conf_site conf;
	const struct engine_process_config config = { .conf = &conf,
		.channel = fds[0],
		.adopted = &adopted,
		.keys = fds[1],
		.store = store,
		.waits = t->waits,
		.measures = has,
		.user = { geteuid(), getegid(), .given = true } };
	struct error e;

	if (engine_process_read_conf(t + 1, g->task.head.len - sizeof(*t), &conf, &e) < 0)
		_exit(1);
	free(conf.name);
	conf.name = strdup(t->site);
	if (!conf.name)
		_exit(1);
	if (t->listen_port)
		conf.interface.listen_port = t->listen_port;
	engine_process_run(&config);
}

static void run_keys(struct guardian *g, const struct guarded_task *t, unsigned has)
	__attribute__((noreturn));

static void run_keys(struct guardian *g, const struct guarded_task *t, unsigned has)
{
	const size_t peers = (g->task.head.len - sizeof(*t)) / sizeof(struct key_ring_peer);
	struct keys_process *k = &g->keys;
	const struct key_ring_peer *list = (const struct key_ring_peer *)(t + 1);

	*k = (struct keys_process){ .engine = { -1, g->task.fds[0] },
		.user = { geteuid(), getegid(), .given = true },
		.capacity = t->capacity,
		.time = t->time,
		.now = { .n = peers },
		.forget = wipe_task,
		.ctx = g };
	(void)snprintf(k->site, sizeof(k->site), "%.63s", t->site); /* for the title */
	memcpy(k->now.private_key, t->private_key, sizeof(k->now.private_key));
	memcpy(&k->now.peers, &list, sizeof(list)); /* only read */
	keys_process_run(k, has, g->task.fds[1], g->task.fds[2]);
}

static void run_resolver(struct guardian *g, const struct guarded_task *t, unsigned has)
	__attribute__((noreturn));

static void run_resolver(struct guardian *g, const struct guarded_task *t, unsigned has)
{
	struct resolver_process r = { .fds = { -1, g->task.fds[0] },
		.user = { geteuid(), getegid(), .given = true },
		.forget = wipe_task,
		.ctx = g };

	(void)snprintf(r.site, sizeof(r.site), "%.63s", t->site);
	resolver_process_run(&r, has, g->task.fds[1]);
}

static void run_task(struct guardian *g) __attribute__((noreturn));

static void run_task(struct guardian *g)
{
	const struct guarded_task *t = g->task.body;
	unsigned has = namespace_id_is("/proc/self/ns/ipc", &t->ipc) ? 0U : CONFINE_IPC;

	if (t->verbose)
		log_set_level(LOG_LEVEL_DEBUG);
	if (setenv("WIRESPAN_OPTIONS", t->options, 1) < 0 ||
		setenv("WIRESPAN_DUMPABLE", t->debugged ? "1" : "0", 1) < 0)
		_exit(1);
	switch ((enum guarded_role)t->role) {
	case GUARDED_ENGINE:
		run_engine(g, t, has);
	case GUARDED_KEYS:
		run_keys(g, t, has);
	case GUARDED_RESOLVER:
		run_resolver(g, t, has);
	}
	_exit(1);
}

/* ---- the guardian ---- */

static int report(struct guardian *g, const struct engine_head *head, const void *body, size_t len)
{
	const struct engine_message m = { .head = *head, .body = body };

	return engine_channel_send(&g->channel, &m, len, 0, mono_add(clock_mono(), SEND_PATIENCE));
}

/* Wait for the task. Return: 0; -EPIPE if the monitor does not need this process; or -errno. */
static int receive_task(struct guardian *g)
{
	for (;;) {
		int got = engine_channel_receive(&g->channel, &g->task);

		if (got > 0)
			return g->task.head.type == ENGINE_BEGIN ? 0 : -EBADMSG;
		if (got < 0)
			return got;
		(void)engine_channel_wait(&g->channel, -1, MONO_NEVER);
	}
}

/* Whether the monitor still waits for the process: otherwise it has forked another one. */
static bool is_wanted(const struct guardian *g)
{
	struct pollfd p = { .fd = g->channel.fd, .events = POLLRDHUP };

	return poll(&p, 1, 0) == 0;
}

/* In the new process: wait until the monitor knows of it. */
static void await_go(int go)
{
	uint8_t byte;

	if (read(go, &byte, 1) != 1)
		_exit(1);
	close(go);
}

/* Start the process, which waits. Return: its pid; or -errno. `ret_process`: a descriptor of it;
 * `ret_go`: it begins when a byte is written there. */
static pid_t start(struct guardian *g, int *ret_process, int *ret_go)
{
	unsigned ignored;
	int go[2];
	pid_t pid;
	int err;

	if (!is_wanted(g))
		return -EPIPE;
	if (pipe2(go, O_CLOEXEC) < 0)
		return -errno;
	pid = confined_fork(0, &ignored);
	if (pid == 0) {
		close(go[1]);
		await_go(go[0]);
		run_task(g);
	}
	*ret_go = go[1];
	if (pid < 0)
		return pid;
	*ret_process = (int)syscall(SYS_pidfd_open, pid, 0);
	if (*ret_process >= 0)
		return pid;
	err = -errno;
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	return err;
}

/* Wait for the end of the process; kill it if the connection ends first. Return: its status. */
static int supervise(struct guardian *g, pid_t pid, int process)
{
	struct pollfd p[2] = { { .fd = process, .events = POLLIN },
		{ .fd = g->channel.fd, .events = POLLIN } };
	int status = 0;

	while (poll(p, 2, -1) < 0 && errno == EINTR)
		;
	if (!p[0].revents)
		(void)kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

/* Start the process, and stay until it has ended. Return: 0 or -errno. */
static int guard(struct guardian *g)
{
	const struct guarded_task *t = g->task.body;
	struct engine_head head = { .type = ENGINE_BEGUN };
	uint32_t user = geteuid();
	int process = -1;
	int go = -1;
	int keep[3];
	pid_t pid = guardian_check(t, g->task.head.len, g->task.head.fds);
	int err;

	if (!pid)
		title_set("guardian", t->site);
	if (!pid)
		pid = start(g, &process, &go);
	wipe_task(g);
	secret_wipe_stack();
	head.code = pid < 0 ? pid : 0;
	head.value = pid < 0 ? 0 : (uint32_t)pid;
	keep[0] = g->channel.fd;
	keep[1] = process;
	keep[2] = go;
	err = confine_descriptors(keep, 3); /* the process alone has what was passed on */
	if (!err)
		err = report(g, &head, &user, sizeof(user));
	if (pid < 0)
		return pid;
	if (err < 0 || write(go, "", 1) != 1)
		(void)kill(pid, SIGKILL);
	close(go);
	head = (struct engine_head){ .type = ENGINE_ENDED,
		.value = (uint32_t)supervise(g, pid, process) };
	(void)!report(g, &head, NULL, 0); /* the monitor may have ended */
	return 0;
}

/* ---- its start ---- */

/* Whether a monitor has connected: root, through systemd. */
static bool is_roots(int fd)
{
	int type = 0;
	socklen_t len = sizeof(type);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_SEQPACKET &&
	       unit_socket_is_roots(fd);
}

/* Receive the monitor's program. Return: a descriptor; or -errno. */
static int receive_program(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char byte;
	int program;
	ssize_t n;

	while (poll(&p, 1, -1) < 0 && errno == EINTR)
		;
	n = unit_socket_receive(fd, &byte, 1, &program);
	if (n <= 0)
		return n < 0 ? (int)n : -EPIPE;
	return program < 0 ? -EBADMSG : program;
}

/* Execute the monitor's program, unless it is this one. Return: 0 or -errno. */
static int become_program(int fd)
{
	struct stat own;
	struct stat other;
	static char name[] = "wirespan";
	static char verb[] = "guardian";
	static char chosen[] = "chosen";
	char *const argv[] = { name, verb, chosen, NULL };
	char *const env[] = { NULL };
	int program = receive_program(fd);
	int err = program < 0 ? program : 0;

	if (!err && (fstat(program, &other) < 0 || stat("/proc/self/exe", &own) < 0))
		err = -errno;
	if (!err && (own.st_dev != other.st_dev || own.st_ino != other.st_ino)) {
		(void)syscall(SYS_execveat, program, "", argv, env, AT_EMPTY_PATH);
		err = -errno;
	}
	if (program >= 0)
		close(program);
	return err;
}

/* The connection takes another number, so that no process inherits it as its standard input. */
static int move(int fd)
{
	int moved = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (moved < 0 || null < 0 || dup2(null, fd) < 0)
		return -errno;
	return moved;
}

static int fail(int err)
{
	log_error("The guardian of a confined process cannot go on: %s. Is the monitor of "
		  "another version? Restart the site.",
		err == -EXDEV ? "it is in another network namespace" : strerror(-err));
	return 1;
}

int guardian_run(int fd, bool chosen)
{
	static struct guardian g;
	int moved;
	int err;

	if (!is_roots(fd)) {
		log_error("wirespan guardian is started by systemd alone, for "
			  "wirespan-guardian.socket.");
		return 2;
	}
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	confine_lock_memory(); /* keys pass through it */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGTERM, SIG_IGN); /* at a shutdown, the site ends it */
	err = chosen ? 0 : become_program(fd);
	if (err == -EPIPE)
		return 0;
	if (err < 0)
		return fail(err);
	moved = move(fd);
	if (moved < 0)
		return fail(moved);
	engine_channel_open(&g.channel, moved, ENGINE_FROM_MONITOR);
	err = receive_task(&g);
	if (!err)
		err = guard(&g);
	engine_channel_close(&g.channel);
	return err < 0 && err != -EPIPE ? fail(err) : 0;
}
