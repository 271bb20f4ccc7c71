/* SPDX-License-Identifier: MIT */
/* The text of a configuration file into the model. */
#include "conf/parse.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/array.h"
#include "base/bytes.h"
#include "base/secret.h"
#include "base/suggest.h"
#include "conf/keys.h"
#include "conf/repeated_peers.h"

#define BLANKS " \t\r\f\v"

/* State of parsing a file. */
struct parser {
	struct conf_site *site;
	struct conf_reader reader;
	bool included;		    /* this is the included WireGuard file */
	bool in_section;	    /* false before the first section and in an unknown one */
	bool seen_section;	    /* false before the first section */
	enum conf_section section;  /* with in_section */
	enum conf_section previous; /* the last known section before this one */
};

/* Section names of other programs, and their equivalent here. */
static const struct {
	const char *name;
	const char *here;
} foreign_sections[] = {
	{ "WireGuard", "[Interface]" },
	{ "WireGuardPeer", "[Peer]" },
	{ "NetDev", "[Interface] and [Bridge], with Name =" },
	{ "Tunnel", "[L2TP]" },
	{ "Session", "[L2TPSession]" },
};

#define REASON_AMNEZIA                                                                             \
	"it is of AmneziaWG, whose messages are not WireGuard's: the peer must use WireGuard"
#define REASON_PHONE "it selects the programs of a phone that use the tunnel"

/* Keys of other programs, and why they are not needed or what replaces them. */
static const struct {
	const char *name;
	const char *reason;
} foreign_keys[] = {
	{ "UDP6ZeroChecksumTx", "UDP over IPv6 always has a checksum" },
	{ "UDP6ZeroChecksumRx", "datagrams with and without checksum are accepted" },
	{ "RouteTable", "use Table = in [Interface]" },
	{ "PrivateKeyPath", "use PrivateKeyFile = in [Interface]" },
	{ "MTUBytes", "use MTU =" },
	{ "FirewallMark", "use FwMark = in [Interface]" },
	{ "Jc", REASON_AMNEZIA },
	{ "Jmin", REASON_AMNEZIA },
	{ "Jmax", REASON_AMNEZIA },
	{ "S1", REASON_AMNEZIA },
	{ "S2", REASON_AMNEZIA },
	{ "H1", REASON_AMNEZIA },
	{ "H2", REASON_AMNEZIA },
	{ "H3", REASON_AMNEZIA },
	{ "H4", REASON_AMNEZIA },
	{ "IncludedApplications", REASON_PHONE },
	{ "ExcludedApplications", REASON_PHONE },
};

/* Whether a message may show a text of the file: a word, and not part of a key. */
static bool is_word(const char *text)
{
	size_t len = strlen(text);

	return len > 0 && len <= SUGGEST_MAX &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") ==
		       len;
}

static void error(struct parser *p, const char *message)
{
	conf_report_add(p->reader.report, CONF_ERROR, p->reader.at, "%s", message);
}

static bool key_find(
	const struct conf_section_keys *section, const char *name, struct conf_key *ret)
{
	for (size_t i = 0; conf_section_key(section, i, ret); i++)
		if (!strcasecmp(ret->name, name))
			return true;
	return false;
}

/* The section, other than the current one, that has a key of this name; or NULL. */
static const struct conf_section_keys *section_with_key(const char *name)
{
	struct conf_key key;

	for (size_t i = 0; i < CONF_SECTIONS; i++)
		if (key_find(&conf_sections[i], name, &key))
			return &conf_sections[i];
	return NULL;
}

static const char *key_nearest(const struct conf_section_keys *section, const char *name)
{
	struct suggestion nearest = suggest_begin(name);
	struct conf_key key;

	for (size_t i = 0; conf_section_key(section, i, &key); i++)
		suggest_try(&nearest, key.name);
	return nearest.nearest;
}

static void unknown_key(struct parser *p, const char *name)
{
	const struct conf_section_keys *section = &conf_sections[p->section];
	const struct conf_section_keys *other = section_with_key(name);
	const char *nearest = key_nearest(section, name);
	struct conf_report *report = p->reader.report;
	struct conf_at at = p->reader.at;

	if (!is_word(name)) {
		error(p, "unknown key, not shown because it may be a secret\n"
			 "write KEY = VALUE; a WireGuard key goes after PrivateKey = or "
			 "PublicKey =");
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(foreign_keys); i++)
		if (!strcasecmp(foreign_keys[i].name, name)) {
			conf_report_add(report, CONF_ERROR, at,
				"unknown key \"%s\" in [%s]: %s\nremove the line", name,
				section->name, foreign_keys[i].reason);
			return;
		}
	if (other)
		conf_report_add(report, CONF_ERROR, at,
			"\"%s\" does not belong in [%s]\nmove the line into [%s]", name,
			section->name, other->name);
	else if (nearest)
		conf_report_add(report, CONF_ERROR, at,
			"unknown key \"%s\" in [%s]\ndid you mean \"%s\"?", name, section->name,
			nearest);
	else
		conf_report_add(report, CONF_ERROR, at,
			"unknown key \"%s\" in [%s]\n"
			"remove the line; wirespan.conf(5) lists the keys",
			name, section->name);
}

