/* SPDX-License-Identifier: MIT */
/* The bridge of a site's LAN segment: create it, add its ports, remove it. */
#include "host/bridge.h"

#include <errno.h>
#include <linux/if_bridge.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/random.h"
#include "host/sysctl.h"
#include "netlink/query.h"

#define STP_FORWARD_DELAY 1500 /* 1/100 s, the kernel's default */

bool bridge_has_alias(const struct link_info *link, const char *alias)
{
	return !strcmp(link->kind, "bridge") && !strcmp(link->alias, alias);
}

bool bridge_is_ours(const struct netdev *m, const struct link_info *link)
{
	return bridge_has_alias(link, m->alias);
}

bool bridge_can_hold(const struct link_info *link)
{
	return link->type == ARPHRD_ETHER && !(link->flags & IFF_LOOPBACK) &&
	       strcmp(link->kind, "bridge") != 0;
}

static const char *mac_text(const uint8_t m[static LINK_MAC_LEN], char ret[static JOURNAL_MAC_LEN])
{
	snprintf(ret, JOURNAL_MAC_LEN, "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3],
		m[4], m[5]);
	return ret;
}

int bridge_set_mac(
	struct netdev *m, const struct link_info *bridge, const uint8_t mac[static LINK_MAC_LEN])
{
	char text[JOURNAL_MAC_LEN];
	struct nl_msg msg;

	return netdev_change(m, link_encode_mac(&msg, bridge->ifindex, mac),
		"ip link set %s address %s", bridge->name, mac_text(mac, text));
}

int bridge_set_stp(struct netdev *m, const struct link_info *bridge, bool stp)
{
	struct nl_msg msg;
	int err = 0;

	if (stp)
		err = netdev_change(m,
			link_encode_forward_delay(&msg, bridge->ifindex, STP_FORWARD_DELAY),
			"ip link set %s type bridge forward_delay %d", bridge->name,
			STP_FORWARD_DELAY);
	if (err == 0)
		err = netdev_change(m, link_encode_stp(&msg, bridge->ifindex, stp),
			"ip link set %s type bridge stp_state %d", bridge->name, stp);
	if (err == 0 && !stp)
		err = netdev_change(m, link_encode_forward_delay(&msg, bridge->ifindex, 0),
			"ip link set %s type bridge forward_delay 0", bridge->name);
	return err;
}

int bridge_limit_learning(struct netdev *m, const struct link_info *bridge)
{
	struct nl_msg msg;

	return netdev_change(m, link_encode_fdb_max(&msg, bridge->ifindex, BRIDGE_FDB_MAX),
		"ip link set %s type bridge fdb_max_learned %d", bridge->name, BRIDGE_FDB_MAX);
}

int bridge_set_snooping(struct netdev *m, const struct link_info *bridge, bool snooping)
{
	struct nl_msg msg;

	if (snooping == (bridge->multicast_snooping != 0))
		return 0;
	return netdev_change(m, link_encode_multicast_snooping(&msg, bridge->ifindex, snooping),
		"ip link set %s type bridge mcast_snooping %d", bridge->name, snooping);
}

int bridge_forward_none(struct netdev *m, const struct link_info *bridge)
{
	struct nl_msg msg;

	return netdev_change(m, link_encode_forward_control(&msg, bridge->ifindex, 0),
		"ip link set %s type bridge group_fwd_mask 0", bridge->name);
}

static void random_mac(uint8_t ret[static LINK_MAC_LEN])
{
	struct rng rng = random_system();

	rng_fill(&rng, ret, LINK_MAC_LEN);
	ret[0] = (uint8_t)((ret[0] & 0xfc) | 0x02); /* unicast, locally administered */
}

/** Set the bridge's address to that of its first member, which a bridge of one NIC gets by default,
 * so that it is the same after every start. Without members it keeps its random address. */
static int set_lasting_mac(
	struct netdev *m, const struct conf_bridge *conf, const struct link_info *bridge)
{
	struct link_info link;

	if (!conf->members.n || query_link(&m->nl, conf->members.v[0].text, &link) < 0 ||
		!link.has_mac)
		return 0;
	return bridge_set_mac(m, bridge, link.mac);
}

