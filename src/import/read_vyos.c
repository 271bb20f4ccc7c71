/* SPDX-License-Identifier: MIT */
/* Reads the configuration of VyOS, as commands or in braces. */
#include "import/read_vyos.h"

#include <stdio.h>
#include <string.h>

#include "conf/value.h"

#define PATH_MAX_WORDS 16

/* clang-format off */
static const struct import_row rows[] = {
	{ "wireguard", "address",     "Address", NULL },
	{ "wireguard", "private-key", "PrivateKey", NULL },
	{ "wireguard", "port",        "ListenPort", NULL },
	{ "wireguard", "mtu",         "MTU", NULL },
	{ "wireguard", "fwmark",      "FwMark", NULL },
	{ "peer", "public-key",           "PublicKey", NULL },
	{ "peer", "pubkey",               "PublicKey", NULL },
	{ "peer", "preshared-key",        "PresharedKey", NULL },
	{ "peer", "allowed-ips",          "AllowedIPs", NULL },
	{ "peer", "endpoint",             "Endpoint", NULL },
	{ "peer", "persistent-keepalive", "PersistentKeepalive", NULL },
	{ "tunnel", "source-address",   "Local", NULL },
	{ "tunnel", "local-ip",         "Local", NULL },
	{ "tunnel", "remote",           "Remote", NULL },
	{ "tunnel", "remote-ip",        "Remote", NULL },
	{ "tunnel", "encapsulation",    "EncapsulationType", NULL },
	{ "tunnel", "source-port",      "UDPSourcePort", NULL },
	{ "tunnel", "destination-port", "UDPDestinationPort", NULL },
	{ "tunnel", "tunnel-id",        "TunnelId", NULL },
	{ "tunnel", "peer-tunnel-id",   "PeerTunnelId", NULL },
	{ "session", "session-id",      "SessionId", NULL },
	{ "session", "peer-session-id", "PeerSessionId", NULL },
	{ "session", "mtu",             "MTU", NULL },
	{ "session", "address",         "Address", NULL },
	{ "bridge", "address",          "Address", NULL },
	{ NULL, NULL, NULL, NULL },
};
/* clang-format on */

static void add(struct import *im, enum import_object object, const char *name, const char *where,
	char *const *words, size_t n)
{
	const struct import_row *row = n ? import_row_find(rows, where, words[0]) : NULL;
	char shown[CONF_SHOWN_LEN];

	if (row && n < 3)
		import_add(im, object, name, row->key, n > 1 ? words[1] : "");
	else
		import_drop(im, "%s has no counterpart in a site",
			n ? conf_shown(words[0], shown) : "the line");
}

/* `interfaces wireguard LINK peer NAME KEY VALUE`; the endpoint has two keys. */
static void add_peer(struct import *im, const char *link, char *const *words, size_t n)
{
	char name[128];

	snprintf(name, sizeof(name), "vyos %s %s", link, words[0]);
	if (!import_find(im, IMPORT_PEER, name, FACT_OF))
		import_add(im, IMPORT_PEER, name, FACT_OF, link);
	if (n == 3 && !strcmp(words[1], "port")) {
		import_add(im, IMPORT_PEER, name, FACT_PORT, words[2]);
	} else if (n == 3 && (!strcmp(words[1], "address") || !strcmp(words[1], "host-name"))) {
		import_add(im, IMPORT_PEER, name, FACT_HOST, words[2]);
	} else if (n == 2 && !strcmp(words[1], "disable")) {
		import_add(im, IMPORT_PEER, name, FACT_DISABLED, "");
	} else {
		add(im, IMPORT_PEER, name, "peer", words + 1, n - 1);
	}
}