/* A section that may appear once: report it if `section_at` is already set. In files of wg-quick(8)
 * more than one [Interface] counts as one. */
static void enter_single(struct parser *p, struct conf_at *section_at)
{
	if (section_at->line && p->included)
		conf_report_add(p->reader.report, CONF_WARNING, p->reader.at,
			"[%s] appears twice, first in line %u: wg(8) merges the two, and so does "
			"wirespan\nmerge the two sections",
			conf_sections[p->section].name, section_at->line);
	else if (section_at->line)
		conf_report_add(p->reader.report, CONF_ERROR, p->reader.at,
			"[%s] appears twice, first in line %u\nmerge the two sections",
			conf_sections[p->section].name, section_at->line);
	else
		*section_at = p->reader.at;
}

static void *tunnel_new(struct parser *p)
{
	struct conf_site *site = p->site;
	struct conf_tunnel *tunnel = array_grow(&site->tunnels, &site->n_tunnels, sizeof(*tunnel));

	if (tunnel)
		*tunnel = (struct conf_tunnel){ .local_auto = true,
			.udp_source_port = CONF_L2TP_PORT,
			.udp_destination_port = CONF_L2TP_PORT,
			.section = p->reader.at };
	return tunnel;
}

static void *session_new(struct parser *p, struct conf_tunnel *tunnel)
{
	struct conf_session *session;

	session = array_grow(&tunnel->sessions, &tunnel->n_sessions, sizeof(*session));
	if (session) {
		l2tp_options_init(&session->options);
		session->section = p->reader.at;
	} else {
		p->reader.out_of_memory = true;
	}
	return session;
}

static void *peer_new(struct parser *p)
{
	struct conf_site *site = p->site;
	struct conf_peer *peer = array_grow(&site->peers, &site->n_peers, sizeof(*peer));

	if (peer)
		peer->section = p->reader.at;
	return peer;
}

static void *bridge_new(struct parser *p)
{
	struct conf_site *site = p->site;
	struct conf_bridge *bridge = array_grow(&site->bridges, &site->n_bridges, sizeof(*bridge));

	if (bridge)
		*bridge = (struct conf_bridge){ .name = CONF_BRIDGE_NAME_DEFAULT,
			.section = p->reader.at };
	return bridge;
}

/* A [L2TPSession]: it requires a [L2TP] above it, and should follow it directly. */
static void *enter_session(struct parser *p)
{
	struct conf_site *site = p->site;

	if (!site->n_tunnels) {
		error(p, "[L2TPSession] without a tunnel: there is no [L2TP] above it\n"
			 "put its [L2TP] above it");
		return NULL;
	}
	if (p->previous != CONF_SECTION_L2TP && p->previous != CONF_SECTION_SESSION)
		conf_report_add(p->reader.report, CONF_WARNING, p->reader.at,
			"[L2TPSession] is separated from its tunnel, the [L2TP] in line %u\n"
			"move it directly below that [L2TP]",
			site->tunnels[site->n_tunnels - 1].section.line);
	return session_new(p, &site->tunnels[site->n_tunnels - 1]);
}

/* The object of the section just entered, or NULL if there is none. */
static void *enter_section(struct parser *p)
{
	void *object = NULL;

	switch (p->section) {
	case CONF_SECTION_SITE:
		enter_single(p, &p->site->section);
		return p->site;
	case CONF_SECTION_INTERFACE:
		enter_single(p, &p->site->interface.section);
		return &p->site->interface;
	case CONF_SECTION_PEER:
		object = peer_new(p);
		break;
	case CONF_SECTION_L2TP:
		object = tunnel_new(p);
		break;
	case CONF_SECTION_SESSION:
		return enter_session(p);
	case CONF_SECTION_BRIDGE:
		object = bridge_new(p);
		break;
	case CONF_SECTIONS:
		break;
	}
	p->reader.out_of_memory |= !object;
	return object;
}