/** Create the bridge, and set our alias at once. Between the two requests the bridge is identified
 * by its random address, which the journal contains. */
static int create(
	struct netdev *m, const struct conf_bridge *conf, const uint8_t *mac, struct link_info *ret)
{
	struct link_bridge bridge = { .name = conf->name,
		.stp = conf->stp,
		.multicast_snooping = conf->multicast_snooping,
		.fdb_max = BRIDGE_FDB_MAX };
	struct journal_entry e = { .kind = JOURNAL_BRIDGE };
	struct nl_msg msg;
	int err;

	random_mac(bridge.mac);
	mac_text(bridge.mac, e.mac);
	snprintf(e.name, sizeof(e.name), "%s", conf->name);
	err = netdev_journal(m, &e);
	if (err)
		return err;
	err = netdev_change(m, link_encode_bridge(&msg, &bridge),
		"ip link add %s address %s"
		" type bridge stp_state %d%s mcast_snooping %d fdb_max_learned %d",
		conf->name, e.mac, conf->stp, conf->stp ? "" : " forward_delay 0",
		conf->multicast_snooping, BRIDGE_FDB_MAX);
	if (err == 0)
		err = netdev_find(m, conf->name, ret);
	if (err == 0)
		err = netdev_set_alias(m, ret);
	if (err == 0)
		err = netdev_refuse_ra(m, conf->name);
	if (err == 0 && !ret->has_fdb_max)
		log_info("This kernel does not limit how many addresses %s learns, as Linux 6.7 "
			 "does: a site that makes up addresses can fill memory here",
			conf->name);
	if (err)
		return err;
	return mac ? bridge_set_mac(m, ret, mac) : set_lasting_mac(m, conf, ret);
}

/** Warn if the packet filter's FORWARD rules see bridged frames (br_netfilter). */
static void log_filter(const struct conf_bridge *conf)
{
	char is[8];

	if (sysctl_read("net/bridge/bridge-nf-call-iptables", is, sizeof(is)) == 0 &&
		!strcmp(is, "1"))
		log_info("iptables and nft see the frames of %s "
			 "(net.bridge.bridge-nf-call-iptables = 1): a FORWARD rule that drops "
			 "them cuts the segment",
			conf->name);
}

static int find_adopted(struct netdev *m, const struct conf_bridge *conf, struct link_info *ret)
{
	int err = query_link(&m->nl, conf->name, ret);

	if (err == -ENODEV)
		return netdev_fail(m, err,
			"There is no bridge %s to adopt\n"
			"Start what makes it first, or remove Adopt = yes to have one made here.",
			conf->name);
	if (err < 0)
		return netdev_fail(
			m, err, "Cannot query the interface %s: %s", conf->name, strerror(-err));
	if (strcmp(ret->kind, "bridge") != 0 || bridge_is_ours(m, ret))
		return netdev_fail(m, -EINVAL,
			"%s cannot be adopted: it is no bridge of another program\n"
			"Name the bridge to join in [Bridge] Name; `ip link show type bridge` "
			"lists them.",
			conf->name);
	return 0;
}

/** Whether the journal has an entry of that kind and name. */
static bool is_noted(const struct netdev *m, enum journal_kind kind, const char *name)
{
	return netdev_find_noted(m, kind, name) != SIZE_MAX;
}

/** Keep a new member from changing an adopted bridge: the kernel gives a bridge the smallest MTU of
 * its ports and, unless one was set, their lowest MAC address. */
static int shield(struct netdev *m, const struct link_info *bridge, const struct link_info *member)
{
	if (member->mtu < bridge->mtu)
		return netdev_fail(m, -EINVAL,
			"%s has MTU %u and would lower that of %s, which is %u\n"
			"Set the same MTU on it: ip link set %s mtu %u; or add it where %s is "
			"configured.",
			member->name, member->mtu, bridge->name, bridge->mtu, member->name,
			bridge->mtu, bridge->name);
	if (!member->has_mac || memcmp(member->mac, bridge->mac, LINK_MAC_LEN) >= 0)
		return 0;
	return bridge_set_mac(m, bridge, bridge->mac);
}

