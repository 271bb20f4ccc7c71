/* SPDX-License-Identifier: MIT */
/* Pass [Interface] DNS to resolvconf(8), as wg-quick does. */
#pragma once

#include "conf/model.h"
#include "host/netdev.h"

/** Pass the configured servers and search domains, if any, to resolvconf; journalled once. Return:
 * 0, or -errno with the netdev's error filled. */
int dns_set(struct netdev *m, const struct conf_interface *wg);

/** Undo a JOURNAL_DNS. Return: 0 or -errno. */
int dns_undo(struct netdev *m, const struct journal_entry *e);

/** Remove the servers that are left of an interface that does not exist any more, whose journal is
 * lost. `ret_found` is set if there were any. Return: 0, or an error of spawn(). */
MUST_CHECK int dns_forget(const char *ifname, bool *ret_found);