static void unknown_section(struct parser *p, const char *name)
{
	struct suggestion nearest = suggest_begin(name);

	for (size_t i = 0; i < ARRAY_LEN(foreign_sections); i++)
		if (!strcasecmp(foreign_sections[i].name, name)) {
			conf_report_add(p->reader.report, CONF_ERROR, p->reader.at,
				"unknown section [%s]\nuse %s", name, foreign_sections[i].here);
			return;
		}
	for (size_t i = 0; i < CONF_SECTIONS; i++)
		suggest_try(&nearest, conf_sections[i].name);
	if (!is_word(name))
		error(p, "this is not a section name\nwrite [Site], [Interface], [Peer], [L2TP], "
			 "[L2TPSession] or [Bridge]");
	else if (nearest.nearest)
		conf_report_add(p->reader.report, CONF_ERROR, p->reader.at,
			"unknown section [%s]\ndid you mean [%s]?", name, nearest.nearest);
	else
		conf_report_add(p->reader.report, CONF_ERROR, p->reader.at,
			"unknown section [%s]\nwrite [Site], [Interface], [Peer], [L2TP], "
			"[L2TPSession] or [Bridge]",
			name);
}

/* Trim blanks at both ends, in place. */
static char *trim(char *text)
{
	size_t len;

	text += strspn(text, BLANKS);
	len = strlen(text);
	while (len > 0 && strchr(BLANKS, text[len - 1]))
		text[--len] = '\0';
	return text;
}

static void read_section(struct parser *p, char *line)
{
	size_t len = strlen(line);
	char *name;

	if (p->in_section)
		p->previous = p->section;
	p->in_section = false;
	p->seen_section = true;
	if (line[len - 1] != ']') {
		error(p, "the section name has no closing bracket\nwrite it as [Name]");
		return;
	}
	line[len - 1] = '\0';
	name = trim(line + 1);
	for (size_t i = 0; i < CONF_SECTIONS; i++) {
		if (strcasecmp(conf_sections[i].name, name) != 0)
			continue;
		p->section = (enum conf_section)i;
		if (p->included && i != CONF_SECTION_INTERFACE && i != CONF_SECTION_PEER) {
			conf_report_add(p->reader.report, CONF_ERROR, p->reader.at,
				"[%s] does not belong in a WireGuard file\nmove it to %s",
				conf_sections[i].name, p->site->files[0]);
			return;
		}
		p->reader.object = enter_section(p);
		p->in_section = p->reader.object != NULL;
		return;
	}
	unknown_section(p, name);
}

/* A key that may appear once is set again. In files of wg-quick(8) the last value counts. Return:
 * whether this one is to be read. */
static bool read_again(struct parser *p, const struct conf_key *key, struct conf_at *at)
{
	const char *section = conf_sections[p->section].name;
	unsigned first = at->line;

	if (!p->included) {
		conf_report_add(p->reader.report, CONF_ERROR, p->reader.at,
			"%s is set twice in this [%s], first in line %u\nkeep one of the two",
			key->name, section, first);
		return false;
	}
	conf_report_add(p->reader.report, CONF_WARNING, p->reader.at,
		"%s is set twice in this [%s], before in line %u: the last one counts, as with "
		"wg(8) and wg-quick(8)\nkeep one of the two",
		key->name, section, first);
	*at = p->reader.at;
	return true;
}

static void read_key(struct parser *p, char *name, char *value)
{
	const struct conf_section_keys *section = &conf_sections[p->section];
	struct conf_key key;
	struct conf_at *at;

	if (!key_find(section, name, &key)) {
		unknown_key(p, name);
		return;
	}
	at = (struct conf_at *)(void *)((char *)p->reader.object + section->at_offset) + key.index;
	if (!key.repeats && at->line && !read_again(p, &key, at))
		return;
	if (!at->line && (*value || !key.repeats)) /* an empty value adds nothing to a list */
		*at = p->reader.at;
	if (!*value) {
		if (!key.may_be_empty)
			conf_report_add(p->reader.report, CONF_ERROR, p->reader.at,
				"%s has no value\nwrite one after the =, or remove the line",
				key.name);
		return;
	}
	p->reader.key = &key;
	key.read(&p->reader, value);
}

/* Parse one line: without its newline, NUL-terminated, without other NULs. */
static void read_line(struct parser *p, char *line)
{
	char *equals;

	line[strcspn(line, "#")] = '\0';
	line = trim(line);
	if (!*line || *line == ';')
		return;
	if (*line == '[') {
		read_section(p, line);
		return;
	}
	if (!p->seen_section) {
		error(p, "a key before the first section\nput [Interface], or the section it "
			 "belongs to, above it");
		p->seen_section = true; /* report it once */
		return;
	}
	if (!p->in_section)
		return; /* the section itself was reported */
	equals = strchr(line, '=');
	if (!equals) {
		error(p, "neither a [Section] nor KEY = VALUE\nwrite an = between key and value, "
			 "or # before a comment");
		return;
	}
	*equals = '\0';
	read_key(p, trim(line), trim(equals + 1));
}

