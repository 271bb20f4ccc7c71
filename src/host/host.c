/* SPDX-License-Identifier: MIT */
/* What surrounds the engine on the machine: addresses, routes, bridges, hooks; made and undone. */
#include "host/host.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "host/bridge.h"
#include "host/dns.h"
#include "host/host_state.h"
#include "host/routes.h"
#include "host/rundir.h"
#include "host/spawn.h"
#include "host/undo.h"
#include "netlink/query.h"

const struct conf_session *host_next_session(struct host_session_walk *walk)
{
	while (walk->tunnel < walk->conf->n_tunnels) {
		const struct conf_tunnel *t = &walk->conf->tunnels[walk->tunnel];

		if (walk->session < t->n_sessions) {
			walk->i++;
			return &t->sessions[walk->session++];
		}
		walk->tunnel++;
		walk->session = 0;
	}
	return NULL;
}

/** A hook with every %i replaced by the interface's name, to be freed; or NULL. */
static char *expand_hook(const char *command, const char *ifname)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	for (const char *p = command; *p; p++) {
		if (p[0] == '%' && p[1] == 'i') {
			fputs(ifname, f);
			p++;
		} else {
			fputc(*p, f);
		}
	}
	if (fclose(f) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

/** To the bottom of the journal, or its top. */
static int note_hook(struct host *host, bool bottom, const char *kind, const char *command)
{
	struct journal *j = &host->netdev.journal;
	char *line;
	int err;

	if (asprintf(&line, "%s %s", kind, command) < 0)
		return netdev_fail(&host->netdev, -ENOMEM, "Out of memory");
	err = journal_insert(j, bottom ? 0 : j->n, line);
	free(line);
	if (err < 0)
		netdev_fail(&host->netdev, err, "Cannot write the journal %s: %s", j->path,
			strerror(-err));
	return err;
}

int host_note_hooks(struct host *host, enum host_down_hooks which)
{
	const struct conf_interface *wg = &host->conf->interface;
	bool after = which == HOST_POST_DOWN;
	const struct conf_texts *hooks = after ? &wg->post_down : &wg->pre_down;
	const char *kind = after ? "post-down" : "pre-down";
	struct journal *j = &host->netdev.journal;
	int err = 0;
	size_t old;

	while ((old = journal_find(j, kind)) != SIZE_MAX)
		journal_remove(j, old);
	for (size_t i = 0; err == 0 && i < hooks->n; i++) {
		/* Undoing goes backwards: the first hook is to be the uppermost. */
		const char *text = hooks->v[after ? i : hooks->n - 1 - i].text;
		char *command = expand_hook(text, wg->name);

		if (!command)
			return netdev_fail(&host->netdev, -ENOMEM, "Out of memory");
		err = note_hook(host, after, kind, command);
		free(command);
	}
	return err;
}

static int run_pre_up(struct host *host)
{
	const struct conf_texts *hooks = &host->conf->interface.pre_up;
	struct netdev *m = &host->netdev;
	int err = 0;

	for (size_t i = 0; err == 0 && i < hooks->n; i++) {
		char *command = expand_hook(hooks->v[i].text, host->conf->interface.name);

		if (!command)
			return netdev_fail(m, -ENOMEM, "Out of memory");
		err = netdev_log(m, "%s", command);
		if (err == 0) {
			err = spawn_shell(command);
			if (err < 0)
				netdev_fail(m, err, "PreUp failed: %s\nSee what it said above.",
					command);
		}
		free(command);
	}
	return err;
}

/** The control socket of a daemon that died is nobody's: the lock is ours. */
static void remove_socket(const char *name)
{
	char path[PATH_MAX];

	if (rundir_file(name, "sock", path) == 0)
		unlink(path);
}

/** Undo what a crash left, if it is here. `ret_found` says whether there was anything. */
static int recover(struct netdev *m, const char *name, bool *ret_found)
{
	int err = journal_load(&m->journal, name);

	*ret_found = false;
	remove_socket(name);
	if (err == -ENOENT)
		return 0;
	if (err < 0)
		return netdev_fail(m, err,
			"%s is left from before, but cannot be used: %s\n"
			"See what is left of the site, then remove that file.",
			m->journal.path, strerror(-err));
	switch (journal_where(&m->journal)) {
	case JOURNAL_HERE:
		*ret_found = true;
		undo_lines(m, UNDO_ALL);
		break;
	case JOURNAL_GONE:
		break;
	case JOURNAL_ELSEWHERE:
		journal_fini(&m->journal);
		return netdev_fail(m, -EXDEV,
			"%s crashed in another network namespace and left things there\n"
			"Run \"wirespan down %s\" in that namespace, or delete the namespace.",
			name, name);
	}
	journal_discard(&m->journal);
	journal_fini(&m->journal);
	return 0;
}

/** Nothing of the name may exist; a bridge of ours without a journal is a leftover. */
static int check_absent(struct netdev *m, const char *name)
{
	struct link_info link;
	struct nl_msg msg;
	int err = query_link(&m->nl, name, &link);

	if (err == -ENODEV)
		return 0;
	if (err < 0)
		return netdev_fail(
			m, err, "Cannot ask for the interface %s: %s", name, strerror(-err));
	if (bridge_is_ours(m, &link))
		return netdev_change(
			m, link_encode_delete(&msg, link.ifindex), "ip link del %s", name);
	return netdev_fail(m, -EEXIST,
		"An interface %s exists already%s%s\n"
		"Remove it (ip link del %s), or give this one another Name.",
		name, *link.kind ? ", a " : "", link.kind, name);
}

static int check_names(struct host *host)
{
	struct host_session_walk walk = { .conf = host->conf };
	const struct conf_session *session;
	int err = check_absent(&host->netdev, host->conf->interface.name);

	while (err == 0 && (session = host_next_session(&walk)))
		err = check_absent(&host->netdev, session->name);
	for (size_t i = 0; err == 0 && i < host->conf->n_bridges; i++)
		err = check_absent(&host->netdev, host->conf->bridges[i].name);
	return err;
}

static int take_lock(const char *name, struct host_lock *ret, struct error *ret_error)
{
	int err = host_lock_take(name, ret);
	pid_t pid = err == -EBUSY ? host_lock_holder(name) : 0;

	if (err == -EBUSY)
		return error_set(ret_error, err,
			"%s is running already (process %d)\n"
			"Take it down first: wirespan down %s; or give this site another file "
			"name.",
			name, pid > 0 ? (int)pid : 0, name);
	if (err < 0)
		return error_set(ret_error, err,
			"Cannot take the lock of %s: %s\n"
			"Run it as root, or name a folder of yours in WIRESPAN_RUNDIR.",
			name, strerror(-err));
	return 0;
}

/** A machine with an empty error and the socket open, under a lock that is taken. */
static int open_netdev(struct netdev *m, const char *name)
{
	int err = netdev_open(m, name);

	if (err < 0)
		return netdev_fail(
			m, err, "Cannot talk to the kernel's netlink: %s", strerror(-err));
	return 0;
}

/** Leave as after a crash that was undone. */
static void free_site(struct host *host)
{
	route_plan_fini(&host->plan);
	netdev_close(&host->netdev);
	host_lock_release(&host->lock);
	free(host);
}

int host_open(const struct conf_site *conf, const struct host_watch *watch, struct host **ret,
	struct error *ret_error)
{
	struct host *host = calloc(1, sizeof(*host));
	struct netdev *m;
	bool found = false;
	int err;

	if (!host)
		return error_set(ret_error, -ENOMEM, "Out of memory");
	m = &host->netdev;
	host->conf = conf;
	if (watch) {
		m->step = watch->step;
		m->step_ctx = watch->ctx;
	}
	err = take_lock(conf->name, &host->lock, ret_error);
	if (err < 0) {
		free(host);
		return err;
	}
	err = open_netdev(m, conf->name);
	if (err == 0)
		err = recover(m, conf->name, &found);
	if (found)
		log_info("undid what was left of %s", conf->name);
	if (err == 0) {
		err = journal_init(&m->journal, conf->name);
		if (err < 0)
			netdev_fail(m, err, "Cannot tell where we are: %s", strerror(-err));
	}
	if (err == 0)
		err = check_names(host);
	if (err == 0)
		err = host_note_hooks(host, HOST_POST_DOWN);
	if (err == 0)
		err = run_pre_up(host);
	if (err == 0) {
		*ret = host;
		return 0;
	}
	*ret_error = m->error;
	undo_lines(m, UNDO_ALL);
	if (*m->journal.path)
		journal_discard(&m->journal);
	free_site(host);
	return err;
}

void host_set_mark(struct host *host, const struct conf_site *conf, uint32_t mark)
{
	host->mark = mark;
	host->mark_chosen = mark && !conf->interface.fwmark;
}

static int set_up_wg(struct host *host, uint32_t mtu)
{
	const struct conf_interface *wg = &host->conf->interface;
	struct netdev *m = &host->netdev;
	struct link_info link;
	struct route_plan none = { 0 };
	uint32_t mark = 0;
	int err = netdev_find(m, wg->name, &link);

	if (err == 0)
		err = netdev_no_autoconf(m, &link);
	if (err == 0)
		err = netdev_refuse_ra(m, wg->name);
	for (size_t i = 0; err == 0 && i < wg->addresses.n; i++)
		err = netdev_add_address(m, &link, &wg->addresses.v[i].prefix);
	if (err == 0)
		err = netdev_set_mtu(m, &link, mtu);
	if (err == 0)
		err = netdev_set_up(m, &link);
	if (err == 0)
		err = dns_set(m, wg);
	if (err == 0 && route_plan_make(host->conf, &host->plan) < 0)
		err = netdev_fail(m, -ENOMEM, "Out of memory");
	if (err == 0)
		err = routes_choose_mark(m, wg, &host->plan, 0, &mark);
	route_plan_set_table(&host->plan, mark);
	host_set_mark(host, host->conf, mark);
	return err ? err : routes_add(m, wg, &link, &host->plan, &none, false);
}

int host_set_session(struct host *host, const struct conf_session *conf, uint32_t mtu)
{
	struct netdev *m = &host->netdev;
	struct link_info link;
	struct link_info bridge;
	int err = netdev_find(m, conf->name, &link);

	if (err == 0)
		err = netdev_set_mtu(m, &link, mtu);
	if (err == 0 && *conf->bridge) {
		err = netdev_no_autoconf(m, &link);
		if (err == 0)
			err = netdev_find(m, conf->bridge, &bridge);
		if (err == 0)
			err = bridge_add_session(m, &bridge, &link);
	}
	return err ? err : netdev_set_up(m, &link);
}

static int set_up(struct host *host, const struct host_mtus *mtus)
{
	struct host_session_walk walk = { .conf = host->conf };
	const struct conf_session *session;
	int err = set_up_wg(host, mtus->wg);

	for (size_t i = 0; err == 0 && i < host->conf->n_bridges; i++)
		err = bridge_make(&host->netdev, &host->conf->bridges[i]);
	while (err == 0 && (session = host_next_session(&walk))) {
		err = netdev_refuse_ra(&host->netdev, session->name);
		if (err == 0)
			err = host_set_session(host, session, mtus->sessions[walk.i - 1]);
	}
	return err;
}

int host_up(struct host *host, const struct host_mtus *mtus, struct error *ret_error)
{
	int err = set_up(host, mtus);

	if (err < 0) {
		*ret_error = host->netdev.error;
		host_down(host);
	}
	return err;
}

uint32_t host_fwmark(const struct host *host)
{
	return host->mark;
}

/** The commands of the journal's lines "pre-down …", in the order they are to run. */
static size_t collect_pre_down(const struct host *host, const char **ret, size_t room)
{
	const struct journal *j = &host->netdev.journal;
	size_t n = 0;

	for (size_t i = j->n; i-- > 0 && n < room;)
		if (!strncmp(j->lines[i], "pre-down ", 9))
			ret[n++] = j->lines[i] + 9;
	return n;
}

static int start_commands(struct host *host, const char *const commands[], size_t n, pid_t *ret_pid)
{
	struct netdev *m = &host->netdev;
	int err = 0;

	*ret_pid = 0;
	for (size_t i = 0; err == 0 && i < n; i++)
		err = netdev_log(m, "%s", commands[i]);
	if (err < 0 || n == 0)
		return err;
	err = spawn_start_shell(commands, n, ret_pid);
	return err < 0 ? netdev_fail(m, err, "Cannot start a shell: %s", strerror(-err)) : 0;
}

static int start_post_up(struct host *host, pid_t *ret_pid)
{
	const struct conf_interface *wg = &host->conf->interface;
	char **commands = calloc(wg->post_up.n + 1, sizeof(*commands));
	int err = host_note_hooks(host, HOST_PRE_DOWN);
	size_t n = 0;

	while (err == 0 && commands && n < wg->post_up.n) {
		commands[n] = expand_hook(wg->post_up.v[n].text, wg->name);
		if (!commands[n])
			break;
		n++;
	}
	if (err == 0 && n < wg->post_up.n)
		err = netdev_fail(&host->netdev, -ENOMEM, "Out of memory");
	if (err == 0)
		err = start_commands(host, (const char *const *)commands, n, ret_pid);
	while (n > 0)
		free(commands[--n]);
	free(commands);
	return err;
}

static int start_pre_down(struct host *host, pid_t *ret_pid)
{
	size_t room = host->netdev.journal.n + 1;
	const char **commands = calloc(room, sizeof(*commands));
	int err;

	if (!commands)
		return netdev_fail(&host->netdev, -ENOMEM, "Out of memory");
	err = start_commands(host, commands, collect_pre_down(host, commands, room), ret_pid);
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

/** They have run: not again. */
static void forget_pre_down(struct journal *j)
{
	size_t i;

	while ((i = journal_find(j, "pre-down ")) != SIZE_MAX)
		journal_remove(j, i);
}

int host_hook_end(struct host *host, enum host_hook hook, int wait_status, struct error *ret_error)
{
	if (hook == HOST_HOOK_PRE_DOWN)
		forget_pre_down(&host->netdev.journal);
	if (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0)
		return 0;
	return error_set(ret_error, -ECANCELED, "%s failed\nSee what it said above.",
		hook == HOST_HOOK_POST_UP ? "PostUp" : "PreDown");
}

int host_set_mtus(struct host *host, const struct host_mtus *mtus, struct error *ret_error)
{
	struct host_session_walk walk = { .conf = host->conf };
	struct netdev *m = &host->netdev;
	const struct conf_session *session;
	struct link_info link;
	int err = netdev_find(m, host->conf->interface.name, &link);

	if (err == 0)
		err = netdev_set_mtu(m, &link, mtus->wg);
	while (err == 0 && (session = host_next_session(&walk))) {
		err = netdev_find(m, session->name, &link);
		if (err == 0)
			err = netdev_set_mtu(m, &link, mtus->sessions[walk.i - 1]);
	}
	if (err < 0)
		*ret_error = m->error;
	return err;
}

void host_conf_moved(struct host *host, const struct conf_site *conf)
{
	host->conf = conf;
}

void host_down(struct host *host)
{
	undo_lines(&host->netdev, UNDO_HOST);
	route_plan_fini(&host->plan);
}

void host_close(struct host *host)
{
	if (!host)
		return;
	undo_lines(&host->netdev, UNDO_ALL);
	journal_discard(&host->netdev.journal);
	free_site(host);
}

int host_undo(const char *name, bool *ret_found, struct error *ret_error)
{
	struct host *host = calloc(1, sizeof(*host));
	bool found = false;
	int err;

	if (!host)
		return error_set(ret_error, -ENOMEM, "Out of memory");
	err = take_lock(name, &host->lock, ret_error);
	if (err < 0) {
		free(host);
		return err;
	}
	err = open_netdev(&host->netdev, name);
	if (err == 0)
		err = recover(&host->netdev, name, &found);
	if (err < 0)
		*ret_error = host->netdev.error;
	else
		*ret_found = found;
	free_site(host);
	return err;
}

pid_t host_running(const char *name)
{
	return host_lock_holder(name);
}

int host_wait_stopped(const char *name, unsigned timeout_ms)
{
	for (unsigned waited = 0; host_lock_holder(name) != 0; waited += 5) {
		if (waited >= timeout_ms)
			return -ETIMEDOUT;
		poll(NULL, 0, 5);
	}
	return 0;
}
