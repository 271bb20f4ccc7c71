/* SPDX-License-Identifier: MIT */
/* Claim a site's name on this host: take its lock, and recover after a crash. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/log.h"
#include "host/host_state.h"
#include "host/leftovers.h"
#include "host/orphan.h"
#include "host/rundir.h"
#include "host/running_conf.h"
#include "host/undo.h"
#include "netlink/query.h"

/* How long the interfaces of a crashed site may take to disappear. */
#define GONE_MS	     2000
#define GONE_STEP_MS 10

/** Remove the control socket of a daemon that died. We hold the lock, so no process uses it. */
static void remove_socket(const char *name)
{
	char path[PATH_MAX];

	if (rundir_file(name, "sock", path) == 0)
		unlink(path);
}

/** Whether the journal is of a site that kernel objects carry, with this interface, which still
 * exists. */
static bool can_run_on(struct netdev *m, const char *interface)
{
	struct journal_entry like = { .kind = JOURNAL_WIREGUARD };
	struct link_info link;

	snprintf(like.name, sizeof(like.name), "%s", interface);
	return journal_find(&m->journal, &like) != SIZE_MAX &&
	       query_link(&m->nl, interface, &link) == 0 && !strcmp(link.alias, m->alias);
}

/** Whether the engine of the site runs on in this network namespace, with this interface. */
static bool has_orphan(struct netdev *m, const char *name, const char *interface)
{
	struct link_info link;
	uint32_t protocol;
	int fd = orphan_open(name, &protocol);

	if (fd < 0)
		return false;
	close(fd);
	return query_link(&m->nl, interface, &link) == 0 && !strcmp(link.alias, m->alias);
}

/** Resume the site, in this network namespace, if it is complete and nothing but a reload separates
 * it from the present configuration. Return: whether it is resumed. */
static bool resume(struct host *host, enum host_leftovers leftovers)
{
	const char *interface = host->conf->interface.name;
	struct conf_site *old = calloc(1, sizeof(*old));
	int err = old ? running_conf_load(host->conf->name, old) : -ENOMEM;

	if (err == 0 && !strcmp(old->interface.name, interface) &&
		(leftovers == HOST_ADOPT ? has_orphan(&host->netdev, host->conf->name, interface)
					 : can_run_on(&host->netdev, interface))) {
		host->resumed = old;
		host->resuming = true;
		return true;
	}
	if (err == 0)
		conf_site_fini(old);
	else if (err != -ENOENT)
		log_warning("%s cannot be resumed, as the configuration it runs with cannot be "
			    "read: %s; it is undone and made again",
			host->conf->name, strerror(-err));
	free(old);
	return false;
}

/** Undo or resume a journal of this network namespace. `host` is NULL: undo it. */
static int recover_here(struct host *host, struct netdev *m, bool *ret_found)
{
	if (host && resume(host, HOST_RESUME))
		return 0;
	*ret_found = true;
	return undo_journal(m, UNDO_ALL);
}

/** Resume the site of an orphan. `loaded`: the result of journal_load(); a site that has changed
 * nothing around its interfaces has no journal. Return: whether it is resumed. */
static bool resume_orphan(struct host *host, int loaded)
{
	struct journal *j = &host->netdev.journal;
	const char *name = host->conf->name;

	if (loaded == 0 ? journal_where(j) != JOURNAL_HERE : loaded != -ENOENT)
		return false;
	if (!resume(host, HOST_ADOPT))
		return false;
	host->resuming = loaded == 0 || journal_init(j, name) == 0;
	return host->resuming;
}

/** Whether to end an orphan from here: not if it carries packets in another network namespace.
 * `loaded`: as above. */
static bool may_end_orphan(const struct journal *j, int loaded)
{
	enum journal_where where = loaded == 0 ? journal_where(j) : JOURNAL_UNDECIDED;

	return loaded == -ENOENT || where == JOURNAL_HERE || where == JOURNAL_GONE;
}

/** Undo what a crash left in this network namespace, and end an orphan; or resume the site of
 * `resumable`, which may be NULL. `ret_found`: whether something was undone. */
static int recover(struct netdev *m, const char *name, struct host *resumable,
	enum host_leftovers leftovers, bool *ret_found)
{
	int err = journal_load(&m->journal, name);

