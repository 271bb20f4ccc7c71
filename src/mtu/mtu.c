/* SPDX-License-Identifier: MIT */
/* The header ladder: from the underlay's MTU to the largest packet of a member, byte by byte. */
#include "mtu/mtu.h"

#include "base/bytes.h"
#include "wg/overhead.h"

#include <errno.h>
#include <stdbool.h>

static const char *const names[] = {
	[MTU_OUTER_IP] = "outer IP header",
	[MTU_OUTER_UDP] = "outer UDP header",
	[MTU_WG_HEADER] = "WireGuard header",
	[MTU_INNER_IP] = "inner IP header",
	[MTU_INNER_UDP] = "inner UDP header",
	[MTU_L2TP_FLAGS] = "L2TPv3 flags and version",
	[MTU_L2TP_SESSION] = "L2TPv3 session id",
	[MTU_L2TP_COOKIE] = "L2TPv3 cookie",
	[MTU_L2TP_SUBLAYER] = "L2TPv3 sublayer",
	[MTU_ETHERNET] = "Ethernet header",
	[MTU_VLAN] = "VLAN tags",
	[MTU_MEMBER_PACKET] = "member's IP packet",
	[MTU_WG_TAG] = "WireGuard tag",
};

_Static_assert(ARRAY_LEN(names) == MTU_LAYERS, "every layer has a name");

const char *mtu_layer_name(enum mtu_layer layer)
{
	return names[layer];
}

static unsigned ip_header_len(uint16_t family)
{
	return family == AF_INET6 ? 40 : 20;
}

static unsigned sub_or_zero(unsigned from, unsigned n)
{
	return from > n ? from - n : 0;
}

static bool is_family(uint16_t family)
{
	return family == AF_INET || family == AF_INET6;
}

static bool options_are_sound(const struct mtu_options *o)
{
	return is_family(o->outer_family) && is_family(o->inner_family) && o->vlan_tags <= 2 &&
	       (o->cookie_len == 0 || o->cookie_len == 4 || o->cookie_len == 8);
}

/* The fixed layers; the member's packet is what remains. */
static void fill_layers(const struct mtu_options *o, unsigned bytes[static MTU_LAYERS])
{
	bool udp = o->encap == L2TP_ENCAP_UDP;

	bytes[MTU_OUTER_IP] = ip_header_len(o->outer_family);
	bytes[MTU_OUTER_UDP] = 8;
	bytes[MTU_WG_HEADER] = 16;
	bytes[MTU_INNER_IP] = ip_header_len(o->inner_family);
	bytes[MTU_INNER_UDP] = udp ? 8 : 0;
	bytes[MTU_L2TP_FLAGS] = udp ? 4 : 0;
	bytes[MTU_L2TP_SESSION] = 4;
	bytes[MTU_L2TP_COOKIE] = o->cookie_len;
	bytes[MTU_L2TP_SUBLAYER] = o->sublayer == L2TP_SUBLAYER_DEFAULT ? 4 : 0;
	bytes[MTU_ETHERNET] = 14;
	bytes[MTU_VLAN] = 4 * o->vlan_tags;
	bytes[MTU_MEMBER_PACKET] = 0;
	bytes[MTU_WG_TAG] = WG_DATA_OVERHEAD - 16;
}

int mtu_ladder_compute(const struct mtu_options *o, struct mtu_ladder *ret)
{
	struct mtu_ladder l = { .options = *o };
	unsigned inner = 0, at = 0;

	if (!options_are_sound(o))
		return -EINVAL;
	fill_layers(o, l.bytes);
	for (unsigned i = MTU_INNER_IP; i < MTU_MEMBER_PACKET; i++)
		inner += l.bytes[i];
	l.wg_mtu = o->wg_mtu ? o->wg_mtu : wg_mtu_of(o->underlay, o->outer_family);
	l.session = sub_or_zero(l.wg_mtu, inner);
	if (!l.session)
		return -EMSGSIZE;
	l.bytes[MTU_MEMBER_PACKET] = l.session;
	for (unsigned i = 0; i < MTU_LAYERS; i++) {
		l.offset[i] = at;
		at += l.bytes[i];
	}
	l.outer_len = at;
	l.frame = l.session + l.bytes[MTU_ETHERNET] + l.bytes[MTU_VLAN];
	l.mss4 = sub_or_zero(l.session, 20 + 20);
	l.mss6 = sub_or_zero(l.session, 40 + 20);
	l.ping4 = sub_or_zero(l.session, 20 + 8);
	l.ping6 = sub_or_zero(l.session, 40 + 8);
	*ret = l;
	return 0;
}
