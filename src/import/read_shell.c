/* SPDX-License-Identifier: MIT */
/* Reads shell scripts with ip(8), wg(8), brctl(8) and bridge(8), among them those of `wirespan
 * script`. */
#include "import/read_shell.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/keytext.h"
#include "base/secret.h"
#include "conf/value.h"
#include "import/shell_words.h"

#define REASON_FLOW    "a part of the script, not of the network"
#define REASON_REMOVAL "wirespan down removes what the site created"

/* What the lines of a script of `wirespan script` are. */
enum part {
	PART_OTHER,
	PART_PRE_UP,
	PART_POST_UP,
	PART_PRE_DOWN,
	PART_POST_DOWN,
};

/* A script while it is read. */
struct script {
	struct import *im;
	struct shell shell;
	struct shell_command *command;
	struct shell_command *before; /* the command whose output is the input, or an empty one */
	char link[IF_NAMESIZE];	      /* the WireGuard interface */
	char function[32];
	char label[32]; /* of the present part of `case` */
	bool ours;	/* written by `wirespan script` */
	enum part part;
	bool from_file; /* the next MTU: a comment states that it is not computed */
};

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

/* Words that take no value. */
static const char *const flags[] = { "up", "nodad", "noprefixroute", "on", "permanent", "onlink",
	"unicast" };

/* Commands that are not those of a network, and why they are dropped. */
static const struct import_row others[] = {
	{ "", "if", NULL, REASON_FLOW },       { "", "elif", NULL, REASON_FLOW },   { "", "fi", NULL, REASON_FLOW },
	{ "", "for", NULL, REASON_FLOW },      { "", "while", NULL, REASON_FLOW },  { "", "done", NULL, REASON_FLOW },
	{ "", "case", NULL, REASON_FLOW },     { "", "esac", NULL, REASON_FLOW },   { "", "set", NULL, REASON_FLOW },
	{ "", "trap", NULL, REASON_FLOW },     { "", "exit", NULL, REASON_FLOW },   { "", "return", NULL, REASON_FLOW },
	{ "", "[", NULL, REASON_FLOW },        { "", "test", NULL, REASON_FLOW },   { "", "echo", NULL, REASON_FLOW },
	{ "", "printf", NULL, REASON_FLOW },   { "", "sleep", NULL, REASON_FLOW },  { "", "true", NULL, REASON_FLOW },
	{ "", "}", NULL, REASON_FLOW },        { "", ":", NULL, REASON_FLOW },      { "", "key_in_line", NULL, REASON_FLOW },
	{ "", "up", NULL, REASON_FLOW },       { "", "down", NULL, REASON_FLOW },   { "", "take_down", NULL, REASON_FLOW },
	{ "", "*)", NULL, REASON_FLOW },
	{ "", "up)", NULL, REASON_FLOW },      { "", "down)", NULL, REASON_FLOW },
	{ "", "modprobe", NULL, "the site needs no kernel module" },
	{ "", "sysctl", NULL, "the site sets what it needs itself; if this is for something else, add it as PostUp" },
	{ "", "wg-quick", NULL, "name its file as well, such as /etc/wireguard/wg0.conf" },
	{ NULL, NULL, NULL, NULL },
};
/* clang-format on */

/* Whether `word` is `full` or an abbreviation of it, as in ip(8). */
static bool is_short_for(const char *word, const char *full)
{
	return *word && !strncmp(word, full, strlen(word));
}

static bool is_flag(const char *word)
{
	for (size_t i = 0; i < ARRAY_LEN(flags); i++)
		if (!strcmp(flags[i], word))
			return true;
	return false;
}

static bool is_known(const char *value)
{
	return !strchr(value, SHELL_UNKNOWN);
}

static void add_argument(struct script *s, enum import_object object, const char *name,
	const char *key, const char *value)
{
	if (!strcmp(key, FACT_MTU) && s->from_file)
		key = "MTU";
	else if (!strcmp(key, FACT_MTU) && s->ours)
		value = "auto"; /* it was computed */
	if (!*key)
		return;
	if (is_known(value))
		import_add(s->im, object, name, key, value);
	else
		import_drop(s->im, "%s: its value is known only while the script runs", key);
}

