/* SPDX-License-Identifier: MIT */
/* The index of an interface from its name and back, by sockets of rtnetlink only. */
#include "netlink/ifindex.h"

#include <linux/netlink.h>
#include <linux/sockios.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* The kernel answers these requests on sockets of every family. Return: whether it has. */
static bool query(unsigned long request, struct ifreq *ifr)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	bool done;

	if (fd < 0)
		return false;
	done = ioctl(fd, request, ifr) == 0;
	close(fd);
	return done;
}

uint32_t ifindex_of(const char *name)
{
	struct ifreq ifr = { 0 };

	if (strlen(name) >= IF_NAMESIZE)
		return 0;
	memcpy(ifr.ifr_name, name, strlen(name));
	return query(SIOCGIFINDEX, &ifr) ? (uint32_t)ifr.ifr_ifindex : 0;
}

void ifindex_name(uint32_t ifindex, char ret[static IF_NAMESIZE])
{
	struct ifreq ifr = { .ifr_ifindex = (int)ifindex };

	if (query(SIOCGIFNAME, &ifr))
		snprintf(ret, IF_NAMESIZE, "%.*s", IF_NAMESIZE - 1, ifr.ifr_name);
}
