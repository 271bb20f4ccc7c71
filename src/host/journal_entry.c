/* SPDX-License-Identifier: MIT */
/* One change to the host, as the journal stores it. Pure. */
#include "host/journal_entry.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "netlink/nft_mss.h"

/* The lines of the journal, and the shell commands that undo them. A hook may contain a secret, so
 * its command is not shown. A letter after % is a field; %t is the text, up to the end of the line;
 * %c is the table of the site that is the name. */
static const struct {
	const char *line;
	const char *undo;
} kinds[JOURNAL_KIND_COUNT] = {
	[JOURNAL_POST_DOWN] = { "post-down %t", "run PostDown" },
	[JOURNAL_BRIDGE] = { "bridge %n %m", "ip link del %n" },
	[JOURNAL_ADOPT] = { "adopt %n %m", "ip link set %n address %m" },
	[JOURNAL_MEMBER] = { "member %n %i %b %u", "ip link set %n nomaster %u" },
	[JOURNAL_RULE_MARK] = { "rule %4 mark %f priority %P",
		"ip -%4 rule del priority %P not fwmark %f table %f" },
	[JOURNAL_RULE_MAIN] = { "rule %4 main priority %P",
		"ip -%4 rule del priority %P table main suppress_prefixlength 0" },
	[JOURNAL_SYSCTL] = { "sysctl %n %o %w", "sysctl -w %n=%w" },
	[JOURNAL_NFT] = { "nft %p %n", "nft delete table %p %n" },
	[JOURNAL_DNS] = { "dns %n", "resolvconf -d %n -f" },
	[JOURNAL_PRE_DOWN] = { "pre-down %t", "run PreDown" },
	[JOURNAL_WIREGUARD] = { "wireguard %n", "ip link del %n" },
	[JOURNAL_TUNNEL] = { "l2tp-tunnel %T %R", "ip l2tp del tunnel tunnel_id %T" },
	[JOURNAL_SESSION] = { "l2tp-session %T %S %l %n",
		"ip l2tp del session tunnel_id %T session_id %S" },
	[JOURNAL_CLAMP] = { "clamp %n", "nft delete table bridge %c" },
	[JOURNAL_UNKNOWN] = { "%t", "%t" },
};

#define AT(member)   offsetof(struct journal_entry, member)
#define SIZE(member) sizeof(((struct journal_entry *)0)->member)

/** A field: a word of less than `size` bytes, a bool with two names, or else a number. */
static const struct field {
	char letter;
	size_t at;
	size_t size;
	const char *names[2];
} fields[] = {
	{ 'n', AT(name), SIZE(name) },
	{ 'm', AT(mac), SIZE(mac) },
	{ 'b', AT(bridge), SIZE(bridge) },
	{ 'o', AT(ours), SIZE(ours) },
	{ 'w', AT(was), SIZE(was) },
	{ 'i', AT(ifindex) },
	{ 'f', AT(mark) },
	{ 'P', AT(priority) },
	{ 'T', AT(tunnel) },
	{ 'R', AT(peer) },
	{ 'S', AT(session) },
	{ '4', AT(six), .names = { "4", "6" } },
	{ 'p', AT(six), .names = { "ip", "ip6" } },
	{ 'u', AT(was_up), .names = { "down", "up" } },
	{ 'l', AT(no_sublayer), .names = { "default", "none" } },
};

static const struct field *find_field(char letter)
{
	const struct field *f = fields;

	while (f->letter != letter)
		f++;
	return f;
}

static void print_field(const struct field *f, const struct journal_entry *e, FILE *out)
{
	const char *at = (const char *)e + f->at;
	uint32_t number;

	if (f->size) {
		fputs(at, out);
	} else if (f->names[0]) {
		fputs(f->names[*at != 0], out);
	} else {
		memcpy(&number, at, sizeof(number));
		fprintf(out, "%" PRIu32, number);
	}
}

static void print(const char *format, const struct journal_entry *e, FILE *out)
{
	char table[NFT_MSS_TABLE_LEN];

	for (; *format; format++)
		if (*format != '%')
			fputc(*format, out);
		else if (*++format == 't')
			fputs(e->text ? e->text : "", out);
		else if (*format == 'c')
			fputs(nft_mss_table(e->name, table), out);
		else
			print_field(find_field(*format), e, out);
}

void journal_entry_print(const struct journal_entry *e, FILE *out)
{
	print(kinds[e->kind].line, e, out);
}

void journal_entry_print_undo(const struct journal_entry *e, FILE *out)
{
	print(kinds[e->kind].undo, e, out);
}

/** Parse a decimal number that fits 32 bits. */
static bool parse_number(const char *word, void *ret)
{
	unsigned long long v = strtoull(word, NULL, 10);
	uint32_t number = (uint32_t)v;

	memcpy(ret, &number, sizeof(number));
	return v == number && strlen(word) <= 10 && strspn(word, "0123456789") == strlen(word);
}

static bool parse_field(const struct field *f, const char *word, struct journal_entry *e)
{
	char *at = (char *)e + f->at;

	if (f->size)
		return (size_t)snprintf(at, f->size, "%s", word) < f->size;
	if (!f->names[0])
		return parse_number(word, at);
	*at = !strcmp(word, f->names[1]);
	return *at || !strcmp(word, f->names[0]);
}

/** Parse a line of one kind. */
static bool parse(const char *format, char *line, struct journal_entry *e)
{
	for (; *format; format++) {
		char word[JOURNAL_NAME_LEN];
		size_t len = strcspn(line, " ");

		if (*format != '%') {
			if (*line++ != *format)
				return false;
			continue;
		}
		if (*++format == 't') {
			e->text = line;
			return true;
		}
		if (!len || len >= sizeof(word))
			return false;
		snprintf(word, sizeof(word), "%.*s", (int)len, line);
		if (!parse_field(find_field(*format), word, e))
			return false;
		line += len;
	}
	return !*line;
}

/* Lines that an earlier version wrote. */
static const struct {
	enum journal_kind kind;
	const char *line;
} old_lines[] = {
	{ JOURNAL_RULE_MARK, "rule %4 mark %f" },
	{ JOURNAL_RULE_MAIN, "rule %4 main" },
};

bool journal_entry_parse(char *line, struct journal_entry *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(old_lines); i++) {
		*ret = (struct journal_entry){ .kind = old_lines[i].kind };
		if (parse(old_lines[i].line, line, ret))
			return true;
	}
	for (size_t kind = 0; kind < JOURNAL_KIND_COUNT; kind++) {
		*ret = (struct journal_entry){ .kind = (enum journal_kind)kind };
		if (parse(kinds[kind].line, line, ret))
			break;
	}
	return ret->kind != JOURNAL_UNKNOWN;
}

bool journal_entry_matches(const struct journal_entry *e, const struct journal_entry *like)
{
	return e->kind == like->kind && e->six == like->six &&
	       (!like->mark || e->mark == like->mark) &&
	       (!like->priority || e->priority == like->priority) &&
	       (!like->tunnel || e->tunnel == like->tunnel) &&
	       (!like->session || e->session == like->session) &&
	       (!*like->name || !strcmp(e->name, like->name));
}
