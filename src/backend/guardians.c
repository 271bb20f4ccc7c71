/* SPDX-License-Identifier: MIT */
/* Confined processes that systemd starts, as the monitor sees them. */
#include "backend/guardians.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "backend/engine_channel.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "confine/confine.h"
#include "host/unit_socket.h"

/* How long systemd may take to start a guardian, and that to start a process. */
#define BEGIN_PATIENCE (20 * NS_PER_S)

/* How long the kernel may take to end a process that was killed. */
#define KILL_PATIENCE (10 * NS_PER_S)

/* When to open another connection after the last spare one was used. */
#define REFILL_AFTER NS_PER_S

/* ---- connections ---- */

/* Pass on which program the guardian has to be. Return: 0 or -errno. */
static int pass_program(int fd)
{
	int program = open("/proc/self/exe", O_PATH | O_CLOEXEC);
	int err;

	if (program < 0)
		return -errno;
	err = unit_socket_send(fd, "", 1, program);
	close(program);
	return err;
}

/* Connect to a new guardian, which systemd starts now: only to root's, as others could read keys.
 * Return: a descriptor or -errno. */
static int connect_new(const char *path)
{
	int fd = unit_socket_connect(path);
	int err = fd < 0 ? fd : pass_program(fd);

	if (!err)
		return fd;
	if (fd >= 0)
		close(fd);
	return err;
}

/* Open connections in advance, so that there are `n`. */
static void refill(struct guardians *g, size_t n)
{
	while (g->n < n) {
		int fd = connect_new(g->path);

		if (fd < 0)
			return; /* it is tried again, and reported, when one is needed */
		g->spares[g->n++] = fd;
	}
}

/* Return: the oldest spare connection or a new one; or -errno. */
static int take(struct guardians *g)
{
	int fd = g->n ? g->spares[0] : connect_new(g->path);

	if (!g->n)
		return fd;
	g->n--;
	memmove(g->spares, g->spares + 1, g->n * sizeof(*g->spares));
	return fd;
}

void guardians_open(struct guardians *g, const char *path)
{
	struct stat stat;

	if (confine_can_change_user())
		return;
	if (lstat(path, &stat) < 0 || !S_ISSOCK(stat.st_mode) || stat.st_uid != 0) {
		if (unit_socket_has_systemd())
			log_warning("systemd cannot start the confined processes, as there is no "
				    "%s of root: they get this process's user "
				    "and capabilities. Start "
				    "wirespan-guardian.socket, and restart the site.",
				path);
		return;
	}
	g->path = path;
	refill(g, GUARDIANS_SPARE);
}

void guardians_work(struct guardians *g)
{
	if (!mono_is_set(g->due) || !mono_reached(g->due, clock_mono()))
		return;
	refill(g, 1);
	g->due = MONO_NEVER;
}

void guardians_close(struct guardians *g)
{
	while (g->n)
		close(g->spares[--g->n]);
	g->path = NULL;
	g->due = MONO_NEVER;
}

/* ---- tasks ---- */

/* Fill in what does not depend on the role. Return: 0 or -errno. */
static int complete(struct guarded_task *task)
{
	const char *options = getenv("WIRESPAN_OPTIONS");

	task->verbose = log_shows(LOG_LEVEL_DEBUG);
	task->debugged = confine_is_debugged();
	if (namespace_id_read("/proc/self/ns/net", &task->net) < 0)
		return -ESRCH;
	(void)namespace_id_read("/proc/self/ns/ipc", &task->ipc);
	if (options && strlen(options) >= sizeof(task->options))
		return -ENAMETOOLONG;
	(void)snprintf(task->options, sizeof(task->options), "%s", options ? options : "");
	return 0;
}

/* Wait for a message of that type. Return: 0, and its body is valid until the channel is used
 * again; or -errno. */
static int await(struct engine_channel *c, enum engine_message_type type, struct mono until,
	struct engine_message *ret)
{
	for (;;) {
		int got = engine_channel_receive(c, ret);

		if (got > 0)
			return ret->head.type == type ? 0 : -EBADMSG;
		if (got < 0)
			return got;
		if (!engine_channel_wait(c, -1, until))
			return -ETIMEDOUT;
	}
}

