/* SPDX-License-Identifier: MIT */
/* The kernel's news for the loop: the interface followed, and the ways of the underlay. */
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

int news_open(struct news *n, enum news_about about)
{
	uint32_t groups = about == NEWS_LINKS ? RTMGRP_LINK : notify_groups();
	int err = nl_socket_open_news(&n->news, groups);

	if (err < 0)
		return err;
	err = nl_socket_open(&n->questions);
	if (err < 0)
		nl_socket_close(&n->news);
	return err;
}

/** A socket stays in the namespace it was made in: the thread goes there for that moment. */
static int open_in(struct news *n, int netns, enum news_about about)
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
	err = news_open(n, about);
	if (setns(home, CLONE_NEWNET) < 0)
		abort(); /* must not go on in a namespace that is not ours */
	close(home);
	return err;
}

int news_open_tun(struct news *n, int tun_fd, enum news_about about)
{
	int netns = ioctl(tun_fd, TUNGETDEVNETNS);
	int err;

	if (netns < 0)
		return -errno;
	err = open_in(n, netns, about);
	close(netns);
	return err;
}

void news_close(struct news *n)
{
	nl_socket_close(&n->news);
	nl_socket_close(&n->questions);
}

int news_fd(const struct news *n)
{
	return nl_socket_fd(&n->news);
}

static int visit(void *ctx, const struct nlmsghdr *nlh)
{
	struct notify_event event;

	if (notify_decode(nlh, &event) == 0)
		digest_add(ctx, &event);
	return 0;
}

int news_look(struct news *n, struct digest *d)
{
	struct notify_event event = { .kind = NOTIFY_LINK };
	int err = query_link_index(&n->questions, d->ifindex, &event.link);

	if (err == -ENODEV) {
		event.kind = NOTIFY_LINK_GONE;
		event.link = (struct link_info){ .ifindex = d->ifindex };
	} else if (err < 0) {
		return err;
	}
	digest_add(d, &event);
	return 0;
}

int news_read(struct news *n, struct digest *d)
{
	int err;

	while ((err = nl_news(&n->news, visit, d)) == -ENOBUFS)
		digest_lose(d);
	if (err == 0 && d->lost && d->ifindex)
		err = news_look(n, d);
	return err;
}
