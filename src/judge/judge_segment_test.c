/* SPDX-License-Identifier: MIT */
/* Each fault of members' traffic causes its finding, and only that error. */
#include "judge/judge_segment.h"

#include <linux/netfilter.h>

#include "judge/sample_segment.h"

static void lose_ip4(struct observations *f)
{
	sample_populate(f);
	sample_lose(&f->crossings[0], OBSERVED_IP4);
	sample_lose(&f->crossings[1], OBSERVED_IP4);
	f->host.bridge_nf_ip4 = 1;
	sample_add_chain(f, NFPROTO_IPV4, "ip filter FORWARD");
}

/* The chain does not see bridged frames: it is not the cause. */
static void lose_ip4_unseen(struct observations *f)
{
	lose_ip4(f);
	f->host.bridge_nf_ip4 = 0;
}

static void lose_ip4_two(struct observations *f)
{
	lose_ip4(f);
	sample_add_chain(f, NFPROTO_BRIDGE, "bridge b f");
	f->host.filters[1].drops = false;
}

/* ARP is lost, too: a chain that sees only IPv4 does not explain that. */
static void lose_all(struct observations *f)
{
	lose_ip4_two(f);
	for (size_t i = 0; i < 2; i++) {
		sample_lose(&f->crossings[i], OBSERVED_ARP);
		sample_lose(&f->crossings[i], OBSERVED_ND);
		sample_lose(&f->crossings[i], OBSERVED_IP6);
	}
}

/* The sockets of the two ports are read in any order: what was seen last is all that was read. */
static void read_last_first(struct observations *f)
{
	sample_populate(f);
	for (size_t i = 0; i < 2; i++)
		for (unsigned k = 0; k < OBSERVED_KINDS; k++) {
			f->crossings[i].kinds[k] = (struct observed_passage){ .sent = 1 };
			observed_passage_note(&f->crossings[i].kinds[k], OBSERVED_DELIVERED, false);
		}
}

static void lose_answers(struct observations *f)
{
	sample_populate(f);
	for (unsigned k = 0; k < OBSERVED_LARGE; k++) {
		f->crossings[0].kinds[k].delivered = 0;
		f->crossings[0].kinds[OBSERVED_LARGE] = f->crossings[0].kinds[OBSERVED_LARGE6] =
			(struct observed_passage){ 0 };
		sample_lose(&f->crossings[1], k);
	}
	f->host.n_filters = 1;
	f->host.filters[0] = (struct observed_filter){ .kind = FILTER_XDP };
	strcpy(f->host.filters[0].device, "l2tpeth0");
}

static void lose_nd(struct observations *f)
{
	sample_populate(f);
	f->crossings[0].kinds[OBSERVED_ND] = (struct observed_passage){ .sent = 3 };
	f->ports[0].no_multicast = true;
}

static void lose_resolution(struct observations *f)
{
	lose_nd(f);
	f->crossings[0].kinds[OBSERVED_ARP] = (struct observed_passage){ .sent = 3 };
	f->ports[0].no_broadcast = true;
}

/* A port to which the bridge floods nothing, as it answers ARP itself. */
static void lose_to_proxy(struct observations *f)
{
	lose_resolution(f);
	f->ports[0].no_broadcast = f->ports[0].no_multicast = false;
	f->ports[0].proxy_arp = true;
}

/* No host uses IPv6, and the bridge has answered: no frame is lost. */
static void proxy_arp(struct observations *f)
{
	sample_populate(f);
	f->ports[0].proxy_arp = true;
}

/* An entry of the forwarding table sends what is for a far host elsewhere. */
static void mislead(struct observations *f)
{
	sample_populate(f);
	for (unsigned k = 0; k < OBSERVED_LARGE; k++)
		sample_lose(&f->crossings[0], k);
	f->crossings[1].kinds[OBSERVED_LARGE] = f->crossings[1].kinds[OBSERVED_LARGE6] =
		(struct observed_passage){ 0 };
	f->crossings[0].to_entry = (struct observed_entry){
		.kind = ENTRY_STATIC, .device = "eth1", .mac = { 2, 0, 0, 0, 0, 22 }
	};
}

