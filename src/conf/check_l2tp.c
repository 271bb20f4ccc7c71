/* SPDX-License-Identifier: MIT */
/* Checks of tunnels and sessions: ids, addresses, ports, MTUs. */
#include "conf/check_l2tp.h"

#include "base/bytes.h"
#include "conf/check_endpoint.h"

#define SESSION_MTU_MIN	     68	  /* RFC 791: what every IPv4 link must carry */
#define SESSION_MTU_MAX	     9000 /* jumbo frames */
#define SESSION_MTU_MIN_IPV6 1280 /* RFC 8200 §5 */

static void check_required(const struct conf_tunnel *tunnel, struct conf_report *report)
{
	static const struct {
		enum conf_tunnel_key key;
		const char *name;
		const char *hint;
	} required[] = {
		{ CONF_TUNNEL_ID, "TunnelId", "add a number; it is the peer's PeerTunnelId" },
		{ CONF_TUNNEL_PEER_ID, "PeerTunnelId", "add the peer's TunnelId" },
		{ CONF_TUNNEL_REMOTE, "Remote",
			"add the peer's address inside the WireGuard tunnel" },
	};

	for (size_t i = 0; i < ARRAY_LEN(required); i++)
		if (!tunnel->at[required[i].key].line)
			conf_report_add(report, CONF_ERROR, tunnel->section, "[L2TP] has no %s\n%s",
				required[i].name, required[i].hint);
	if (!tunnel->n_sessions)
		conf_report_add(report, CONF_WARNING, tunnel->section,
			"[L2TP] has no session: the tunnel carries no traffic\n"
			"add a [L2TPSession] below it");
}

/* Whether it is the address of a single host, reachable from other hosts. */
static bool is_unicast(const struct ip_addr *a)
{
	if (a->family == AF_INET)
		return a->bytes[0] != 0 && a->bytes[0] != 127 && a->bytes[0] < 224;
	for (size_t i = 0; i < 15; i++)
		if (a->bytes[i])
			return a->bytes[0] != 0xff;
	return false; /* :: and ::1 */
}

static bool is_ours(const struct conf_site *site, const struct ip_addr *addr)
{
	for (size_t i = 0; i < site->interface.addresses.n; i++)
		if (ip_addr_equal(&site->interface.addresses.v[i].prefix.addr, addr))
			return true;
	return false;
}

/* The bridge whose subnet contains `addr`, or NULL. */
static const struct conf_bridge *bridge_around(
	const struct conf_site *site, const struct ip_addr *addr)
{
	for (size_t i = 0; i < site->n_bridges; i++)
		for (size_t k = 0; k < site->bridges[i].addresses.n; k++)
			if (ip_prefix_contains(&site->bridges[i].addresses.v[k].prefix, addr))
				return &site->bridges[i];
	return NULL;
}

/* Report a Remote that no peer's AllowedIPs contain. To add it there is right only for an address
 * inside the tunnel: another one would make a loop. */
static void check_unreachable(const struct conf_site *site, const struct conf_tunnel *tunnel,
	const char *text, struct conf_report *report)
{
	const struct conf_bridge *bridge = bridge_around(site, &tunnel->remote);
	const struct conf_peer *peer = conf_endpoint_peer(site, text);
	struct conf_at at = tunnel->at[CONF_TUNNEL_REMOTE];

	if (peer)
		conf_report_add(report, CONF_ERROR, at,
			"Remote: %s is the Endpoint of a [Peer], its address outside of the "
			"tunnel\nwrite the peer's address inside the tunnel%s",
			text, peer->allowed_ips.n ? ", one of its AllowedIPs" : "");
	else if (bridge)
		conf_report_add(report, CONF_ERROR, at,
			"Remote: %s is in the subnet of the bridge %s, which the tunnel is to "
			"carry\nwrite the peer's address inside the WireGuard tunnel",
			text, bridge->name);
	else
		conf_report_add(report, CONF_ERROR, at,
			"Remote: no peer's AllowedIPs contain %s, so the tunnel has no peer\n"
			"add %s/%u to the AllowedIPs of its [Peer]",
			text, text, ip_addr_bits(&tunnel->remote));
}

