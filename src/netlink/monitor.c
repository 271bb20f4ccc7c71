/* SPDX-License-Identifier: MIT */
/* Link, address and route events from the kernel, for the event loop. */
#include "netlink/monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "netlink/query.h"

#ifndef TUNGETDEVNETNS
#define TUNGETDEVNETNS _IO('T', 227)
#endif

int monitor_open(struct monitor *n, enum monitor_about about)
{
	uint32_t groups = about == MONITOR_LINKS ? RTMGRP_LINK : nl_event_groups();
	int err = nl_socket_open_events(&n->events, groups);

	if (err < 0)
		return err;
	err = nl_socket_open(&n->questions);
	if (err < 0)
		nl_socket_close(&n->events);
	return err;
}

/** Open the monitor in namespace `netns`. A socket stays in the namespace it was created in, so the
 * thread enters that namespace only while it opens the socket. */
static int open_in(struct monitor *n, int netns, enum monitor_about about)
{
	int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	int err;

	if (home < 0)
		return -errno;
	if (setns(netns, CLONE_NEWNET) < 0) {
		err = -errno;
		close(home);
		return err;
	}
	err = monitor_open(n, about);
	if (setns(home, CLONE_NEWNET) < 0)
		abort(); /* the thread must not continue in a foreign namespace */
	close(home);
	return err;
}

int monitor_open_tun(struct monitor *n, int tun_fd, enum monitor_about about)
{
	int netns = ioctl(tun_fd, TUNGETDEVNETNS);
	int err;

	if (netns < 0)
		return -errno;
	err = open_in(n, netns, about);
	close(netns);
	return err;
}

void monitor_close(struct monitor *n)
{
	nl_socket_close(&n->events);
	nl_socket_close(&n->questions);
}

int monitor_fd(const struct monitor *n)
{
	return nl_socket_fd(&n->events);
}

static int visit(void *ctx, const struct nlmsghdr *nlh)
{
	struct nl_event event;

	if (nl_event_decode(nlh, &event) == 0)
		changes_add(ctx, &event);
	return 0;
}

int monitor_look(struct monitor *n, struct changes *d)
{
	struct nl_event event = { .kind = NL_EVENT_LINK };
	int err = query_link_index(&n->questions, d->ifindex, &event.link);

	if (err == -ENODEV) {
		event.kind = NL_EVENT_LINK_GONE;
		event.link = (struct link_info){ .ifindex = d->ifindex };
	} else if (err < 0) {
		return err;
	}
	changes_add(d, &event);
	return 0;
}

int monitor_read(struct monitor *n, struct changes *d)
{
	int err;

	while ((err = nl_read_events(&n->events, visit, d)) == -ENOBUFS)
		changes_lost(d);
	if (err == 0 && d->lost && d->ifindex)
		err = monitor_look(n, d);
	return err;
}
