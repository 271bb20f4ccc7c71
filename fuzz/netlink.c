/* SPDX-License-Identifier: MIT */
/* Fuzz target: a message of the kernel. No decoder reads beyond it, and what they accept keeps its
 * limits. */
#include "fuzz/target.h"

#include <linux/rtnetlink.h>
#include <string.h>

#include "netlink/genl.h"
#include "netlink/ifaddr.h"
#include "netlink/l2tp_nl.h"
#include "netlink/link.h"
#include "netlink/neigh.h"
#include "netlink/route.h"
#include "netlink/rule.h"
#include "netlink/wireguard_nl.h"
#include "netlink/wireless_nl.h"

static void decode_wireguard(const struct nlmsghdr *nlh)
{
	struct wgnl_device device = { 0 };

	if (wgnl_decode_device(nlh, &device) == 0)
		EXPECT(wgnl_decode_device(nlh, &device) == 0); /* a second message */
	EXPECT(strlen(device.name) < sizeof(device.name));
	for (size_t i = 0; i < device.n_peers; i++)
		for (size_t j = 0; j < device.peers[i].n_allowedips; j++) {
			const struct ip_prefix *p = &device.peers[i].allowedips[j];

			EXPECT(ip_addr_len(&p->addr) && p->len <= ip_addr_bits(&p->addr));
		}
	wgnl_device_fini(&device);
}

static void decode_l2tp(const struct nlmsghdr *nlh)
{
	struct l2tpnl_tunnel_info tunnel;
	struct l2tpnl_session_info session;

	if (l2tpnl_decode_tunnel(nlh, &tunnel) == 0)
		EXPECT(tunnel.tunnel.id);
	if (l2tpnl_decode_session(nlh, &session) < 0)
		return;
	EXPECT(session.session.id && session.session.tunnel_id);
	EXPECT(session.session.tx_cookie.len <= L2TPNL_COOKIE_MAX);
	EXPECT(session.session.rx_cookie.len <= L2TPNL_COOKIE_MAX);
	EXPECT(strlen(session.session.ifname) < sizeof(session.session.ifname));
}

static void decode_rtnetlink(const struct nlmsghdr *nlh)
{
	struct link_info link;
	struct ifaddr_info address;
	struct route_info route;
	struct rule_info rule;
	struct neigh_info neigh;

	if (link_decode(nlh, &link) == 0)
		EXPECT(strlen(link.name) < sizeof(link.name));
	if (ifaddr_decode(nlh, &address) == 0)
		EXPECT(ip_addr_len(&address.prefix.addr));
	if (route_decode(nlh, &route) == 0)
		EXPECT(route.dst.len <= ip_addr_bits(&route.dst.addr));
	if (rule_decode(nlh, &rule) == 0)
		EXPECT(nlh->nlmsg_type == RTM_NEWRULE || nlh->nlmsg_type == RTM_DELRULE);
	if (neigh_decode(nlh, &neigh) == 0)
		EXPECT(nlh->nlmsg_type == RTM_NEWNEIGH);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct nlmsghdr *nlh;
	struct nl_verdict verdict;
	enum wireless_role role;
	uint16_t id;

	if (len < sizeof(*nlh))
		return 0;
	nlh = malloc(len);
	EXPECT(nlh);
	memcpy(nlh, data, len);
	nlh->nlmsg_len = (uint32_t)len; /* the exchange checks it */
	decode_wireguard(nlh);
	decode_l2tp(nlh);
	decode_rtnetlink(nlh);
	if (nl_verdict_decode(nlh, &verdict) == 0)
		EXPECT(verdict.code <= 0 && strlen(verdict.why) < sizeof(verdict.why));
	if (genl_decode_family(nlh, &id) == 0)
		EXPECT(nlh->nlmsg_type == GENL_ID_CTRL);
	if (wireless_nl_decode(nlh, nlh->nlmsg_type, &role) == 0)
		EXPECT(role == WIRELESS_CLIENT || role == WIRELESS_PORT);
	free(nlh);
	return 0;
}
