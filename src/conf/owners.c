/* SPDX-License-Identifier: MIT */
/* Check that other users can change none of the files of a configuration. */
#include "conf/owners.h"

#include <errno.h>

#include "base/owner.h"

static void check(const char *path, struct conf_at at, enum conf_severity severity,
	struct conf_report *report)
{
	struct owner_problem problem;
	char text[OWNER_TEXT_LEN];

	/* a file that cannot be read has been reported */
	if (path && owner_check_path(path, &problem) == -EPERM)
		conf_report_add(
			report, severity, at, "not safe: %s", owner_problem_text(&problem, text));
}

void conf_check_owners(
	const struct conf_site *site, enum conf_severity severity, struct conf_report *report)
{
	const struct conf_interface *wg = &site->interface;

	for (size_t i = 0; i < site->n_files; i++)
		check(site->files[i], (struct conf_at){ .file = (uint32_t)i }, severity, report);
	check(wg->private_key_file, wg->at[CONF_INTERFACE_PRIVATE_KEY_FILE], severity, report);
	for (size_t i = 0; i < site->n_peers; i++)
		check(site->peers[i].preshared_key_file,
			site->peers[i].at[CONF_PEER_PRESHARED_KEY_FILE], severity, report);
}
