/* SPDX-License-Identifier: MIT */
/* Run the hooks of a site in order, and journal the down hooks. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "conf/hook.h"
#include "host/host_state.h"
#include "host/running_conf.h"
#include "host/spawn.h"

int host_note_hooks(struct host *host, enum journal_kind kind)
{
	const struct conf_interface *wg = &host->conf->interface;
	bool after = kind == JOURNAL_POST_DOWN;
	const struct conf_texts *hooks = after ? &wg->post_down : &wg->pre_down;
	struct journal_entry *v = calloc(hooks->n + 1, sizeof(*v));
	size_t n = 0;
	int err = v ? 0 : -ENOMEM;

	while (err == 0 && n < hooks->n) {
		v[n].kind = kind;
		/* The journal is undone backwards, so the first hook must be the last entry. */
		v[n].text = conf_hook_expand(hooks->v[hooks->n - 1 - n].text, wg->name);
		if (!v[n++].text)
			err = -ENOMEM;
	}
	if (err == 0)
		err = journal_replace(&host->netdev.journal, kind, after, v, n);
	while (n > 0)
		free(v[--n].text);
	free(v);
	return err < 0 ? netdev_journal_failed(&host->netdev, err) : 0;
}

int host_run_pre_up(struct host *host)
{
	const struct conf_texts *hooks = &host->conf->interface.pre_up;
	struct netdev *m = &host->netdev;
	int err = 0;

	for (size_t i = 0; err == 0 && i < hooks->n; i++) {
		char *command = conf_hook_expand(hooks->v[i].text, host->conf->interface.name);

		if (!command)
			return netdev_fail(m, -ENOMEM, "Out of memory");
		err = netdev_log_hook(m, "PreUp", command);
		if (err == 0) {
			err = spawn_shell(command);
			if (err < 0)
				netdev_fail(
					m, err, "PreUp failed: %s\nSee its output above.", command);
		}
		free(command);
	}
	return err;
}

/** Collect the commands of the "pre-down" entries, in the order in which they run. */
static size_t collect_pre_down(const struct host *host, const char **ret)
{
	const struct journal *j = &host->netdev.journal;
	size_t n = 0;

	for (size_t i = j->n; i-- > 0;)
		if (j->v[i].kind == JOURNAL_PRE_DOWN)
			ret[n++] = j->v[i].text;
	return n;
}

static int start_commands(
	struct host *host, const char *kind, const char *const commands[], size_t n, pid_t *ret_pid)
{
	struct netdev *m = &host->netdev;
	int err = 0;

	*ret_pid = 0;
	for (size_t i = 0; err == 0 && i < n; i++)
		err = netdev_log_hook(m, kind, commands[i]);
	if (err < 0 || n == 0)
		return err;
	err = spawn_start_shell(commands, n, ret_pid);
	return err < 0 ? netdev_fail(m, err, "Cannot start a shell: %s", strerror(-err)) : 0;
}

static void free_commands(char **commands)
{
	for (char **c = commands; c && *c; c++)
		free(*c);
	free(commands);
}

/** Return: the hooks with every %i replaced, and NULL, to be freed by free_commands(); or NULL. */
static char **expand_hooks(const struct conf_texts *hooks, const char *ifname)
{
	char **commands = calloc(hooks->n + 1, sizeof(*commands));

	for (size_t i = 0; commands && i < hooks->n; i++) {
		commands[i] = conf_hook_expand(hooks->v[i].text, ifname);
		if (!commands[i]) {
			free_commands(commands);
			return NULL;
		}
	}
	return commands;
}

static int start_post_up(struct host *host, pid_t *ret_pid)
{
	const struct conf_interface *wg = &host->conf->interface;
	char **commands = expand_hooks(&wg->post_up, wg->name);
	int err = host_note_hooks(host, JOURNAL_PRE_DOWN);

	if (err == 0 && !commands)
		err = netdev_fail(&host->netdev, -ENOMEM, "Out of memory");
	if (err == 0)
		err = start_commands(
			host, "PostUp", (const char *const *)commands, wg->post_up.n, ret_pid);
	free_commands(commands);
	return err;
}

int host_peer_hook_start(struct host *host, bool up, const char *const env[], size_t n_env,
	pid_t *ret_pid, struct error *ret_error)
{
	const struct conf_interface *wg = &host->conf->interface;
	const struct conf_texts *hooks = up ? &wg->peer_up : &wg->peer_down;
	char **commands = expand_hooks(hooks, wg->name);
	int err = commands ? spawn_start_shell_group(
				     (const char *const *)commands, hooks->n, env, n_env, ret_pid)
			   : -ENOMEM;

	free_commands(commands);
	return err < 0 ? error_set(ret_error, err, "Cannot start %s: %s\nIs there memory?",
				 up ? "PeerUp" : "PeerDown", strerror(-err))
		       : 0;
}

static int start_pre_down(struct host *host, pid_t *ret_pid)
{
	const char **commands = calloc(host->netdev.journal.n + 1, sizeof(*commands));
	int err;

	if (!commands)
		return netdev_fail(&host->netdev, -ENOMEM, "Out of memory");
	running_conf_discard(host->conf->name); /* it is not up any more */
	err = start_commands(host, "PreDown", commands, collect_pre_down(host, commands), ret_pid);
	free(commands);
	return err;
}

int host_hook_start(struct host *host, enum host_hook hook, pid_t *ret_pid, struct error *ret_error)
{
	pid_t pid = 0;
	int err =
		hook == HOST_HOOK_POST_UP ? start_post_up(host, &pid) : start_pre_down(host, &pid);

	if (err < 0)
		*ret_error = host->netdev.error;
	else
		*ret_pid = pid;
	return err;
}

int host_hook_end(struct host *host, enum host_hook hook, int wait_status, struct error *ret_error)
{
	const struct journal_entry like = { JOURNAL_PRE_DOWN };
	struct journal *j = &host->netdev.journal;
	size_t i;

	/* They have run, and must not run again. */
	while (hook == HOST_HOOK_PRE_DOWN && (i = journal_find(j, &like)) != SIZE_MAX)
		journal_remove(j, i);
	if (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0)
		return 0;
	return error_set(ret_error, -ECANCELED, "%s failed\nSee its output above.",
		hook == HOST_HOOK_POST_UP ? "PostUp" : "PreDown");
}
