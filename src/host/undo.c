/* SPDX-License-Identifier: MIT */
/* Undo a journal backwards, entry by entry. */
#include "host/undo.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "host/bridge.h"
#include "host/dns.h"
#include "host/kernel_undo.h"
#include "host/routes.h"
#include "host/spawn.h"

static bool is_hook(const struct journal_entry *e)
{
	return e->kind == JOURNAL_PRE_DOWN || e->kind == JOURNAL_POST_DOWN;
}

static const char *hook_name(const struct journal_entry *e)
{
	return e->kind == JOURNAL_PRE_DOWN ? "PreDown" : "PostDown";
}

/** A hook that has run is done, with whatever result. */
static int undo_hook(struct netdev *m, const struct journal_entry *e)
{
	int err = spawn_shell(e->text);

	if (err == -ECANCELED)
		log_warning("%s failed, going on", hook_name(e));
	return err == -ECANCELED ? 0 : err;
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
	[JOURNAL_ADOPT] = bridge_undo_adopt,
	[JOURNAL_MEMBER] = bridge_undo_member,
	[JOURNAL_RULE_MARK] = routes_undo_rule,
	[JOURNAL_RULE_MAIN] = routes_undo_rule,
	[JOURNAL_SYSCTL] = routes_undo_sysctl,
	[JOURNAL_NFT] = routes_undo_filter,
	[JOURNAL_DNS] = dns_undo,
	[JOURNAL_PRE_DOWN] = undo_hook,
	[JOURNAL_WIREGUARD] = kernel_undo_wireguard,
	[JOURNAL_TUNNEL] = kernel_undo_tunnel,
	[JOURNAL_SESSION] = kernel_undo_session,
	[JOURNAL_CLAMP] = kernel_undo_clamp,
	[JOURNAL_UNKNOWN] = undo_unknown,
};

static void print_command(const struct journal_entry *e, char *ret, size_t size)
{
	FILE *f;

	memset(ret, 0, size);
	f = fmemopen(ret, size - 1, "w");
	if (!f)
		return;
	journal_entry_print_undo(e, f);
	fclose(f);
}

int undo_entry(struct netdev *m, size_t i)
{
	const struct journal_entry *e = &m->journal.v[i];
	char command[256];
	int err;

	print_command(e, command, sizeof(command));
	if (is_hook(e))
		(void)netdev_log_hook(m, hook_name(e), e->text);
	else
		(void)netdev_log(m, "%s", command);
	err = undoers[e->kind](m, e);
	if (err == 0) {
		journal_remove(&m->journal, i);
		return 0;
	}
	if (e->kind == JOURNAL_UNKNOWN)
		netdev_fail(m, err,
			"The journal %s has \"%s\", which this version does not know\n"
			"Undo it by hand, and remove the line.",
			m->journal.path, command);
	else
		netdev_fail(m, err, "Cannot undo a change: %s\nDo it by hand: %s", strerror(-err),
			command);
	log_warning("%s %s", m->error.problem, m->error.hint);
	return err;
}

/** Undo each entry once. Return: 0, or the first error. */
static int undo_each(struct netdev *m, enum undo_depth depth)
{
	int first = 0;

	for (size_t i = m->journal.n; i-- > 0;) {
		int err;

		if (depth == UNDO_HOST && m->journal.v[i].kind == JOURNAL_POST_DOWN)
			continue;
		err = undo_entry(m, i);
		if (first == 0)
			first = err;
	}
	return first;
}

/** Fill the error: the site has left changes. Return: `code`. */
static int report_rest(struct netdev *m, int code)
{
	char commands[200] = "";

	for (size_t i = m->journal.n; i-- > 0;) {
		size_t len = strlen(commands);

		if (len + 4 < sizeof(commands)) {
			print_command(&m->journal.v[i], commands + len, sizeof(commands) - len - 2);
			len = strlen(commands);
			snprintf(commands + len, sizeof(commands) - len, "%s", i ? "; " : "");
		}
	}
	return netdev_fail(m, code,
		"Not everything could be undone (%s): %s\n"
		"Run \"wirespan down\" again. If that fails, do it by hand, and remove %s.",
		strerror(-code), commands, m->journal.path);
}

int undo_journal(struct netdev *m, enum undo_depth depth)
{
	int err;

	netdev_release_spare(m);
	err = undo_each(m, depth);
	if (err < 0)
		err = undo_each(m, depth);
	if (err < 0)
		return report_rest(m, err);
	err = depth == UNDO_ALL ? journal_discard(&m->journal) : 0;
	return err < 0 ? netdev_fail(m, err,
				 "Everything is undone, but %s cannot be removed:", m->journal.path)
		       : 0;
}
