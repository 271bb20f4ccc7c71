/* SPDX-License-Identifier: MIT */
/* wirespan-wg: a drop-in userspace WireGuard, which wg-quick starts as its
 * WG_QUICK_USERSPACE_IMPLEMENTATION. */
#include "daemon/wg_daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/wg_interface.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "daemon/detach.h"
#include "daemon/memlock.h"
#include "loop/loop.h"
#include "netlink/monitor.h"
#include "netlink/query.h"

/*
 * Theory of operation
 *
 * Only the interface's own state controls the daemon: when the interface is set up, the sockets are
 * opened and packets flow (see driver/listen.h for a port in use); when it is set down, they are
 * closed and all session keys deleted; its MTU is the tunnel's MTU. The kernel's link events report
 * these changes. When the interface moves to another network namespace, it is polled there once a
 * second, while the UDP sockets are still opened in the namespace that the daemon was started in.
 * No descriptor stays open in the other namespace: it would keep a namespace alive that its owner
 * has deleted, with our interface in it.
 */

/* Interval for polling an interface in another network namespace. */
#define LOOK_INTERVAL NS_PER_S

/** A running interface. */
struct wg_daemon {
	struct loop loop;
	struct wg_interface interface;
	struct monitor monitor; /* in the namespace that the daemon was started in */
	struct mono next_look;	/* when to poll the moved interface; MONO_NEVER: it has not moved */
	struct loop_watch monitor_watch;
	struct loop_watch signal_watch;
	struct detach detach;
	uint32_t ifindex;
	uint32_t mtu;
	bool up;
	uint16_t subject_port; /* in the log's lines; 0: none */
	int exit_code;
};

static int failed(const char *what, int err)
{
	const char *hint = error_limit_hint(err);

	log_error("%s: %s%s%s", what, strerror(-err), hint ? ". " : "", hint ? hint : "");
	return err;
}

/* Start each line of the log with the interface's name and UDP port. */
static void set_log_subject(struct wg_daemon *w)
{
	uint16_t port = wg_interface_port(&w->interface);

	if (w->subject_port == port)
		return;
	w->subject_port = port;
	if (port)
		log_set_subject("%s port %u", wg_interface_name(&w->interface), port);
	else
		log_set_subject("%s", wg_interface_name(&w->interface));
}

/* Apply the interface's present state and MTU. */
static void follow(struct wg_daemon *w, bool up, uint32_t mtu)
{
	bool other_mtu = mtu != w->mtu;
	bool other_state = up != w->up;

	w->mtu = mtu;
	w->up = up;
	wg_interface_follow(&w->interface, up, mtu);
	set_log_subject(w);
	if (other_mtu)
		log_debug("the MTU of the interface is %u now", mtu);
	if (other_state)
		log_debug("the interface is %s", up ? "up" : "down");
}

/* Poll the interface in the namespace that it has moved to. */
static void poll_moved_interface(struct wg_daemon *w)
{
	struct link_info link;
	int err = wg_interface_query(&w->interface, &link);

	w->next_look = mono_add(clock_mono(), LOOK_INTERVAL);
	if (!err) {
		follow(w, link.flags & IFF_UP, link.mtu);
	} else if (err == -EBADFD) {
		loop_stop(&w->loop);
	} else if (err == -EPERM) {
		log_warning("the interface has moved to a network namespace that we may not enter "
			    "(CAP_SYS_ADMIN): assuming that it is up and its MTU unchanged");
		w->next_look = MONO_NEVER;
		follow(w, true, w->mtu);
	} else if (err != -ENODEV) { /* -ENODEV: it is moving on to a third namespace */
		failed("Cannot follow the interface to its new network namespace", err);
		loop_stop(&w->loop);
	}
}

static void on_link_events(void *ctx, uint32_t events)
{
	struct wg_daemon *w = ctx;
	struct changes d;

	(void)events;
	wg_interface_read_monitor(&w->interface, &w->monitor, w->ifindex, &d);
	switch (d.fate) {
	case CHANGES_UNCHANGED:
		return;
	case CHANGES_CHANGED:
		follow(w, d.up, d.mtu);
		return;
	case CHANGES_MOVED:
		w->ifindex = 0; /* link events of the first namespace no longer refer to it */
		wg_interface_moved(&w->interface);
		poll_moved_interface(w);
		return;
	case CHANGES_GONE:
		loop_stop(&w->loop);
		return;
	}
}

static void on_signal(void *ctx, uint32_t events)
{
	struct wg_daemon *w = ctx;

	(void)events;
	loop_stop(&w->loop);
}

static int open_signals(struct wg_daemon *w)
{
	static const int signals[] = { SIGTERM, SIGINT, 0 };

	signal(SIGPIPE, SIG_IGN);
	return loop_watch_signals(&w->loop, &w->signal_watch, signals, on_signal, w);
}

/* Parse a descriptor number from the environment; -1 if unset. Return: 0, or -errno if it is not a
 * descriptor. */
static int inherited(const char *variable, int *ret_fd)
{
	const char *text = getenv(variable);
	char *end;
	long fd;
	int err = 0;

	*ret_fd = -1;
	if (!text || !*text)
		return 0;
	errno = 0;
	fd = strtol(text, &end, 10);
	if (*end || errno || fd < 0 || fd > INT_MAX)
		err = -EINVAL;
	else if (fcntl((int)fd, F_GETFD) < 0)
		err = -errno;
	if (err < 0) {
		log_error("%s=%s: %s. It must be the number of an open descriptor.", variable, text,
			strerror(-err));
		return err;
	}
	*ret_fd = (int)fd;
	return 0;
}