/* The entry is on the right port, but keeps the frames in this host. */
static void mislead_locally(struct observations *f)
{
	mislead(f);
	f->crossings[0].to_entry.kind = ENTRY_LOCAL;
	strcpy(f->crossings[0].to_entry.device, "l2tpeth0");
}

static void mislead_to_bridge(struct observations *f)
{
	mislead_locally(f);
	strcpy(f->crossings[0].to_entry.device, "br-l2tp0");
}

static void share_mac_here(struct observations *f)
{
	mislead(f);
	f->crossings[0].to_entry.kind = ENTRY_OWN;
}

/* What was learned does not stay wrong by itself: a filter may drop the frames that correct it. */
static void mislead_by_learning(struct observations *f)
{
	mislead(f);
	f->crossings[0].to_entry.kind = ENTRY_LEARNED;
	sample_add_chain(f, NFPROTO_BRIDGE, "bridge b f");
}

static void no_broadcasts(struct observations *f)
{
	sample_populate(f);
	f->ports[0].caller = f->ports[0].stations[1].ip4;
}

static void isolate(struct observations *f)
{
	lose_all(f);
	f->ports[0].isolated = f->ports[1].isolated = true;
}

static void lock(struct observations *f)
{
	lose_all(f);
	for (unsigned k = 0; k < OBSERVED_LARGE; k++)
		f->crossings[1].kinds[k] = (struct observed_passage)SAMPLE_PASS;
	f->ports[1].locked = true;
}

/* Only a part of the frames is lost: a locked port would drop all. */
static void lock_and_filter(struct observations *f)
{
	lose_ip4(f);
	f->ports[0].locked = f->ports[1].locked = true;
}

/* Large packets are lost in this host: at a port whose MTU is smaller. */
static void lose_large(struct observations *f)
{
	sample_populate(f);
	for (size_t i = 0; i < 2; i++)
		f->crossings[i].kinds[OBSERVED_LARGE] = f->crossings[i].kinds[OBSERVED_LARGE6] =
			(struct observed_passage){ .sent = 3 };
	f->ports[0].mtu = 1300;
	f->crossings[1].kinds[OBSERVED_LARGE] = f->crossings[1].kinds[OBSERVED_LARGE6] =
		(struct observed_passage)SAMPLE_PASS;
}

/* Likewise, but both ports have the MTU: a filter drops them. */
static void filter_large(struct observations *f)
{
	lose_large(f);
	f->ports[0].mtu = 1500;
	sample_add_chain(f, NFPROTO_BRIDGE, "bridge b f");
	f->host.filters[0].drops = false;
}

/* A port floods no unicasts, and the bridge does not learn: requests by broadcast pass, answers to
 * them do not. Whether a host has been learned is not known, so a filter may be it, too. */
static void no_flooding(struct observations *f)
{
	sample_populate(f);
	sample_lose(&f->crossings[0], OBSERVED_IP4);
	sample_lose(&f->crossings[0], OBSERVED_IP6);
	f->crossings[1].kinds[OBSERVED_LARGE] = f->crossings[1].kinds[OBSERVED_LARGE6] =
		(struct observed_passage){ 0 };
	for (unsigned k = 0; k < OBSERVED_LARGE; k++)
		f->crossings[1].kinds[k].delivered = 0;
	f->ports[0].no_flood = true;
	sample_add_chain(f, NFPROTO_BRIDGE, "bridge b f");
	f->host.filters[0].drops = false;
}

static void separate_vlans(struct observations *f)
{
	lose_all(f);
	f->host.n_filters = 0;
	f->bridges[0].filters_vlans = true;
	f->ports[0].pvid = 1;
	f->ports[0].vlans[0] = 1 << 1;
	f->ports[1].pvid = 10;
	f->ports[1].vlans[1] = 1 << 2;
}

/* Members are in one VLAN, but the session's port sends its frames with a tag. */
static void tag_frames(struct observations *f)
{
	separate_vlans(f);
	f->ports[1].pvid = 1;
	f->ports[1].vlans[0] = f->ports[0].tagged[0] = 1 << 1;
}

