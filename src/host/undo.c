/* SPDX-License-Identifier: MIT */
/* Undo a journal backwards, entry by entry. */
#include "host/undo.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "host/bridge.h"
#include "host/dns.h"
#include "host/routes.h"
#include "host/spawn.h"

static int undo_hook(struct netdev *m, const struct journal_entry *e)
{
	return spawn_shell(e->text);
}

static int undo_unknown(struct netdev *m, const struct journal_entry *e)
{
	return -EPROTO;
}

/* Each undoes one kind of entry. Return: 0, also if another process has changed the object since,
 * so that it is not ours any more; or -errno. */
static int (*const undoers[JOURNAL_KIND_COUNT])(struct netdev *m, const struct journal_entry *e) = {
	[JOURNAL_POST_DOWN] = undo_hook,
	[JOURNAL_BRIDGE] = bridge_undo,
	[JOURNAL_MEMBER] = bridge_undo_member,
	[JOURNAL_RULE_MARK] = routes_undo_rule,
	[JOURNAL_RULE_MAIN] = routes_undo_rule,
	[JOURNAL_SYSCTL] = routes_undo_sysctl,
	[JOURNAL_NFT] = routes_undo_filter,
	[JOURNAL_DNS] = dns_undo,
	[JOURNAL_PRE_DOWN] = undo_hook,
	[JOURNAL_UNKNOWN] = undo_unknown,
};

void undo_entry(struct netdev *m, size_t i)
{
	const struct journal_entry *e = &m->journal.v[i];
	char command[256] = "";
	FILE *f = fmemopen(command, sizeof(command) - 1, "w");
	int err;

	if (f) {
		journal_entry_print_undo(e, f);
		fclose(f);
	}
	if (e->kind == JOURNAL_POST_DOWN || e->kind == JOURNAL_PRE_DOWN)
		(void)netdev_log_hook(
			m, e->kind == JOURNAL_PRE_DOWN ? "PreDown" : "PostDown", command);
	else
		(void)netdev_log(m, "%s", command);
	err = undoers[e->kind](m, e);
	if (e->kind == JOURNAL_UNKNOWN)
		log_warning("the journal has \"%s\", which this version does not know", command);
	else if (err < 0)
		log_warning("cannot undo a change: %s; do it by hand: %s", strerror(-err), command);
	journal_remove(&m->journal, i);
}

void undo_journal(struct netdev *m, enum undo_depth depth)
{
	while (m->journal.n) {
		size_t last = m->journal.n - 1;

		if (depth == UNDO_HOST && m->journal.v[last].kind == JOURNAL_POST_DOWN)
			return;
		undo_entry(m, last);
	}
}