/** Join a bridge of another program, which stays as it is. */
static int adopt(struct netdev *m, const struct conf_bridge *conf, struct link_info *ret)
{
	struct journal_entry e = { .kind = JOURNAL_ADOPT };
	int err = find_adopted(m, conf, ret);

	if (err < 0)
		return err;
	mac_text(ret->mac, e.mac);
	snprintf(e.name, sizeof(e.name), "%s", conf->name);
	if (journal_find(&m->journal, &e) == SIZE_MAX)
		err = netdev_journal(m, &e);
	if (err == 0 && !(ret->flags & IFF_UP))
		log_warning("%s is down: no frames pass until its owner sets it up", conf->name);
	log_filter(conf);
	return err;
}

int bridge_make(
	struct netdev *m, const struct conf_bridge *conf, const uint8_t *mac, struct link_info *ret)
{
	int err;

	if (conf->adopt)
		return adopt(m, conf, ret);
	err = create(m, conf, mac, ret);
	log_filter(conf);
	for (size_t i = 0; err == 0 && i < conf->addresses.n; i++)
		err = netdev_add_address(m, ret, &conf->addresses.v[i].prefix);
	return err;
}

/** Refuse a port that has another master, because the kernel would silently move it to our
 * bridge. */
static int check_free(
	struct netdev *m, const struct link_info *bridge, const struct link_info *link)
{
	struct link_info master = { 0 };

	if (!bridge_can_hold(link))
		return netdev_fail(m, -EINVAL,
			"%s is no Ethernet interface, or a bridge: it cannot be a port of %s\n"
			"Name an Ethernet interface as Member.",
			link->name, bridge->name);
	if (!link->master || link->master == bridge->ifindex)
		return 0;
	if (query_link_index(&m->nl, link->master, &master) < 0)
		snprintf(master.name, sizeof(master.name), "%u", link->master);
	return netdev_fail(m, -EBUSY,
		"%s already is a port of %s\n"
		"Remove it from there first: ip link set %s nomaster; and see what put it there.",
		link->name, master.name, link->name);
}

/** Warn of a common mistake: an address on a member does not work once the member is a port. */
static void warn_of_addresses(struct netdev *m, const struct link_info *link)
{
	struct ifaddr_list list;

	if (query_addresses(&m->nl, AF_INET, &list) < 0)
		return;
	for (size_t i = 0; i < list.n; i++) {
		char text[IP_PREFIX_TEXT_LEN];

		if (list.v[i].ifindex == link->ifindex)
			log_warning("%s has the address %s, which does not work on a port of a "
				    "bridge; put it under [Bridge] Address",
				link->name, ip_prefix_text(&list.v[i].prefix, text));
	}
	free(list.v);
}

/** Change the settings of a port. Port isolation prevents loops, so verify that the kernel has set
 * it. */
static int set_port(struct netdev *m, const struct link_info *link, const struct link_port *want)
{
	const struct link_port *have = &link->port;
	struct link_info now;
	struct nl_msg msg;
	char what[96] = "";
	size_t len = 0;
	int err;

	if (have->isolated != want->isolated)
		len += (size_t)snprintf(what + len, sizeof(what) - len, " isolated %s",
			want->isolated ? "on" : "off");
	if (have->multicast_router != want->multicast_router)
		len += (size_t)snprintf(
			what + len, sizeof(what) - len, " mcast_router %u", want->multicast_router);
	if (have->forward_control != want->forward_control)
		len += (size_t)snprintf(what + len, sizeof(what) - len, " group_fwd_mask 0x%x",
			want->forward_control);
	if (!len)
		return 0;
	err = netdev_change(m, link_encode_port(&msg, link->ifindex, have, want),
		"ip link set %s type bridge_slave%s", link->name, what);
	if (err == 0 && want->isolated)
		err = query_link_index(&m->nl, link->ifindex, &now);
	if (err == 0 && want->isolated && !now.port.isolated)
		err = netdev_fail(m, -EOPNOTSUPP,
			"This kernel cannot isolate ports of a bridge, which SplitHorizon needs\n"
			"Use Linux 4.18 or later, or STP = yes on all sites.");
	return err;
}

