/* SPDX-License-Identifier: MIT */
/* Reads the export of a MikroTik router. */
#include "import/read_routeros.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "conf/value.h"

#define LINE_LEN    4096
#define NAME_LEN    64
#define SECONDS_LEN 24

/* clang-format off */
static const struct import_row rows[] = {
	{ "/interface wireguard", "private-key", "PrivateKey", NULL },
	{ "/interface wireguard", "listen-port", "ListenPort", NULL },
	{ "/interface wireguard", "mtu",         FACT_MTU, NULL },
	{ "/interface wireguard peers", "public-key",       "PublicKey", NULL },
	{ "/interface wireguard peers", "preshared-key",    "PresharedKey", NULL },
	{ "/interface wireguard peers", "endpoint-address", FACT_HOST, NULL },
	{ "/interface wireguard peers", "endpoint-port",    FACT_PORT, NULL },
	{ "/interface wireguard peers", "allowed-address",  "AllowedIPs", NULL },
	{ "/interface wireguard peers", "persistent-keepalive", "PersistentKeepalive", NULL },
	{ "/interface l2tp-ether", "local-session-id",  "SessionId", NULL },
	{ "/interface l2tp-ether", "remote-session-id", "PeerSessionId", NULL },
	{ "/interface l2tp-ether", "send-cookie",       "Cookie", NULL },
	{ "/interface l2tp-ether", "peer-cookie",       "PeerCookie", NULL },
	{ "/interface l2tp-ether", "mtu",               "MTU", NULL },
	{ "/interface l2tp-ether", "use-l2-specific-sublayer", "Layer2SpecificHeader", NULL },
	{ "tunnel", "connect-to",         "Remote", NULL },
	{ "tunnel", "local-address",      "Local", NULL },
	{ "tunnel", "local-tunnel-id",    "TunnelId", NULL },
	{ "tunnel", "remote-tunnel-id",   "PeerTunnelId", NULL },
	{ "tunnel", "l2tp-proto-version", "EncapsulationType", NULL },
	{ "/interface bridge", "igmp-snooping", "MulticastSnooping", NULL },
	{ "/interface bridge", "protocol-mode", "STP", NULL },
	{ "/interface bridge port", "bridge",   FACT_MASTER, NULL },
	{ "/interface bridge port", "horizon",  FACT_ISOLATED, NULL },
	{ "/ip address", "address",             "Address", NULL },
	{ "/ipv6 address", "address",           "Address", NULL },
	{ "/ip route", "dst-address",           FACT_ROUTE, NULL },
	{ "/ipv6 route", "dst-address",         FACT_ROUTE, NULL },
	{ NULL, NULL, NULL, NULL },
};

/* Values of RouterOS, and ours. */
static const struct import_row values[] = {
	{ "Layer2SpecificHeader", "yes",        "default", NULL },
	{ "Layer2SpecificHeader", "no",         "none", NULL },
	{ "EncapsulationType",    "l2tpv3-ip",  "ip", NULL },
	{ "EncapsulationType",    "l2tpv3-udp", "udp", NULL },
	{ "STP",                  "none",       "no", NULL },
	{ "STP",                  "*",          "yes", NULL },
	{ FACT_ISOLATED,          "none",       "no", NULL },
	{ FACT_ISOLATED,          "*",          "yes", NULL },
	{ NULL, NULL, NULL, NULL },
};

/* Properties that name other objects, or have no effect. */
static const char *const used[] = { "name", "interface", "network", "disabled", "gateway",
	"routing-table", "unmanaged-mode", "comment", "advertise" };
/* clang-format on */

/* The properties of one `add`. */
struct properties {
	char *words[64];
	size_t n;
};

static const char *property(const struct properties *p, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < p->n; i++)
		if (!strncmp(p->words[i], name, len) && p->words[i][len] == '=')
			return p->words[i] + len + 1;
	return "";
}

static bool is_used(const char *name)
{
	for (size_t i = 0; i < sizeof(used) / sizeof(*used); i++)
		if (!strcmp(used[i], name))
			return true;
	return false;
}

/* A duration, such as 1m10s or 00:01:10, as a number of seconds in `ret`. Return: whether it is
 * one. */