/* Create the TUN or adopt an open one, set its MTU, and get its index. */
static int open_interface(struct wg_daemon *w, const char *name)
{
	struct link_info link;
	struct nl_msg m;
	struct error e;
	int fd;
	int err = inherited("WG_TUN_FD", &fd);

	if (err < 0)
		return err;
	err = wg_interface_open(&w->interface, &w->loop, name, fd, &e);
	if (err < 0) {
		log_error("%s %s", e.problem, e.hint);
		return err;
	}
	err = monitor_open(&w->monitor, MONITOR_ALL);
	if (err < 0)
		return failed("Cannot subscribe to the kernel's link and route events", err);
	err = query_link(&w->monitor.questions, wg_interface_name(&w->interface), &link);
	if (err < 0)
		return failed("Cannot query the interface", err);
	err = nl_request(
		&w->monitor.questions, link_encode_mtu(&m, link.ifindex, WG_INTERFACE_MTU));
	if (err == 0)
		link.mtu = WG_INTERFACE_MTU;
	else if (fd < 0 || err != -EPERM) /* only its creator may be allowed to */
		return failed("Cannot set the MTU of the interface", err);
	else
		log_warning("cannot set the MTU to %d: %s; it stays %u", WG_INTERFACE_MTU,
			strerror(-err), link.mtu);
	w->ifindex = link.ifindex;
	log_set_subject("%s", wg_interface_name(&w->interface));
	follow(w, link.flags & IFF_UP, link.mtu);
	err = loop_watch_input(
		&w->loop, &w->monitor_watch, monitor_fd(&w->monitor), on_link_events, w);
	return err < 0 ? failed("Cannot wait for the kernel's link and route events", err) : 0;
}

static int wg_open(struct wg_daemon *w, const char *name)
{
	char path[UNIXSOCK_PATH_LEN];
	char text[UNIXSOCK_TEXT_LEN];
	int uapi_fd;
	int err = loop_open(&w->loop);

	if (!err)
		err = open_signals(w);
	if (err < 0)
		return failed("Cannot wait for events", err);
	err = inherited("WG_UAPI_FD", &uapi_fd);
	if (!err)
		err = open_interface(w, name);
	if (err < 0)
		return err;
	err = wg_interface_serve(&w->interface, uapi_fd);
	if (err < 0 && uapi_fd >= 0)
		return failed("WG_UAPI_FD is not wg(8)'s socket, listening", err);
	if (err < 0 && !uapi_server_path(wg_interface_name(&w->interface), path))
		log_error("Cannot serve wg(8)'s socket %s: %s", path,
			unixsock_problem(path, err, text));
	return err;
}

static void wg_close(struct wg_daemon *w)
{
	monitor_close(&w->monitor);
	wg_interface_close(&w->interface);
	if (w->signal_watch.fd > 0)
		close(w->signal_watch.fd);
	loop_close(&w->loop);
}

static int wg_run(const char *name, bool foreground)
{
	struct wg_daemon w = {
		.loop = { .epoll_fd = -1 }, .detach = { -1 }, .next_look = MONO_NEVER
	};
	int exit_code = 1;
	int err;

	if (!foreground) {
		err = detach_begin(&w.detach, &exit_code);
		if (err < 0)
			failed("Cannot go to the background (-f stays in the foreground)", err);
		if (err != 0)
			return exit_code;
	}
	(void)memlock_process(true);
	err = wg_open(&w, name);
	if (!err && !foreground)
		err = detach_ready(&w.detach);
	while (!err && !w.loop.stop) {
		err = loop_run_once(
			&w.loop, mono_earliest(wg_interface_deadline(&w.interface), w.next_look));
		if (mono_reached(w.next_look, clock_mono()))
			poll_moved_interface(&w);
		if (!wg_interface_work(&w.interface))
			break;
		set_log_subject(&w);
	}
	wg_close(&w);
	return err < 0 ? 1 : 0;
}

static int usage(const char *name, int exit_code)
{
	fprintf(exit_code ? stderr : stdout,
		"Usage: %s [-f|--foreground] INTERFACE-NAME\n       %s --version\n", name, name);
	return exit_code;
}

int wg_daemon_main(int argc, char **argv)
{
	const char *in_foreground = getenv("WG_PROCESS_FOREGROUND");
	bool foreground = in_foreground && !strcmp(in_foreground, "1");
	int i = 1;

	if (argc == 2 && !strcmp(argv[1], "--version")) {
		printf("wirespan-wg %s\n", WIRESPAN_VERSION);
		return 0;
	}
	if (argc == 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")))
		return usage(argv[0], 0);
	if (argc == 3 && (!strcmp(argv[1], "-f") || !strcmp(argv[1], "--foreground"))) {
		foreground = true;
		i++;
	}
	if (argc != i + 1 || !argv[i][0] || argv[i][0] == '-' || strlen(argv[i]) >= IFNAMSIZ ||
		strchr(argv[i], '/'))
		return usage(argv[0], 2);
	log_set_program("wirespan-wg");
	log_set_subject("%s", argv[i]);
	log_set_level_from_environment();
	log_never_wait();
	return wg_run(argv[i], foreground);
}
