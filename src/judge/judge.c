/* SPDX-License-Identifier: MIT */
/* The judgement: facts in, findings out. */
#include "judge/judge.h"

#include <inttypes.h>

#include "judge/judge_host.h"
#include "judge/judge_peer.h"
#include "judge/judge_session.h"

static void judge_daemon(const struct check_facts *f, struct check_findings *ret)
{
	const struct status_report *r = &f->after;
	uint64_t minutes = r->uptime_ms / 60000;

	if (r->pid != f->before.pid) {
		check_mend(check_found(ret, CHECK_ERROR, "daemon", f->site,
				   "wirespan was restarted during the check."),
			"Check again.");
		return;
	}
	check_found(ret, CHECK_OK, "daemon", f->site,
		"Running for %" PRIu64 " min, pid %u, %s back end.", minutes, r->pid, r->backend);
	for (size_t i = 0; i < r->warnings_len; i++)
		check_found(ret, CHECK_WARNING, "daemon", f->site, "%s", r->warnings[i].text);
}

void check_judge(const struct check_facts *f, struct check_findings *ret)
{
	judge_daemon(f, ret);
	if (!check_reports_match(&f->before, &f->after)) {
		check_mend(check_found(ret, CHECK_ERROR, "daemon", f->site,
				   "The configuration changed during the check."),
			"Check again.");
		return;
	}
	judge_machine(f, ret);
	for (size_t i = 0; i < f->n_peers; i++)
		judge_peer(f, i, ret);
	for (size_t i = 0; i < f->n_sessions; i++)
		judge_session(f, i, ret);
	judge_target(f, ret);
	judge_underlay(f, ret);
	judge_drops(f, ret);
}