static bool seconds_of(const char *text, char ret[static SECONDS_LEN])
{
	static const char units[] = "smhdw";
	static const unsigned factors[] = { 1, 60, 3600, 86400, 604800 };
	unsigned long total = 0;

	if (!*text)
		return false;
	while (*text) {
		char *end;
		unsigned long n = strtoul(text, &end, 10);
		const char *unit = *end ? strchr(units, *end) : units;

		if (!strspn(text, "0123456789") || n > UINT16_MAX)
			return false;
		if (*end == ':')
			total = (total + n) * 60;
		else if (unit)
			total += n * factors[unit - units];
		else
			return false;
		text = *end ? end + 1 : end;
	}
	snprintf(ret, SECONDS_LEN, "%lu", total);
	return true;
}

/* The value of a property as the key `key` of ours has it; `seconds` is room for a number. */
static const char *value_as(const char *key, const char *value, char seconds[static SECONDS_LEN])
{
	const struct import_row *row = import_row_find(values, key, value);

	if (row)
		return row->key;
	return !strcmp(key, "PersistentKeepalive") && seconds_of(value, seconds) ? seconds : value;
}

/* Add all properties that have a row. */
static void add_properties(struct import *im, const char *where, const struct properties *p,
	enum import_object object, const char *name, const char *tunnel)
{
	char shown[CONF_SHOWN_LEN];

	for (size_t i = 0; i < p->n; i++) {
		char *equals = strchr(p->words[i], '=');
		const struct import_row *row;
		char seconds[SECONDS_LEN];
		bool of_tunnel = false;

		if (!equals) {
			import_drop(im, "%s has no counterpart in a site",
				conf_shown(p->words[i], shown));
			continue;
		}
		*equals = '\0';
		row = import_row_find(rows, where, p->words[i]);
		if (!row && tunnel) {
			row = import_row_find(rows, "tunnel", p->words[i]);
			of_tunnel = row;
		}
		if (row) {
			import_add(im, of_tunnel ? IMPORT_TUNNEL : object,
				of_tunnel ? tunnel : name, row->key,
				value_as(row->key, equals + 1, seconds));
		} else if (!is_used(p->words[i])) {
			import_drop(im, "%s has no counterpart in a site",
				conf_shown(p->words[i], shown));
		}
		*equals = '=';
	}
}

static void add_session(struct import *im, const char *where, const struct properties *p)
{
	const char *name = property(p, "name");
	char tunnel[NAME_LEN];

	if (strcmp(property(p, "unmanaged-mode"), "yes") != 0) {
		import_drop(im, "the tunnel is not unmanaged: its ids are negotiated, which a site "
				"does not do");
		return;
	}
	snprintf(tunnel, sizeof(tunnel), "routeros %.50s", name);
	import_add(im, IMPORT_LINK, name, FACT_KIND, FACT_KIND_SESSION);
	import_add(im, IMPORT_LINK, name, FACT_TUNNEL, tunnel);
	/* RouterOS's default */
	if (!*property(p, "use-l2-specific-sublayer"))
		import_add(im, IMPORT_LINK, name, "Layer2SpecificHeader", "none");
	add_properties(im, where, p, IMPORT_LINK, name, tunnel);
}

/* Ports with the same horizon do not forward to each other: what isolated ports do. */
static void add_port(struct import *im, const char *where, const struct properties *p)
{
	const char *horizon = property(p, "horizon");
	char shown[CONF_SHOWN_LEN];

	add_properties(im, where, p, IMPORT_LINK, property(p, "interface"), NULL);
	if (*horizon && strcmp(horizon, "none") != 0)
		import_note_at(im, im->at, IMPORT_CHANGED,
			"horizon=%s: it isolates a session from those with another horizon as "
			"well, "
			"and no member",
			conf_shown(horizon, shown));
}

/* A route of the main table: the site's own has what AllowedIPs have. */
static void add_route(struct import *im, const char *where, const struct properties *p)
{
	const char *table = property(p, "routing-table");

	if (*table && strcmp(table, "main") != 0) {
		import_drop(im, "a route of another routing table: add it as PostUp");
		return;
	}
	if (!*property(p, "dst-address")) /* RouterOS's default */
		import_add(im, IMPORT_LINK, property(p, "gateway"), FACT_ROUTE,
			!strcmp(where, "/ip route") ? "0.0.0.0/0" : "::/0");
	add_properties(im, where, p, IMPORT_LINK, property(p, "gateway"), NULL);
}

