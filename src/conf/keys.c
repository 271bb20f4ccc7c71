/* SPDX-License-Identifier: MIT */
/* The keys of every section: name, whether it may be repeated, and how its value is parsed. */
#include "conf/keys.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"
#include "conf/value.h"

#define LIST_SEPARATORS ", \t"

const struct conf_word conf_backend_words[] = {
	{ "auto", CONF_BACKEND_AUTO },
	{ "userspace", CONF_BACKEND_USERSPACE },
	{ "kernel", CONF_BACKEND_KERNEL },
	{ NULL, 0 },
};

const struct conf_word conf_encap_words[] = {
	{ "udp", L2TP_ENCAP_UDP },
	{ "ip", L2TP_ENCAP_IP },
	{ NULL, 0 },
};

static const struct conf_word forward_words[] = {
	{ "lldp", CONF_FORWARD_LLDP },
	{ "eapol", CONF_FORWARD_EAPOL },
	{ "lacp", CONF_FORWARD_LACP },
	{ "stp", CONF_FORWARD_STP },
	{ NULL, 0 },
};

/* Table names that iproute2 has built in. */
static const struct conf_word table_words[] = {
	{ "default", 253 },
	{ "main", 254 },
	{ "local", 255 },
	{ NULL, 0 },
};

const char *conf_word(const struct conf_word *words, unsigned value)
{
	while (words->word && words->value != value)
		words++;
	return words->word;
}

const char *conf_forward_control_text(unsigned set, char ret[static CONF_FORWARD_TEXT_LEN])
{
	size_t len = 0;

	for (const struct conf_word *word = forward_words; word->word; word++)
		if (set & word->value)
			len += (size_t)snprintf(ret + len, CONF_FORWARD_TEXT_LEN - len, "%s%s",
				len ? ", " : "", word->word);
	ret[len] = '\0';
	return ret;
}

static const struct conf_word *word_find(const struct conf_word *words, const char *text)
{
	for (; words->word; words++)
		if (!strcasecmp(words->word, text))
			return words;
	return NULL;
}

/* Report that `value` of the key is wrong: `problem` with the hint after '\n'. */
static void report_bad_value(struct conf_reader *r, const char *value, const char *problem)
{
	char shown[CONF_SHOWN_LEN];

	conf_report_add(r->report, CONF_ERROR, r->at, "%s: %s %s", r->key->name,
		conf_shown(value, shown), problem);
}

/* Report that a key is wrong, without showing it. */
static void report_bad_key(struct conf_reader *r, const char *value)
{
	size_t len = strlen(value);

	if (len != KEY_BASE64_LEN)
		conf_report_add(r->report, CONF_ERROR, r->at,
			"%s: not a key: it has %zu characters instead of 44\n"
			"paste the whole line that wirespan genkey, pubkey or genpsk printed",
			r->key->name, len);
	else
		conf_report_add(r->report, CONF_ERROR, r->at,
			"%s: not a key: it is not the base64 encoding of 32 bytes\n"
			"paste the whole line that wirespan genkey, pubkey or genpsk printed",
			r->key->name);
}

/* The member that the key sets. */
static void *field(const struct conf_reader *r)
{
	return (char *)r->object + r->key->offset;
}

/* Cut the next item off a list. Return: NULL if there is none. */
static char *next_item(char **list)
{
	char *item = *list + strspn(*list, LIST_SEPARATORS);
	size_t len = strcspn(item, LIST_SEPARATORS);

	*list = item + len + (item[len] != '\0');
	item[len] = '\0';
	return len ? item : NULL;
}

static void read_words(struct conf_reader *r, char *value)
{
	const struct conf_word *word = word_find(r->key->words, value);
	char problem[120];
	size_t len;

	if (word) {
		memcpy(field(r), &word->value, sizeof(word->value));
		return;
	}
	len = (size_t)snprintf(problem, sizeof(problem), "is not a valid value\nwrite");
	for (word = r->key->words; word->word && len < sizeof(problem); word++)
		len += (size_t)snprintf(problem + len, sizeof(problem) - len, "%s %s",
			word == r->key->words ? ""
			: word[1].word	      ? ","
					      : " or",
			word->word);
	report_bad_value(r, value, problem);
}

