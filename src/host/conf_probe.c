/* SPDX-License-Identifier: MIT */
/* Properties of this host that a configuration is checked against. */
#include "host/conf_probe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/bridge.h"
#include "host/netdev.h"
#include "netlink/query.h"

struct conf_probe {
	struct netdev netdev;
};

static enum conf_link ask_link(void *ctx, const char *name, char ret_master[static IF_NAMESIZE])
{
	struct conf_probe *probe = ctx;
	struct netdev *m = &probe->netdev;
	struct link_info link;
	struct link_info master;
	int err = query_link(&m->nl, name, &link);

	ret_master[0] = '\0';
	if (err == -ENODEV)
		return CONF_LINK_MISSING;
	if (err < 0)
		return CONF_LINK_UNKNOWN;
	if (!bridge_can_hold(&link))
		return CONF_LINK_UNFIT;
	if (!link.master)
		return CONF_LINK_FREE;
	if (query_link_index(&m->nl, link.master, &master) < 0)
		return CONF_LINK_UNKNOWN;
	if (bridge_is_ours(m, &master))
		return CONF_LINK_FREE;
	memcpy(ret_master, master.name, IF_NAMESIZE);
	return CONF_LINK_ENSLAVED;
}

int conf_probe_new(const char *name, struct conf_probe **ret, struct conf_facts *ret_answers)
{
	struct conf_probe *probe = calloc(1, sizeof(*probe));
	int err;

	if (!probe)
		return -ENOMEM;
	err = netdev_open(&probe->netdev, name);
	if (err < 0) {
		free(probe);
		return err;
	}
	*ret = probe;
	*ret_answers = (struct conf_facts){ .link = ask_link, .ctx = probe };
	return 0;
}

void conf_probe_free(struct conf_probe *probe)
{
	if (!probe)
		return;
	netdev_close(&probe->netdev);
	free(probe);
}