/* Send the task, and wait until the process was started. Return: 0 or -errno. */
static int exchange(struct engine_channel *c, const struct engine_message *m, size_t len,
	size_t n_fds, struct guarded *ret)
{
	struct mono until = mono_add(clock_mono(), BEGIN_PATIENCE);
	struct engine_message reply;
	uint32_t user;
	int err = engine_channel_send(c, m, len, n_fds, until);

	if (!err)
		err = await(c, ENGINE_BEGUN, until, &reply);
	if (err < 0)
		return err;
	if (reply.head.code < 0)
		return reply.head.code;
	if (reply.head.len != sizeof(user) || reply.head.value <= 1)
		return -EBADMSG;
	memcpy(&user, reply.body, sizeof(user));
	if (user == 0)
		return -EPERM;
	*ret = (struct guarded){ (pid_t)reply.head.value, user, -1 };
	return 0;
}

/* Pass a task on to one guardian; a spare one may have ended. Return: 0 or -errno. */
static int begin(struct guardians *g, const struct engine_message *m, size_t len, size_t n_fds,
	struct guarded *ret)
{
	struct engine_channel *c = malloc(sizeof(*c));
	int err = -EPIPE;

	if (!c)
		return -ENOMEM;
	for (size_t i = 0; i <= GUARDIANS_SPARE && err == -EPIPE; i++) {
		int fd = take(g);

		if (fd < 0) {
			err = fd;
			break;
		}
		engine_channel_open(c, fd, ENGINE_FROM_ENGINE);
		err = exchange(c, m, len, n_fds, ret);
		if (!err)
			ret->guardian = fcntl(fd, F_DUPFD_CLOEXEC, 3);
		if (!err && ret->guardian < 0)
			err = -errno;
		engine_channel_close(c);
	}
	free(c);
	return err;
}

int guardians_begin(struct guardians *g, struct guarded_task *task, const void *more, size_t len,
	const int *fds, size_t n_fds, struct guarded *ret)
{
	struct engine_message m = { .head = { .type = ENGINE_BEGIN }, .fds = fds };
	size_t size = sizeof(*task) + len;
	uint8_t *body;
	int err;

	if (!guardians_are_used(g))
		return -ENOENT;
	body = malloc(size);
	err = body ? complete(task) : -ENOMEM;
	if (!err) {
		memcpy(body, task, sizeof(*task));
		if (len)
			memcpy(body + sizeof(*task), more, len);
		m.body = body;
		err = begin(g, &m, size, n_fds, ret);
		secret_wipe(body, size);
	}
	free(body);
	if (!g->n) /* not now: the new process needs the CPUs */
		g->due = mono_add(clock_mono(), REFILL_AFTER);
	if (err < 0)
		log_warning("systemd does not start a confined process (%s): it gets this "
			    "process's user and capabilities. See `systemctl status "
			    "wirespan-guardian.socket`.",
			err == -EXDEV ? "it would be in another network namespace"
				      : strerror(-err));
	return err == -ENOENT ? -ENXIO : err;
}

/* ---- the end ---- */

/* Wait for the report of the end, or the end of the guardian. Return: whether there was one. */
static bool await_end(struct engine_channel *c, uint64_t patience, int *ret_status)
{
	struct engine_message m;
	int err = await(c, ENGINE_ENDED, mono_add(clock_mono(), patience), &m);

	if (!err)
		*ret_status = (int)m.head.value;
	return err != -ETIMEDOUT;
}

bool guarded_wait(int guardian, int patience_ms, int *ret_status)
{
	struct engine_channel *c = malloc(sizeof(*c));
	bool ended = false;

	*ret_status =
		SIGKILL; /* if its guardian was killed before it could report: systemd kills both */
	if (c) {
		engine_channel_open(c, guardian, ENGINE_FROM_ENGINE);
		ended = await_end(c, (uint64_t)patience_ms * NS_PER_MS, ret_status);
	}
	(void)shutdown(guardian, SHUT_WR);
	if (c && !ended && !await_end(c, KILL_PATIENCE, ret_status))
		*ret_status = 0; /* left: the guardian has not ended it */
	if (c)
		engine_channel_close(c);
	else
		close(guardian);
	free(c);
	return ended;
}

bool guarded_kill(int guardian)
{
	return shutdown(guardian, SHUT_WR) == 0 || errno == ENOTCONN;
}

bool process_wait(pid_t pid, int guardian, int patience_ms, int *ret_status)
{
	return guardian ? guarded_wait(guardian, patience_ms, ret_status)
			: confined_wait(pid, patience_ms, ret_status);
}
