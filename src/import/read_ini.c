/* SPDX-License-Identifier: MIT */
/* Reads files of sections with KEY = VALUE: wg-quick, systemd.netdev and .network, NetworkManager
 * keyfiles. */
#include "import/read_ini.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/secret.h"
#include "conf/value.h"

#define NAME_LEN 64
#define LIST_LEN 512

#define REASON_AMNEZIA                                                                             \
	"it is of AmneziaWG, whose messages are not WireGuard's: the peer must use WireGuard"

/* A file while it is read. */
struct ini {
	struct import *im;
	const struct import_row *rows;
	char link[NAME_LEN];   /* the interface that the file is about; "" if there is none */
	char ports[LIST_LEN];  /* if there are several: their names, with blanks between them */
	char peer[NAME_LEN];   /* of the present section */
	char tunnel[NAME_LEN]; /* of the file */
	char session[NAME_LEN];
	char section[NAME_LEN];
};

/* clang-format off */
static const struct import_row wg_quick_rows[] = {
	{ "Interface", "SaveConfig", NULL, "wirespan never writes to the file: edit it and run wirespan reload" },
	{ "Interface", "Jc",   NULL, REASON_AMNEZIA },
	{ "Interface", "Jmin", NULL, REASON_AMNEZIA },
	{ "Interface", "Jmax", NULL, REASON_AMNEZIA },
	{ "Interface", "S1",   NULL, REASON_AMNEZIA },
	{ "Interface", "S2",   NULL, REASON_AMNEZIA },
	{ "Interface", "H1",   NULL, REASON_AMNEZIA },
	{ "Interface", "H2",   NULL, REASON_AMNEZIA },
	{ "Interface", "H3",   NULL, REASON_AMNEZIA },
	{ "Interface", "H4",   NULL, REASON_AMNEZIA },
	{ "Interface", "*", "*", NULL },
	{ "Peer",      "*", "*", NULL },
	{ NULL, NULL, NULL, NULL },
};

static const struct import_row networkd_rows[] = {
	{ "NetDev",        "Name",         "", NULL }, /* read before all else */
	{ "NetDev",        "Kind",         "", NULL },
	{ "NetDev",        "MTUBytes",     "MTU", NULL },
	{ "Match",         "Name",         "", NULL },
	{ "WireGuard",     "PrivateKey",   "PrivateKey", NULL },
	{ "WireGuard",     "PrivateKeyFile", "PrivateKeyFile", NULL },
	{ "WireGuard",     "ListenPort",   "ListenPort", NULL },
	{ "WireGuard",     "FirewallMark", "FwMark", NULL },
	{ "WireGuard",     "FwMark",       "FwMark", NULL },
	{ "WireGuard",     "RouteTable",   "Table", NULL },
	{ "WireGuardPeer", "PublicKey",    "PublicKey", NULL },
	{ "WireGuardPeer", "PresharedKey", "PresharedKey", NULL },
	{ "WireGuardPeer", "PresharedKeyFile", "PresharedKeyFile", NULL },
	{ "WireGuardPeer", "AllowedIPs",   "AllowedIPs", NULL },
	{ "WireGuardPeer", "Endpoint",     "Endpoint", NULL },
	{ "WireGuardPeer", "PersistentKeepalive", "PersistentKeepalive", NULL },
	{ "L2TP",          "UDPCheckSum",  "UDPChecksum", NULL },
	{ "L2TP",          "UDP6CheckSumTx", NULL, "the UDP checksum over IPv6 is mandatory" },
	{ "L2TP",          "UDP6CheckSumRx", NULL, "the UDP checksum over IPv6 is mandatory" },
	{ "L2TP",          "*",            "*", NULL },
	{ "L2TPSession",   "Name",         "", NULL },
	{ "L2TPSession",   "*",            "*", NULL },
	{ "Bridge",        "STP",          "STP", NULL },
	{ "Bridge",        "MulticastSnooping", "MulticastSnooping", NULL },
	{ "Bridge",        "Isolated",     FACT_ISOLATED, NULL },
	{ "Network",       "Address",      "Address", NULL },
	{ "Network",       "Bridge",       FACT_MASTER, NULL },
	{ "Network",       "DNS",          "DNS", NULL },
	{ "Network",       "Domains",      "DNS", NULL },
	{ "Address",       "Address",      "Address", NULL },
	{ "Link",          "MTUBytes",     "MTU", NULL },
	{ "Route",         "Destination",  FACT_ROUTE, NULL },
	{ "Route",         "Table",        FACT_TABLE, NULL },
	{ NULL, NULL, NULL, NULL },
};