int bridge_set_member(struct netdev *m, const struct conf_bridge *conf, const char *name)
{
	struct link_info link;
	struct link_port want;
	int err = netdev_find(m, name, &link);

	if (err < 0)
		return err;
	if (conf->adopt && !is_noted(m, JOURNAL_MEMBER, name))
		return 0; /* its owner added it */
	want = link.port;
	want.forward_control = (uint16_t)conf->forward_control;
	return set_port(m, &link, &want);
}

struct link_port bridge_session_port(
	const struct conf_bridge *conf, const struct conf_session *session)
{
	return (struct link_port){
		.isolated = session->options.split_horizon == L2TP_SPLIT_HORIZON_ON,
		.forward_control = (uint16_t)conf->forward_control,
		.multicast_router = conf->multicast_snooping || conf->adopt
					    ? MDB_RTR_TYPE_PERM
					    : MDB_RTR_TYPE_TEMP_QUERY,
	};
}

int bridge_set_session(
	struct netdev *m, const struct conf_bridge *conf, const struct conf_session *session)
{
	struct link_port want = bridge_session_port(conf, session);
	struct link_info link;
	int err = netdev_find(m, session->name, &link);

	return err < 0 ? err : set_port(m, &link, &want);
}

int bridge_add_member(struct netdev *m, const struct conf_bridge *conf,
	const struct link_info *bridge, const char *name, bool was_up)
{
	struct journal_entry e = { .kind = JOURNAL_MEMBER };
	struct link_info link;
	struct nl_msg msg;
	int err = netdev_find(m, name, &link);

	if (err == 0)
		err = check_free(m, bridge, &link);
	if (err == 0 && conf->adopt && link.master == bridge->ifindex)
		return bridge_set_member(m, conf, name);
	if (err == 0 && conf->adopt)
		err = shield(m, bridge, &link);
	if (err)
		return err;
	warn_of_addresses(m, &link);
	e.was_up = was_up;
	e.ifindex = link.ifindex;
	snprintf(e.name, sizeof(e.name), "%s", link.name);
	memcpy(e.bridge, bridge->name, sizeof(e.bridge));
	err = netdev_journal(m, &e);
	if (err == 0)
		err = netdev_change(m, link_encode_master(&msg, link.ifindex, bridge->ifindex),
			"ip link set %s master %s", name, bridge->name);
	if (err == 0)
		err = bridge_set_member(m, conf, name);
	if (err == 0 && !(link.flags & IFF_UP))
		err = netdev_set_up(m, &link);
	return err;
}

/** Give the interface of a session the MTU and MAC address of the adopted bridge, so that the
 * bridge does not change either when it becomes a port. */
static int blend_in(struct netdev *m, const struct link_info *bridge, const struct link_info *link)
{
	int err = netdev_set_mtu(m, link, bridge->mtu);

	if (err < 0 || !memcmp(link->mac, bridge->mac, LINK_MAC_LEN))
		return err;
	return bridge_set_mac(m, link, bridge->mac);
}

int bridge_add_session(
	struct netdev *m, const struct conf_bridge *conf, const struct conf_session *session)
{
	struct link_info bridge;
	struct link_info link;
	struct nl_msg msg;
	int err = netdev_find(m, conf->name, &bridge);

	if (err == 0)
		err = netdev_find(m, session->name, &link);
	if (err == 0 && conf->adopt)
		err = blend_in(m, &bridge, &link);
	if (err == 0)
		err = netdev_change(m, link_encode_master(&msg, link.ifindex, bridge.ifindex),
			"ip link set %s master %s", link.name, bridge.name);
	return err ? err : bridge_set_session(m, conf, session);
}

void bridge_drop_session(struct netdev *m, const char *name)
{
	struct link_info link;
	struct nl_msg msg;

	if (query_link(&m->nl, name, &link) == 0 && link.master &&
		nl_request(&m->nl, link_encode_master(&msg, link.ifindex, 0)) < 0)
		log_debug("%s leaves its bridge when it is closed", name);
}