static void lose_there(struct observations *f)
{
	sample_populate(f);
	f->crossings[0].kinds[OBSERVED_IP4] = f->crossings[0].kinds[OBSERVED_EXPEDITED] =
		(struct observed_passage){ 3, 3, 0, 0 };
}

/* A host has a wrong neighbour entry; the bridge floods what it sends. */
static void misaddress(struct observations *f)
{
	sample_populate(f);
	f->crossings[0].addressed = 1U << OBSERVED_IP6;
	f->crossings[0].misaddressed = 1U << OBSERVED_IP4 | 1U << OBSERVED_PIECES |
				       1U << OBSERVED_EXPEDITED | 1U << OBSERVED_LARGE;
	memcpy(f->crossings[0].other_mac, "\x02\x00\x00\x00\x00\x99", LINK_MAC_LEN);
}

static void lose_large_there(struct observations *f)
{
	sample_populate(f);
	f->crossings[0].kinds[OBSERVED_LARGE] = (struct observed_passage){ 3, 3, 0, 0 };
}

static void only_gateway(struct observations *f)
{
	sample_populate(f);
	f->ports[0].n_stations = 1;
	f->n_crossings = 0;
}

static void mute_member(struct observations *f)
{
	sample_populate(f);
	f->ports[0].stations[1].echo.received = 0;
	f->n_crossings = 0;
}

/* It answers no IP of members, either; but ARP and neighbour discovery of a member here. */
static void mute_but_linked(struct observations *f)
{
	sample_populate(f);
	f->ports[0].stations[1].echo.received = 0;
	f->crossings[0].to.echo.received = 0;
	for (unsigned k = OBSERVED_IP4; k < OBSERVED_LARGE; k++)
		f->crossings[0].kinds[k] = (struct observed_passage){ 3, 3, 0, 0 };
	f->crossings[0].kinds[OBSERVED_LARGE] = f->crossings[0].kinds[OBSERVED_LARGE6] =
		(struct observed_passage){ 0 };
}

/* It answers no IP of the gateway, but the IPv4 of a member here: what that loses counts. */
static void mute_to_gateway(struct observations *f, enum observed_kind lost)
{
	sample_populate(f);
	f->ports[0].stations[1].echo.received = 0;
	f->crossings[0].to.echo.received = 0;
	f->crossings[0].kinds[lost] = (struct observed_passage){ 3, 3, 0, 0 };
}

static void mute_to_gateway_large(struct observations *f)
{
	mute_to_gateway(f, OBSERVED_LARGE);
}

static void mute_to_gateway_ip6(struct observations *f)
{
	mute_to_gateway(f, OBSERVED_IP6);
}

static void mute_member_here(struct observations *f)
{
	sample_populate(f);
	f->crossings[1].to.echo.received = 0;
	f->crossings[1].kinds[OBSERVED_IP4] = (struct observed_passage){ 3, 3, 0, 0 };
	f->crossings[1].kinds[OBSERVED_IP6] = (struct observed_passage){ 3, 3, 0, 0 };
}

static void no_ip4_here(struct observations *f)
{
	sample_populate(f);
	f->ports[1].stations[0].ip4.family = 0;
}

static void reflect(struct observations *f)
{
	sample_populate(f);
	f->ports[0].hairpin = true;
}

static void reflect_here(struct observations *f)
{
	sample_populate(f);
	f->ports[1].hairpin = true;
}

/* The address of the gateway is that of a far host, too, which then ignores its ARP. */
static void share_own_address(struct observations *f)
{
	sample_populate(f);
	f->ports[0].stations[1].ip4.family = 0;
	assert_int_equal(ip_addr_parse("10.0.2.11", &f->ports[0].twin), 0);
	memcpy(f->ports[0].twin_mac, "\x02\x00\x00\x00\x00\x77", LINK_MAC_LEN);
}

static void no_broadcasts_there(struct observations *f)
{
	sample_populate(f);
	f->ports[0].stations[1].ip4.family = 0;
}

/* The far member answers ARP and TCP, but no echo request: whether it has IPv6 is not known. */
static void icmp_dropped_there(struct observations *f)
{
	sample_populate(f);
	f->ports[0].stations[1].ip6.family = 0;
	f->ports[0].stations[1].tcp_port = 22;
}