static const struct import_row keyfile_rows[] = {
	{ "connection",     "interface-name", "", NULL },
	{ "connection",     "type",        "", NULL },
	{ "connection",     "master",      FACT_MASTER, NULL },
	{ "connection",     "controller",  FACT_MASTER, NULL },
	{ "connection",     "id",          NULL, "a name for people" },
	{ "connection",     "uuid",        NULL, "identifies the connection to NetworkManager" },
	{ "wireguard",      "private-key", "PrivateKey", NULL },
	{ "wireguard",      "listen-port", "ListenPort", NULL },
	{ "wireguard",      "fwmark",      "FwMark", NULL },
	{ "wireguard",      "mtu",         "MTU", NULL },
	{ "wireguard-peer", "endpoint",    "Endpoint", NULL },
	{ "wireguard-peer", "preshared-key", "PresharedKey", NULL },
	{ "wireguard-peer", "allowed-ips", "AllowedIPs", NULL },
	{ "wireguard-peer", "persistent-keepalive", "PersistentKeepalive", NULL },
	{ "ipv4",           "dns",         "DNS", NULL },
	{ "ipv6",           "dns",         "DNS", NULL },
	{ "ipv4",           "dns-search",  "DNS", NULL },
	{ "ipv6",           "dns-search",  "DNS", NULL },
	{ "bridge",         "stp",         "STP", NULL },
	{ "bridge",         "multicast-snooping", "MulticastSnooping", NULL },
	{ NULL, NULL, NULL, NULL },
};

static const struct import_row networkd_kinds[] = {
	{ "", "wireguard", FACT_KIND_WIREGUARD, NULL },
	{ "", "bridge",    FACT_KIND_BRIDGE, NULL },
	{ NULL, NULL, NULL, NULL },
};

/* NetworkManager goes on owning its bridges. */
static const struct import_row keyfile_kinds[] = {
	{ "", "wireguard", FACT_KIND_WIREGUARD, NULL },
	{ "", "bridge",    FACT_KIND_FOREIGN, NULL },
	{ NULL, NULL, NULL, NULL },
};
/* clang-format on */

/* Find the values of `key` in [section], from `text` on; in this section only if `section` is
 * NULL. systemd adds up the lines of a list, and an empty one clears it; of other keys, the last
 * line counts. Return: whether there is any; its text is in `ret`, cut off at `size`. */
static bool look_up(const char *text, const char *section, const char *key, bool is_list, char *ret,
	size_t size)
{
	bool inside = !section;
	bool found = false;

	while (text) {
		size_t len = strcspn(text, "\n");
		char line[2 * LIST_LEN];
		char *name;
		char *value;

		snprintf(line, sizeof(line), "%.*s", (int)(len < sizeof(line) ? len : 0), text);
		name = import_trim(line);
		if (*name == '[' && !section)
			return found;
		if (*name == '[')
			inside = !strncmp(name + 1, section, strlen(section)) &&
				 name[1 + strlen(section)] == ']';
		value = inside && *name != '[' ? strchr(name, '=') : NULL;
		if (value)
			*value++ = '\0';
		if (value && !strcmp(import_trim(name), key)) {
			size_t used = is_list && found ? strlen(ret) : 0;

			value = import_trim(value);
			found = *value || !is_list;
			snprintf(ret + used, size - used, "%s%s", used && *value ? " " : "", value);
			if (!found)
				*ret = '\0';
		}
		text = text[len] ? text + len + 1 : NULL;
		secret_wipe(line, sizeof(line));
	}
	return found;
}

static void enter_section(struct ini *ini, char *line, const char *rest)
{
	size_t len = strlen(line);
	struct import *im = ini->im;
	char *dot;

	if (line[len - 1] == ']')
		line[len - 1] = '\0';
	snprintf(ini->section, sizeof(ini->section), "%s", import_trim(line + 1));
	if (ini->rows == wg_quick_rows) /* wg-quick ignores case */
		for (size_t i = 0; wg_quick_rows[i].where; i++)
			if (!strcasecmp(ini->section, wg_quick_rows[i].where))
				snprintf(ini->section, sizeof(ini->section), "%s",
					wg_quick_rows[i].where);
	dot = strchr(line, '.');
	if (!strcmp(ini->section, "Peer") || !strcmp(ini->section, "WireGuardPeer") ||
		!strncmp(ini->section, "wireguard-peer.", 15)) {
		snprintf(ini->peer, sizeof(ini->peer), "%u", im->n_unnamed++);
		import_add(im, IMPORT_PEER, ini->peer, FACT_OF, ini->link);
		if (dot)
			import_add(im, IMPORT_PEER, ini->peer, "PublicKey", dot + 1);
		ini->section[strcspn(ini->section, ".")] = '\0';
	} else if (!strcmp(ini->section, "L2TPSession")) {
		if (!look_up(rest, NULL, "Name", false, ini->session, sizeof(ini->session)))
			snprintf(ini->session, sizeof(ini->session), "session-%u", im->n_unnamed++);
		import_add(im, IMPORT_LINK, ini->session, FACT_KIND, FACT_KIND_SESSION);
		import_add(im, IMPORT_LINK, ini->session, FACT_TUNNEL, ini->tunnel);
	}
}

