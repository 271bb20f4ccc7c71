/* SPDX-License-Identifier: MIT */
/* Changes to the host's network devices: journalled, logged, applied; errors carry a hint. */
#ifndef HOST_NETDEV_H
#define HOST_NETDEV_H

#include <stdint.h>

#include "base/addr.h"
#include "base/error.h"
#include "host/journal.h"
#include "netlink/exchange.h"
#include "netlink/link.h"

/** What every change needs. `error` tells of the last failure. */
struct netdev {
	struct nl_socket nl;
	struct journal journal;
	char alias[LINK_ALIAS_LEN]; /* of what we make: "wirespan NAME" */
	struct error error;
	int (*step)(void *ctx, const char *what); /* told before each change; may be NULL */
	void *step_ctx;
};

/** Open the netlink socket; the journal is left to the caller. Return: 0 or -errno. */
int netdev_open(struct netdev *m, const char *name);

/** Close and free. Zeroed is fine. */
void netdev_close(struct netdev *m);

/** Fill in the error, as error_set(). Return: `code`. */
int netdev_fail(struct netdev *m, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/** Say what is about to be done, as a person would type it. Return: 0, or -errno: do not do it. */
int netdev_log(struct netdev *m, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** Write a line to the journal, before the deed. Return: 0 or -errno. */
int netdev_journal(struct netdev *m, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** Tell, then send the request; `format` says what it does. Return: 0 or -errno. */
int netdev_change(struct netdev *m, struct nl_msg *request, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/** The interface of that name. Return: 0, or -errno (-ENODEV). */
int netdev_find(struct netdev *m, const char *name, struct link_info *ret);

/** Give an interface an address; that it has it already is fine. Return: 0 or -errno. */
int netdev_add_address(
	struct netdev *m, const struct link_info *link, const struct ip_prefix *address);

/** Take an address off an interface; that it has none such is fine. Return: 0 or -errno. */
int netdev_delete_address(
	struct netdev *m, const struct link_info *link, const struct ip_prefix *address);

/** Set the MTU unless it is that, or `mtu` is 0. Return: 0 or -errno. */
int netdev_set_mtu(struct netdev *m, const struct link_info *link, uint32_t mtu);

/** Set an interface up. Return: 0 or -errno. */
int netdev_set_up(struct netdev *m, const struct link_info *link);

/**
 * Keep an interface that we have just made from taking addresses and routes out of router
 * advertisements; it may be told otherwise afterwards. Where there is no IPv6 nothing is done;
 * where it cannot be set, a warning is logged. Return: 0 or -errno.
 */
int netdev_refuse_ra(struct netdev *m, const char *name);

/** Keep IPv6 from configuring an interface by itself, where there is IPv6. Return: 0 or -errno. */
int netdev_no_autoconf(struct netdev *m, const struct link_info *link);

#endif
