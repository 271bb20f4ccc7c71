/* SPDX-License-Identifier: MIT */
/* One site's hands on the machine: every change is noted, told, done, and explained if it fails. */
#ifndef HOST_NETDEV_H
#define HOST_NETDEV_H

#include <stdint.h>

#include "base/addr.h"
#include "base/error.h"
#include "host/journal.h"
#include "netlink/exchange.h"
#include "netlink/link.h"

/** What every change needs. `error` tells of the last failure. */
struct machine {
	struct nl_socket nl;
	struct journal journal;
	char alias[LINK_ALIAS_LEN]; /* of what we make: "wirespan NAME" */
	struct error error;
	int (*step)(void *ctx, const char *what); /* told before each change; may be NULL */
	void *step_ctx;
};

/** Open the netlink socket; the journal is left to the caller. Return: 0 or -errno. */
int machine_open(struct machine *m, const char *name);

/** Close and free. Zeroed is fine. */
void machine_close(struct machine *m);

/** Fill in the error, as error_set(). Return: `code`. */
int machine_fail(struct machine *m, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/** Say what is about to be done, as a person would type it. Return: 0, or -errno: do not do it. */
int machine_tell(struct machine *m, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** Write a line to the journal, before the deed. Return: 0 or -errno. */
int machine_note(struct machine *m, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** Tell, then send the request; `format` says what it does. Return: 0 or -errno. */
int machine_change(struct machine *m, struct nl_msg *request, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/** The interface of that name. Return: 0, or -errno (-ENODEV). */
int machine_find(struct machine *m, const char *name, struct link_info *ret);

/** Give an interface an address; that it has it already is fine. Return: 0 or -errno. */
int machine_add_address(
	struct machine *m, const struct link_info *link, const struct ip_prefix *address);

/** Take an address off an interface; that it has none such is fine. Return: 0 or -errno. */
int machine_delete_address(
	struct machine *m, const struct link_info *link, const struct ip_prefix *address);

/** Set the MTU unless it is that, or `mtu` is 0. Return: 0 or -errno. */
int machine_set_mtu(struct machine *m, const struct link_info *link, uint32_t mtu);

/** Set an interface up. Return: 0 or -errno. */
int machine_set_up(struct machine *m, const struct link_info *link);

/**
 * Keep an interface that we have just made from taking addresses and routes out of router
 * advertisements; it may be told otherwise afterwards. Where there is no IPv6 nothing is done;
 * where it cannot be set, a warning is logged. Return: 0 or -errno.
 */
int machine_refuse_ra(struct machine *m, const char *name);

/** Keep IPv6 from configuring an interface by itself, where there is IPv6. Return: 0 or -errno. */
int machine_no_autoconf(struct machine *m, const struct link_info *link);

#endif