static void add_object(struct import *im, const char *where, const struct properties *p)
{
	const char *name = property(p, "name");
	char peer[NAME_LEN];

	if (!strcmp(property(p, "disabled"), "yes")) {
		import_drop(im, "disabled");
	} else if (!strcmp(where, "/interface wireguard")) {
		import_add(im, IMPORT_LINK, name, FACT_KIND, FACT_KIND_WIREGUARD);
		import_add(im, IMPORT_LINK, name, FACT_ROUTES, "explicit");
		add_properties(im, where, p, IMPORT_LINK, name, NULL);
	} else if (!strcmp(where, "/interface wireguard peers")) {
		snprintf(peer, sizeof(peer), "routeros %u", im->n_unnamed++);
		import_add(im, IMPORT_PEER, peer, FACT_OF, property(p, "interface"));
		add_properties(im, where, p, IMPORT_PEER, peer, NULL);
	} else if (!strcmp(where, "/interface l2tp-ether")) {
		add_session(im, where, p);
	} else if (!strcmp(where, "/interface bridge")) {
		import_add(im, IMPORT_LINK, name, FACT_KIND, FACT_KIND_BRIDGE);
		add_properties(im, where, p, IMPORT_LINK, name, NULL);
	} else if (!strcmp(where, "/interface bridge port")) {
		add_port(im, where, p);
	} else if (!strcmp(where, "/ip address") || !strcmp(where, "/ipv6 address")) {
		add_properties(im, where, p, IMPORT_LINK, property(p, "interface"), NULL);
	} else if (!strcmp(where, "/ip route") || !strcmp(where, "/ipv6 route")) {
		add_route(im, where, p);
	} else {
		import_drop(im, "not a part of the site");
	}
}

/* One command: a path, which stays, with or without `add` and properties behind it. */
static void read_command(struct import *im, char where[static NAME_LEN], char *line)
{
	struct properties p = { .n = 0 };
	bool adds = false;
	bool other = false;
	char *word;

	if (*line == '/') {
		where[0] = '\0';
		/* /interface/wireguard/add is /interface wireguard add */
		for (char *c = line + 1; *c && *c != ' ' && *c != '='; c++)
			if (*c == '/')
				*c = ' ';
	}
	while ((word = import_word(&line))) {
		if (adds || strchr(word, '=')) {
			if (p.n < sizeof(p.words) / sizeof(*p.words))
				p.words[p.n++] = word;
			else
				import_drop(im, "the command has too many properties");
		} else if (!strcmp(word, "add")) {
			adds = true;
		} else if (!strcmp(word, "set") || !strcmp(word, "remove") || other) {
			other = true;
		} else if (strlen(where) + strlen(word) + 2 < NAME_LEN) {
			snprintf(where + strlen(where), NAME_LEN - strlen(where), "%s%s",
				*where ? " " : "", word);
		}
	}
	if (adds)
		add_object(im, where, &p);
	else if (other || p.n)
		import_drop(im, "not a part of the site");
}

void import_routeros(struct import *im, char *text)
{
	char line[LINE_LEN];
	char where[NAME_LEN] = "";
	uint32_t number = 0;
	size_t len = 0;

	while (text) {
		char *next = strchr(text, '\n');
		size_t part_len;
		bool continues;

		if (next)
			*next++ = '\0';
		number++;
		if (!len)
			im->at.line = number;
		text = import_trim(text);
		part_len = strlen(text);
		continues = part_len && text[part_len - 1] == '\\' && next;
		if (continues)
			text[part_len - 1] = '\0';
		snprintf(line + len, sizeof(line) - len, "%s", text);
		len = strlen(line);
		if (!continues) {
			if (len == sizeof(line) - 1)
				import_drop(im, "the line is too long");
			else if (len && *line != '#')
				read_command(im, where, line);
			len = 0;
		}
		text = next;
	}
	secret_wipe(line, sizeof(line));
}
