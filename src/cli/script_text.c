/* SPDX-License-Identifier: MIT */
/* Writes the shell script that sets up a site's configuration with wg(8) and ip(8). */
#include "cli/script_text.h"

#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

/* The fwmark and table for a default route through the tunnel, as in wg-quick(8). */
#define DEFAULT_ROUTE_TABLE 51820

/* Quote a text as one word for the shell. */
static void put_quoted(const char *text, FILE *out)
{
	fputc('\'', out);
	for (; *text; text++) {
		if (*text == '\'')
			fputs("'\\''", out);
		else
			fputc(*text, out);
	}
	fputc('\'', out);
}

/* Write a text in a comment: '?' replaces every byte that could end the comment. */
static void put_plain(const char *text, FILE *out)
{
	for (; *text; text++)
		fputc(*text >= ' ' && *text <= '~' ? *text : '?', out);
}

/* Begin a step of a function: a blank line and a comment. */
static void put_step(const char *comment, FILE *out)
{
	fprintf(out, "\n\t# %s\n", comment);
}

/* The absolute path of the file that `at` is in, so that the script works in any folder. */
static void put_file(const struct conf_site *site, struct conf_at at, FILE *out)
{
	const char *file = site->files[at.file];
	char *real = realpath(file, NULL);

	put_quoted(real ? real : file, out);
	free(real);
}

/* `wg set IF WHAT FILE`, where FILE holds only the key, or is standard input: the key comes from
 * the script, or from its line of the configuration. */
static void put_key(const struct script_source *s, const char *what, const char *key_file,
	struct conf_at at, const uint8_t key[static KEY_LEN], FILE *out)
{
	const char *name = s->site->interface.name;
	char base64[KEY_BASE64_LEN + 1];

	if (key_file && !s->with_keys) {
		fprintf(out, "\twg set %s %s ", name, what);
		put_quoted(key_file, out);
		fputc('\n', out);
	} else if (s->with_keys || !at.line) {
		key_to_base64(key, base64);
		fprintf(out, "\twg set %s %s /dev/stdin <<-'KEY'\n\t%s\n\tKEY\n", name, what,
			base64);
		secret_wipe(base64, sizeof(base64));
	} else {
		fprintf(out, "\tkey_in_line %u ", at.line);
		put_file(s->site, at, out);
		fprintf(out, " | wg set %s %s /dev/stdin\n", name, what);
	}
}

static void put_prefixes(const struct conf_prefixes *list, const char *separator, FILE *out)
{
	char text[IP_PREFIX_TEXT_LEN];

	for (size_t i = 0; i < list->n; i++)
		fprintf(out, "%s%s", i ? separator : "", ip_prefix_text(&list->v[i].prefix, text));
}

static void put_hooks(const char *name, const struct conf_texts *hooks, FILE *out)
{
	for (size_t i = 0; i < hooks->n; i++) {
		const char *text = hooks->v[i].text;

		fputc('\t', out);
		for (; *text; text++) {
			if (text[0] == '%' && text[1] == 'i') {
				fputs(name, out);
				text++;
			} else {
				fputc(*text, out);
			}
		}
		fputc('\n', out);
	}
}

static bool is_default(const struct ip_prefix *p)
{
	return p->len == 0;
}

/* Whether a peer gets a default route by wg-quick's rules, for a family (0: for any). */
static bool has_default_route(const struct conf_site *site, uint16_t family)
{
	if (site->interface.table != CONF_TABLE_AUTO)
		return false;
	for (size_t i = 0; i < site->n_peers; i++) {
		const struct conf_prefixes *allowed = &site->peers[i].allowed_ips;

		for (size_t k = 0; k < allowed->n; k++)
			if (is_default(&allowed->v[k].prefix) &&
				(!family || allowed->v[k].prefix.addr.family == family))
				return true;
	}
	return false;
}