	*ret_found = false;
	remove_socket(name);
	journal_sweep(name);
	running_conf_sweep(name);
	if (leftovers == HOST_ADOPT && resume_orphan(resumable, err))
		return 0;
	*ret_found = may_end_orphan(&m->journal, err) && orphan_end(name);
	if (err == -ENOENT) {
		err = leftovers_remove(m, ret_found);
		if (err == 0)
			running_conf_discard(name); /* of a down that was killed at its end */
		return err;
	}
	if (err == -EPERM || err == -EPROTO)
		return netdev_fail(m, err,
			"%s is left from before, but cannot be used: %s\n"
			"See what is left of the site, then remove that file.",
			m->journal.path,
			err == -EPERM ? "others can write it" : "it is no journal");
	if (err < 0)
		return netdev_fail(m, err, "Cannot read %s, which is left from before: %s",
			m->journal.path, strerror(-err));
	switch (journal_where(&m->journal)) {
	case JOURNAL_HERE:
		err = recover_here(leftovers == HOST_RESUME ? resumable : NULL, m, ret_found);
		if (resumable && resumable->resuming)
			return 0; /* the journal goes on */
		break;
	case JOURNAL_GONE:
		err = journal_discard(&m->journal);
		if (err < 0)
			netdev_fail(m, err, "Cannot remove %s:", m->journal.path);
		break;
	case JOURNAL_UNDECIDED:
		err = netdev_fail(m, -EIO,
			"Cannot read the boot id and network namespace, to compare them with %s",
			m->journal.path);
		break;
	case JOURNAL_ELSEWHERE:
		err = netdev_fail(m, -EXDEV,
			"%s crashed in another network namespace and left changes there\n"
			"Run \"wirespan down %s\" in that namespace, or delete the namespace.",
			name, name);
		break;
	}
	journal_fini(&m->journal);
	if (err == 0)
		running_conf_discard(name);
	return err;
}

/** Check that no interface of this name exists; a bridge of ours without a journal is a
 * leftover. */
static int check_absent(struct netdev *m, const char *name)
{
	struct link_info link;
	int err = query_link_any_name(&m->nl, name, &link);

	if (err == -ENODEV)
		return 0;
	if (err < 0)
		return netdev_fail(
			m, err, "Cannot query the interface %s: %s", name, strerror(-err));
	if (strcmp(link.name, name) != 0)
		return netdev_fail(m, -EEXIST,
			"%s is an alternative name of the interface %s\n"
			"Set another Name, or remove that one: ip link property del dev %s altname "
			"%s.",
			name, link.name, link.name, name);
	return netdev_fail(m, -EEXIST,
		"An interface %s exists already%s%s\n"
		"Remove it (ip link del %s), or give this one another Name.",
		name, *link.kind ? ", a " : "", link.kind, name);
}

/** Likewise, with what to do about a bridge that another program made. */
static int check_bridge_absent(struct netdev *m, const char *name)
{
	struct link_info link;

	if (query_link(&m->nl, name, &link) == 0 && !strcmp(link.kind, "bridge"))
		return netdev_fail(m, -EEXIST,
			"A bridge %s exists already, which another program made\n"
			"To join it, write Adopt = yes in [Bridge]; else set another Name.",
			name);
	return check_absent(m, name);
}

static int check_names(struct host *host)
{
	struct conf_session_walk walk = { .conf = host->conf };
	const struct conf_session *session;
	int err = check_absent(&host->netdev, host->conf->interface.name);

	while (err == 0 && (session = conf_next_session(&walk)))
		err = check_absent(&host->netdev, session->name);
	for (size_t i = 0; err == 0 && i < host->conf->n_bridges; i++)
		if (!host->conf->bridges[i].adopt)
			err = check_bridge_absent(&host->netdev, host->conf->bridges[i].name);
	return err;
}

/* After a crash, the interfaces of a confined engine disappear a moment after its monitor. */
static int check_names_after_crash(struct host *host)
{
	int err = check_names(host);

	for (int waited = 0; err < 0 && waited < GONE_MS; waited += GONE_STEP_MS) {
		poll(NULL, 0, GONE_STEP_MS);
		host->netdev.error = (struct error){ 0 };
		err = check_names(host);
	}
	return err;
}

static int take_lock(const char *name, struct lockfile *ret, struct error *ret_error)
{
	int err = host_lock_take(name, ret);
	pid_t pid = err == -EBUSY ? host_lock_holder(name) : 0;
	char path[PATH_MAX];

	if (rundir_file(name, "lock", path) < 0)
		return error_set(ret_error, -EINVAL, "\"%s\" cannot be the name of a site", name);
	if (err == -EBUSY)
		return error_set(ret_error, err,
			"%s is running already (process %d)\n"
			"Stop it first: wirespan down %s; or give this site another file name.",
			name, pid > 0 ? (int)pid : 0, name);
	if (err < 0)
		return host_lock_failed(path, err, ret_error);
	return 0;
}