/* Lists of a keyfile are separated by ';'. */
static void tidy_list(char *value)
{
	size_t len = strlen(value);

	if (len && value[len - 1] == ';')
		value[len - 1] = '\0';
	for (; *value; value++)
		if (*value == ';')
			*value = ',';
}

static bool is_keyfile_address(const struct ini *ini, const char *key)
{
	return ini->rows == keyfile_rows && !strncmp(ini->section, "ipv", 3) &&
	       !strncmp(key, "address", 7);
}

/* A fact on each of several interfaces. */
static void add_to_ports(struct ini *ini, const char *key, const char *value)
{
	char names[LIST_LEN];
	char *rest = names;
	const char *name;

	memcpy(names, ini->ports, sizeof(names));
	while ((name = import_word(&rest)))
		import_add(ini->im, IMPORT_LINK, name, key, value);
}

/* The fact's object: the peer, tunnel, session or link of the section. */
static void add_value(struct ini *ini, const char *key, const char *value)
{
	struct import *im = ini->im;
	const char *s = ini->section;

	if (!strcmp(s, "Peer") || !strcmp(s, "WireGuardPeer") || !strcmp(s, "wireguard-peer"))
		import_add(im, IMPORT_PEER, ini->peer, key, value);
	else if (!strcmp(s, "L2TP"))
		import_add(im, IMPORT_TUNNEL, ini->tunnel, key, value);
	else if (!strcmp(s, "L2TPSession"))
		import_add(im, IMPORT_LINK, ini->session, key, value);
	else if (*ini->link)
		import_add(im, IMPORT_LINK, ini->link, key, value);
	else if (*ini->ports)
		add_to_ports(ini, key, value);
	else
		import_drop(im, "%s: the file names no single interface", key);
}

/* addressN=ADDRESS/LENGTH,GATEWAY, or addresses=ADDRESS/LENGTH;... */
static void read_addresses(struct ini *ini, char *value)
{
	char shown[CONF_SHOWN_LEN];
	char *gateway;
	char *next;

	do {
		next = strchr(value, ';');
		if (next)
			*next++ = '\0';
		if (next && *next && strspn(next, "0123456789") == strcspn(next, ";")) {
			import_drop(ini->im, "Address: its length is no part of it: write "
					     "address1=ADDRESS/LENGTH");
			return;
		}
		gateway = strchr(value, ',');
		if (gateway)
			*gateway++ = '\0';
		add_value(ini, "Address", value);
		if (gateway)
			import_drop(ini->im, "the gateway %s has no counterpart in a site",
				conf_shown(gateway, shown));
		value = next;
	} while (value && *value);
}

/* Whether a value of Name= is what the file, or its session, is about. */
static bool is_name(const struct ini *ini, const char *value)
{
	return !strcmp(value, ini->link) || !strcmp(value, ini->session) ||
	       strstr(ini->ports, value);
}

static void read_value(struct ini *ini, char *key, char *value)
{
	const struct import_row *row = import_row_find(ini->rows, ini->section, key);
	const char *same = import_known_key(ini->section, key);
	char shown[CONF_SHOWN_LEN];

	if (is_keyfile_address(ini, key)) {
		read_addresses(ini, value);
		return;
	}
	if (ini->rows == keyfile_rows)
		tidy_list(value);
	if (ini->rows == keyfile_rows && !strcmp(key, "peer-routes"))
		add_value(ini, "Table", strcmp(value, "false") ? "auto" : "off");
	else if (!row || (row->key && !strcmp(row->key, "*") && !same))
		import_drop(ini->im, "%s of [%s] has no counterpart in a site",
			conf_shown(key, shown), ini->section);
	else if (!row->key)
		import_drop(ini->im, "%s: %s", row->word, row->reason);
	else if (!strcmp(row->key, "*"))
		add_value(ini, same, value);
	else if (!*value || *value == '@')
		import_drop(ini->im, "%s: its value is not in the file", row->word);
	else if (*row->key)
		add_value(ini, row->key, value);
	else if (!strcmp(key, "Name") && !is_name(ini, value))
		import_drop(ini->im, "Name: a pattern, or replaced by another line");
	else
		import_note_at(ini->im, ini->im->at, IMPORT_TAKEN, "%s", row->word);
}