static uint32_t default_mark(const struct conf_site *site)
{
	return site->interface.fwmark ? site->interface.fwmark : DEFAULT_ROUTE_TABLE;
}

static void put_peer(const struct script_source *s, const struct conf_peer *peer, FILE *out)
{
	const char *name = s->site->interface.name;
	bool v6 = peer->endpoint_host && strchr(peer->endpoint_host, ':');
	char key[KEY_BASE64_LEN + 1];
	char what[KEY_BASE64_LEN + 32];

	key_to_base64(peer->public_key, key);
	fprintf(out, "\twg set %s peer %s", name, key);
	if (peer->endpoint_host)
		fprintf(out, v6 ? " \\\n\t\tendpoint '[%s]:%u'" : " \\\n\t\tendpoint %s:%u",
			peer->endpoint_host, peer->endpoint_port);
	if (peer->keepalive_s)
		fprintf(out, " persistent-keepalive %u", peer->keepalive_s);
	if (peer->allowed_ips.n) {
		fputs(" \\\n\t\tallowed-ips ", out);
		put_prefixes(&peer->allowed_ips, ",", out);
	}
	fputc('\n', out);
	snprintf(what, sizeof(what), "peer %s preshared-key", key);
	if (peer->has_preshared_key)
		put_key(s, what, peer->preshared_key_file, peer->at[CONF_PEER_PRESHARED_KEY],
			peer->preshared_key, out);
}

static void put_wireguard(const struct script_source *s, FILE *out)
{
	const struct conf_interface *wg = &s->site->interface;

	put_step("WireGuard between the sites", out);
	fprintf(out, "\tip link add %s type wireguard\n", wg->name);
	put_key(s, "private-key", wg->private_key_file, wg->at[CONF_INTERFACE_PRIVATE_KEY],
		wg->private_key, out);
	if (wg->listen_port)
		fprintf(out, "\twg set %s listen-port %u\n", wg->name, wg->listen_port);
	if (wg->fwmark)
		fprintf(out, "\twg set %s fwmark 0x%x\n", wg->name, wg->fwmark);
	for (size_t i = 0; i < s->site->n_peers; i++)
		put_peer(s, &s->site->peers[i], out);
	for (size_t i = 0; i < wg->addresses.n; i++) {
		char text[IP_PREFIX_TEXT_LEN];

		fprintf(out, "\tip address add %s dev %s\n",
			ip_prefix_text(&wg->addresses.v[i].prefix, text), wg->name);
	}
	if (wg->mtu)
		fputs("\t# MTU from the file\n", out);
	else
		fprintf(out, "\t# %s%u bytes, less IPv%u, UDP and WireGuard headers\n",
			s->budget->outer_measured ? "the route's " : "", s->budget->outer_mtu,
			s->budget->outer_family == AF_INET ? 4U : 6U);
	fprintf(out, "\tip link set %s mtu %u up\n", wg->name, s->budget->wg_mtu);
}

/* Whether the subnet of one of our addresses covers the prefix. */
static bool is_connected(const struct conf_site *site, const struct ip_prefix *p)
{
	for (size_t i = 0; i < site->interface.addresses.n; i++) {
		const struct ip_prefix *ours = &site->interface.addresses.v[i].prefix;

		if (ours->len <= p->len && ip_prefix_contains(ours, &p->addr))
			return true;
	}
	return false;
}

/* Whether a prefix of a peer needs its own route (a default route has rules instead). */
static bool needs_route(const struct conf_site *site, const struct ip_prefix *p)
{
	return site->interface.table == CONF_TABLE_NUMBER ||
	       (!is_default(p) && !is_connected(site, p));
}

static void put_route(const struct conf_site *site, const struct ip_prefix *p, FILE *out)
{
	const struct conf_interface *wg = &site->interface;
	char text[IP_PREFIX_TEXT_LEN];

	fprintf(out, "\tip -%u route add %s dev %s", p->addr.family == AF_INET ? 4U : 6U,
		ip_prefix_text(p, text), wg->name);
	if (wg->table == CONF_TABLE_NUMBER)
		fprintf(out, " table %u", wg->table_number);
	fputc('\n', out);
}

