/* SPDX-License-Identifier: MIT */
/* Undo a journal backwards, line by line. */
#include "host/undo.h"

#include <string.h>

#include "base/bytes.h"
#include "base/log.h"
#include "host/bridge.h"
#include "host/dns.h"
#include "host/routes.h"
#include "host/spawn.h"

static void undo_hook(struct netdev *m, const char *command)
{
	(void)netdev_log(m, "%s", command);
	if (spawn_shell(command) < 0)
		log_warning("a hook failed, going on: %s", command);
}

/* Maps the first word of a line to the function that undoes it. */
static const struct {
	const char *kind;
	void (*undo)(struct netdev *m, const char *args);
} undoers[] = {
	{ "post-down", undo_hook },
	{ "bridge", bridge_undo },
	{ "member", bridge_undo_member },
	{ "rule", routes_undo_rule },
	{ "sysctl", routes_undo_sysctl },
	{ "nft", routes_undo_filter },
	{ "dns", dns_undo },
	{ "pre-down", undo_hook },
};

void undo_line(struct netdev *m, size_t i)
{
	const char *line = m->journal.lines[i];
	size_t word = strcspn(line, " ");
	bool known = false;

	for (size_t k = 0; k < ARRAY_LEN(undoers); k++)
		if (strlen(undoers[k].kind) == word && !strncmp(undoers[k].kind, line, word)) {
			undoers[k].undo(m, line + word + (line[word] == ' '));
			known = true;
		}
	if (!known)
		log_warning("the journal has \"%s\", which this version does not know", line);
	journal_remove(&m->journal, i);
}

void undo_lines(struct netdev *m, enum undo_depth depth)
{
	while (m->journal.n) {
		size_t last = m->journal.n - 1;

		if (depth == UNDO_HOST && !strncmp(m->journal.lines[last], "post-down ", 10))
			return;
		undo_line(m, last);
	}
}
