/* SPDX-License-Identifier: MIT */
/* The members of the site's bridges, and what the journal has of them. */
#include "host/members.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>

#include "host/bridge.h"
#include "host/undo.h"
#include "netlink/query.h"

int members_make_bridge(struct netdev *m, const struct conf_bridge *conf, const uint8_t *mac)
{
	struct link_info bridge;
	int err = bridge_make(m, conf, mac, &bridge);

	for (size_t i = 0; err == 0 && i < conf->members.n; i++) {
		err = members_ensure(m, conf, &bridge, conf->members.v[i].text);
		if (mac)
			err = 0; /* a bridge is restored as far as possible */
	}
	return err || conf->adopt ? err : netdev_set_up(m, &bridge);
}

int members_ensure(struct netdev *m, const struct conf_bridge *conf, const struct link_info *bridge,
	const char *name)
{
	size_t noted = netdev_find_noted(m, JOURNAL_MEMBER, name);
	struct link_info link;
	bool was_up;
	int err = query_link(&m->nl, name, &link);

	if (err == -ENODEV)
		return 0;
	if (err < 0)
		return netdev_fail(
			m, err, "Cannot query the interface %s: %s", name, strerror(-err));
	if (noted != SIZE_MAX && link.master == bridge->ifindex && link.flags & IFF_UP)
		return bridge_set_member(m, conf, name);
	/* Of the same interface, the journal has the state before the site. */
	was_up = noted != SIZE_MAX && m->journal.v[noted].ifindex == link.ifindex
			 ? m->journal.v[noted].was_up
			 : link.flags & IFF_UP;
	if (noted != SIZE_MAX)
		err = undo_entry(m, noted);
	return err < 0 ? err : bridge_add_member(m, conf, bridge, name, was_up);
}

int members_drop_bridge(struct netdev *m, const char *name)
{
	struct journal *j = &m->journal;
	size_t noted;
	int err = 0;

	for (size_t i = j->n; err == 0 && i-- > 0;)
		if (j->v[i].kind == JOURNAL_MEMBER && !strcmp(j->v[i].bridge, name))
			err = undo_entry(m, i);
	noted = netdev_find_noted(m, JOURNAL_BRIDGE, name);
	if (noted == SIZE_MAX)
		noted = netdev_find_noted(m, JOURNAL_ADOPT, name);
	return err < 0 || noted == SIZE_MAX ? err : undo_entry(m, noted);
}