static void read_bool(struct conf_reader *r, char *value)
{
	if (conf_value_bool(value, field(r)) < 0)
		report_bad_value(r, value, "is neither yes nor no\nwrite yes or no");
}

static void read_port(struct conf_reader *r, char *value)
{
	uint32_t port;

	if (conf_value_u32(value, 1, UINT16_MAX, &port) < 0) {
		report_bad_value(r, value, "is not a port\nwrite a number from 1 to 65535");
		return;
	}
	*(uint16_t *)field(r) = (uint16_t)port;
}

/* As in wg(8): 0, however it is written, lets the kernel choose. */
static void read_listen_port(struct conf_reader *r, char *value)
{
	uint32_t none;

	if (!conf_value_u32(value, 0, 0, &none))
		*(uint16_t *)field(r) = 0;
	else
		read_port(r, value);
}

static void read_id(struct conf_reader *r, char *value)
{
	if (conf_value_u32(value, 1, UINT32_MAX, field(r)) < 0)
		report_bad_value(r, value, "is not an id\nwrite a number from 1 to 4294967295");
}

static void read_mtu(struct conf_reader *r, char *value)
{
	if (!strcasecmp(value, "auto"))
		*(uint32_t *)field(r) = 0;
	else if (conf_value_u32(value, 1, UINT16_MAX, field(r)) < 0)
		report_bad_value(r, value, "is not an MTU\nwrite auto, or a number of bytes");
}

static void read_fwmark(struct conf_reader *r, char *value)
{
	if (!strcasecmp(value, "off"))
		*(uint32_t *)field(r) = 0;
	else if (conf_value_u32(value, 0, UINT32_MAX, field(r)) < 0)
		report_bad_value(r, value,
			"is not a firewall mark\nwrite off, or a 32-bit number such as 0xca6c");
}

static void read_keepalive(struct conf_reader *r, char *value)
{
	uint32_t seconds = 0;

	if (strcasecmp(value, "off") != 0 && conf_value_u32(value, 0, UINT16_MAX, &seconds) < 0) {
		report_bad_value(r, value,
			"is not a number of seconds\nwrite off, or 1 to 65535; 25 suits most NATs");
		return;
	}
	*(uint16_t *)field(r) = (uint16_t)seconds;
}

static void read_bandwidth(struct conf_reader *r, char *value)
{
	uint64_t rate = 0;
	uint32_t zero;

	if (strcasecmp(value, "off") != 0 && conf_value_u32(value, 0, 0, &zero) < 0 &&
		conf_value_rate(value, &rate) < 0) {
		report_bad_value(r, value,
			"is not a rate\nwrite off, or 64kbit to 1tbit, such as 19M or 950mbit");
		return;
	}
	*(uint64_t *)field(r) = rate;
}

static void read_table(struct conf_reader *r, char *value)
{
	const struct conf_word *word = word_find(table_words, value);
	struct conf_interface *wg = r->object;

	if (!strcasecmp(value, "auto")) {
		wg->table = CONF_TABLE_AUTO;
	} else if (!strcasecmp(value, "off")) {
		wg->table = CONF_TABLE_OFF;
	} else if (word) {
		wg->table = CONF_TABLE_NUMBER;
		wg->table_number = word->value;
	} else if (!conf_value_u32(value, 1, UINT32_MAX, &wg->table_number)) {
		wg->table = CONF_TABLE_NUMBER;
	} else {
		report_bad_value(r, value,
			"is not a routing table\nwrite auto, off, main, or the table's number");
	}
}

/* Read a base64 key into `ret`. Return: whether it is one. */
static bool read_key(struct conf_reader *r, const char *value, uint8_t ret[static KEY_LEN])
{
	bool ok = key_from_base64(value, strlen(value), ret) == 0;

	if (!ok)
		report_bad_key(r, value);
	return ok;
}