static void no_ip6_there(struct observations *f)
{
	sample_populate(f);
	f->ports[0].stations[1].ip6.family = 0;
}

/* Neither site has members: its file names none. */
static void gateways_alone(struct observations *f)
{
	sample_populate(f);
	f->n_crossings = 0;
	f->n_ports = 1;
	f->ports[0].n_stations = 1;
	f->sessions[0].station = f->ports[0].stations[0].ip4;
	f->before.bridges[0].members_len = f->after.bridges[0].members_len = 1;
}

static void no_member_here(struct observations *f)
{
	sample_populate(f);
	f->ports[1].n_stations = 0;
	f->n_crossings = 0;
}

/* A switch there has blocked its port to the gateway: the far one sends the tree's frames. */
static void blocked_by_switch(struct observations *f)
{
	no_member_here(f);
	f->ports[0].tree = true;
}

static void beside_switch(struct observations *f)
{
	sample_populate(f);
	f->ports[1].tree = true;
}

static void copy_mac(struct observations *f)
{
	sample_populate(f);
	memcpy(f->ports[1].stations[0].mac, f->ports[0].stations[1].mac, LINK_MAC_LEN);
}

static void copy_ip(struct observations *f)
{
	sample_populate(f);
	f->ports[1].stations[0].ip4 = f->ports[0].stations[1].ip4;
}

static void make_loop(struct observations *f)
{
	sample_populate(f);
	f->ports[1].returned = 12;
	strcpy(f->ports[1].returned_from, "l2tpeth0");
}

/* Both gateways bridge the network between them. */
static void make_loop_shared(struct observations *f)
{
	make_loop(f);
	strcpy(f->underlays[0].name, "br-l2tp0");
}

static void jumbo(struct observations *f)
{
	sample_populate(f);
	f->ports[1].mtu = 9000;
	f->ports[1].large_answered = true;
}

static void jumbo_unused(struct observations *f)
{
	jumbo(f);
	f->ports[1].large_answered = false;
}

/* Frames of a bridge that filters VLANs are not counted. */
static void jumbo_with_vlans(struct observations *f)
{
	jumbo_unused(f);
	f->bridges[0].filters_vlans = true;
}

static void cannot_inject(struct observations *f)
{
	sample_populate(f);
	f->inject_error = -EPERM;
}

static void cannot_inject_filtered(struct observations *f)
{
	lose_ip4(f);
	f->inject_error = -EPERM;
}

static void late(struct observations *f)
{
	f->out_of_time = true;
}

#define IP4_LOST                                                                                   \
	"This host drops members' frames (IPv4) from eth1 to l2tpeth0 and back; these pass: ARP "  \
	"and IPv6."
#define ALL_LOST                                                                                   \
	"This host drops members' frames (ARP, IPv4 and IPv6) from eth1 to l2tpeth0 and back."

