/* SPDX-License-Identifier: MIT */
/* wirespan-wg: a drop-in userspace WireGuard, as wg-quick's WG_QUICK_USERSPACE_IMPLEMENTATION
 * starts it. */
#include "daemon/wg.h"

#include <errno.h>
#include <net/if.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "backend/news.h"
#include "backend/sources.h"
#include "backend/userspace.h"
#include "base/clock.h"
#include "base/log.h"
#include "daemon/detach.h"
#include "daemon/wgsock.h"
#include "loop/loop.h"
#include "netlink/query.h"

/*
 * Theory of operation
 *
 * The interface's own state is the only switch: set up, the sockets are opened and packets flow;
 * set down, they are closed and all sessions forgotten; its MTU is the MTU of the tunnel. The
 * kernel's news tell. When the interface is moved to another network namespace, a second
 * subscription follows it there, while the UDP sockets are still opened in the namespace that we
 * were started in.
 */

/* MTU of an interface that we make: what is left of 1500 over IPv6. */
#define DEFAULT_MTU 1420

/* Longest packet of the TUN: what a UDP datagram still carries. */
#define PACKET_MAX 65535

/** A running interface. */
struct wg {
	struct loop loop;
	struct userspace *u;
	struct wgsock sock;
	struct news news; /* of the namespace that we were started in */
	struct news away; /* of the one that the interface has moved to */
	struct news *at;  /* of these, where the interface is */
	struct loop_watch news_watch;
	struct loop_watch away_watch;
	struct loop_watch signal_watch;
	struct detach detach;
	uint32_t ifindex;
	int exit_code;
};

static int failed(const char *what, int err)
{
	log_error("%s: %s", what, strerror(-err));
	return err;
}

static void set_mtu(struct wg *w, uint32_t mtu)
{
	w->u->engine.wg_mtu = mtu;
	LIST_FOR_EACH(l, &w->u->peers)
	CONTAINER_OF(l, struct userspace_peer, link)->path.mtu = mtu;
}

/* Take over what the interface is now. */
static void follow(struct wg *w, bool up, uint32_t mtu)
{
	int err;

	set_mtu(w, mtu);
	if (up && !w->u->running) {
		err = userspace_start(w->u, w->u->udp.port, w->u->fwmark);
		if (err < 0)
			failed("Cannot open the UDP sockets", err);
	} else if (!up && w->u->running) {
		userspace_stop(w->u);
	}
}

static void on_away(void *ctx, uint32_t events);

/* The interface has left: look for it where it is now. */
static void go_after(struct wg *w)
{
	struct link_info link;
	char name[IFNAMSIZ];
	int err;

	if (w->at == &w->away) {
		loop_remove(&w->loop, &w->away_watch);
		news_close(&w->away);
	}
	w->at = &w->away;
	err = news_open_tun(&w->away, w->u->tun.tap.fd, NEWS_LINKS);
	if (!err)
		err = tap_name(&w->u->tun.tap, name);
	if (!err)
		err = query_link(&w->away.questions, name, &link);
	if (err < 0) {
		failed("Cannot follow the interface to its new network namespace", err);
		loop_stop(&w->loop);
		return;
	}
	w->ifindex = link.ifindex;
	w->away_watch =
		(struct loop_watch){ .fd = news_fd(&w->away), .callback = on_away, .ctx = w };
	(void)loop_add(&w->loop, &w->away_watch, EPOLLIN);
	follow(w, link.flags & IFF_UP, link.mtu);
}

static void read_news(struct wg *w, struct news *n)
{
	struct digest d;

	digest_init(&d, w->at == n ? w->ifindex : 0);
	if (news_read(n, &d) < 0)
		digest_lose(&d);
	if (n == &w->news)
		sources_check(w->u, &n->questions, &d);
	switch (d.fate) {
	case DIGEST_UNCHANGED:
		return;
	case DIGEST_CHANGED:
		follow(w, d.up, d.mtu);
		return;
	case DIGEST_MOVED:
		go_after(w);
		return;
	case DIGEST_GONE:
		loop_stop(&w->loop);
		return;
	}
}

static void on_news(void *ctx, uint32_t events)
{
	struct wg *w = ctx;

	(void)events;
	read_news(w, &w->news);
}

static void on_away(void *ctx, uint32_t events)
{
	struct wg *w = ctx;

	(void)events;
	read_news(w, &w->away);
}

static void on_signal(void *ctx, uint32_t events)
{
	struct wg *w = ctx;

	(void)events;
	loop_stop(&w->loop);
}

static void on_socket_removed(void *ctx)
{
	struct wg *w = ctx;

	loop_stop(&w->loop);
}