static void read_line(struct ini *ini, char *line, const char *rest)
{
	char *equals;

	if (ini->rows == wg_quick_rows)
		line[strcspn(line, "#")] = '\0';
	equals = strchr(line, '=');
	line = import_trim(line);
	if (!*line || *line == '#' || *line == ';')
		return;
	if (*line == '[') {
		enter_section(ini, line, rest);
		return;
	}
	if (!equals) {
		import_drop(ini->im, "neither [Section] nor KEY = VALUE");
		return;
	}
	*equals = '\0';
	read_value(ini, import_trim(line), import_trim(equals + 1));
}

static void read_lines(struct ini *ini, char *text)
{
	while (text) {
		char *next = strchr(text, '\n');

		if (next)
			*next++ = '\0';
		ini->im->at.line++;
		read_line(ini, text, next ? next : "");
		text = next;
	}
}

/* State what the file's interface is, in line 1. */
static void add_kind(struct ini *ini, const struct import_row *kinds, const char *kind)
{
	const struct import_row *row = import_row_find(kinds, "", kind);

	if (!*ini->link || !row)
		return;
	ini->im->at.line = 1;
	import_add(ini->im, IMPORT_LINK, ini->link, FACT_KIND, row->key);
	if (kinds == networkd_kinds && !strcmp(row->key, FACT_KIND_WIREGUARD))
		import_add(ini->im, IMPORT_LINK, ini->link, FACT_ROUTES, "explicit");
	ini->im->at.line = 0;
}

void import_wg_quick(struct import *im, const char *name, char *text)
{
	const char *slash = strrchr(name, '/');
	struct ini ini = { .im = im, .rows = wg_quick_rows };
	size_t len;

	name = slash ? slash + 1 : name;
	len = strlen(name);
	if (len > 5 && !strcmp(name + len - 5, ".conf"))
		len -= 5;
	snprintf(ini.link, sizeof(ini.link), "%.*s", (int)len, name);
	if (conf_value_name_problem(ini.link))
		snprintf(ini.link, sizeof(ini.link), "wg0");
	im->at.line = 1;
	import_add(im, IMPORT_LINK, ini.link, FACT_KIND, FACT_KIND_WIREGUARD);
	im->at.line = 0;
	read_lines(&ini, text);
}

/* Whether a list has plain names alone, no pattern, and is there in full. */
static bool are_names(const char list[static LIST_LEN])
{
	char copy[LIST_LEN];
	char *rest = copy;
	const char *name;

	memcpy(copy, list, sizeof(copy));
	while ((name = import_word(&rest)))
		if (conf_value_name_problem(name) || strpbrk(name, "*?[!"))
			return false;
	return strlen(list) < LIST_LEN - 1;
}

void import_networkd(struct import *im, char *text)
{
	struct ini ini = { .im = im, .rows = networkd_rows };
	char kind[NAME_LEN] = "";
	char names[LIST_LEN] = "";

	if (!look_up(text, "NetDev", "Name", false, names, sizeof(names)))
		(void)look_up(text, "Match", "Name", true, names, sizeof(names));
	if (!conf_value_name_problem(names))
		snprintf(ini.link, sizeof(ini.link), "%.*s", NAME_LEN - 1, names);
	else if (are_names(names))
		memcpy(ini.ports, names, sizeof(ini.ports));
	(void)look_up(text, "NetDev", "Kind", false, kind, sizeof(kind));
	snprintf(ini.tunnel, sizeof(ini.tunnel), "networkd %.*s", NAME_LEN - 10, ini.link);
	add_kind(&ini, networkd_kinds, kind);
	read_lines(&ini, text);
}

void import_keyfile(struct import *im, char *text)
{
	struct ini ini = { .im = im, .rows = keyfile_rows };
	char kind[NAME_LEN] = "";

	if (!look_up(text, "connection", "interface-name", false, ini.link, sizeof(ini.link)))
		(void)look_up(text, "connection", "id", false, ini.link, sizeof(ini.link));
	if (conf_value_name_problem(ini.link))
		ini.link[0] = '\0';
	(void)look_up(text, "connection", "type", false, kind, sizeof(kind));
	add_kind(&ini, keyfile_kinds, kind);
	read_lines(&ini, text);
}
