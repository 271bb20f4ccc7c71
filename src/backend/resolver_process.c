/* SPDX-License-Identifier: MIT */
/* The resolver's process as the monitor sees it: started, and started again when it ends. */
#include "backend/resolver_process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "confine/confine.h"
#include "confine/title.h"
#include "underlay/resolver_client.h"
#include "underlay/resolver_server.h"

/* Pause before it is started again. */
#define RESTART_NS NS_PER_S

/* It needs the files of the C library's modules and its configuration. */
#define MEASURES (~(unsigned)CONFINE_FILES)

void resolver_process_run(struct resolver_process *r, unsigned has, int report)
{
	const struct confinement c = {
		.measures = MEASURES, .user = r->user, .calls = &filter_rules_resolver
	};
	int keep[2] = { r->fds[1], report };
	unsigned measures;

	confine_streams();
	if (confine_descriptors(keep, 2) < 0)
		_exit(1);
	r->forget(r->ctx);
	secret_wipe_stack();
	title_set("resolver", r->site);
	measures = confine_process(&c, has);
	if (write(report, &measures, sizeof(measures)) != sizeof(measures))
		_exit(1);
	_exit(resolver_serve(r->fds[1]) < 0);
}

static void end_process(struct resolver_process *r)
{
	int status;

	if (r->watch.fd >= 0)
		close(r->watch.fd);
	r->watch.fd = -1;
	if (r->pid > 0)
		(void)process_wait(r->pid, r->guardian, 0, &status);
	r->pid = 0;
	r->guardian = 0;
}

static void on_end(void *ctx, uint32_t events)
{
	struct resolver_process *r = ctx;

	(void)events;
	loop_remove(r->loop, &r->watch);
	end_process(r);
	r->due = mono_add(clock_mono(), RESTART_NS);
	log_warning("The process that resolves names has ended. Starting it again.");
	resolver_fail_all(r->fds[1]);
}

/* Let systemd start it. Return: 0; or -errno, and it is to be forked. */
static int start_guarded(struct resolver_process *r, int report)
{
	struct guarded_task task = { .role = GUARDED_RESOLVER };
	const int fds[] = { r->fds[1], report };
	struct guarded started;
	int err;

	(void)snprintf(task.site, sizeof(task.site), "%s", r->site);
	err = guardians_begin(r->guardians, &task, NULL, 0, fds, 2, &started);
	if (err < 0)
		return err;
	r->pid = started.pid;
	r->guardian = started.guardian;
	r->user = (struct confined_user){ started.user, started.user, .given = true };
	return 0;
}

static int start(struct resolver_process *r)
{
	unsigned has;
	int report[2];
	int err;

	if (pipe2(report, O_CLOEXEC) < 0)
		return -errno;
	r->user = confined_user(r->named, 1);
	if (start_guarded(r, report[1]) < 0) {
		r->pid = confined_fork(MEASURES, &has);
		if (r->pid == 0)
			resolver_process_run(r, has, report[1]);
	}
	close(report[1]);
	r->measures = 0;
	err = r->pid < 0 ? r->pid : 0;
	if (!err && read(report[0], &r->measures, sizeof(r->measures)) != sizeof(r->measures))
		err = -EPIPE;
	if (!err)
		err = loop_watch_input(r->loop, &r->watch, report[0], on_end, r);
	else
		close(report[0]);
	if (err < 0)
		end_process(r);
	return err;
}

int resolver_process_open(struct resolver_process *r, struct loop *loop, const char *site,
	void (*forget)(void *ctx), void *ctx)
{
	int err;

	r->loop = loop;
	(void)snprintf(r->site, sizeof(r->site), "%s", site);
	r->forget = forget;
	r->ctx = ctx;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, r->fds) < 0)
		return -errno;
	err = start(r);
	if (err < 0)
		resolver_process_close(r);
	return err;
}

void resolver_process_work(struct resolver_process *r)
{
	if (!mono_is_set(r->due) || !mono_reached(r->due, clock_mono()))
		return;
	r->due = start(r) < 0 ? mono_add(clock_mono(), RESTART_NS) : MONO_NEVER;
}

void resolver_process_close(struct resolver_process *r)
{
	if (r->watch.fd >= 0)
		loop_remove(r->loop, &r->watch);
	end_process(r);
	for (int i = 0; i < 2; i++) {
		if (r->fds[i] >= 0)
			close(r->fds[i]);
		r->fds[i] = -1;
	}
}