static void read_private_key(struct conf_reader *r, char *value)
{
	struct conf_interface *wg = r->object;

	wg->has_private_key = read_key(r, value, wg->private_key);
}

static void read_public_key(struct conf_reader *r, char *value)
{
	struct conf_peer *peer = r->object;

	peer->has_public_key = read_key(r, value, peer->public_key);
}

static void read_preshared_key(struct conf_reader *r, char *value)
{
	struct conf_peer *peer = r->object;

	peer->has_preshared_key = read_key(r, value, peer->preshared_key);
}

static void read_path(struct conf_reader *r, char *value)
{
	char *path;
	int n;

	if (value[0] == '/')
		n = asprintf(&path, "%s", value);
	else
		n = asprintf(&path, "%s/%s", r->folder, value);
	if (n < 0) {
		r->out_of_memory = true;
		return;
	}
	free(*(char **)field(r));
	*(char **)field(r) = path;
}

/* Whether a value can be the name of an interface; if not, report it. */
static bool check_name(struct conf_reader *r, const char *value, const char *hint)
{
	const char *problem = conf_value_name_problem(value);
	char shown[CONF_SHOWN_LEN];

	if (problem)
		conf_report_add(r->report, CONF_ERROR, r->at, "%s: %s %s\n%s", r->key->name,
			conf_shown(value, shown), problem, hint);
	return !problem;
}

static void read_name(struct conf_reader *r, char *value)
{
	if (check_name(r, value, "choose a name such as wg0, l2tpeth0, br-l2tp0"))
		memcpy(field(r), value, strlen(value) + 1);
}

static void read_peer_name(struct conf_reader *r, char *value)
{
	const char *problem = conf_value_peer_name_problem(value);

	if (problem)
		report_bad_value(r, value, problem);
	else
		memcpy(field(r), value, strlen(value) + 1);
}

static void read_user(struct conf_reader *r, char *value)
{
	const char *problem = conf_value_user_problem(value);
	struct conf_site *site = r->object;

	if (problem) {
		report_bad_value(r, value, problem);
		return;
	}
	free(site->user);
	site->user = NULL;
	if (!strcasecmp(value, CONF_USER_DYNAMIC))
		return;
	site->user = strdup(value);
	r->out_of_memory |= !site->user;
}

static void read_endpoint(struct conf_reader *r, char *value)
{
	struct conf_peer *peer = r->object;
	const char *host;
	const char *problem;
	char shown[CONF_SHOWN_LEN];

	conf_shown(value, shown);
	problem = conf_value_endpoint(value, &host, &peer->endpoint_port);
	if (problem) {
		conf_report_add(
			r->report, CONF_ERROR, r->at, "%s: %s %s", r->key->name, shown, problem);
		return;
	}
	free(peer->endpoint_host);
	peer->endpoint_host = strdup(host);
	r->out_of_memory |= !peer->endpoint_host;
}

static void add_text(struct conf_reader *r, struct conf_texts *list, const char *text)
{
	r->out_of_memory |= conf_texts_add(list, text, r->at) < 0;
}

/* A shell command, stored verbatim. */
static void read_command(struct conf_reader *r, char *value)
{
	add_text(r, field(r), value);
}

static void read_dns(struct conf_reader *r, char *value)
{
	char *item;

	while ((item = next_item(&value))) {
		size_t len = strspn(item,
			"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:_-%");

		if (item[len])
			report_bad_value(r, item,
				"is neither an address nor a domain\n"
				"write addresses of name servers and search domains");
		else
			add_text(r, field(r), item);
	}
}

static void read_member(struct conf_reader *r, char *value)
{
	char *item;

	while ((item = next_item(&value)))
		if (check_name(r, item, "write the interface's name as `ip link` shows it"))
			add_text(r, field(r), item);
}