/* Whether it is the broadcast address of a subnet of ours. */
static bool is_broadcast(const struct conf_site *site, const struct ip_addr *addr)
{
	const struct conf_prefixes *ours = &site->interface.addresses;

	for (size_t i = 0; i < ours->n; i++)
		if (conf_prefix_is_broadcast(&ours->v[i].prefix, addr))
			return true;
	return false;
}

static void check_remote(
	const struct conf_site *site, const struct conf_tunnel *tunnel, struct conf_report *report)
{
	struct conf_at at = tunnel->at[CONF_TUNNEL_REMOTE];
	char text[IP_ADDR_TEXT_LEN];

	ip_addr_text(&tunnel->remote, text);
	if (!is_unicast(&tunnel->remote))
		conf_report_add(report, CONF_ERROR, at,
			"Remote: %s is not a host address\n"
			"write the peer's address inside the WireGuard tunnel",
			text);
	else if (is_ours(site, &tunnel->remote))
		conf_report_add(report, CONF_ERROR, at,
			"Remote: %s is this site's own address\n"
			"write the peer's address inside the WireGuard tunnel",
			text);
	else if (is_broadcast(site, &tunnel->remote))
		conf_report_add(report, CONF_WARNING, at,
			"Remote: %s is the broadcast address of the tunnel's subnet\n"
			"write the peer's address inside the WireGuard tunnel",
			text);
	else if (!conf_peer_for(site, &tunnel->remote))
		check_unreachable(site, tunnel, text, report);
}

static void check_local(
	const struct conf_site *site, const struct conf_tunnel *tunnel, struct conf_report *report)
{
	struct conf_at at = tunnel->at[CONF_TUNNEL_LOCAL];
	char local[IP_ADDR_TEXT_LEN];
	char remote[IP_ADDR_TEXT_LEN];

	ip_addr_text(&tunnel->local, local);
	ip_addr_text(&tunnel->remote, remote);
	if (tunnel->local_auto) {
		/* if addresses could not be parsed, that is already reported */
		if (!tunnel->local.family &&
			(site->interface.addresses.n ||
				!site->interface.at[CONF_INTERFACE_ADDRESS].line))
			conf_report_add(report, CONF_ERROR, at.line ? at : tunnel->section,
				"%s no Address of [Interface] is in the same subnet as Remote %s\n"
				"%s Local = with one of this site's addresses",
				at.line ? "Local: auto finds none, because"
					: "[L2TP] has no Local, and",
				remote, at.line ? "write" : "add");
		return;
	}
	if (!tunnel->local.family)
		return; /* not parsed: already reported */
	if (tunnel->local.family != tunnel->remote.family)
		conf_report_add(report, CONF_ERROR, at,
			"Local %s and Remote %s are of different address families\n"
			"write two IPv4 addresses or two IPv6 addresses",
			local, remote);
	else if (!is_ours(site, &tunnel->local))
		conf_report_add(report, CONF_ERROR, at,
			"Local: %s is not an Address of [Interface]\n"
			"write one of those addresses, or remove the line",
			local);
}