static void put_default_route(const struct conf_site *site, uint16_t family, FILE *out)
{
	unsigned version = family == AF_INET ? 4 : 6;
	uint32_t mark = default_mark(site);

	if (!has_default_route(site, family))
		return;
	fprintf(out, "\tip -%u route add default dev %s table %u\n", version, site->interface.name,
		mark);
	fprintf(out, "\tip -%u rule add not fwmark %u table %u\n", version, mark, mark);
	fprintf(out, "\tip -%u rule add table main suppress_prefixlength 0\n", version);
	if (family == AF_INET)
		fputs("\tsysctl -q net.ipv4.conf.all.src_valid_mark=1\n", out);
}

static void put_routes(const struct conf_site *site, FILE *out)
{
	bool first = true;

	if (site->interface.table == CONF_TABLE_OFF)
		return;
	for (size_t i = 0; i < site->n_peers; i++)
		for (size_t k = 0; k < site->peers[i].allowed_ips.n; k++) {
			const struct ip_prefix *p = &site->peers[i].allowed_ips.v[k].prefix;

			if (!needs_route(site, p))
				continue;
			if (first)
				put_step("Routes to what lies behind the peers", out);
			first = false;
			put_route(site, p, out);
		}
	if (!has_default_route(site, 0))
		return;
	put_step("All other traffic, but for WireGuard's own", out);
	if (!site->interface.fwmark)
		fprintf(out, "\twg set %s fwmark %u\n", site->interface.name, default_mark(site));
	put_default_route(site, AF_INET, out);
	put_default_route(site, AF_INET6, out);
}

static bool is_address(const char *text)
{
	struct ip_addr addr;

	return !ip_addr_parse(text, &addr);
}

static void put_dns(const struct conf_site *site, FILE *out)
{
	const struct conf_texts *dns = &site->interface.dns;
	const char *before = " 'search ";

	if (!dns->n)
		return;
	put_step("Name servers, as wg-quick sets them", out);
	fputs("\tprintf '%s\\n'", out);
	for (size_t i = 0; i < dns->n; i++)
		if (is_address(dns->v[i].text))
			fprintf(out, " 'nameserver %s'", dns->v[i].text);
	for (size_t i = 0; i < dns->n; i++) {
		if (is_address(dns->v[i].text))
			continue;
		fprintf(out, "%s%s", before, dns->v[i].text); /* all domains on one line */
		before = " ";
	}
	if (before[1] == '\0')
		fputc('\'', out);
	fprintf(out, " | resolvconf -a %s -m 0 -x\n", site->interface.name);
}

static void put_cookie(const char *word, const uint8_t *cookie, size_t len, FILE *out)
{
	if (!len)
		return;
	fprintf(out, " %s ", word);
	for (size_t i = 0; i < len; i++)
		fprintf(out, "%02x", cookie[i]);
}

static void put_session(const struct script_source *s, const struct conf_tunnel *tunnel,
	const struct conf_session *session, FILE *out)
{
	const struct l2tp_option *sequence = &l2tp_option_rows[L2TP_OPTION(sequence)];

	fprintf(out,
		"\tip l2tp add session name %s tunnel_id %u \\\n"
		"\t\tsession_id %u peer_session_id %u",
		session->name, tunnel->tunnel_id, session->session_id, session->peer_session_id);
	if (session->options.sublayer == L2TP_SUBLAYER_NONE)
		fputs(" l2spec_type none", out);
	put_cookie("cookie", session->cookie, session->cookie_len, out);
	put_cookie("peer_cookie", session->peer_cookie, session->peer_cookie_len, out);
	if (session->options.sequence != L2TP_SEQUENCE_NONE)
		fprintf(out, " seq %s", l2tp_option_word(sequence, session->options.sequence));
	fprintf(out, "\n%s\tip link set %s mtu %u up\n",
		session->mtu ? "\t# MTU from the file\n" : "", session->name,
		mtu_budget_kernel_mtu(s->budget, tunnel, session));
}