/* A set of control protocols, or none. */
static void read_forward_control(struct conf_reader *r, char *value)
{
	struct conf_bridge *bridge = r->object;
	const struct conf_word *word;
	char *item;

	if (!strcasecmp(value, "none"))
		return;
	while ((item = next_item(&value))) {
		word = word_find(forward_words, item);
		if (word)
			bridge->forward_control |= word->value;
		else
			report_bad_value(r, item,
				"is not a control protocol\n"
				"write none, or a list of lldp, eapol, lacp and stp");
	}
}

static void prefix_add(
	struct conf_reader *r, struct conf_prefixes *list, const struct ip_prefix *prefix)
{
	r->out_of_memory |= conf_prefixes_add(list, prefix, r->at) < 0;
}

static void read_addresses(struct conf_reader *r, char *value)
{
	struct ip_prefix prefix;
	char *item;

	while ((item = next_item(&value))) {
		if (ip_prefix_parse(item, &prefix) < 0)
			report_bad_value(r, item,
				"is not an address\n"
				"write it with its subnet, such as 10.0.1.11/24");
		else
			prefix_add(r, field(r), &prefix);
	}
}

static void read_allowed_ips(struct conf_reader *r, char *value)
{
	struct ip_prefix prefix;
	struct ip_prefix masked;
	char text[IP_ADDR_TEXT_LEN];
	char *item;

	while ((item = next_item(&value))) {
		if (ip_prefix_parse(item, &prefix) < 0) {
			report_bad_value(r, item,
				"is not an address range\n"
				"write address/length, such as 10.0.1.21/32 or 10.0.5.0/24");
			continue;
		}
		masked = ip_prefix_masked(&prefix);
		if (!ip_addr_equal(&masked.addr, &prefix.addr))
			conf_report_add(r->report, CONF_WARNING, r->at,
				"AllowedIPs: \"%s\" means the whole range %s/%u\n"
				"write that, or %s for the single address",
				item, ip_addr_text(&masked.addr, text), prefix.len,
				prefix.addr.family == AF_INET ? "/32" : "/128");
		prefix_add(r, field(r), &masked);
	}
}

/* An address without a prefix length. */
static void read_address(struct conf_reader *r, char *value)
{
	if (strchr(value, '/'))
		report_bad_value(r, value,
			"has a prefix length\nwrite the address alone, without the /length");
	else if (ip_addr_parse(value, field(r)) < 0)
		report_bad_value(r, value, "is not an address\nwrite an IPv4 or IPv6 address");
}

/* systemd's "auto" equals the default, and so does "static", as each Address of [Interface] is
 * static. "dynamic" and "@INTERFACE" are systemd's, too. */
static void read_local(struct conf_reader *r, char *value)
{
	struct conf_tunnel *tunnel = r->object;

	tunnel->local_auto = !strcasecmp(value, "auto") || !strcasecmp(value, "static");
	if (tunnel->local_auto)
		return;
	if (!strcasecmp(value, "dynamic"))
		report_bad_value(r, value,
			"finds no address: each Address of [Interface] is static\n"
			"write auto, or one of those addresses");
	else if (strchr(value, '@'))
		report_bad_value(r, value,
			"names an interface\nremove the @ and what follows it: the address is "
			"one of [Interface]");
	else
		read_address(r, value);
}

/* A cookie: its bytes, then its length, as laid out in struct conf_session. */
static void read_cookie(struct conf_reader *r, char *value)
{
	uint8_t *cookie = field(r);
	uint8_t bytes[CONF_COOKIE_MAX] = { 0 };
	int len = conf_value_hex(value, sizeof(bytes), bytes);

	if (len != 0 && len != 4 && len != 8) {
		conf_report_add(r->report, CONF_ERROR, r->at,
			"%s: not a cookie\nwrite 8 or 16 hex digits, or nothing for none",
			r->key->name);
		return;
	}
	memcpy(cookie, bytes, sizeof(bytes));
	cookie[CONF_COOKIE_MAX] = (uint8_t)len;
}

/* The word of an option, or the word for it if it is yes or no in another spelling. Return: its
 * value, or n_words. */