static void check_udp(
	const struct conf_site *site, const struct conf_tunnel *tunnel, struct conf_report *report)
{
	const struct {
		enum conf_tunnel_key key;
		const char *name;
		bool differs; /* from the default, which may be written out anywhere */
	} udp_keys[] = {
		{ CONF_TUNNEL_UDP_SOURCE_PORT, "UDPSourcePort",
			tunnel->udp_source_port != CONF_L2TP_PORT },
		{ CONF_TUNNEL_UDP_DESTINATION_PORT, "UDPDestinationPort",
			tunnel->udp_destination_port != CONF_L2TP_PORT },
		{ CONF_TUNNEL_UDP_CHECKSUM, "UDPChecksum", tunnel->udp_checksum },
	};
	struct conf_at at = tunnel->at[CONF_TUNNEL_UDP_SOURCE_PORT];

	if (tunnel->encap == L2TP_ENCAP_IP) {
		for (size_t i = 0; i < ARRAY_LEN(udp_keys); i++)
			if (udp_keys[i].differs)
				conf_report_add(report, CONF_WARNING, tunnel->at[udp_keys[i].key],
					"%s has no effect with EncapsulationType = ip\n"
					"remove one of the two lines",
					udp_keys[i].name);
		return;
	}
	if (site->interface.listen_port && tunnel->udp_source_port == site->interface.listen_port)
		conf_report_add(report, CONF_ERROR, at.line ? at : tunnel->section,
			"UDPSourcePort %u is already WireGuard's ListenPort\n"
			"choose another port for one of the two; 1701 is the L2TP port",
			tunnel->udp_source_port);
}

/* Report two tunnels whose packets could not be distinguished. */
static void check_pair(const struct conf_site *site, const struct conf_tunnel *first,
	const struct conf_tunnel *second, struct conf_report *report)
{
	bool same_ends = ip_addr_equal(&first->local, &second->local) &&
			 ip_addr_equal(&first->remote, &second->remote);
	struct conf_at at = second->at[CONF_TUNNEL_ID];
	char place[CONF_PLACE_LEN];

	if (first->tunnel_id && first->tunnel_id == second->tunnel_id)
		conf_report_add(report, CONF_ERROR, at,
			"TunnelId %u is already used by the tunnel in %s\n"
			"give each tunnel its own id",
			second->tunnel_id, conf_place(site, first->at[CONF_TUNNEL_ID], at, place));
	if (!same_ends || !second->remote.family)
		return;
	at = second->at[CONF_TUNNEL_PEER_ID];
	if (first->peer_tunnel_id && first->peer_tunnel_id == second->peer_tunnel_id)
		conf_report_add(report, CONF_ERROR, at,
			"PeerTunnelId %u of this peer is already used by the tunnel in %s\n"
			"give each tunnel its own id",
			second->peer_tunnel_id,
			conf_place(site, first->at[CONF_TUNNEL_PEER_ID], at, place));
	if (first->encap == L2TP_ENCAP_UDP && second->encap == L2TP_ENCAP_UDP &&
		first->udp_source_port == second->udp_source_port &&
		first->udp_destination_port == second->udp_destination_port)
		conf_report_add(report, CONF_ERROR, second->section,
			"[L2TP] has the same addresses and UDP ports as the tunnel in %s\n"
			"move its sessions there, or give it another UDPSourcePort",
			conf_place(site, first->section, second->section, place));
}

static void check_session_mtu(const struct conf_site *site, const struct conf_session *session,
	struct conf_report *report)
{
	const struct conf_bridge *bridge = conf_bridge_find(site, session->bridge);
	struct conf_at at = session->at[CONF_SESSION_MTU];
	unsigned mss = l2tp_options_mss(&session->options);
	bool ipv6 = false;

	for (size_t i = 0; bridge && i < bridge->addresses.n; i++)
		ipv6 |= bridge->addresses.v[i].prefix.addr.family == AF_INET6;
	if (!session->mtu)
		return;
	if (session->mtu < SESSION_MTU_MIN)
		conf_report_add(report, CONF_ERROR, at,
			"MTU %u is too small: IPv4 needs 68 bytes\nwrite MTU = auto", session->mtu);
	else if (session->mtu < SESSION_MTU_MIN_IPV6 && ipv6)
		conf_report_add(report, CONF_ERROR, at,
			"MTU %u is too small: the bridge has an IPv6 address, and IPv6 needs 1280 "
			"bytes\nwrite MTU = auto, or at least 1280",
			session->mtu);
	else if (session->mtu > SESSION_MTU_MAX)
		conf_report_add(report, CONF_ERROR, at,
			"MTU %u is larger than a member's largest frame\n"
			"write MTU = auto, or at most 9000",
			session->mtu);
	if (mss && mss + 40 > session->mtu)
		conf_report_add(report, CONF_WARNING,
			session->at[CONF_SESSION_OPTION + L2TP_OPTION(clamp_mss)],
			"ClampMSS %u has no effect at MTU %u\nwrite ClampMSS = yes", mss,
			session->mtu);
}