static void add_interface(struct import *im, char *const *words, size_t n)
{
	const char *type = words[0];
	const char *link = words[1];
	char shown[CONF_SHOWN_LEN];
	char tunnel[64];

	snprintf(tunnel, sizeof(tunnel), "vyos %.50s", link);
	if (!strcmp(type, "wireguard")) {
		if (!import_find(im, IMPORT_LINK, link, FACT_KIND)) {
			import_add(im, IMPORT_LINK, link, FACT_KIND, FACT_KIND_WIREGUARD);
			import_add(im, IMPORT_LINK, link, FACT_ROUTES, "explicit");
		}
		if (n > 3 && !strcmp(words[2], "peer"))
			add_peer(im, link, words + 3, n - 3);
		else
			add(im, IMPORT_LINK, link, "wireguard", words + 2, n - 2);
	} else if (!strcmp(type, "l2tpv3")) {
		if (!import_find(im, IMPORT_LINK, link, FACT_KIND)) {
			import_add(im, IMPORT_LINK, link, FACT_KIND, FACT_KIND_SESSION);
			import_add(im, IMPORT_LINK, link, FACT_TUNNEL, tunnel);
		}
		if (n > 2 && import_row_find(rows, "tunnel", words[2]))
			add(im, IMPORT_TUNNEL, tunnel, "tunnel", words + 2, n - 2);
		else
			add(im, IMPORT_LINK, link, "session", words + 2, n - 2);
	} else if (!strcmp(type, "bridge")) {
		if (!import_find(im, IMPORT_LINK, link, FACT_KIND))
			import_add(im, IMPORT_LINK, link, FACT_KIND, FACT_KIND_BRIDGE);
		if (n > 4 && !strcmp(words[2], "member") && !strcmp(words[3], "interface")) {
			import_add(im, IMPORT_LINK, words[4], FACT_MASTER, link);
			if (n > 5 && !strcmp(words[5], "isolated"))
				import_add(im, IMPORT_LINK, words[4], FACT_ISOLATED, "yes");
			else if (n > 5)
				import_drop(im, "%s of a port has no counterpart in a site",
					conf_shown(words[5], shown));
		} else if (n == 3 && !strcmp(words[2], "stp")) {
			import_add(im, IMPORT_LINK, link, "STP", "yes");
		} else if (n > 3 && !strcmp(words[2], "stp")) {
			import_add(im, IMPORT_LINK, link, "STP",
				!strcmp(words[3], "false") ? "no" : "yes");
		} else if (n > 3 && !strcmp(words[2], "igmp") && !strcmp(words[3], "snooping")) {
			import_add(im, IMPORT_LINK, link, "MulticastSnooping", "yes");
		} else {
			add(im, IMPORT_LINK, link, "bridge", words + 2, n - 2);
		}
	} else {
		import_drop(im, "the interface is not a part of the site");
	}
}

/* `protocols static route PREFIX interface LINK`, or the older `interface-route PREFIX
 * next-hop-interface LINK`. */
static bool add_route(struct import *im, char *const *words, size_t n)
{
	if (n < 6 || strcmp(words[0], "protocols") != 0 || strcmp(words[1], "static") != 0 ||
		!strstr(words[2], "route") || !strstr(words[4], "interface"))
		return false;
	import_add(im, IMPORT_LINK, words[5], FACT_ROUTE, words[3]);
	return true;
}

static void read_path(struct import *im, char *const *words, size_t n)
{
	if (n > 2 && !strcmp(words[0], "interfaces"))
		add_interface(im, words + 1, n - 1);
	else if (!add_route(im, words, n))
		import_drop(im, "not a part of the site");
}

/* The path of the present line: the words of the open braces, then those of the line. */
struct path {
	char *words[PATH_MAX_WORDS];
	size_t n;
	size_t open[PATH_MAX_WORDS]; /* `n` in front of each open brace */
	size_t depth;
	bool empty; /* nothing is in the last open brace */
};

/* A line: NODE {, or a leaf, or }. An empty node is a leaf, too. */
static void read_line(struct import *im, struct path *p, char *line)
{
	size_t before = p->n;
	bool opens = false;
	char *word;

	while ((word = import_word(&line)) && p->n < PATH_MAX_WORDS)
		if (!strcmp(word, "{"))
			opens = true;
		else
			p->words[p->n++] = word;
	if (p->n > before && !strcmp(p->words[before], "}")) {
		if (p->empty)
			read_path(im, p->words, before);
		p->n = p->depth ? p->open[--p->depth] : 0;
		p->empty = false;
	} else if (opens && p->depth < PATH_MAX_WORDS) {
		p->open[p->depth++] = before;
		p->empty = true;
	} else {
		if (p->n > before)
			read_path(im, p->words, p->n);
		p->n = before;
		p->empty = false;
	}
}

void import_vyos(struct import *im, char *text)
{
	struct path path = { .n = 0 };

	while (text) {
		char *next = strchr(text, '\n');

		if (next)
			*next++ = '\0';
		im->at.line++;
		text = import_trim(text);
		if (!strncmp(text, "set ", 4)) {
			path = (struct path){ .n = 0 };
			read_line(im, &path, text + 4);
		} else if (*text && *text != '#' && *text != '/') {
			read_line(im, &path, text);
		}
		text = next;
	}
}