static uint32_t option_word(const struct l2tp_option *row, const char *value)
{
	uint32_t i = 0;
	bool yes;

	while (i < row->n_words && strcasecmp(row->words[i], value) != 0)
		i++;
	if (i < row->n_words || conf_value_bool(value, &yes) < 0)
		return i;
	for (i = 0; i < row->n_words && strcmp(row->words[i], yes ? "yes" : "no") != 0; i++)
		;
	return i;
}

/* Report a value that the option cannot have, with those that it can have. */
static void report_bad_option(
	struct conf_reader *r, const struct l2tp_option *row, const char *value)
{
	char problem[200];
	size_t len;

	len = (size_t)snprintf(problem, sizeof(problem), "is not %s\nwrite ",
		row->max ? row->noun : "a valid value");
	for (uint32_t i = 0; i < row->n_words && len < sizeof(problem); i++)
		len += (size_t)snprintf(problem + len, sizeof(problem) - len, "%s%s", row->words[i],
			row->max || i + 2 < row->n_words ? ", "
			: i + 2 == row->n_words		 ? " or "
							 : "");
	if (row->max && len < sizeof(problem))
		snprintf(problem + len, sizeof(problem) - len, "%sa number%s%s from %u to %u",
			row->n_words ? "or " : "", row->unit ? " " : "", row->unit ? row->unit : "",
			row->min, row->max);
	report_bad_value(r, value, problem);
}

/* An option of a session. Words precede numbers: 1 may mean yes. */
static void read_option(struct conf_reader *r, char *value)
{
	size_t option = r->key->index - CONF_SESSION_OPTION;
	const struct l2tp_option *row = &l2tp_option_rows[option];
	uint32_t number = option_word(row, value);

	if (number == row->n_words &&
		(!row->max || conf_value_u32(value, row->min, row->max, &number) < 0))
		report_bad_option(r, row, value);
	else
		l2tp_options_set(field(r), option, number);
}

static void read_save_config(struct conf_reader *r, char *value)
{
	bool yes = true;

	if (conf_value_bool(value, &yes) < 0)
		report_bad_value(r, value, "is neither yes nor no\nremove the line");
	else if (yes)
		conf_report_add(r->report, CONF_WARNING, r->at,
			"SaveConfig: wirespan never writes to your file, so changes made with "
			"wg(8) are not saved\n"
			"remove the line; to change the site, edit the file and run wirespan "
			"reload");
}

#define KEY(type, member, at_index, key_name, reader, ...)                                         \
	{                                                                                          \
		.name = key_name, .index = at_index, .offset = offsetof(struct type, member),      \
		.read = reader, __VA_ARGS__                                                        \
	}
#define LIST(...)  KEY(__VA_ARGS__, .repeats = true, .may_be_empty = true)
#define EMPTY(...) KEY(__VA_ARGS__, .may_be_empty = true)
#define WORDS(type, member, at_index, key_name, table)                                             \
	KEY(type, member, at_index, key_name, read_words, .words = table)

_Static_assert(sizeof(enum conf_backend) == sizeof(unsigned), "words are stored as unsigned");
_Static_assert(offsetof(struct conf_session, cookie_len) ==
		       offsetof(struct conf_session, cookie) + CONF_COOKIE_MAX,
	"a cookie's length follows it");
_Static_assert(offsetof(struct conf_session, peer_cookie_len) ==
		       offsetof(struct conf_session, peer_cookie) + CONF_COOKIE_MAX,
	"a cookie's length follows it");

/* clang-format off */
static const struct conf_key site_keys[] = {
	WORDS(conf_site, backend,   CONF_SITE_BACKEND,   "Backend",   conf_backend_words),
	KEY(conf_site,   isolation, CONF_SITE_ISOLATION, "Isolation", read_bool),
	KEY(conf_site,   user,      CONF_SITE_USER,      "User",      read_user),
	KEY(conf_site,   wireguard, CONF_SITE_WIREGUARD, "WireGuard", read_path),
};