/* Add the arguments from word `i` on, by the rows of `where`. `operand` is the word among them that
 * has no name in front, or NULL: it is not added. */
static void add_arguments(struct script *s, size_t i, const char *where, enum import_object object,
	const char *name, const char *operand)
{
	struct shell_command *c = s->command;
	char shown[CONF_SHOWN_LEN];

	for (; i < c->n; i++) {
		const struct import_row *row = import_row_find(arguments, where, c->words[i]);
		bool dropped = row ? !row->key : !is_flag(c->words[i]);

		if (c->words[i] == operand)
			continue;
		if (dropped && strcmp(c->words[i], "bridge_slave") != 0)
			import_drop(s->im, "%s has no counterpart in a site",
				conf_shown(c->words[i], shown));
		if (row && ++i < c->n && row->key)
			add_argument(s, object, name, row->key, c->words[i]);
	}
}

/* The value after `word`, from word `i` on, or NULL. */
static char *value_after(const struct shell_command *c, size_t i, const char *word)
{
	for (; i + 1 < c->n; i++)
		if (!strcmp(c->words[i], word))
			return c->words[i + 1];
	return NULL;
}

/* The first word from word `i` on that is neither an argument of `where`, nor a value, nor a flag;
 * ip(8) has it at any place. */
static char *operand_of(const struct shell_command *c, size_t i, const char *where)
{
	for (; i < c->n; i++)
		if (import_row_find(arguments, where, c->words[i]))
			i++;
		else if (!is_flag(c->words[i]) && strcmp(c->words[i], "down") != 0)
			return c->words[i];
	return NULL;
}

/* `ip link add`, word `i` is what follows. */
static void link_add(struct script *s, size_t i)
{
	struct shell_command *c = s->command;
	const char *type = value_after(c, i, "type");
	const char *name = value_after(c, i, "dev");

	if (!name)
		name = value_after(c, i, "name");
	if (!name)
		name = operand_of(c, i, "link");
	if (!type || !name || conf_value_name_problem(name))
		type = "";
	if (!strcmp(type, "wireguard")) {
		import_add(s->im, IMPORT_LINK, name, FACT_KIND, FACT_KIND_WIREGUARD);
		import_add(s->im, IMPORT_LINK, name, FACT_ROUTES, "explicit");
		snprintf(s->link, sizeof(s->link), "%s", name);
		add_arguments(s, i, "link", IMPORT_LINK, name, name);
	} else if (!strcmp(type, "bridge")) {
		import_add(s->im, IMPORT_LINK, name, FACT_KIND, FACT_KIND_BRIDGE);
		add_arguments(s, i, "link", IMPORT_LINK, name, name);
	} else {
		import_drop(s->im, "neither a WireGuard interface nor a bridge");
	}
}

/* `ip link set`: the interface comes after "dev", or at any place. */
static void link_set(struct script *s, size_t i)
{
	struct shell_command *c = s->command;
	size_t before = s->im->n_facts + s->im->n_notes;
	const char *dev = value_after(c, i, "dev");

	if (!dev)
		dev = operand_of(c, i, "link");
	if (!dev || conf_value_name_problem(dev)) {
		import_drop(s->im, "its interface is missing, or known only while the script runs");
		return;
	}
	if (value_after(c, i, "name"))
		import_drop(s->im, "a site renames no interface");
	add_arguments(s, i, "link", IMPORT_LINK, dev, dev);
	if (s->im->n_facts + s->im->n_notes == before)
		import_drop(s->im, "the site brings its interfaces up");
	s->from_file = false;
}

/* `ip address add`. With a peer's address, ours has no prefix, and there is a route to the peer. */
static void address_add(struct script *s, size_t i)
{
	struct shell_command *c = s->command;
	const char *dev = value_after(c, i, "dev");
	const char *peer = value_after(c, i, "peer");
	char *address = value_after(c, i, "local");

	if (!address)
		address = operand_of(c, i, "address");
	if (!peer)
		peer = value_after(c, i, "remote");
	if (!dev || !address) {
		import_drop(s->im, "names no interface, or no address");
		return;
	}
	if (peer) {
		address[strcspn(address, "/")] = '\0';
		add_argument(s, IMPORT_LINK, dev, FACT_ROUTE, peer);
	}
	add_argument(s, IMPORT_LINK, dev, "Address", address);
	add_arguments(s, i, "address", IMPORT_LINK, dev, address);
}