/* Add the file to the site; its number goes into the `at` of this file's values. */
static int file_add(struct parser *p, const char *name)
{
	struct conf_site *site = p->site;
	uint32_t number = (uint32_t)site->n_files;
	char *copy = strdup(name);
	char **slot = copy ? array_grow(&site->files, &site->n_files, sizeof(*slot)) : NULL;

	if (!slot) {
		free(copy);
		return -ENOMEM;
	}
	*slot = copy;
	p->reader.at.file = number;
	return 0;
}

/* Copy each line to `line`, of CONF_LINE_MAX + 1 bytes, and parse it. */
static void read_lines(struct parser *p, const struct conf_source *source, char *line)
{
	const char *bytes = source->bytes;
	size_t pos = 0;

	if (source->len >= 3 && !memcmp(bytes, "\xef\xbb\xbf", 3))
		pos = 3; /* a byte order mark */
	if (source->len && !memchr(bytes, '\n', source->len) &&
		memchr(bytes, '\r', source->len - 1)) {
		p->reader.at.line = 1;
		error(p, "the lines end with CR alone\nsave the file with line ends of Unix (LF)");
		return;
	}
	while (pos < source->len) {
		const char *newline = memchr(bytes + pos, '\n', source->len - pos);
		size_t len = newline ? (size_t)(newline - bytes) - pos : source->len - pos;

		p->reader.at.line++;
		if (len > CONF_LINE_MAX) {
			error(p, "the line is longer than 65536 bytes\nsplit it: lists such as "
				 "AllowedIPs may be given in several lines");
		} else if (memchr(bytes + pos, '\0', len)) {
			error(p, "the line has a NUL byte\nis this a text file? save it as UTF-8");
		} else {
			memcpy(line, bytes + pos, len);
			line[len] = '\0';
			read_line(p, line);
		}
		pos += len + 1;
	}
}

static int parse_file(struct parser *p, const struct conf_source *source)
{
	char *line;

	if (file_add(p, source->name) < 0)
		return -ENOMEM;
	if (source->len > CONF_FILE_MAX) {
		error(p, "the file is larger than 16 MiB\nis this the right file?");
		return 0;
	}
	line = malloc(CONF_LINE_MAX + 1);
	if (!line)
		return -ENOMEM;
	read_lines(p, source, line);
	secret_wipe(line, CONF_LINE_MAX + 1);
	free(line);
	return p->reader.out_of_memory ? -ENOMEM : 0;
}

int conf_parse(struct conf_site *site, const struct conf_source *source, struct conf_report *report)
{
	struct parser p = { .site = site,
		.reader = { .report = report, .folder = source->folder } };

	return parse_file(&p, source);
}

/* Report what the site's own file sets although it includes a file for it. */
static void reject_duplicates(struct conf_site *site, struct conf_report *report)
{
	const struct conf_section_keys *section = &conf_sections[CONF_SECTION_INTERFACE];
	struct conf_interface *wg = &site->interface;

	for (size_t i = 0; i < section->n_keys; i++) {
		struct conf_at *at = &wg->at[section->keys[i].index];

		if (section->keys[i].index == CONF_INTERFACE_NAME || !at->line)
			continue;
		conf_report_add(report, CONF_ERROR, *at,
			"%s is set here, but [Site] WireGuard = includes a file for it\n"
			"keep it in one of the two files; with WireGuard =, only Name = is "
			"allowed here",
			section->keys[i].name);
		*at = (struct conf_at){ 0 };
	}
	for (size_t i = 0; i < site->n_peers; i++)
		conf_report_add(report, CONF_ERROR, site->peers[i].section,
			"[Peer] is here, but [Site] WireGuard = includes a file for it\n"
			"move it to that file, or remove WireGuard =");
	wg->section = (struct conf_at){ 0 };
}

int conf_parse_wireguard(
	struct conf_site *site, const struct conf_source *source, struct conf_report *report)
{
	struct parser p = { .site = site,
		.included = true,
		.reader = { .report = report, .folder = source->folder } };

	int err;

	reject_duplicates(site, report);
	err = parse_file(&p, source);
	return err ? err : conf_merge_peers(site, p.reader.at.file, report);
}