static const struct conf_key interface_keys[] = {
	KEY(conf_interface,  name,             CONF_INTERFACE_NAME,             "Name",           read_name),
	KEY(conf_interface,  private_key,      CONF_INTERFACE_PRIVATE_KEY,      "PrivateKey",     read_private_key),
	KEY(conf_interface,  private_key_file, CONF_INTERFACE_PRIVATE_KEY_FILE, "PrivateKeyFile", read_path),
	KEY(conf_interface,  listen_port,      CONF_INTERFACE_LISTEN_PORT,      "ListenPort",     read_listen_port),
	LIST(conf_interface, addresses,        CONF_INTERFACE_ADDRESS,          "Address",        read_addresses),
	KEY(conf_interface,  mtu,              CONF_INTERFACE_MTU,              "MTU",            read_mtu),
	KEY(conf_interface,  fwmark,           CONF_INTERFACE_FWMARK,           "FwMark",         read_fwmark),
	KEY(conf_interface,  bandwidth,        CONF_INTERFACE_BANDWIDTH,        "Bandwidth",      read_bandwidth),
	KEY(conf_interface,  table,            CONF_INTERFACE_TABLE,            "Table",          read_table),
	LIST(conf_interface, dns,              CONF_INTERFACE_DNS,              "DNS",            read_dns),
	LIST(conf_interface, pre_up,           CONF_INTERFACE_PRE_UP,           "PreUp",          read_command),
	LIST(conf_interface, post_up,          CONF_INTERFACE_POST_UP,          "PostUp",         read_command),
	LIST(conf_interface, pre_down,         CONF_INTERFACE_PRE_DOWN,         "PreDown",        read_command),
	LIST(conf_interface, post_down,        CONF_INTERFACE_POST_DOWN,        "PostDown",       read_command),
	LIST(conf_interface, peer_up,          CONF_INTERFACE_PEER_UP,          "PeerUp",         read_command),
	LIST(conf_interface, peer_down,        CONF_INTERFACE_PEER_DOWN,        "PeerDown",       read_command),
	KEY(conf_interface,  name,             CONF_INTERFACE_SAVE_CONFIG,      "SaveConfig",     read_save_config),
};

static const struct conf_key peer_keys[] = {
	KEY(conf_peer,  name,               CONF_PEER_NAMED,              "Name",                read_peer_name),
	KEY(conf_peer,  public_key,         CONF_PEER_PUBLIC_KEY,         "PublicKey",           read_public_key),
	KEY(conf_peer,  preshared_key,      CONF_PEER_PRESHARED_KEY,      "PresharedKey",        read_preshared_key),
	KEY(conf_peer,  preshared_key_file, CONF_PEER_PRESHARED_KEY_FILE, "PresharedKeyFile",    read_path),
	KEY(conf_peer,  endpoint_host,      CONF_PEER_ENDPOINT,           "Endpoint",            read_endpoint),
	LIST(conf_peer, allowed_ips,        CONF_PEER_ALLOWED_IPS,        "AllowedIPs",          read_allowed_ips),
	KEY(conf_peer,  keepalive_s,        CONF_PEER_KEEPALIVE,          "PersistentKeepalive", read_keepalive),
	KEY(conf_peer,  bandwidth,          CONF_PEER_BANDWIDTH,          "Bandwidth",           read_bandwidth),
};

static const struct conf_key tunnel_keys[] = {
	KEY(conf_tunnel,   tunnel_id,            CONF_TUNNEL_ID,                   "TunnelId",           read_id),
	KEY(conf_tunnel,   peer_tunnel_id,       CONF_TUNNEL_PEER_ID,              "PeerTunnelId",       read_id),
	KEY(conf_tunnel,   local,                CONF_TUNNEL_LOCAL,                "Local",              read_local),
	KEY(conf_tunnel,   remote,               CONF_TUNNEL_REMOTE,               "Remote",             read_address),
	WORDS(conf_tunnel, encap,                CONF_TUNNEL_ENCAP,                "EncapsulationType",  conf_encap_words),
	KEY(conf_tunnel,   udp_source_port,      CONF_TUNNEL_UDP_SOURCE_PORT,      "UDPSourcePort",      read_port),
	KEY(conf_tunnel,   udp_destination_port, CONF_TUNNEL_UDP_DESTINATION_PORT, "UDPDestinationPort", read_port),
	KEY(conf_tunnel,   udp_checksum,         CONF_TUNNEL_UDP_CHECKSUM,         "UDPChecksum",        read_bool),
};