static void route_add(struct script *s, size_t i)
{
	struct shell_command *c = s->command;
	const char *dev = value_after(c, i, "dev");
	const char *prefix = value_after(c, i, "to");
	bool v6 = false;

	for (size_t k = 1; k < i; k++)
		v6 |= !strcmp(c->words[k], "-6");
	if (!prefix)
		prefix = operand_of(c, i, "route");
	if (!dev || !prefix) {
		import_drop(s->im, "a route to no interface of the site");
		return;
	}
	add_argument(s, IMPORT_LINK, dev, FACT_ROUTE,
		strcmp(prefix, "default") != 0 ? prefix
		: v6			       ? "::/0"
					       : "0.0.0.0/0");
	add_arguments(s, i, "route", IMPORT_LINK, dev, prefix);
}

/* `ip rule add`: those of wg-quick for a default route. */
static void rule_add(struct script *s, size_t i)
{
	struct shell_command *c = s->command;

	if (*s->link && (value_after(c, i, "fwmark") || value_after(c, i, "suppress_prefixlength")))
		import_add(s->im, IMPORT_LINK, s->link, FACT_RULE, "mark");
	else
		import_drop(s->im, "policy routing that a site does not do: add it as PostUp");
}

/* `ip l2tp add tunnel|session`. */
static void l2tp_add(struct script *s, size_t i)
{
	struct shell_command *c = s->command;
	const char *tunnel = value_after(c, i, "tunnel_id");
	const char *name = value_after(c, i, "name");
	char unnamed[IF_NAMESIZE];

	if (!tunnel || !is_known(tunnel) || i >= c->n) {
		import_drop(s->im, "tunnel_id is missing, or known only while the script runs");
	} else if (!strcmp(c->words[i], "tunnel")) {
		add_arguments(s, i + 1, "tunnel", IMPORT_TUNNEL, tunnel, NULL);
	} else {
		if (!name) {
			snprintf(unnamed, sizeof(unnamed), "l2tpeth%u", s->im->n_sessions++);
			name = unnamed; /* as the kernel does */
		}
		import_add(s->im, IMPORT_LINK, name, FACT_KIND, FACT_KIND_SESSION);
		add_arguments(s, i + 1, "session", IMPORT_LINK, name, NULL);
	}
}

/* The literal KEY of `<(echo KEY)`, in `copy`. Return: NULL if it is another command. */
static const char *echoed_key(const char *file, char *copy, size_t size)
{
	const char *program;
	char *rest = copy;

	snprintf(copy, size, "%s", file + 2);
	copy[strcspn(copy, ")")] = '\0';
	program = import_word(&rest);
	return program && !strcmp(program, "echo") ? import_word(&rest) : NULL;
}

/* The key that is the input of `wg set`: a file, or a literal. `what` is PrivateKey or so. */
static void add_key(struct script *s, enum import_object object, const char *name, const char *file,
	const char *key, const char *key_file)
{
	const struct shell_command *before = s->before;
	char copy[128] = "";
	uint8_t bytes[KEY_LEN];
	const char *literal = NULL;
	uint32_t line;
	bool input = !strcmp(file, "/dev/stdin");

	if (!strncmp(file, "<(", 2))
		literal = echoed_key(file, copy, sizeof(copy));
	else if (input && s->command->input_file)
		file = s->command->input_file;
	else if (input && s->command->input)
		literal = s->command->input;
	else if (input && before->n > 1 &&
		 (!strcmp(before->words[0], "echo") || !strcmp(before->words[0], "printf")))
		literal = before->words[before->n - 1];
	else if (input && before->n == 2 && !strcmp(before->words[0], "cat"))
		file = before->words[1];
	else if (input && before->n == 3 && !strcmp(before->words[0], "key_in_line") &&
		 s->im->key_line && !conf_value_u32(before->words[1], 1, UINT32_MAX, &line) &&
		 !s->im->key_line(before->words[2], line, copy, sizeof(copy)))
		literal = copy;
	if (literal && !key_from_base64(literal, strlen(literal), bytes))
		import_add(s->im, object, name, key, literal);
	else if (literal || file[0] != '/' || !strcmp(file, "/dev/stdin") || !is_known(file))
		import_drop(s->im,
			"%s: the script has neither the key nor the absolute path of its file: add "
			"%s",
			key, key_file);
	else
		import_add(s->im, object, name, key_file, file);
	secret_wipe(copy, sizeof(copy));
	secret_wipe(bytes, sizeof(bytes));
}