static int open_signals(struct wg *w)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	signal(SIGPIPE, SIG_IGN);
	fd = loop_signal_fd(&set);
	if (fd < 0)
		return fd;
	w->signal_watch = (struct loop_watch){ .fd = fd, .callback = on_signal, .ctx = w };
	return loop_add(&w->loop, &w->signal_watch, EPOLLIN);
}

/* A descriptor from the environment; -1 if it is not there or not a number. */
static int inherited(const char *variable)
{
	const char *text = getenv(variable);
	char *end;
	long fd;

	if (!text || !*text)
		return -1;
	fd = strtol(text, &end, 10);
	return *end || fd < 0 || fd > 65535 ? -1 : (int)fd;
}

/* Make or take over the TUN, and learn its index; one that we made gets its MTU. */
static int open_interface(struct wg *w, const char *name)
{
	int fd = inherited("WG_TUN_FD");
	struct link_info link;
	struct nl_msg m;
	int err = fd >= 0 ? userspace_adopt_tun(w->u, fd) : userspace_open_tun(w->u, name);

	if (err < 0)
		return failed("Cannot create the TUN interface (is /dev/net/tun there, and the "
			      "name free?)",
			err);
	err = news_open(&w->news, NEWS_ALL);
	if (err < 0)
		return failed("Cannot listen to the kernel's news", err);
	w->at = &w->news;
	err = query_link(&w->news.questions, w->u->tun.tap.name, &link);
	if (!err && fd < 0) {
		err = nl_request(
			&w->news.questions, link_encode_mtu(&m, link.ifindex, DEFAULT_MTU));
		link.mtu = DEFAULT_MTU;
	}
	if (err < 0)
		return failed("Cannot ask for the interface", err);
	w->ifindex = link.ifindex;
	follow(w, link.flags & IFF_UP, link.mtu);
	w->news_watch =
		(struct loop_watch){ .fd = news_fd(&w->news), .callback = on_news, .ctx = w };
	return loop_add(&w->loop, &w->news_watch, EPOLLIN);
}

static int wg_open(struct wg *w, const char *name)
{
	const struct userspace_sizes sizes = {
		.peers = 64, .allowed_ips = 256, .packet_max = PACKET_MAX
	};
	struct userspace_options options;
	int err = userspace_options_from(getenv("WIRESPAN_OPTIONS"), &options);

	if (err < 0)
		return failed("Cannot read WIRESPAN_OPTIONS (see wirespan(8))", err);
	err = loop_open(&w->loop);
	if (!err)
		err = open_signals(w);
	if (!err)
		err = userspace_open(&w->loop, &options, &sizes, &w->u);
	if (err < 0)
		return failed("Cannot start the engine", err);
	err = open_interface(w, name);
	if (err < 0)
		return err;
	err = wgsock_open(&w->sock, &w->loop, w->u, w->u->tun.tap.name, inherited("WG_UAPI_FD"),
		on_socket_removed, w);
	return err < 0 ? failed("Cannot serve wg(8)'s socket", err) : 0;
}

static void wg_close(struct wg *w)
{
	wgsock_close(&w->sock);
	news_close(&w->away);
	news_close(&w->news);
	userspace_close(w->u);
	if (w->signal_watch.fd > 0)
		close(w->signal_watch.fd);
	loop_close(&w->loop);
}

static int wg_run(const char *name, bool foreground)
{
	struct wg w = { .loop = { .epoll_fd = -1 }, .detach = { -1 } };
	int exit_code = 1;
	int err;

	if (!foreground) {
		err = detach_begin(&w.detach, &exit_code);
		if (err != 0)
			return exit_code;
	}
	err = wg_open(&w, name);
	if (!err && !foreground)
		err = detach_ready(&w.detach);
	while (!err && !w.loop.stop && !w.u->lost) {
		err = loop_run_once(&w.loop, userspace_deadline(w.u));
		if (mono_reached(userspace_deadline(w.u), clock_mono()))
			userspace_work(w.u);
	}
	wg_close(&w);
	return err < 0 ? 1 : 0;
}

static void log_level_from_environment(void)
{
	const char *level = getenv("LOG_LEVEL");

	if (!level)
		return;
	if (!strcmp(level, "verbose") || !strcmp(level, "debug"))
		log_set_level(LOG_LEVEL_DEBUG);
	else if (!strcmp(level, "error"))
		log_set_level(LOG_LEVEL_ERROR);
	else if (!strcmp(level, "silent"))
		log_set_level(LOG_LEVEL_SILENT);
}

static int usage(const char *name, int exit_code)
{
	fprintf(exit_code ? stderr : stdout,
		"Usage: %s [-f|--foreground] INTERFACE-NAME\n       %s --version\n", name, name);
	return exit_code;
}

int wg_main(int argc, char **argv)
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
	log_level_from_environment();
	return wg_run(argv[i], foreground);
}
