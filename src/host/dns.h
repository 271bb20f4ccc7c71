/* SPDX-License-Identifier: MIT */
/* [Interface] DNS, handed to resolvconf(8) as wg-quick does. */
#ifndef HOST_DNS_H
#define HOST_DNS_H

#include "conf/model.h"
#include "host/netdev.h"

/** Tell resolvconf of the servers and search domains, if there are any; noted in the journal.
 * Return: 0, or -errno with the machine's error filled. */
int dns_set(struct netdev *m, const struct conf_interface *wg);

/** Undo the journal's line "dns …". */
void dns_undo(struct netdev *m, const char *args);

#endif