int bridge_undo_adopt(struct netdev *m, const struct journal_entry *e)
{
	static const uint8_t none[LINK_MAC_LEN];
	uint8_t mac[LINK_MAC_LEN];
	struct link_info link;
	struct nl_msg msg;
	int err = query_link(&m->nl, e->name, &link);

	if (err == 0 && !strcmp(link.kind, "bridge") && !memcmp(link.mac, none, sizeof(none)) &&
		sscanf(e->mac, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &mac[0], &mac[1], &mac[2], &mac[3],
			&mac[4], &mac[5]) == LINK_MAC_LEN)
		err = nl_request(&m->nl, link_encode_mac(&msg, link.ifindex, mac));
	return err == -ENODEV ? 0 : err;
}

/** Whether the link is the bridge of the journal entry: by our alias or, before that is set, by its
 * MAC. */
static bool is_noted_bridge(
	const struct netdev *m, const struct link_info *link, const struct journal_entry *e)
{
	char mac[JOURNAL_MAC_LEN];

	if (bridge_is_ours(m, link))
		return true;
	return !strcmp(link->kind, "bridge") && !*link->alias && link->has_mac &&
	       !strcmp(mac_text(link->mac, mac), e->mac);
}

/** Find the bridge of a journal entry: by its name; or if it was renamed, a bridge with our alias
 * whose name no entry has. Return: 0, -ENODEV, or another -errno. */
static int find_noted_bridge(struct netdev *m, const struct journal_entry *e, struct link_info *ret)
{
	struct link_list list;
	int err = query_link(&m->nl, e->name, ret);
	bool foreign = err == 0 && !is_noted_bridge(m, ret, e);

	if (err != -ENODEV && !foreign)
		return err;
	err = query_links(&m->nl, &list);
	if (err < 0)
		return err;
	err = -ENODEV;
	for (size_t i = 0; i < list.n && err; i++) {
		const struct link_info *link = &list.v[i];

		if (!bridge_is_ours(m, link) || is_noted(m, JOURNAL_BRIDGE, link->name))
			continue;
		*ret = *link;
		err = 0;
	}
	free(list.v);
	if (err && foreign)
		log_warning("%s is not the bridge that was made here, or has lost its alias: left "
			    "alone. If nothing else needs it: ip link del %s.",
			e->name, e->name);
	return err;
}

int bridge_undo(struct netdev *m, const struct journal_entry *e)
{
	struct link_info link;
	struct nl_msg msg;
	int err = find_noted_bridge(m, e, &link);

	/* A member that could not be removed keeps its bridge, which its undo needs. */
	for (size_t i = 0; err == 0 && i < m->journal.n; i++)
		if (m->journal.v[i].kind == JOURNAL_MEMBER &&
			!strcmp(m->journal.v[i].bridge, e->name))
			err = -EBUSY;
	if (err == 0)
		err = nl_request(&m->nl, link_encode_delete(&msg, link.ifindex));
	return err == -ENODEV ? 0 : err;
}

int bridge_undo_member(struct netdev *m, const struct journal_entry *e)
{
	struct link_info link;
	struct link_info bridge;
	struct nl_msg msg;
	int err = query_link_index(&m->nl, e->ifindex, &link); /* also if it was renamed */

	if (err == 0)
		err = link.master ? query_link_index(&m->nl, link.master, &bridge) : -ENODEV;
	if (err < 0)
		return err == -ENODEV ? 0 : err;
	if (!bridge_is_ours(m, &bridge) &&
		(strcmp(bridge.name, e->bridge) != 0 || !is_noted(m, JOURNAL_ADOPT, e->bridge)))
		return 0; /* not a port of our bridge (any more) */
	if (!e->was_up)
		err = nl_request(&m->nl, link_encode_up(&msg, link.ifindex, false));
	if (err == 0)
		err = nl_request(&m->nl, link_encode_master(&msg, link.ifindex, 0));
	return err == -ENODEV ? 0 : err;
}
