/* SPDX-License-Identifier: MIT */
/* Changes to the host's network devices: journalled, logged, applied; errors carry a hint. */
#pragma once

#include <stdint.h>

#include "base/addr.h"
#include "base/error.h"
#include "host/journal.h"
#include "netlink/exchange.h"
#include "netlink/link.h"
#include "netlink/nft_table.h"

/** Descriptors that undo needs at once: program input, sysctl, journal, lock. */
#define NETDEV_SPARE 4

/** Start of the alias of the interfaces that we create; the site's name follows. */
#define NETDEV_ALIAS "wirespan "

/** Group of an interface that we have just made, until it has its alias: the kernel takes a group
 * at its creation, but no alias. */
#define NETDEV_GROUP_NEW 0x56000000u

/** State that every change needs. `error` describes the last failure. */
struct netdev {
	struct nl_socket nl;
	struct journal journal;
	char alias[LINK_ALIAS_LEN]; /* alias of the interfaces we create: "wirespan NAME" */
	struct error error;
	struct nft_table_mark filters[2]; /* the tables of default routes made, IPv4 and IPv6 */
	int spare[NETDEV_SPARE];	  /* descriptors held for undo; -1: none */
	int (*step)(void *ctx, const char *what); /* called before each change; may be NULL */
	void *step_ctx;
};

/** Open the netlink socket; the caller initialises the journal. Return: 0 or -errno. */
int netdev_open(struct netdev *m, const char *name);

/** Close and free. A zeroed netdev is allowed. */
void netdev_close(struct netdev *m);

/** Reserve descriptors, so that a change can be undone when the process has none left. Return: 0 or
 * -errno. */
MUST_CHECK int netdev_reserve_spare(struct netdev *m);

/** Free the reserved descriptors for use. */
void netdev_release_spare(struct netdev *m);

/** Fill in the error, as error_set() does. Return: `code`. */
int netdev_fail(struct netdev *m, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/** Log the next change as a shell command. Return: 0, or -errno: then do not make the change. */
int netdev_log(struct netdev *m, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** As netdev_log(), for a hook: the log shows only its kind ("PostUp"), as its text may contain a
 * secret. */
int netdev_log_hook(struct netdev *m, const char *kind, const char *command);

/** Write an entry to the journal, before the change. Return: 0, or -errno: then do not make the
 * change. */
MUST_CHECK int netdev_journal(struct netdev *m, const struct journal_entry *e);

/** Fill in the error of a journal that could not be written. Return: `code`. */
int netdev_journal_failed(struct netdev *m, int code);

/** The index of the journal's newest entry of that kind and name; SIZE_MAX: none. */
size_t netdev_find_noted(const struct netdev *m, enum journal_kind kind, const char *name);

/** Log the change as `format` describes it, then send the request. Return: 0 or -errno. */
int netdev_change(struct netdev *m, struct nl_msg *request, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/** Look up the interface of that name. Return: 0, or -errno (-ENODEV). */
int netdev_find(struct netdev *m, const char *name, struct link_info *ret);

/** Add an address to an interface; an existing one is no error. Return: 0 or -errno. */
int netdev_add_address(
	struct netdev *m, const struct link_info *link, const struct ip_prefix *address);

/** Let an address never expire, as one that was just added. Return: 0 or -errno, as above. */
int netdev_renew_address(
	struct netdev *m, const struct link_info *link, const struct ip_prefix *address);

/** Remove an address from an interface; a missing one is no error. Return: 0 or -errno. */
int netdev_delete_address(
	struct netdev *m, const struct link_info *link, const struct ip_prefix *address);

/** Set the MTU if it differs and `mtu` is not 0. Return: 0 or -errno. */
int netdev_set_mtu(struct netdev *m, const struct link_info *link, uint32_t mtu);

/** Set our alias "wirespan NAME". Return: 0 or -errno. */
int netdev_set_alias(struct netdev *m, const struct link_info *link);

/** Set our alias, and put an interface of NETDEV_GROUP_NEW into the default group, in one step.
 * Return: 0 or -errno. */
int netdev_claim(struct netdev *m, const struct link_info *link);

/** Set an interface up. Return: 0 or -errno. */
int netdev_set_up(struct netdev *m, const struct link_info *link);

/** Rename an interface, which older kernels allow only while it is down. Return: 0 or -errno. */
int netdev_rename(struct netdev *m, const struct link_info *link, const char *name);

/**
 * Keep an interface that we have just created from accepting addresses and routes of router
 * advertisements; a user may re-enable that afterwards. Without IPv6, nothing is done; if the
 * sysctl cannot be written, a warning is logged. Return: 0 or -errno.
 */
int netdev_refuse_ra(struct netdev *m, const char *name);

/** Disable IPv6 autoconfiguration of an interface, if there is IPv6. Return: 0 or -errno. */
int netdev_no_autoconf(struct netdev *m, const struct link_info *link);
