/* SPDX-License-Identifier: MIT */
/* One change to the host, as the journal stores it. Pure. */
#pragma once

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define JOURNAL_NAME_LEN  128 /* with its NUL */
#define JOURNAL_MAC_LEN	  18
#define JOURNAL_VALUE_LEN 16 /* of a sysctl's value, with its NUL */

/** What was changed. The table in journal_entry.c has the fields and the line of each. */
enum journal_kind {
	JOURNAL_POST_DOWN = 0, /* text */
	JOURNAL_BRIDGE,	       /* name, mac */
	JOURNAL_ADOPT,	       /* name, mac: a bridge of another program, which we joined */
	JOURNAL_MEMBER,	       /* name, ifindex, bridge, was_up */
	JOURNAL_RULE_MARK,     /* six, mark, priority (0: from an earlier version) */
	JOURNAL_RULE_MAIN,     /* six, priority (as above) */
	JOURNAL_SYSCTL,	       /* name (path below /proc/sys), ours, was */
	JOURNAL_NFT,	       /* six, name (of the table) */
	JOURNAL_DNS,	       /* name (key of resolvconf) */
	JOURNAL_PRE_DOWN,      /* text */
	JOURNAL_WIREGUARD,     /* name: an interface of the kernel's own WireGuard */
	JOURNAL_TUNNEL,	       /* tunnel, peer: of the kernel's own L2TP */
	JOURNAL_SESSION,       /* tunnel, session, no_sublayer, name: of the kernel's own L2TP */
	JOURNAL_CLAMP,	       /* name (of the site): its nft table that clamps bridged TCP */
	JOURNAL_UNKNOWN,       /* text: a line of another version */
	JOURNAL_KIND_COUNT,
};

/** A change. Fields that its kind does not have are 0 or empty. */
struct journal_entry {
	enum journal_kind kind;
	bool six; /* IPv6, not IPv4 */
	bool was_up;
	bool no_sublayer; /* the session has no L2-specific sublayer */
	uint32_t ifindex;
	uint32_t mark; /* firewall mark, and table of the rule */
	uint32_t priority;
	uint32_t tunnel;  /* local tunnel id */
	uint32_t peer;	  /* the peer's tunnel id */
	uint32_t session; /* local session id */
	char name[JOURNAL_NAME_LEN];
	char mac[JOURNAL_MAC_LEN]; /* 02:00:00:00:00:01 */
	char bridge[IF_NAMESIZE];
	char ours[JOURNAL_VALUE_LEN];
	char was[JOURNAL_VALUE_LEN];
	char *text; /* a hook's command; borrowed, or owned by the journal that contains it */
	/* only in memory: */
	bool newest;   /* no entry follows in the file: its object may not have our mark yet */
	bool verified; /* of a tunnel: a session in it was ours, so that it is, too */
	bool deserted; /* of a tunnel: the sessions that were made in it are not there */
};

/** Write the entry's line, without newline. */
void journal_entry_print(const struct journal_entry *e, FILE *out);

/** Write the shell command that undoes the entry. */
void journal_entry_print_undo(const struct journal_entry *e, FILE *out);

/** Parse a line. `ret->text` is part of it. Return: whether it is the line of a known kind; if not,
 * `ret` is JOURNAL_UNKNOWN with the line as its text. */
bool journal_entry_parse(char *line, struct journal_entry *ret);

/** Return: whether `e` has the kind and family of `like`, and its mark, priority, tunnel, session
 * and name unless those are empty. */
bool journal_entry_matches(const struct journal_entry *e, const struct journal_entry *like);
