/* SPDX-License-Identifier: MIT */
/* What a configuration is checked against on this machine. */
#include "host/conf_probe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/bridge.h"
#include "host/netdev.h"
#include "netlink/query.h"

struct facts {
	struct machine machine;
};

static enum conf_link ask_link(void *ctx, const char *name, char ret_master[static IF_NAMESIZE])
{
	struct facts *facts = ctx;
	struct machine *m = &facts->machine;
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

int facts_new(const char *name, struct facts **ret, struct conf_facts *ret_answers)
{
	struct facts *facts = calloc(1, sizeof(*facts));
	int err;

	if (!facts)
		return -ENOMEM;
	err = machine_open(&facts->machine, name);
	if (err < 0) {
		free(facts);
		return err;
	}
	*ret = facts;
	*ret_answers = (struct conf_facts){ .link = ask_link, .ctx = facts };
	return 0;
}

void facts_free(struct facts *facts)
{
	if (!facts)
		return;
	machine_close(&facts->machine);
	free(facts);
}