static const struct conf_key session_keys[] = {
	KEY(conf_session,   name,            CONF_SESSION_NAME,        "Name",                 read_name),
	KEY(conf_session,   session_id,      CONF_SESSION_ID,          "SessionId",            read_id),
	KEY(conf_session,   peer_session_id, CONF_SESSION_PEER_ID,     "PeerSessionId",        read_id),
	EMPTY(conf_session, cookie,          CONF_SESSION_COOKIE,      "Cookie",               read_cookie),
	EMPTY(conf_session, peer_cookie,     CONF_SESSION_PEER_COOKIE, "PeerCookie",           read_cookie),
	KEY(conf_session,   mtu,             CONF_SESSION_MTU,         "MTU",                  read_mtu),
	KEY(conf_session,   bridge,          CONF_SESSION_BRIDGE,      "Bridge",               read_name),
};

static const struct conf_key bridge_keys[] = {
	KEY(conf_bridge,  name,               CONF_BRIDGE_NAME,               "Name",              read_name),
	LIST(conf_bridge, addresses,          CONF_BRIDGE_ADDRESS,            "Address",           read_addresses),
	LIST(conf_bridge, members,            CONF_BRIDGE_MEMBER,             "Member",            read_member),
	KEY(conf_bridge,  stp,                CONF_BRIDGE_STP,                "STP",               read_bool),
	KEY(conf_bridge,  multicast_snooping, CONF_BRIDGE_MULTICAST_SNOOPING, "MulticastSnooping", read_bool),
	KEY(conf_bridge,  forward_control,    CONF_BRIDGE_FORWARD_CONTROL,    "ForwardControl",    read_forward_control),
	KEY(conf_bridge,  adopt,              CONF_BRIDGE_ADOPT,              "Adopt",             read_bool),
};

const struct conf_section_keys conf_sections[CONF_SECTIONS] = {
	[CONF_SECTION_SITE]      = { "Site",        site_keys,      ARRAY_LEN(site_keys),      offsetof(struct conf_site, at) },
	[CONF_SECTION_INTERFACE] = { "Interface",   interface_keys, ARRAY_LEN(interface_keys), offsetof(struct conf_interface, at) },
	[CONF_SECTION_PEER]      = { "Peer",        peer_keys,      ARRAY_LEN(peer_keys),      offsetof(struct conf_peer, at) },
	[CONF_SECTION_L2TP]      = { "L2TP",        tunnel_keys,    ARRAY_LEN(tunnel_keys),    offsetof(struct conf_tunnel, at) },
	[CONF_SECTION_SESSION]   = { "L2TPSession", session_keys,   ARRAY_LEN(session_keys),   offsetof(struct conf_session, at), L2TP_OPTIONS },
	[CONF_SECTION_BRIDGE]    = { "Bridge",      bridge_keys,    ARRAY_LEN(bridge_keys),    offsetof(struct conf_bridge, at) },
};
/* clang-format on */

bool conf_section_key(const struct conf_section_keys *section, size_t i, struct conf_key *ret)
{
	if (i >= section->n_keys + section->n_options)
		return false;
	if (i < section->n_keys)
		*ret = section->keys[i];
	else
		*ret = (struct conf_key){ .name = l2tp_option_rows[i - section->n_keys].key,
			.index = CONF_SESSION_OPTION + (unsigned)(i - section->n_keys),
			.offset = offsetof(struct conf_session, options),
			.read = read_option };
	return true;
}