static void put_tunnel(const struct script_source *s, const struct conf_tunnel *tunnel, FILE *out)
{
	char local[IP_ADDR_TEXT_LEN];
	char remote[IP_ADDR_TEXT_LEN];

	put_step("L2TPv3 inside it: wires for Ethernet frames; their MTU is what fits without "
		 "fragments",
		out);
	fprintf(out,
		"\tip l2tp add tunnel tunnel_id %u peer_tunnel_id %u \\\n\t\tlocal %s remote %s",
		tunnel->tunnel_id, tunnel->peer_tunnel_id, ip_addr_text(&tunnel->local, local),
		ip_addr_text(&tunnel->remote, remote));
	if (tunnel->encap == L2TP_ENCAP_IP)
		fputs(" encap ip", out);
	else
		fprintf(out, " encap udp udp_sport %u udp_dport %u%s", tunnel->udp_source_port,
			tunnel->udp_destination_port,
			tunnel->udp_checksum && tunnel->remote.family == AF_INET ? " udp_csum on"
										 : "");
	fputc('\n', out);
	for (size_t i = 0; i < tunnel->n_sessions; i++)
		put_session(s, tunnel, &tunnel->sessions[i], out);
}

/* Make a member a port that forwards the control frames that the file names. */
static void put_member(const struct conf_bridge *bridge, const char *name, FILE *out)
{
	fprintf(out, "\tip link set %s master %s\n", name, bridge->name);
	if (bridge->forward_control)
		fprintf(out, "\tip link set %s type bridge_slave group_fwd_mask 0x%x\n", name,
			bridge->forward_control);
	fprintf(out, "\tip link set %s up\n", name);
}

static void put_session_port(
	const struct conf_bridge *bridge, const struct conf_session *session, FILE *out)
{
	bool isolated = session->options.split_horizon == L2TP_SPLIT_HORIZON_ON;
	bool router = bridge->multicast_snooping || bridge->adopt;

	fprintf(out, "\tip link set %s master %s\n", session->name, bridge->name);
	if (!isolated && !router && !bridge->forward_control)
		return;
	fprintf(out, "\tip link set %s type bridge_slave%s%s", session->name,
		isolated ? " isolated on" : "", router ? " mcast_router 2" : "");
	if (bridge->forward_control)
		fprintf(out, " group_fwd_mask 0x%x", bridge->forward_control);
	fputc('\n', out);
}

/* Join a bridge that exists. The kernel gives it the smallest MTU and the lowest address of its
 * ports, so those of the sessions are the bridge's. */
static void put_adopted(const struct conf_site *site, const struct conf_bridge *bridge, FILE *out)
{
	struct conf_session_walk walk = { site };
	const struct conf_session *s;
	const char *name = bridge->name;

	fprintf(out,
		"\t[ -d /sys/class/net/%s/bridge ] || { echo \"there is no bridge %s\" >&2; exit "
		"1; }\n",
		name, name);
	for (size_t i = 0; i < bridge->members.n; i++) {
		fprintf(out, "\tif [ ! -e /sys/class/net/%s/brif/%s ]; then\n", name,
			bridge->members.v[i].text);
		put_member(bridge, bridge->members.v[i].text, out);
		fputs("\tfi\n", out);
	}
	while ((s = conf_next_session(&walk))) {
		if (strcmp(s->bridge, name) != 0)
			continue;
		fprintf(out,
			"\tip link set %s address \"$(cat /sys/class/net/%s/address)\" "
			"mtu \"$(cat /sys/class/net/%s/mtu)\"\n",
			s->name, name, name);
		put_session_port(bridge, s, out);
	}
}