/* A peer of `wg set`: its name in `ret`. One that was removed before is another peer. */
static void enter_peer(struct script *s, const char *link, const char *key, char *ret, size_t size)
{
	size_t len;

	snprintf(ret, size, "%s %s", link, key);
	len = strlen(ret);
	for (; len + 1 < size && import_find(s->im, IMPORT_PEER, ret, FACT_DISABLED); len++)
		memcpy(ret + len, "+", 2);
	if (!import_find(s->im, IMPORT_PEER, ret, FACT_OF)) {
		import_add(s->im, IMPORT_PEER, ret, FACT_OF, link);
		add_argument(s, IMPORT_PEER, ret, "PublicKey", key);
	}
}

/* Whether the present command is in a part of the script that takes the network down. */
static bool is_stopping(const struct script *s)
{
	static const char *const names[] = { "stop", "down", "post-down", "pre-down" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (!strcmp(s->function, names[i]) || !strcmp(s->label, names[i]))
			return true;
	return false;
}

/* `wg set NAME …`. */
static void wg_set(struct script *s)
{
	struct shell_command *c = s->command;
	const char *link = c->n > 2 ? c->words[2] : "";
	bool removes = false;
	char peer[128] = ""; /* of this interface: another one may have a peer with the same key */

	for (size_t i = 3; i < c->n; i++)
		removes |= !strcmp(c->words[i], "remove");
	if (removes && is_stopping(s)) {
		import_drop(s->im, REASON_REMOVAL);
		return;
	}
	for (size_t i = 3; i < c->n; i++) {
		const char *word = c->words[i];
		const char *value = i + 1 < c->n ? c->words[i + 1] : NULL;
		const struct import_row *row =
			import_row_find(arguments, *peer ? "peer" : "wg", word);

		if (*peer && !strcmp(word, "remove")) {
			import_add(s->im, IMPORT_PEER, peer, FACT_DISABLED, "yes");
			continue;
		}
		if (*peer && !strcmp(word, "update-only"))
			continue;
		i++;
		if (!value) {
			import_drop(s->im, "an argument of wg set has no value");
		} else if (!strcmp(word, "peer")) {
			enter_peer(s, link, value, peer, sizeof(peer));
		} else if (!strcmp(word, "private-key")) {
			add_key(s, IMPORT_LINK, link, value, "PrivateKey", "PrivateKeyFile");
		} else if (!strcmp(word, "preshared-key") && *peer) {
			add_key(s, IMPORT_PEER, peer, value, "PresharedKey", "PresharedKeyFile");
		} else if (row) {
			add_argument(s, *peer ? IMPORT_PEER : IMPORT_LINK, *peer ? peer : link,
				row->key, value);
		} else {
			import_drop(s->im, "an argument of wg set that is not known");
			return;
		}
	}
}

/* Name servers and domains in a part of the text that resolvconf(8) reads. `*adds`: the words
 * that follow are some. */
static void read_name_servers(struct script *s, const char *link, char *text, bool *adds)
{
	char shown[CONF_SHOWN_LEN];
	const char *word;

	for (char *c = text; (c = strstr(c, "\\n")); c += 2)
		c[0] = c[1] = ' '; /* of printf */
	for (char *c = text; (c = strchr(c, '\n')); c++)
		*c = ' ';
	while ((word = import_word(&text))) {
		if (*word == '%')
			continue;
		if (!strcmp(word, "nameserver") || !strcmp(word, "search") ||
			!strcmp(word, "domain")) {
			*adds = true;
			continue;
		}
		*adds &= strcmp(word, "options") != 0 && strcmp(word, "sortlist") != 0;
		if (*adds)
			add_argument(s, IMPORT_LINK, link, "DNS", word);
		else
			import_drop(
				s->im, "%s has no counterpart in a site", conf_shown(word, shown));
	}
}

/* Name servers by resolvconf(8), from the text that is piped to it, or its here-document. */
static void add_name_servers(struct script *s)
{
	struct shell_command *c = s->command;
	const struct shell_command *before = s->before;
	size_t n = s->im->n_facts + s->im->n_notes;
	const char *link = value_after(c, 1, "-a");
	const char *line = c->input;
	bool adds = false;

	if (!link) {
		import_drop(s->im, REASON_REMOVAL);
		return;
	}
	for (size_t i = 0; i < c->n_input; i++, line += strlen(line) + 1) {
		char copy[256];

		adds = false;
		snprintf(copy, sizeof(copy), "%s", line);
		if (strpbrk(line, "$`") || strlen(line) >= sizeof(copy))
			import_drop(
				s->im, "a name server that is known only while the script runs");
		else if (*line != '#' && *line != ';')
			read_name_servers(s, link, copy, &adds);
	}
	for (size_t i = 1; !line && i < before->n; i++)
		if (before->words[i][0] != '-' &&
			(!strcmp(before->words[0], "echo") || !strcmp(before->words[0], "printf")))
			read_name_servers(s, link, before->words[i], &adds);
	if (s->im->n_facts + s->im->n_notes == n)
		import_drop(s->im, "the script does not contain the name servers: add DNS");
}

/* `ip OBJECT VERB …`. */
static void run_ip(struct script *s)
{
	static const char *const adding[] = { "add", "append", "change", "prepend", "replace" };
	struct shell_command *c = s->command;
	bool adds = false;
	size_t i = 1;
	const char *verb;

	for (; i < c->n && c->words[i][0] == '-'; i++)
		if (!strcmp(c->words[i], "-n") || !strncmp(c->words[i], "-net", 4)) {
			import_drop(s->im, "in another network namespace");
			return;
		}
	verb = i + 1 < c->n ? c->words[i + 1] : "show";
	for (size_t k = 0; k < ARRAY_LEN(adding); k++)
		adds |= is_short_for(verb, adding[k]);
	if (is_short_for(verb, "delete") || is_short_for(verb, "flush"))
		import_drop(s->im, REASON_REMOVAL);
	else if (is_short_for(verb, "show") || is_short_for(verb, "list"))
		import_drop(s->im, REASON_FLOW);
	else if (is_short_for(c->words[i], "link") && is_short_for(verb, "add"))
		link_add(s, i + 2);
	else if (is_short_for(c->words[i], "link") && is_short_for(verb, "set"))
		link_set(s, i + 2);
	else if (is_short_for(c->words[i], "address") && adds)
		address_add(s, i + 2);
	else if (is_short_for(c->words[i], "route") && adds)
		route_add(s, i + 2);
	else if (is_short_for(c->words[i], "rule"))
		rule_add(s, i + 2);
	else if (!strcmp(c->words[i], "l2tp") && is_short_for(verb, "add"))
		l2tp_add(s, i + 2);
	else
		import_drop(s->im, "not a part of a site");
}

static void run_brctl(struct script *s)
{
	struct shell_command *c = s->command;

	if (c->n == 3 && !strcmp(c->words[1], "addbr"))
		add_argument(s, IMPORT_LINK, c->words[2], FACT_KIND, FACT_KIND_BRIDGE);
	else if (c->n == 4 && !strcmp(c->words[1], "stp"))
		add_argument(s, IMPORT_LINK, c->words[2], "STP", c->words[3]);
	else if (c->n >= 4 && !strcmp(c->words[1], "addif"))
		for (size_t i = 3; i < c->n; i++)
			add_argument(s, IMPORT_LINK, c->words[i], FACT_MASTER, c->words[2]);
	else
		import_drop(s->im, "not a part of a site");
}

/* `bridge link set dev IF isolated on`. */
static void run_bridge(struct script *s)
{
	struct shell_command *c = s->command;
	const char *dev = value_after(c, 1, "dev");

	if (dev && value_after(c, 1, "isolated") && !strcmp(c->words[1], "link"))
		add_arguments(s, 3, "link", IMPORT_LINK, dev, NULL);
	else
		import_drop(s->im, "not a part of a site");
}

/* Comments of `wirespan script` that describe the next lines. */
static void read_comment(struct script *s, const char *text)
{
	s->ours |=
		strstr(text, "made by hand from the kernel's own wireguard and l2tp_eth") != NULL;
	if (!s->ours)
		return;
	s->from_file |= !strcmp(text, "MTU from the file");
	if (!strcmp(text, "PostUp"))
		s->part = PART_POST_UP;
	else if (s->part == PART_PRE_UP)
		s->part = PART_OTHER;
}

/* Follow the functions of a script of ours. Return: whether the command is a part of its frame. */
static bool follow_parts(struct script *s)
{
	const struct shell_command *c = s->command;
	const char *word = c->words[0];

	if (!s->ours)
		return false;
	if (c->end == '(' && !strcmp(word, "down")) {
		s->part = PART_PRE_DOWN;
		s->shell.at += strcspn(s->shell.at, "\n"); /* the brace */
		s->shell.line += *s->shell.at == '\n';
		s->shell.at += *s->shell.at == '\n';
	} else if (!strcmp(word, "take_down") && s->part == PART_PRE_DOWN)
		s->part = PART_POST_DOWN;
	else if (!strcmp(word, "trap") && c->n == 3)
		s->part = strcmp(c->words[1], "take_down") ? PART_OTHER : PART_PRE_UP;
	else if (!strcmp(word, "}"))
		s->part = PART_OTHER;
	else
		return false;
	return true;
}

/* A line of a hook: it is text, up to its end. */
static void read_hook(struct script *s, const char *line)
{
	static const char *const keys[] = {
		[PART_PRE_UP] = "PreUp",
		[PART_POST_UP] = "PostUp",
		[PART_PRE_DOWN] = "PreDown",
		[PART_POST_DOWN] = "PostDown",
	};
	size_t len = strcspn(line, "\n");
	char *text = strndup(line, len);

	if (!text)
		s->im->out_of_memory = true;
	else if (*s->link)
		import_add(s->im, IMPORT_LINK, s->link, keys[s->part], import_trim(text));
	free(text);
}

static void run_other(struct script *s)
{
	const char *word = s->command->words[0];
	const struct import_row *row = import_row_find(others, "", word);
	char shown[CONF_SHOWN_LEN];

	if (row)
		import_drop(s->im, "%s", row->reason);
	else if (s->command->end == '(' || s->command->end == ')') /* a function, or a case */
		import_drop(s->im, REASON_FLOW);
	else
		import_drop(s->im,
			"%s is not a command of the network: if the site needs it, add it as "
			"PostUp",
			conf_shown(word, shown));
}

static const char *program_of(const struct shell_command *c)
{
	const char *slash = strrchr(c->words[0], '/');

	return slash ? slash + 1 : c->words[0];
}

static void run_command(struct script *s)
{
	const struct shell_command *c = s->command;
	const char *program = program_of(c);

	if (c->too_long)
		import_drop(s->im, "the command is too long");
	else if (!strcmp(s->function, "take_down"))
		import_drop(s->im, REASON_REMOVAL);
	else if (!strcmp(program, "ip"))
		run_ip(s);
	else if (!strcmp(program, "wg") && c->n > 1 && !strcmp(c->words[1], "set"))
		wg_set(s);
	else if (!strcmp(program, "wg"))
		import_drop(s->im, "name the file that it reads as well");
	else if (!strcmp(program, "brctl"))
		run_brctl(s);
	else if (!strcmp(program, "bridge"))
		run_bridge(s);
	else if (!strcmp(program, "resolvconf"))
		add_name_servers(s);
	else
		run_other(s);
}

/* Whether a line of a hook begins at `at`: not the frame's own lines, and not blank. */
static bool at_hook(const struct script *s, const char *at)
{
	at += strspn(at, " \t");
	return s->part != PART_OTHER && *at && *at != '\n' && *at != '}' &&
	       strncmp(at, "trap - EXIT\n", 12) != 0 &&
	       !(s->part == PART_PRE_DOWN && !strncmp(at, "take_down\n", 10)) &&
	       !(s->part == PART_PRE_UP && !strncmp(at, "# WireGuard between", 19));
}

/* Drop the lines of a here-document with a note, except the first, if wg may have read a key
 * there. */
static void drop_document(struct import *im, const struct shell_command *command)
{
	unsigned from = command->document;

	if (!strcmp(program_of(command), "resolvconf"))
		return; /* add_name_servers() */
	for (size_t i = 0; from && i < command->n; i++)
		if (!strcmp(command->words[i], "wg")) {
			from++;
			break;
		}
	if (!from || from > command->document_end)
		return;
	import_note_at(im, (struct conf_at){ .file = im->at.file, .line = from }, IMPORT_DROPPED,
		"the here-document is not read, up to line %u: if it is a file of the network, "
		"import that as well",
		command->document_end);
}

/* Read the script's next command, or line of a hook. Return: false at the end. */
static bool read_next(struct script *s)
{
	struct shell *shell = &s->shell;
	size_t before;

	if (at_hook(s, shell->at)) {
		s->im->at.line = shell->line;
		read_hook(s, shell->at);
		shell->at += strcspn(shell->at, "\n");
		shell->at += *shell->at == '\n';
		shell->line++;
		return true;
	}
	if (!shell_next(shell, s->command))
		return false;
	s->im->at.line = s->command->line;
	if (!strcmp(s->command->words[0], "#")) {
		read_comment(s, s->command->words[1]);
		return true;
	}
	if (s->command->end == '(')
		snprintf(s->function, sizeof(s->function), "%s", s->command->words[0]);
	else if (s->command->end == ')')
		snprintf(s->label, sizeof(s->label), "%s", s->command->words[s->command->n - 1]);
	else if (!strcmp(s->command->words[0], "}"))
		s->function[0] = '\0';
	else if (!strcmp(s->command->words[0], "esac"))
		s->label[0] = '\0';
	before = s->im->n_facts + s->im->n_notes;
	if (follow_parts(s))
		import_drop(s->im, REASON_FLOW);
	else
		run_command(s);
	if (s->im->n_facts + s->im->n_notes == before && !s->im->too_many)
		import_drop(s->im, "it states nothing that a site has");
	drop_document(s->im, s->command);
	return true;
}

/* The WireGuard interface of a script of ours, whose hooks may come before it. */
static void find_link(struct script *s, const char *text)
{
	static const char begin[] = "\tip link add ";
	static const char end[] = " type wireguard\n";
	const char *name = strstr(text, begin);
	size_t len;

	if (!name)
		return;
	name += sizeof(begin) - 1;
	len = strcspn(name, " ");
	if (len < sizeof(s->link) && !strncmp(name + len, end, sizeof(end) - 1))
		snprintf(s->link, sizeof(s->link), "%.*s", (int)len, name);
}

void import_shell(struct import *im, const char *text)
{
	struct shell_command *commands = calloc(2, sizeof(*commands));
	struct script s = { .im = im, .shell = { .at = text, .line = 1 } };

	if (!commands) {
		im->out_of_memory = true;
		return;
	}
	find_link(&s, text);
	s.command = &commands[0];
	s.before = &commands[1];
	while (read_next(&s)) {
		if (s.command->end == '|') { /* the next one reads its output */
			struct shell_command *swap = s.before;

			s.before = s.command;
			s.command = swap;
		} else {
			s.before->n = 0;
		}
	}
	secret_wipe(commands, 2 * sizeof(*commands));
	free(commands);
	secret_wipe(&s.shell, sizeof(s.shell));
}
