/* SPDX-License-Identifier: MIT */
/* For tests on the kernel itself: a network namespace of one's own. */
#include "netlink/test_netns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bug.h"
#include "netlink/query.h"
#include "netlink/test_link.h"

static void request(struct nl_socket *nl, struct nl_msg *m)
{
	int err = nl_request(nl, m);

	if (err < 0) {
		printf("cannot prepare the namespace: %s\n", strerror(-err));
		exit(1);
	}
}

/* Where there is IPv6: interfaces get no link-local addresses by themselves. */
static void no_link_local(void)
{
	int fd = open("/proc/sys/net/ipv6/conf/default/addr_gen_mode", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	ASSERT(write(fd, "1", 1) == 1);
	close(fd);
}

void test_netns_enter(void)
{
	static struct nl_socket nl;
	struct link_info link;
	struct nl_msg m;

	if (geteuid() != 0 || unshare(CLONE_NEWNET) < 0) {
		printf("skipped: a network namespace needs root (%s)\n", strerror(errno));
		exit(77);
	}
	ASSERT(nl_socket_open(&nl) == 0);
	/* Link-local addresses come seconds later and would blur the pictures. */
	no_link_local();
	request(&nl, link_encode_up(&m, 1, true));
	request(&nl, test_link_veth(&m, "eth1", "eth1-peer"));
	ASSERT(query_link(&nl, "eth1-peer", &link) == 0);
	request(&nl, link_encode_up(&m, link.ifindex, true));
	nl_socket_close(&nl);
}