/** Open a netdev with an empty error. The lock is held. */
static int open_netdev(struct netdev *m, const char *name)
{
	int err = netdev_open(m, name);

	if (err < 0)
		return netdev_fail(m, err, "Cannot open a netlink socket: %s", strerror(-err));
	return 0;
}

/** Begin a site that does not exist: journal, names, hooks. */
static int begin(struct host *host, bool crashed)
{
	struct netdev *m = &host->netdev;
	int err = journal_init(&m->journal, host->conf->name);

	if (err < 0)
		return netdev_fail(m, err,
			"Cannot determine the boot id and network namespace: %s\n"
			"Mount /proc, where both are read.",
			strerror(-err));
	err = crashed ? check_names_after_crash(host) : check_names(host);
	if (err == 0)
		err = host_note_hooks(host, JOURNAL_POST_DOWN);
	return err ? err : host_run_pre_up(host);
}

int host_open(const struct conf_site *conf, enum host_leftovers leftovers,
	const struct host_watch *watch, struct host **ret, struct error *ret_error)
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
		err = recover(m, conf->name, host, leftovers, &found);
	if (err == 0 && found)
		log_info("undid what was left of %s", conf->name);
	if (err == 0 && host->resuming)
		log_info("%s runs on without its process: resuming it", conf->name);
	else if (err == 0)
		err = begin(host, found);
	if (err == 0) {
		*ret = host;
		return 0;
	}
	*ret_error = m->error;
	(void)host_close(host);
	return err;
}

/* Use the journal of the program before; there is none if nothing is to be undone. */
static int adopt_journal(struct netdev *m, const char *name)
{
	int err = journal_load(&m->journal, name);

	if (err == -ENOENT)
		err = journal_init(&m->journal, name);
	else if (err == 0 && journal_where(&m->journal) != JOURNAL_HERE)
		err = -EXDEV;
	return err < 0 ? netdev_fail(
				 m, err, "Cannot use the journal of %s: %s", name, strerror(-err))
		       : 0;
}

int host_adopt(const struct conf_site *conf, struct conf_site *running, int lock_fd,
	struct host **ret, struct error *ret_error)
{
	struct host *host = calloc(1, sizeof(*host));
	int err;

	if (!host)
		return error_set(ret_error, -ENOMEM, "Out of memory");
	host->conf = conf;
	host->lock.fd = fcntl(lock_fd, F_DUPFD_CLOEXEC, 3);
	err = host->lock.fd < 0 ? -errno : rundir_file(conf->name, "lock", host->lock.path);
	if (err < 0)
		netdev_fail(&host->netdev, err, "Cannot use the lock of the site:");
	if (err == 0)
		err = open_netdev(&host->netdev, conf->name);
	if (err == 0)
		err = adopt_journal(&host->netdev, conf->name);
	if (err == 0 && !running) {
		running = calloc(1, sizeof(*running));
		err = running ? running_conf_load(conf->name, running) : -ENOMEM;
		if (err < 0)
			netdev_fail(&host->netdev, err, "Cannot read what %s runs with: %s",
				conf->name, strerror(-err));
	}
	if (err < 0) {
		*ret_error = host->netdev.error;
		netdev_close(&host->netdev);
		if (host->lock.fd >= 0)
			close(host->lock.fd);
		free(host);
		return err;
	}
	host->resumed = running;
	host->resuming = true;
	*ret = host;
	return 0;
}

int host_lock_fd(const struct host *host)
{
	return host->lock.fd;
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
		err = recover(&host->netdev, name, NULL, HOST_UNDO, &found);
	if (err < 0)
		*ret_error = host->netdev.error;
	else
		*ret_found = found;
	host_free(host);
	return err;
}

bool host_has_files(const char *name)
{
	static const char *const suffixes[] = { "state", "state.new", "running", "running.new",
		"lock", "engine", "adopt" };
	char path[PATH_MAX];

	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++)
		if (rundir_file(name, suffixes[i], path) == 0 && access(path, F_OK) == 0)
			return true;
	return false;
}

int host_keep_files(struct host *host, struct error *ret_error)
{
	bool lost = host->stored && !running_conf_exists(host->conf->name);
	int locked = host_lock_renew(&host->lock);
	int written;

	if (locked < 0)
		return host_lock_failed(host->lock.path, locked, ret_error);
	written = journal_keep(&host->netdev.journal);
	if (written < 0) {
		netdev_journal_failed(&host->netdev, written);
		*ret_error = host->netdev.error;
		return written;
	}
	return lost || locked || written;
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
