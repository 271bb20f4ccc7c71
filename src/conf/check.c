/* SPDX-License-Identifier: MIT */
/* Configuration errors that involve more than one value. */
#include "conf/check.h"

#include "base/secret.h"
#include "conf/check_endpoint.h"
#include "conf/check_l2tp.h"
#include "conf/check_link.h"
#include "conf/check_peer.h"

#define WG_MTU_MIN	576
#define WG_MTU_MIN_IPV6 1280  /* RFC 8200 §5 */
#define WG_MTU_MAX	65455 /* the largest IP packet less IPv6, UDP and WireGuard headers */
#define WG_MTU_COMMON	1440  /* Ethernet's 1500 bytes over IPv4 */

static void check_private_key(const struct conf_site *site, struct conf_report *report)
{
	const struct conf_interface *wg = &site->interface;
	struct conf_at key = wg->at[CONF_INTERFACE_PRIVATE_KEY];
	struct conf_at file = wg->at[CONF_INTERFACE_PRIVATE_KEY_FILE];

	if (key.line && file.line)
		conf_report_add(report, CONF_ERROR, file,
			"PrivateKeyFile: PrivateKey is already set in line %u\nkeep one of the two",
			key.line);
	else if (!key.line && !file.line)
		conf_report_add(report, CONF_ERROR, wg->section,
			"[Interface] has no PrivateKey\ncreate one with wirespan genkey, and add "
			"PrivateKey = or PrivateKeyFile =");
	if (wg->has_private_key && secret_is_zero(wg->private_key, KEY_LEN))
		conf_report_add(report, CONF_ERROR, key.line ? key : file,
			"PrivateKey is all zero, which is not a valid key\n"
			"create one with wirespan genkey");
}

static bool has_ipv6(const struct conf_site *site)
{
	for (size_t i = 0; i < site->interface.addresses.n; i++)
		if (site->interface.addresses.v[i].prefix.addr.family == AF_INET6)
			return true;
	return false;
}

static void check_mtu(const struct conf_site *site, struct conf_report *report)
{
	struct conf_at at = site->interface.at[CONF_INTERFACE_MTU];
	uint32_t mtu = site->interface.mtu;

	if (!mtu)
		return;
	if (mtu < WG_MTU_MIN)
		conf_report_add(report, CONF_ERROR, at,
			"MTU %u is too small: every IPv4 link must carry 576 bytes\n"
			"write MTU = auto, or at least 576",
			mtu);
	else if (mtu < WG_MTU_MIN_IPV6 && has_ipv6(site))
		conf_report_add(report, CONF_ERROR, at,
			"MTU %u is too small: this interface has an IPv6 address, and IPv6 needs "
			"1280 bytes\nwrite MTU = auto, or at least 1280",
			mtu);
	else if (mtu > WG_MTU_MAX)
		conf_report_add(report, CONF_ERROR, at,
			"MTU %u is larger than any datagram can carry\n"
			"write MTU = auto, or at most 65455",
			mtu);
	else if (mtu > WG_MTU_COMMON)
		conf_report_add(report, CONF_WARNING, at,
			"MTU %u needs an underlay MTU of %u; Ethernet's 1500 allow 1440\n"
			"write MTU = auto, unless the whole path between the sites has jumbo "
			"frames",
			mtu, mtu + 60);
}

static void check_listen_port(const struct conf_site *site, struct conf_report *report)
{
	const struct conf_interface *wg = &site->interface;

	if (wg->listen_port || !site->n_peers)
		return;
	for (size_t i = 0; i < site->n_peers; i++)
		if (site->peers[i].endpoint_host)
			return;
	conf_report_add(report, CONF_WARNING, wg->section,
		"neither ListenPort nor any Endpoint is set: neither site can reach the other\n"
		"add ListenPort = here, or Endpoint = to a [Peer]");
}

static void check_dns(const struct conf_site *site, struct conf_report *report)
{
	const struct conf_texts *dns = &site->interface.dns;
	struct ip_addr addr;

	for (size_t i = 0; i < dns->n; i++)
		if (!ip_addr_parse(dns->v[i].text, &addr))
			return;
	if (dns->n)
		conf_report_add(report, CONF_WARNING, dns->v[0].at,
			"DNS has search domains, but no name server\nadd the server's address");
}

static void check_user(const struct conf_site *site, struct conf_report *report)
{
	if (!site->user || (site->isolation && site->backend != CONF_BACKEND_KERNEL))
		return;
	conf_report_add(report, CONF_WARNING, site->at[CONF_SITE_USER],
		"User has no effect with %s\nremove one of the two lines",
		site->isolation ? "Backend = kernel" : "Isolation = no");
}

void conf_check(const struct conf_site *site, const uint8_t *public_key, struct conf_report *report)
{
	bool unread = site->wireguard && site->n_files < 2; /* already reported */

	if (unread)
		return;
	check_user(site, report);
	if (site->interface.section.line) {
		check_private_key(site, report);
		check_mtu(site, report);
		check_listen_port(site, report);
		check_dns(site, report);
	} else {
		conf_report_add(report, CONF_ERROR,
			(struct conf_at){ .file = site->wireguard != NULL },
			"there is no [Interface]\nadd one with PrivateKey, ListenPort and Address, "
			"or [Site] with WireGuard = FILE");
	}
	conf_check_peers(site, public_key, report);
	conf_check_endpoints(site, report);
	conf_check_tunnels(site, report);
	conf_check_links(site, report);
}
