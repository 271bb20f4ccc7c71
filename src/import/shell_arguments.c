/* SPDX-License-Identifier: MIT */
/* Arguments of the commands of a shell script. */
#include "import/shell_arguments.h"

#include <string.h>

#include "base/bytes.h"

/* Arguments of a command: words that take a value. "" as key: ignored, with its value. NULL as key:
 * dropped, with a note. */
/* clang-format off */
static const struct import_row arguments[] = {
	{ "tunnel",  "tunnel_id",       "TunnelId", NULL },
	{ "tunnel",  "peer_tunnel_id",  "PeerTunnelId", NULL },
	{ "tunnel",  "local",           "Local", NULL },
	{ "tunnel",  "remote",          "Remote", NULL },
	{ "tunnel",  "encap",           "EncapsulationType", NULL },
	{ "tunnel",  "udp_sport",       "UDPSourcePort", NULL },
	{ "tunnel",  "udp_dport",       "UDPDestinationPort", NULL },
	{ "tunnel",  "udp_csum",        "UDPChecksum", NULL },
	{ "session", "name",            "", NULL },
	{ "session", "tunnel_id",       FACT_TUNNEL, NULL },
	{ "session", "session_id",      "SessionId", NULL },
	{ "session", "peer_session_id", "PeerSessionId", NULL },
	{ "session", "cookie",          "Cookie", NULL },
	{ "session", "peer_cookie",     "PeerCookie", NULL },
	{ "session", "l2spec_type",     "Layer2SpecificHeader", NULL },
	{ "session", "seq",             "Sequence", NULL },
	{ "link",    "mtu",             FACT_MTU, NULL },
	{ "link",    "master",          FACT_MASTER, NULL },
	{ "link",    "isolated",        FACT_ISOLATED, NULL },
	{ "link",    "group_fwd_mask",  FACT_FORWARD, NULL },
	{ "link",    "stp_state",       "STP", NULL },
	{ "link",    "mcast_snooping",  "MulticastSnooping", NULL },
	{ "link",    "address",         "", NULL },
	{ "link",    "dev",             "", NULL },
	{ "link",    "name",            "", NULL },
	{ "link",    "type",            "", NULL },
	{ "link",    "forward_delay",   "", NULL },
	{ "link",    "mcast_router",    "", NULL },
	{ "link",    "txqueuelen",      "", NULL },
	{ "address", "dev",             "", NULL },
	{ "address", "local",           "", NULL }, /* address_add() */
	{ "address", "peer",            "", NULL },
	{ "address", "remote",          "", NULL },
	{ "address", "broadcast",       "", NULL },
	{ "address", "brd",             "", NULL },
	{ "address", "scope",           "", NULL },
	{ "address", "label",           "", NULL },
	{ "address", "metric",          NULL, NULL },
	{ "address", "valid_lft",       NULL, NULL },
	{ "address", "preferred_lft",   NULL, NULL },
	{ "route",   "dev",             "", NULL },
	{ "route",   "to",              "", NULL }, /* route_add() */
	{ "route",   "via",             "", NULL },
	{ "route",   "scope",           "", NULL },
	{ "route",   "proto",           "", NULL },
	{ "route",   "table",           FACT_TABLE, NULL },
	{ "route",   "metric",          NULL, NULL },
	{ "route",   "preference",      NULL, NULL },
	{ "route",   "src",             NULL, NULL },
	{ "route",   "mtu",             NULL, NULL },
	{ "route",   "advmss",          NULL, NULL },
	{ "wg",      "listen-port",     "ListenPort", NULL },
	{ "wg",      "fwmark",          "FwMark", NULL },
	{ "peer",    "endpoint",        "Endpoint", NULL },
	{ "peer",    "allowed-ips",     "AllowedIPs", NULL },
	{ "peer",    "persistent-keepalive", "PersistentKeepalive", NULL },
	{ NULL, NULL, NULL, NULL },
};
/* clang-format on */

/* Words that take no value. */
static const char *const flags[] = { "up", "nodad", "noprefixroute", "on", "permanent", "onlink",
	"unicast" };

const struct import_row *shell_row(const char *where, const char *word)
{
	return import_row_find(arguments, where, word);
}

static bool is_flag(const char *word)
{
	for (size_t i = 0; i < ARRAY_LEN(flags); i++)
		if (!strcmp(flags[i], word))
			return true;
	return false;
}

bool shell_is_known(const char *value)
{
	return !strchr(value, SHELL_UNKNOWN);
}

void shell_add_argument(struct script *s, enum import_object object, const char *name,
	const char *key, const char *value)
{
	if (!strcmp(key, FACT_MTU) && s->from_file)
		key = "MTU";
	else if (!strcmp(key, FACT_MTU) && s->ours)
		value = "auto"; /* it was computed */
	if (!*key)
		return;
	if (shell_is_known(value))
		import_add(s->im, object, name, key, value);
	else
		import_drop(s->im, "%s: its value is known only while the script runs", key);
}

void shell_add_arguments(struct script *s, size_t i, const char *where, enum import_object object,
	const char *name, const char *operand)
{
	struct shell_command *c = s->command;
	char shown[CONF_SHOWN_LEN];

	for (; i < c->n; i++) {
		const struct import_row *row = shell_row(where, c->words[i]);
		bool dropped = row ? !row->key : !is_flag(c->words[i]);

		if (c->words[i] == operand)
			continue;
		if (dropped && strcmp(c->words[i], "bridge_slave") != 0)
			import_drop(s->im, "%s has no counterpart in a site",
				conf_shown(c->words[i], shown));
		if (row && ++i < c->n && row->key)
			shell_add_argument(s, object, name, row->key, c->words[i]);
	}
}

char *shell_value_after(const struct shell_command *c, size_t i, const char *word)
{
	for (; i + 1 < c->n; i++)
		if (!strcmp(c->words[i], word))
			return c->words[i + 1];
	return NULL;
}

char *shell_operand(const struct shell_command *c, size_t i, const char *where)
{
	for (; i < c->n; i++)
		if (shell_row(where, c->words[i]))
			i++;
		else if (!is_flag(c->words[i]) && strcmp(c->words[i], "down") != 0)
			return c->words[i];
	return NULL;
}
