/* SPDX-License-Identifier: MIT */
/* The report of a site whose engine is a process of its own: the parts of which it consists. */
#include "backend/isolated_report.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "confine/confine.h"

void isolated_report_engine(struct status_report *from, struct status_report *to)
{
	memcpy(to->aead, from->aead, sizeof(to->aead));
	to->offloads = from->offloads;
	to->wg = from->wg;
	to->peers = from->peers;
	to->peers_len = from->peers_len;
	to->tunnels = from->tunnels;
	to->tunnels_len = from->tunnels_len;
	to->sessions = from->sessions;
	to->sessions_len = from->sessions_len;
	to->budget = from->budget;
	to->engine = from->engine;
	to->drops = from->drops;
	to->drop_ages_ms = from->drop_ages_ms;
	from->wg = (struct status_wg){ 0 };
	from->peers = NULL;
	from->peers_len = 0;
	from->tunnels = NULL;
	from->tunnels_len = 0;
	from->sessions = NULL;
	from->sessions_len = 0;
}

int isolated_report_process(
	struct status_report *r, const char *role, pid_t pid, uid_t user, unsigned measures)
{
	struct status_process *p = pid > 0 ? status_add_process(r) : NULL;
	char text[CONFINE_TEXT_LEN];

	if (pid <= 0)
		return 0;
	if (!p)
		return -ENOMEM;
	snprintf(p->role, sizeof(p->role), "%s", role);
	p->pid = (uint32_t)pid;
	p->user = measures & CONFINE_USER ? user : geteuid();
	snprintf(p->confinement, sizeof(p->confinement), "%s", confine_text(measures, text));
	return 0;
}
