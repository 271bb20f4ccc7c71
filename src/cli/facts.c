/* SPDX-License-Identifier: MIT */
/* The machine's answers to the questions of the configuration's check. */
#include "cli/facts.h"

#include <errno.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>

#include "netlink/query.h"

static enum conf_link judge(
	struct nl_socket *nl, const struct link_info *link, char ret_master[static IF_NAMESIZE])
{
	struct link_info master;

	if (link->type != ARPHRD_ETHER || !strcmp(link->kind, "bridge"))
		return CONF_LINK_UNFIT;
	if (!link->master)
		return CONF_LINK_FREE;
	if (query_link_index(nl, link->master, &master))
		return CONF_LINK_UNKNOWN;
	memcpy(ret_master, master.name, IF_NAMESIZE);
	return CONF_LINK_ENSLAVED;
}

static enum conf_link link_state(void *ctx, const char *name, char ret_master[static IF_NAMESIZE])
{
	enum conf_link state = CONF_LINK_UNKNOWN;
	struct link_info link;
	struct nl_socket nl;
	int error;

	(void)ctx;
	if (nl_socket_open(&nl) < 0)
		return CONF_LINK_UNKNOWN;
	error = query_link(&nl, name, &link);
	if (error == -ENODEV)
		state = CONF_LINK_MISSING;
	else if (!error)
		state = judge(&nl, &link, ret_master);
	nl_socket_close(&nl);
	return state;
}

const struct conf_facts facts_system = { .link = link_state };
