/* SPDX-License-Identifier: MIT */
/* Reads OpenWrt's network configuration. */
#include "import/read_openwrt.h"

#include <stdio.h>
#include <string.h>

#include "conf/value.h"

#define NAME_LEN 64

/* A file while it is read. */
struct uci {
	struct import *im;
	char where[16];	     /* rows of the present section; "" if it is dropped */
	char name[NAME_LEN]; /* of its object */
	char tunnel[NAME_LEN];
	char bridge[NAME_LEN]; /* which the section's device is a bridge's */
};

/* clang-format off */
static const struct import_row rows[] = {
	{ "wireguard", "proto",       "", NULL },
	{ "wireguard", "private_key", "PrivateKey", NULL },
	{ "wireguard", "listen_port", "ListenPort", NULL },
	{ "wireguard", "addresses",   "Address", NULL },
	{ "wireguard", "mtu",         "MTU", NULL },
	{ "wireguard", "fwmark",      "FwMark", NULL },
	{ "wireguard", "dns",         "DNS", NULL },
	{ "peer", "public_key",       "PublicKey", NULL },
	{ "peer", "preshared_key",    "PresharedKey", NULL },
	{ "peer", "endpoint_host",    FACT_HOST, NULL },
	{ "peer", "endpoint_port",    FACT_PORT, NULL },
	{ "peer", "allowed_ips",      "AllowedIPs", NULL },
	{ "peer", "persistent_keepalive", "PersistentKeepalive", NULL },
	{ "peer", "route_allowed_ips", FACT_ROUTE, NULL },
	{ "peer", "disabled",         FACT_DISABLED, NULL },
	{ "session", "proto",           "", NULL },
	{ "session", "session_id",      "SessionId", NULL },
	{ "session", "peer_session_id", "PeerSessionId", NULL },
	{ "session", "cookie",          "Cookie", NULL },
	{ "session", "peer_cookie",     "PeerCookie", NULL },
	{ "session", "mtu",             "MTU", NULL },
	{ "tunnel", "local",            "Local", NULL },
	{ "tunnel", "localaddr",        "Local", NULL },
	{ "tunnel", "remote",           "Remote", NULL },
	{ "tunnel", "peeraddr",         "Remote", NULL },
	{ "tunnel", "encap",            "EncapsulationType", NULL },
	{ "tunnel", "tunnel_id",        "TunnelId", NULL },
	{ "tunnel", "peer_tunnel_id",   "PeerTunnelId", NULL },
	{ "tunnel", "udp_sport",        "UDPSourcePort", NULL },
	{ "tunnel", "sport",            "UDPSourcePort", NULL },
	{ "tunnel", "udp_dport",        "UDPDestinationPort", NULL },
	{ "tunnel", "dport",            "UDPDestinationPort", NULL },
	{ "tunnel", "udp_csum",         "UDPChecksum", NULL },
	{ NULL, NULL, NULL, NULL },
};
/* clang-format on */

/* The value of `option NAME` in the section that begins at `text`, in `ret`. */
static bool look_up(const char *text, const char *name, char ret[static NAME_LEN])
{
	while (*text) {
		size_t len = strcspn(text, "\n");
		char copy[2 * NAME_LEN];
		char *rest = copy;
		const char *word;

		snprintf(copy, sizeof(copy), "%.*s", (int)(len < sizeof(copy) ? len : 0), text);
		word = import_word(&rest);
		if (word && !strcmp(word, "config"))
			return false;
		if (word && !strcmp(word, "option")) {
			word = import_word(&rest);
			if (word && !strcmp(word, name)) {
				word = import_word(&rest);
				snprintf(ret, NAME_LEN, "%.*s", NAME_LEN - 1, word ? word : "");
				return true;
			}
		}
		text += len + (text[len] == '\n');
	}
	return false;
}

