/* SPDX-License-Identifier: MIT */
/* Users of this host: only ours can change the files of a site; the one that it names exists. */
#include "conf/owners.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/owner.h"
#include "base/user.h"

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

/* Whether a word of a command starts a program that is the next word. */
static bool starts_another(const char *word, size_t len)
{
	static const char *const words[] = { "sh", "bash", "dash", "exec", "/bin/sh", "/bin/bash",
		"/usr/bin/sh", "/usr/bin/bash", "python3", "/usr/bin/python3" };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strlen(words[i]) == len && !strncmp(words[i], word, len))
			return true;
	return false;
}

/* A program that a hook starts first, by its path: who can change it is root as well. Only a
 * warning, as a shell may do anything, which is not followed. */
static void check_hooks(const char *key, const struct conf_texts *hooks, struct conf_report *report)
{
	for (size_t i = 0; i < hooks->n; i++) {
		const char *word = hooks->v[i].text;
		struct owner_problem problem;
		char text[OWNER_TEXT_LEN];
		char path[PATH_MAX];
		size_t len;

		while ((len = strcspn(word, " \t;&|<>()")) && starts_another(word, len))
			word += len + strspn(word + len, " \t");
		if (*word != '/' || len >= sizeof(path))
			continue;
		snprintf(path, sizeof(path), "%.*s", (int)len, word);
		if (owner_check_path(path, &problem) == -EPERM)
			conf_report_add(report, CONF_WARNING, hooks->v[i].at,
				"%s runs a program as root that is not safe: %s", key,
				owner_problem_text(&problem, text));
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
	check_hooks("PreUp", &wg->pre_up, report);
	check_hooks("PostUp", &wg->post_up, report);
	check_hooks("PreDown", &wg->pre_down, report);
	check_hooks("PostDown", &wg->post_down, report);
	check_hooks("PeerUp", &wg->peer_up, report);
	check_hooks("PeerDown", &wg->peer_down, report);
}
