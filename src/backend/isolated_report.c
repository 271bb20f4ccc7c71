/* SPDX-License-Identifier: MIT */
/* The report of a site whose engine is a process of its own: the parts of which it consists. */
#include "backend/isolated_report.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "confine/confine.h"

/* Move what is not of peers. */
static void move_engine(struct status_report *from, struct status_report *to)
{
	memcpy(to->aead, from->aead, sizeof(to->aead));
	to->offloads = from->offloads;
	to->wg = from->wg;
	to->tunnels = from->tunnels;
	to->tunnels_len = from->tunnels_len;
	to->sessions = from->sessions;
	to->sessions_len = from->sessions_len;
	to->budget = from->budget;
	to->engine = from->engine;
	to->drops = from->drops;
	to->drop_ages_ms = from->drop_ages_ms;
	from->wg = (struct status_wg){ 0 };
	from->tunnels = NULL;
	from->tunnels_len = 0;
	from->sessions = NULL;
	from->sessions_len = 0;
}

int isolated_report_engine(struct status_report *from, struct status_report *to)
{
	int err = 0;

	if (!to->peers_len)
		move_engine(from, to);
	for (size_t i = 0; i < from->peers_len; i++) {
		struct status_peer *peer = status_add_peer(to);

		if (!peer)
			return -ENOMEM;
		*peer = from->peers[i];
		from->peers[i].allowed_ips = (struct status_prefixes){ 0 };
	}
	for (size_t i = 0; i < from->warnings_len && !err; i++)
		err = status_add_warning(to, "%s", from->warnings[i].text);
	return err;
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