static const struct fault faults[] = {
	{ sample_populate, FINDING_OK, "members",
		"Frames of 10.0.2.12 (eth1) reach 10.0.2.22 (l2tpeth0) and the answers come back, "
		"through the filters of this host: ARP, IPv4, IPv6 and packets of 1500 bytes.",
		"" },
	{ read_last_first, FINDING_OK, "members",
		"Frames of 10.0.2.12 (eth1) reach 10.0.2.22 (l2tpeth0) and the answers come back, "
		"through the filters of this host: ARP, IPv4, IPv6 and packets of 1500 bytes.",
		"" },
	{ lose_ip4, FINDING_ERROR, "host_drop",
		IP4_LOST " Cause: the nftables chain \"ip filter FORWARD\", whose policy is drop.",
		"`nft insert rule ip filter FORWARD iifname br-l2tp0 oifname br-l2tp0 accept`" },
	{ lose_ip4_unseen, FINDING_ERROR, "host_drop", IP4_LOST, NULL },
	{ lose_ip4_two, FINDING_ERROR, "host_drop",
		IP4_LOST " Likely cause: the nftables chain \"ip filter FORWARD\", whose policy is "
			 "drop; or the nftables chain \"bridge b f\".",
		NULL },
	{ lose_all, FINDING_ERROR, "host_drop",
		ALL_LOST " Cause: the nftables chain \"bridge b f\".",
		"`nft insert rule bridge b f iifname { eth1, l2tpeth0 } accept`" },
	{ lose_answers, FINDING_ERROR, "host_drop",
		"This host drops members' frames (ARP, IPv4 and IPv6) from l2tpeth0 to eth1. "
		"Cause: an "
		"XDP program on l2tpeth0.",
		NULL },
	{ lose_nd, FINDING_ERROR, "host_drop",
		"This host drops members' frames (neighbour discovery) from eth1 to l2tpeth0; "
		"these pass: ARP, IPv4, IPv6 and packets of 1500 bytes. Cause: the port sends no "
		"multicasts.",
		"`bridge link set dev l2tpeth0 mcast_flood on`" },
	{ lose_resolution, FINDING_ERROR, "host_drop",
		"This host drops members' frames (ARP and neighbour discovery) from eth1 to "
		"l2tpeth0; these pass: IPv4, IPv6 and packets of 1500 bytes. Cause: the port sends "
		"no broadcasts and no multicasts.",
		"`bridge link set dev l2tpeth0 bcast_flood on mcast_flood on`" },
	{ lose_to_proxy, FINDING_ERROR, "host_drop",
		"This host drops members' frames (ARP and neighbour discovery) from eth1 to "
		"l2tpeth0; these pass: IPv4, IPv6 and packets of 1500 bytes. Cause: the port is "
		"set to proxy ARP: it sends no broadcasts and no multicasts.",
		"`ip link set l2tpeth0 type bridge_slave proxy_arp off`" },
	{ proxy_arp, FINDING_ERROR, "proxy_arp",
		"l2tpeth0 is set to proxy ARP: br-l2tp0 sends no broadcasts and no multicasts by "
		"it, and answers ARP in the place of hosts.",
		"`ip link set l2tpeth0 type bridge_slave proxy_arp off`" },
	{ mislead, FINDING_ERROR, "host_drop",
		"This host drops members' frames (ARP, IPv4 and IPv6) from eth1 to l2tpeth0. "
		"Cause: the forwarding table of br-l2tp0 has 02:00:00:00:00:16 on eth1.",
		"`bridge fdb del 02:00:00:00:00:16 dev eth1 master`" },
	{ mislead_locally, FINDING_ERROR, "host_drop",
		"This host drops members' frames (ARP, IPv4 and IPv6) from eth1 to l2tpeth0. "
		"Cause: the forwarding table of br-l2tp0 has 02:00:00:00:00:16 on l2tpeth0, "
		"entered as an address of this host (permanent).",
		"`bridge fdb del 02:00:00:00:00:16 dev l2tpeth0 master`" },
	{ mislead_to_bridge, FINDING_ERROR, "host_drop",
		"This host drops members' frames (ARP, IPv4 and IPv6) from eth1 to l2tpeth0. "
		"Cause: the forwarding table of br-l2tp0 has 02:00:00:00:00:16 on br-l2tp0, "
		"entered as an address of this host (permanent).",
		"`bridge fdb del 02:00:00:00:00:16 dev br-l2tp0 self`" },
	{ share_mac_here, FINDING_ERROR, "host_drop",
		"This host drops members' frames (ARP, IPv4 and IPv6) from eth1 to l2tpeth0. "
		"Cause: eth1 of this host has the same MAC address, 02:00:00:00:00:16.",
		"Give one of the two another MAC address." },
	{ mislead_by_learning, FINDING_ERROR, "host_drop",
		"This host drops members' frames (ARP, IPv4 and IPv6) from eth1 to l2tpeth0. "
		"Likely cause: the forwarding table of br-l2tp0 has 02:00:00:00:00:16 on eth1; or "
		"the nftables chain \"bridge b f\", whose policy is drop.",
		NULL },
	{ no_broadcasts, FINDING_ERROR, "member_broadcast",
		"10.0.2.22, beyond l2tpeth0, answers, but its broadcasts do not arrive here: hosts "
		"there find no host here that they do not know yet (ARP).",
		"`wirespan check` there names a filter that drops broadcasts, or a port that sends "
		"none. If it finds nothing, the firewall of 10.0.2.22 answers known addresses "
		"only: "
		"name another host with --target." },
	{ isolate, FINDING_ERROR, "host_drop", ALL_LOST " Cause: both ports are isolated.",
		"`bridge link set dev eth1 isolated off`" },
	{ lock, FINDING_ERROR, "host_drop",
		"This host drops members' frames (ARP, IPv4 and IPv6) from eth1 to l2tpeth0. "
		"Cause: "
		"the port is locked: it accepts only hosts that are entered.",
		NULL },
	{ lock_and_filter, FINDING_ERROR, "host_drop",
		IP4_LOST " Cause: the nftables chain \"ip filter FORWARD\", whose policy is drop.",
		NULL },
	{ lose_large, FINDING_ERROR, "host_drop",
		"This host drops members' frames (packets of 1500 bytes) from eth1 to l2tpeth0; "
		"these pass: ARP, IPv4 and IPv6. Cause: the MTU of the port.",
		"`ip link set l2tpeth0 mtu 1500`" },
	{ filter_large, FINDING_ERROR, "host_drop",
		"This host drops members' frames (packets of 1500 bytes) from eth1 to l2tpeth0; "
		"these pass: ARP, IPv4 and IPv6. Cause: the nftables chain \"bridge b f\".",
		"`nft insert rule bridge b f iifname { eth1, l2tpeth0 } accept`" },
	{ no_flooding, FINDING_ERROR, "host_drop",
		"This host drops members' frames (ARP, IPv4 and IPv6) from eth1 to l2tpeth0. "
		"Likely cause: the port sends no frames to addresses that are not learned; or the "
		"nftables chain \"bridge b f\".",
		"`bridge link set dev l2tpeth0 flood on learning on` If that does not help: `nft "
		"insert rule bridge b f iifname { eth1, l2tpeth0 } accept`" },
	{ separate_vlans, FINDING_ERROR, "host_drop",
		ALL_LOST
		" Cause: the bridge filters VLANs, and untagged frames belong to VLAN 10 on "
		"eth1 and to VLAN 1 on l2tpeth0 (0: to none).",
		"`bridge vlan add dev eth1 vid 1 pvid untagged`, if members are not to be in VLANs "
		"of their own; `bridge vlan show` shows all." },
	{ tag_frames, FINDING_ERROR, "host_drop",
		ALL_LOST
		" Cause: the bridge filters VLANs, and frames of VLAN 1, such as those without a "
		"tag on eth1, leave by l2tpeth0 with one.",
		"`bridge vlan add dev l2tpeth0 vid 1 pvid untagged`, if members are not to be in "
		"VLANs of their own; `bridge vlan show` shows all." },
	{ lose_there, FINDING_ERROR, "member_silent",
		"10.0.2.22 answers this gateway, but not 10.0.2.12 (IPv4): the frames leave by "
		"l2tpeth0, and nothing comes back.",
		NULL },
	{ misaddress, FINDING_ERROR, "misaddressed",
		"10.0.2.22, beyond l2tpeth0, sends what is for 10.0.2.12 to the MAC address "
		"02:00:00:00:00:99 (IPv4); 10.0.2.12, on eth1, has another.",
		"See `ip neigh show 10.0.2.12` on 10.0.2.22: an entry that is PERMANENT is out of "
		"date (`ip neigh del` removes it). If there is none, another host answers for "
		"10.0.2.12 (the same address twice, or proxy ARP): find it by that MAC address." },
	{ lose_large_there, FINDING_ERROR, "member_size",
		"Packets of 1500 bytes from 10.0.2.12 get no answer from 10.0.2.22, beyond "
		"l2tpeth0; "
		"small ones do.",
		NULL },
	{ only_gateway, FINDING_ERROR, "no_member",
		"Behind l2tpeth0 only the gateway of the far side answers (10.0.2.21), and no "
		"host: "
		"that members reach each other is not proved.",
		NULL },
	{ gateways_alone, FINDING_NOTE, "no_member",
		"Behind l2tpeth0 only the gateway of the far side answers (10.0.2.21), and no "
		"host. This site has no members itself: if that one has, `wirespan check` there "
		"proves whether they reach this gateway.",
		"" },
	{ mute_member, FINDING_ERROR, "member_silent",
		"10.0.2.22 on the far side answers ARP, but no echo request and no TCP, while the "
		"gateway there, 10.0.2.21, answers echoes: that IP passes between members is not "
		"proved.",
		NULL },
	{ mute_but_linked, FINDING_ERROR, "member_silent",
		"10.0.2.22 on the far side answers ARP, but no echo request and no TCP, while the "
		"gateway there, 10.0.2.21, answers echoes: that IP passes between members is not "
		"proved. Ethernet frames pass both ways between it and 10.0.2.12 (ARP and "
		"neighbour discovery).",
		NULL },
	{ mute_to_gateway_large, FINDING_ERROR, "member_size",
		"Packets of 1500 bytes from 10.0.2.12 get no answer from 10.0.2.22, beyond "
		"l2tpeth0; small ones do.",
		NULL },
	{ mute_to_gateway_ip6, FINDING_ERROR, "member_silent",
		"10.0.2.22 answers other packets, but not 10.0.2.12 (IPv6): the frames leave by "
		"l2tpeth0, and nothing comes back.",
		NULL },
	{ mute_member_here, FINDING_ERROR, "member_silent",
		"10.0.2.12, on eth1, answers ARP, but no echo request and no TCP of 10.0.2.22 or "
		"of this gateway: that IP passes between members is not proved.",
		"Its firewall drops them, it seems. Attach a member that answers, or let that one "
		"answer an echo request for the check." },
	{ no_ip4_here, FINDING_ERROR, "member_silent",
		"Members on the ports of br-l2tp0 answer with IPv6, but none with IPv4 (ARP), "
		"which members behind l2tpeth0 and this gateway use: that it passes between "
		"members is not proved.",
		"Has a member here an IPv4 address, of the subnet of br-l2tp0? If no member here "
		"uses it, name one behind l2tpeth0 with --target." },
	{ reflect, FINDING_ERROR, "hairpin",
		"l2tpeth0 is in hairpin mode: frames go back to where they came from, and switches "
		"of the other site look for their hosts here.",
		"`bridge link set dev l2tpeth0 hairpin off`" },
	{ reflect_here, FINDING_WARNING, "hairpin",
		"eth1 is in hairpin mode: frames go back to where they came from.",
		"`bridge link set dev eth1 hairpin off`, unless a switch behind it (VEPA) needs "
		"that" },
	{ share_own_address, FINDING_WARNING, "duplicate_ip",
		"10.0.2.11, the address of br-l2tp0 here, is in use by a host on l2tpeth0, too "
		"(02:00:00:00:00:77): members reach one of the two by chance, and each of the two "
		"ignores what the other asks.",
		"Give one of them another address." },
	{ no_broadcasts_there, FINDING_ERROR, "member_silent",
		"Behind l2tpeth0 hosts answer with IPv6, but none with IPv4 (ARP), which members "
		"here and the gateway there use: that it passes between members is not proved.",
		NULL },
	{ icmp_dropped_there, FINDING_WARNING, "member_silent",
		"Behind l2tpeth0 hosts answer ARP and TCP, but no echo request of IPv4 or IPv6. "
		"Members here and the gateway there use IPv6: whether it passes between members is "
		"not known.",
		NULL },
	{ no_ip6_there, FINDING_ERROR, "member_silent",
		"Behind l2tpeth0 hosts answer with IPv4, but none with IPv6, which members here "
		"and the gateway there use: that it passes between members is not proved.",
		NULL },
	{ no_member_here, FINDING_ERROR, "no_member",
		"No host answers on eth1, the port of br-l2tp0 to members: that members here reach "
		"the other side is not proved.",
		NULL },
	{ blocked_by_switch, FINDING_ERROR, "no_member",
		"No host answers on eth1, the port of br-l2tp0 to members: that members here reach "
		"the other side is not proved.",
		"Is a member attached and on, with an address of this subnet or IPv6? Is the cable "
		"in, and the switch's port in the right VLAN, and not blocked? Does a filter here "
		"drop what leaves or enters eth1 (`nft list ruleset`, `tc qdisc show dev eth1`)? "
		"This segment runs the spanning tree protocol: if another path leads to the other "
		"side, a switch may block its port to a gateway, and members use that path." },
	{ beside_switch, FINDING_NOTE, "stp",
		"A switch or bridge behind eth1 runs the spanning tree protocol, which crosses the "
		"pseudowires: where two paths lead to a site, a switch blocks one of them, which "
		"may be the one through br-l2tp0.",
		"" },
	{ copy_mac, FINDING_ERROR, "duplicate_mac",
		"The MAC address 02:00:00:00:00:16 (10.0.2.22) is in use on l2tpeth0 and on eth1: "
		"frames for it go to one, then to the other.",
		NULL },
	{ copy_ip, FINDING_ERROR, "duplicate_ip",
		"10.0.2.22 is in use by two hosts, one on l2tpeth0 and one on eth1.", NULL },
	{ make_loop, FINDING_ERROR, "loop",
		"There is a loop: 12 probes of ours that were sent on l2tpeth0 came back on eth1. "
		"Broadcasts circulate.",
		NULL },
	{ make_loop_shared, FINDING_ERROR, "loop",
		"There is a loop: 12 probes of ours that were sent on l2tpeth0 came back on eth1. "
		"Broadcasts circulate.",
		"eth1 is also the underlay, and the far gateway bridges that network, too: members "
		"reach each other without the tunnel. Take the card out of the bridge (Member in "
		"[Bridge]) on one site; or write STP = yes in [Bridge] on every site." },
	{ jumbo, FINDING_ERROR, "lan_mtu",
		"eth1 has MTU 9000, and a host there uses it, the sessions of br-l2tp0 1500: the "
		"bridge drops larger packets toward the far side (`wirespan status` counts them: "
		"bridge_oversize).",
		NULL },
	{ jumbo_unused, FINDING_NOTE, "lan_mtu",
		"eth1 has MTU 9000, the sessions of br-l2tp0 1500: the bridge drops larger packets "
		"toward the far side (`wirespan status` counts them: bridge_oversize).",
		"" },
	{ jumbo_with_vlans, FINDING_NOTE, "lan_mtu",
		"eth1 has MTU 9000, the sessions of br-l2tp0 1500: the bridge drops larger packets "
		"toward the far side, and no counter shows it.",
		"" },
	{ cannot_inject, FINDING_WARNING, "members",
		"Frames could not be sent as members send them (Operation not permitted): filters "
		"between the ports of this host's bridge were not tried.",
		NULL },
	{ cannot_inject_filtered, FINDING_ERROR, "host_drop",
		"Frames from eth1 to l2tpeth0 pass a filter that drops by default; whether it lets "
		"members' frames pass could not be tried (Operation not permitted). Cause: the "
		"nftables chain \"ip filter FORWARD\", whose policy is drop.",
		NULL },
	{ late, FINDING_ERROR, "time", "The time was over before all was tried.", NULL },
};

static void test_faults(void **state)
{
	sample_check_faults(faults, ARRAY_LEN(faults));
}

static void test_once(void **state)
{
	sample_check_once(faults, ARRAY_LEN(faults));
}

/* A user who names the gateway itself wants no proof of another host. */
static void test_target(void **state)
{
	struct findings findings = { 0 };
	struct observations f;

	sample_fill(&f);
	only_gateway(&f);
	f.target = f.sessions[0].station = f.ports[0].stations[0].ip4;
	judge_observations(&f, &findings);
	assert_int_equal(findings_count(&findings, FINDING_ERROR), 0);
	findings_fini(&findings);
	observations_fini(&f);
}

/* Behind a blocked port the same hosts are seen by their other path: they are no copies. */
static void test_blocked_port(void **state)
{
	struct findings findings = { 0 };
	struct observations f;

	sample_fill(&f);
	copy_mac(&f);
	f.ports[1].state = CHECK_PORT_BLOCKING;
	judge_observations(&f, &findings);
	for (size_t i = 0; i < findings.n; i++)
		assert_string_not_equal(findings.v[i].check, "duplicate_mac");
	findings_fini(&findings);
	observations_fini(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_once),
		cmocka_unit_test(test_target),
		cmocka_unit_test(test_blocked_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