/* `config interface 'NAME'`. */
static void enter_interface(struct uci *uci, const char *name, const char *rest)
{
	struct import *im = uci->im;
	char proto[NAME_LEN] = "";
	char type[NAME_LEN] = "";

	(void)look_up(rest, "proto", proto);
	if (!strcmp(proto, "wireguard")) {
		snprintf(uci->where, sizeof(uci->where), "wireguard");
		import_add(im, IMPORT_LINK, name, FACT_KIND, FACT_KIND_WIREGUARD);
		import_add(im, IMPORT_LINK, name, FACT_ROUTES, "explicit");
	} else if (!strncmp(proto, "l2tp", 4) && look_up(rest, "peer_session_id", type)) {
		snprintf(uci->where, sizeof(uci->where), "session");
		snprintf(uci->tunnel, sizeof(uci->tunnel), "uci %.50s", name);
		import_add(im, IMPORT_LINK, name, FACT_KIND, FACT_KIND_SESSION);
		import_add(im, IMPORT_LINK, name, FACT_TUNNEL, uci->tunnel);
	} else if (look_up(rest, "type", type) && !strcmp(type, "bridge")) {
		snprintf(uci->bridge, sizeof(uci->bridge), "br-%.50s", name);
		import_add(im, IMPORT_LINK, uci->bridge, FACT_KIND, FACT_KIND_FOREIGN);
	}
	snprintf(uci->name, sizeof(uci->name), "%.*s", NAME_LEN - 1, name);
}

static void enter_section(struct uci *uci, char *line, const char *rest)
{
	const char *type = import_word(&line);
	const char *name = import_word(&line);
	char value[NAME_LEN];

	uci->where[0] = uci->name[0] = uci->bridge[0] = '\0';
	if (type && name && !strcmp(type, "interface")) {
		enter_interface(uci, name, rest);
	} else if (type && !strncmp(type, "wireguard_", 10)) {
		snprintf(uci->where, sizeof(uci->where), "peer");
		snprintf(uci->name, sizeof(uci->name), "uci %u", uci->im->n_unnamed++);
		import_add(uci->im, IMPORT_PEER, uci->name, FACT_OF, type + 10);
	} else if (type && !strcmp(type, "device") && look_up(rest, "type", value) &&
		   !strcmp(value, "bridge") && look_up(rest, "name", uci->bridge)) {
		import_add(uci->im, IMPORT_LINK, uci->bridge, FACT_KIND, FACT_KIND_FOREIGN);
	}
	if (!*uci->where && !*uci->bridge)
		import_drop(uci->im, "not a part of the site");
}

static void add_option(struct uci *uci, const char *key, const char *value)
{
	struct import *im = uci->im;
	const struct import_row *row = import_row_find(rows, uci->where, key);
	const struct import_row *tunnel =
		strcmp(uci->where, "session") ? NULL : import_row_find(rows, "tunnel", key);
	char shown[CONF_SHOWN_LEN];
	bool yes = false;
	bool no = conf_value_bool(value, &yes) == 0 && !yes;

	if (*uci->bridge && (!strcmp(key, "ports") || !strcmp(key, "ifname")))
		import_add(im, IMPORT_LINK, value, FACT_MASTER, uci->bridge);
	else if (tunnel)
		import_add(im, IMPORT_TUNNEL, uci->tunnel, tunnel->key, value);
	else if (row && (!*row->key || (!strcmp(row->key, FACT_DISABLED) && no) ||
				(!strcmp(row->key, FACT_ROUTE) && !yes)))
		import_note_at(im, im->at, IMPORT_TAKEN, "%s", row->word);
	else if (row)
		import_add(im, strcmp(uci->where, "peer") ? IMPORT_LINK : IMPORT_PEER, uci->name,
			row->key, value);
	else
		import_drop(im, "%s %s", conf_shown(key, shown),
			*uci->bridge  ? "belongs to a bridge that OpenWrt owns"
			: *uci->where ? "has no counterpart in a site"
				      : "belongs to an interface that is not a part of the site");
}

static void read_line(struct uci *uci, char *line, const char *rest)
{
	const char *first = import_word(&line);
	const char *key;
	char *value;

	if (!first || *first == '#')
		return;
	if (!strcmp(first, "config")) {
		enter_section(uci, line, rest);
		return;
	}
	key = import_word(&line);
	if (!key || (strcmp(first, "option") != 0 && strcmp(first, "list") != 0)) {
		import_drop(uci->im, "neither config, option nor list");
		return;
	}
	value = import_word(&line);
	if (value && (!strcmp(key, "ifname") || !strcmp(key, "ports"))) {
		char *port;

		while ((port = import_word(&value)))
			add_option(uci, key, port);
		return;
	}
	add_option(uci, key, value ? value : "");
}

void import_openwrt(struct import *im, char *text)
{
	struct uci uci = { .im = im };

	while (text) {
		char *next = strchr(text, '\n');

		if (next)
			*next++ = '\0';
		im->at.line++;
		read_line(&uci, text, next ? next : "");
		text = next;
	}
}