static void put_bridge(const struct conf_site *site, const struct conf_bridge *bridge, FILE *out)
{
	struct conf_session_walk walk = { site };
	const struct conf_session *session;
	char text[IP_PREFIX_TEXT_LEN];

	put_step("The segment on this site: the wires, and the interfaces of the members", out);
	if (bridge->adopt) {
		put_adopted(site, bridge, out);
		return;
	}
	fprintf(out,
		"\tip link add %s type bridge stp_state %d forward_delay %s mcast_snooping %d\n",
		bridge->name, bridge->stp, bridge->stp ? "1500" : "0", bridge->multicast_snooping);
	fprintf(out,
		"\t# a router at another site must not become this host's\n"
		"\tfile=/proc/sys/net/ipv6/conf/%s/accept_ra\n"
		"\t[ ! -e \"$file\" ] || echo 0 >\"$file\"\n",
		bridge->name);
	for (size_t i = 0; i < bridge->members.n; i++)
		put_member(bridge, bridge->members.v[i].text, out);
	while ((session = conf_next_session(&walk)))
		if (!strcmp(session->bridge, bridge->name))
			put_session_port(bridge, session, out);
	for (size_t i = 0; i < bridge->addresses.n; i++)
		fprintf(out, "\tip address add %s dev %s\n",
			ip_prefix_text(&bridge->addresses.v[i].prefix, text), bridge->name);
	fprintf(out, "\tip link set %s up\n", bridge->name);
}

/* The smallest MTU of the computed sessions among a bridge's ports; 0 if there are none. */
static unsigned smallest_mtu(const struct script_source *s)
{
	struct conf_session_walk walk = { s->site };
	const struct conf_session *session;
	unsigned smallest = 0;

	while ((session = conf_next_session(&walk))) {
		unsigned mtu = mtu_budget_kernel_mtu(s->budget, walk.of, session);

		if (!smallest || mtu < smallest)
			smallest = mtu;
	}
	return smallest;
}

static void put_head(const struct script_source *s, FILE *out)
{
	const struct conf_site *site = s->site;
	unsigned mtu = smallest_mtu(s);

	fputs("#!/bin/sh\n# ", out);
	put_plain(site->name, out);
	fputs(": the network of ", out);
	put_plain(site->files[0], out);
	fputs(",\n# made by hand from the kernel's own wireguard and l2tp_eth.\n"
	      "# As root: `sh THIS-FILE up` and `sh THIS-FILE down`.\n",
		out);
	if (s->with_keys)
		fputs("# It holds private keys: keep it from others (chmod 600).\n", out);
	if (mtu && mtu < 1500)
		fprintf(out,
			"#\n# The kernel's bridge silently drops what is larger than a port's MTU: "
			"set MTU %u\n# on every member as well (ip link set eth0 mtu %u, or DHCP "
			"option 26).\n",
			mtu, mtu);
	fputs("set -eu\n", out);
	if (!s->with_keys)
		fputs("\n# The key in line $1 of the configuration $2, without a look at it.\n"
		      "key_in_line() {\n"
		      "\tsed -n \"$1{s/#.*//;s/^[^=]*=//;s/[[:space:]]//g;p;}\" \"$2\"\n}\n",
			out);
}

/* Interfaces that the script creates must not exist yet: `down` would delete another program's. */
static void put_guard(const struct conf_site *site, FILE *out)
{
	struct conf_session_walk walk = { site };
	const struct conf_session *session;

	fprintf(out, "\tfor link in %s", site->interface.name);
	while ((session = conf_next_session(&walk)))
		fprintf(out, " %s", session->name);
	for (size_t i = 0; i < site->n_bridges; i++)
		if (!site->bridges[i].adopt)
			fprintf(out, " %s", site->bridges[i].name);
	fputs("; do\n\t\tif ip link show \"$link\" >/dev/null 2>&1; then\n"
	      "\t\t\techo \"$link exists already\" >&2\n\t\t\texit 1\n\t\tfi\n\tdone\n"
	      "\ttrap take_down EXIT\n",
		out);
}

