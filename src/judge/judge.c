/* SPDX-License-Identifier: MIT */
/* Turns observations into findings. */
#include "judge/judge.h"

#include "base/format.h"
#include "judge/judge_host.h"
#include "judge/judge_peer.h"
#include "judge/judge_segment.h"
#include "judge/judge_session.h"

static void judge_daemon(const struct observations *f, struct findings *ret)
{
	const struct status_report *r = &f->after;
	char span[FORMAT_LEN];

	if (r->pid != f->before.pid) {
		finding_add(ret, FINDING_ERROR, "daemon", f->site,
			"wirespan was restarted during the check.\nCheck again.");
		return;
	}
	if (r->pid)
		finding_add(ret, FINDING_OK, "daemon", f->site,
			"Running for %s, pid %u, %s back end.", format_span(r->uptime_ms, span),
			r->pid, r->backend);
	else if (r->stopped)
		finding_add(ret, FINDING_ERROR, "daemon", f->site,
			"The interface %s is gone, and no process runs that makes it again: "
			"nothing "
			"passes.\nRun wirespan up %s.",
			r->wg.name, f->site);
	else
		finding_add(ret, FINDING_OK, "daemon", f->site,
			"Running without a process, %s back end.", r->backend);
	if (r->drops.n[DROP_WG_MAC1] == STATUS_ABSENT)
		finding_add(ret, FINDING_NOTE, "backend", f->site,
			"The kernel does not report why WireGuard drops what comes in: wrong keys, "
			"an old time and AllowedIPs that do not match look like silence here.");
	for (size_t i = 0; i < r->warnings_len; i++)
		finding_add(ret, FINDING_WARNING, "daemon", f->site, "%s", r->warnings[i].text);
}

void judge_observations(const struct observations *f, struct findings *ret)
{
	judge_daemon(f, ret);
	if (!observed_reports_match(&f->before, &f->after)) {
		finding_add(ret, FINDING_ERROR, "daemon", f->site,
			"The configuration changed during the check.\nCheck again.");
		return;
	}
	judge_host(f, ret);
	for (size_t i = 0; i < f->n_peers; i++)
		judge_peer(f, i, ret);
	if (!judge_loops(f, ret)) {
		for (size_t i = 0; i < f->n_sessions; i++)
			judge_session(f, i, ret);
		judge_target(f, ret);
		judge_segment(f, ret);
	}
	judge_underlay(f, ret);
	judge_drops(f, ret);
}
