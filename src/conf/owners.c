/* SPDX-License-Identifier: MIT */
/* Users of this host: only ours can change the files of a site; the one that it names exists. */
#include "conf/owners.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/owner.h"
#include "base/user.h"
#include "conf/hook.h"

/* Report a problem, unless one about the same file or folder has been. */
static void add(struct conf_report *report, enum conf_severity severity, struct conf_at at,
	const char *what, const char *problem)
{
	size_t len = strcspn(problem, "\n");

	for (size_t i = 0; i < report->n; i++) {
		const char *text = report->v[i].text;
		size_t n = strlen(text);

		if (n >= len && !strncmp(text + n - len, problem, len))
			return;
	}
	conf_report_add(report, severity, at, "%snot safe: %s", what, problem);
}

static void check(const char *path, struct conf_at at, enum conf_severity severity,
	struct conf_report *report)
{
	struct owner_problem problem;
	char text[OWNER_TEXT_LEN];

	/* a file that cannot be read has been reported */
	if (path && owner_check_path(path, &problem) == -EPERM)
		add(report, severity, at, "",
			owner_problem_text(&problem, CONF_OWNERS_INSTEAD, text));
}

/* A hook's programs: who can change them is root as well. Only a warning, as a shell may do
 * anything, which is not followed. */
static void check_hook(
	const char *key, const char *command, struct conf_at at, struct conf_report *report)
{
	char what[64];
	char path[PATH_MAX];

	snprintf(what, sizeof(what), "%s runs a program as root that is ", key);
	while (conf_hook_program(&command, path, sizeof(path))) {
		struct owner_problem problem;
		char text[OWNER_TEXT_LEN];

		if (owner_check_path(path, &problem) == -EPERM)
			add(report, CONF_WARNING, at, what,
				owner_problem_text(&problem,
					"copy the program to a folder that only root can change, "
					"such as /etc/wirespan",
					text));
	}
}

static void check_hooks(const char *key, const struct conf_texts *hooks, const char *ifname,
	struct conf_report *report)
{
	for (size_t i = 0; i < hooks->n; i++) {
		char *command = conf_hook_expand(hooks->v[i].text, ifname);

		if (command)
			check_hook(key, command, hooks->v[i].at, report);
		else
			report->out_of_memory = true;
		free(command);
	}
}

/* The user of the confined processes exists, and is not root. */
static void check_user(
	const struct conf_site *site, enum conf_severity severity, struct conf_report *report)
{
	struct conf_at at = site->at[CONF_SITE_USER];
	struct user user;
	int err = site->user ? user_find(site->user, &user) : 0;

	if (err == -ENOENT)
		conf_report_add(report, severity, at,
			"User: this host has no user \"%s\"\n"
			"make one, as with `useradd --system %s`, or write User = dynamic",
			site->user, site->user);
	else if (err == -EPERM)
		conf_report_add(report, severity, at,
			"User: \"%s\" is root, or its group is\n"
			"name a user without privileges, or write User = dynamic",
			site->user);
	else if (err < 0)
		conf_report_add(report, severity, at,
			"User: cannot look \"%s\" up: %s\ncheck nsswitch.conf and its services",
			site->user, strerror(-err));
}

void conf_check_owners(
	const struct conf_site *site, enum conf_severity severity, struct conf_report *report)
{
	const struct conf_interface *wg = &site->interface;

	check_user(site, severity, report);
	for (size_t i = 0; i < site->n_files; i++)
		check(site->files[i], (struct conf_at){ .file = (uint32_t)i }, severity, report);
	check(wg->private_key_file, wg->at[CONF_INTERFACE_PRIVATE_KEY_FILE], severity, report);
	for (size_t i = 0; i < site->n_peers; i++)
		check(site->peers[i].preshared_key_file,
			site->peers[i].at[CONF_PEER_PRESHARED_KEY_FILE], severity, report);
	check_hooks("PreUp", &wg->pre_up, wg->name, report);
	check_hooks("PostUp", &wg->post_up, wg->name, report);
	check_hooks("PreDown", &wg->pre_down, wg->name, report);
	check_hooks("PostDown", &wg->post_down, wg->name, report);
	check_hooks("PeerUp", &wg->peer_up, wg->name, report);
	check_hooks("PeerDown", &wg->peer_down, wg->name, report);
}