static void check_session(const struct conf_site *site, const struct conf_session *session,
	struct conf_report *report)
{
	if (!session->at[CONF_SESSION_ID].line)
		conf_report_add(report, CONF_ERROR, session->section,
			"[L2TPSession] has no SessionId\n"
			"add a number; it is the peer's PeerSessionId");
	if (!session->at[CONF_SESSION_PEER_ID].line)
		conf_report_add(report, CONF_ERROR, session->section,
			"[L2TPSession] has no PeerSessionId\nadd the peer's SessionId");
	if (session->options.sequence != L2TP_SEQUENCE_NONE &&
		session->options.sublayer == L2TP_SUBLAYER_NONE)
		conf_report_add(report, CONF_ERROR,
			session->at[CONF_SESSION_OPTION + L2TP_OPTION(sequence)],
			"Sequence: Layer2SpecificHeader = none has no field for the number\n"
			"write Layer2SpecificHeader = default on both sites, or Sequence = none");
	check_session_mtu(site, session, report);
}

/* Report two sessions, of one tunnel or of two, that could not be distinguished. An id must be
 * unique only within its tunnel, but with EncapsulationType = ip packets carry no tunnel id. */
static void check_session_pair(const struct conf_site *site, const struct conf_tunnel *t1,
	const struct conf_session *first, const struct conf_tunnel *t2,
	const struct conf_session *second, struct conf_report *report)
{
	struct conf_at at = second->at[CONF_SESSION_ID];
	bool shared = t1 == t2 || t1->encap == L2TP_ENCAP_IP || t2->encap == L2TP_ENCAP_IP;
	char place[CONF_PLACE_LEN];

	if (shared && first->session_id && first->session_id == second->session_id)
		conf_report_add(report, CONF_ERROR, at,
			"SessionId %u is already used by the session in %s\n"
			"give each session its own id",
			second->session_id,
			conf_place(site, first->at[CONF_SESSION_ID], at, place));
	at = second->at[CONF_SESSION_PEER_ID];
	if (t1 == t2 && first->peer_session_id && first->peer_session_id == second->peer_session_id)
		conf_report_add(report, CONF_ERROR, at,
			"PeerSessionId %u is already used by the session in %s\n"
			"give each session its own id",
			second->peer_session_id,
			conf_place(site, first->at[CONF_SESSION_PEER_ID], at, place));
}

/* Compare one session with all that precede it in the file. */
static void check_session_against(
	const struct conf_site *site, size_t tunnel, size_t session, struct conf_report *report)
{
	const struct conf_tunnel *t2 = &site->tunnels[tunnel];

	for (size_t i = 0; i <= tunnel; i++) {
		const struct conf_tunnel *t1 = &site->tunnels[i];
		size_t end = i == tunnel ? session : t1->n_sessions;

		for (size_t k = 0; k < end; k++)
			check_session_pair(
				site, t1, &t1->sessions[k], t2, &t2->sessions[session], report);
	}
}

void conf_check_tunnels(const struct conf_site *site, struct conf_report *report)
{
	for (size_t i = 0; i < site->n_tunnels; i++) {
		const struct conf_tunnel *tunnel = &site->tunnels[i];

		check_required(tunnel, report);
		if (tunnel->remote.family) {
			check_remote(site, tunnel, report);
			check_local(site, tunnel, report);
		}
		check_udp(site, tunnel, report);
		for (size_t k = 0; k < i; k++)
			check_pair(site, &site->tunnels[k], tunnel, report);
		for (size_t k = 0; k < tunnel->n_sessions; k++) {
			check_session(site, &tunnel->sessions[k], report);
			check_session_against(site, i, k, report);
		}
	}
}