static void put_up(const struct script_source *s, FILE *out)
{
	const struct conf_site *site = s->site;

	fputs("\nup() {\n", out);
	put_guard(site, out);
	put_hooks(site->interface.name, &site->interface.pre_up, out);
	put_wireguard(s, out);
	put_dns(site, out);
	put_routes(site, out);
	if (site->n_tunnels)
		fputs("\n\tmodprobe -qa l2tp_eth l2tp_ip l2tp_ip6 || :\n", out);
	for (size_t i = 0; i < site->n_tunnels; i++)
		put_tunnel(s, &site->tunnels[i], out);
	for (size_t i = 0; i < site->n_bridges; i++)
		put_bridge(site, &site->bridges[i], out);
	if (site->interface.post_up.n)
		put_step("PostUp", out);
	put_hooks(site->interface.name, &site->interface.post_up, out);
	fputs("\ttrap - EXIT\n}\n", out);
}

static void put_rules_down(const struct conf_site *site, uint16_t family, FILE *out)
{
	unsigned version = family == AF_INET ? 4 : 6;

	if (!has_default_route(site, family))
		return;
	fprintf(out, "\tip -%u rule delete table %u\n", version, default_mark(site));
	fprintf(out, "\tip -%u rule delete table main suppress_prefixlength 0\n", version);
}

static void put_down(const struct conf_site *site, FILE *out)
{
	const struct conf_interface *wg = &site->interface;

	fputs("\ndown() {\n", out);
	put_hooks(wg->name, &wg->pre_down, out);
	fputs("\ttake_down\n", out);
	put_hooks(wg->name, &wg->post_down, out);
	fputs("}\n", out);
}

static void put_bridge_down(const struct conf_bridge *bridge, FILE *out)
{
	if (!bridge->adopt)
		fprintf(out, "\tip link delete %s\n", bridge->name);
	else
		for (size_t i = 0; i < bridge->members.n; i++)
			fprintf(out, "\t# ip link set %s nomaster # if it was not in %s before\n",
				bridge->members.v[i].text, bridge->name);
}

static void put_take_down(const struct conf_site *site, FILE *out)
{
	const struct conf_interface *wg = &site->interface;

	fputs("\ntake_down() {\n\tset +e # what is there goes, whatever is not\n", out);
	for (size_t i = site->n_bridges; i-- > 0;)
		put_bridge_down(&site->bridges[i], out);
	for (size_t i = site->n_tunnels; i-- > 0;) {
		const struct conf_tunnel *tunnel = &site->tunnels[i];

		for (size_t k = tunnel->n_sessions; k-- > 0;)
			fprintf(out, "\tip l2tp del session tunnel_id %u session_id %u\n",
				tunnel->tunnel_id, tunnel->sessions[k].session_id);
		fprintf(out, "\tip l2tp del tunnel tunnel_id %u\n", tunnel->tunnel_id);
	}
	if (wg->dns.n)
		fprintf(out, "\tresolvconf -d %s -f\n", wg->name);
	put_rules_down(site, AF_INET, out);
	put_rules_down(site, AF_INET6, out);
	fprintf(out, "\tip link delete %s\n}\n", wg->name);
}

void script_print(const struct script_source *source, FILE *out)
{
	put_head(source, out);
	put_take_down(source->site, out);
	put_down(source->site, out);
	put_up(source, out);
	fputs("\ncase ${1:-} in\n"
	      "up) up ;;\n"
	      "down) down ;;\n"
	      "*)\n\techo \"usage: sh $0 up|down\" >&2\n\texit 2\n\t;;\n"
	      "esac\n",
		out);
}
