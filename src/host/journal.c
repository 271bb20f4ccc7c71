/* SPDX-License-Identifier: MIT */
/* Write-ahead undo log of a site's changes to the host, one line per change. */
#include "host/journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/host_lock.h"
#include "host/rundir.h"

#define ROOM 32768 /* bytes that a reload adds at most, with long hooks */
#define HEAD "wirespan journal 1"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

/** The cookie of the thread's network namespace, a number that is never reused (Linux 5.14), or 0.
 * Return: 0 or -errno. */
static int netns_cookie(uint64_t *ret)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(*ret);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, ret, &len) < 0) {
		/* EINVAL: qemu-user, which does not know the option */
		err = errno == ENOPROTOOPT || errno == EINVAL ? 0 : -errno;
		*ret = 0;
	}
	close(fd);
	return err;
}

static int find_place(struct journal_place *ret)
{
	struct journal_place p = { .cookie = 0 };
	struct stat st;
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");
	bool ok;

	if (!f)
		return -errno;
	ok = fscanf(f, "%39s", p.boot) == 1;
	fclose(f);
	if (!ok)
		return -EIO;
	if (stat("/proc/thread-self/ns/net", &st) < 0)
		return -errno;
	p.inode = st.st_ino;
	*ret = p;
	return netns_cookie(&ret->cookie);
}

/** Whether `path` is the namespace of the place. To query the cookie, the thread enters the
 * namespace and returns. */
static bool is_netns(const char *path, const struct journal_place *place)
{
	uint64_t cookie = 0;
	struct stat st;
	bool is = true;
	int there;
	int home;

	if (stat(path, &st) < 0 || st.st_ino != place->inode)
		return false;
	if (!place->cookie)
		return true;
	home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	there = open(path, O_RDONLY | O_CLOEXEC);
	if (home >= 0 && there >= 0 && setns(there, CLONE_NEWNET) == 0) {
		is = netns_cookie(&cookie) < 0 || cookie == place->cookie;
		if (setns(home, CLONE_NEWNET) < 0)
			abort(); /* the thread must not continue in a foreign namespace */
	}
	if (home >= 0)
		close(home);
	if (there >= 0)
		close(there);
	return is;
}

/** Whether one of `dir`'s entries, extended by `tail`, is the namespace of the place. Return: 1, 0
 * or -errno. */
static int any_is_netns(const char *dir, const char *tail, const struct journal_place *place)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	int found = 0;

	if (!d)
		return errno == ENOENT ? 0 : -errno;
	errno = 0;
	while (!found && (entry = readdir(d))) {
		char path[PATH_MAX];

		if (snprintf(path, sizeof(path), "%s/%s%s", dir, entry->d_name, tail) < PATH_MAX)
			found = is_netns(path, place);
		errno = 0;
	}
	if (!found)
		found = -errno; /* of readdir(); 0 at the end */
	closedir(d);
	return found;
}

enum journal_where journal_where(const struct journal *j)
{
	struct journal_place here = { 0 };
	int found;

	if (find_place(&here) < 0)
		return JOURNAL_UNDECIDED;
	if (strcmp(here.boot, j->place.boot) != 0)
		return JOURNAL_GONE;
	if (here.inode == j->place.inode)
		return here.cookie == j->place.cookie ? JOURNAL_HERE : JOURNAL_GONE;
	found = any_is_netns("/run/netns", "", &j->place);
	if (found == 0)
		found = any_is_netns("/proc", "/ns/net", &j->place);
	if (found < 0)
		return JOURNAL_UNDECIDED;
	return found ? JOURNAL_ELSEWHERE : JOURNAL_GONE;
}

int journal_init(struct journal *j, const char *name)
{
	*j = (struct journal){ 0 };
	int err = rundir_file(name, "state", j->path);

	return err < 0 ? err : find_place(&j->place);
}

/** Append a copy of an entry, in memory only. */
static int append(struct journal *j, const struct journal_entry *e)
{
	char *text = e->text ? strdup(e->text) : NULL;

	if (e->text && !text)
		return -ENOMEM;
	if (text && strchr(text, '\n')) {
		free(text);
		return -EINVAL;
	}
	if (j->n == j->room) {
		size_t room = j->room ? 2 * j->room : 16;
		struct journal_entry *v = reallocarray(j->v, room, sizeof(*v));

		if (!v) {
			free(text);
			return -ENOMEM;
		}
		j->v = v;
		j->room = room;
	}
	if (j->n)
		j->v[j->n - 1].newest = false;
	j->v[j->n] = *e;
	j->v[j->n].newest = true;
	j->v[j->n++].text = text;
	return 0;
}

static void take_out(struct journal *j, size_t i)
{
	free(j->v[i].text);
	memmove(j->v + i, j->v + i + 1, (j->n - i - 1) * sizeof(*j->v));
	j->n--;
}

static int read_head(struct journal *j, FILE *f)
{
	char line[128] = "";
	char *end;

	if (!fgets(line, sizeof(line), f) || strcmp(line, HEAD "\n") != 0)
		return -EPROTO;
	if (!fgets(line, sizeof(line), f) || sscanf(line, "boot %39s", j->place.boot) != 1)
		return -EPROTO;
	if (!fgets(line, sizeof(line), f) || strncmp(line, "netns ", 6) != 0)
		return -EPROTO;
	j->place.inode = strtoull(line + 6, &end, 10);
	if (end == line + 6 || *end != ' ')
		return -EPROTO;
	j->place.cookie = strtoull(end + 1, &end, 10);
	return *end == '\n' ? 0 : -EPROTO;
}

static int read_lines(struct journal *j, FILE *f)
{
	char *line = NULL;
	size_t size = 0;
	int err = 0;

	while (err == 0 && getline(&line, &size, f) > 0) {
		struct journal_entry e;

		line[strcspn(line, "\n")] = '\0';
		journal_entry_parse(line, &e);
		err = append(j, &e);
	}
	free(line);
	return err < 0 || !ferror(f) ? err : -EIO;
}

int journal_load(struct journal *j, const char *name)
{
	FILE *f;
	int err;
	int fd;

	*j = (struct journal){ 0 };
	err = rundir_file(name, "state", j->path);
	if (err < 0)
		return err;
	fd = rundir_open_ours(j->path); /* it contains commands that run as root */
	if (fd < 0)
		return fd;
	f = fdopen(fd, "r");
	if (!f) {
		err = -errno;
		close(fd);
		return err;
	}
	err = read_head(j, f);
	if (err == -EPROTO && ferror(f))
		err = -EIO;
	if (err == 0)
		err = read_lines(j, f);
	fclose(f);
	if (err < 0)
		journal_fini(j);
	return err;
}

static int write_file(const struct journal *j, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
	int err = 0;

	if (!f) {
		err = -errno;
		if (fd >= 0)
			close(fd);
		return err;
	}
	fprintf(f, HEAD "\nboot %s\nnetns %" PRIu64 " %" PRIu64 "\n", j->place.boot, j->place.inode,
		j->place.cookie);
	for (size_t i = 0; i < j->n; i++) {
		journal_entry_print(&j->v[i], f);
		fputc('\n', f);
	}
	if (ferror(f))
		err = -EIO;
	if (fclose(f) != 0 && err == 0)
		err = -errno;
	return err;
}

int journal_discard(const struct journal *j)
{
	return unlink(j->path) < 0 && errno != ENOENT ? -errno : 0;
}

static int save(const struct journal *j)
{
	char path[PATH_MAX + 4];
	int err;

	if (j->n == 0)
		return journal_discard(j);
	snprintf(path, sizeof(path), "%s.new", j->path);
	err = write_file(j, path);
	if (err == 0 && rename(path, j->path) < 0)
		err = -errno;
	if (err < 0)
		unlink(path);
	return err;
}

int journal_keep(const struct journal *j)
{
	int err;

	if (!j->n || access(j->path, F_OK) == 0 || errno != ENOENT)
		return 0;
	err = save(j);
	return err < 0 ? err : 1;
}

int journal_check_room(const struct journal *j)
{
	char path[PATH_MAX + 4];
	int err;
	int fd;

	snprintf(path, sizeof(path), "%s.new", j->path);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	err = -posix_fallocate(fd, 0, ROOM + (off_t)(j->n * sizeof(*j->v)));
	close(fd);
	unlink(path);
	return err == -EOPNOTSUPP || err == -EINVAL ? 0 : err;
}

int journal_push(struct journal *j, const struct journal_entry *e)
{
	int err = append(j, e);

	if (err < 0)
		return err;
	err = save(j);
	if (err < 0)
		take_out(j, j->n - 1);
	return err;
}

void journal_sweep(const char *name)
{
	struct lockfile lock;
	struct error ignored;
	char path[PATH_MAX];

	if (rundir_file(name, "state.new", path) == 0)
		unlink(path);
	if (host_lock_take_shared(&lock, &ignored) == 0)
		lockfile_release(&lock);
	/* the lock for sockets, which a daemon killed while it opened one has left */
	snprintf(path, sizeof(path), "%s/.sock.lock", rundir_path());
	if (access(path, F_OK) == 0 && lockfile_take(path, 0700, 0, &lock) == 0)
		lockfile_release(&lock);
}

/** Append copies of all entries except those of one kind. */
static int append_others(struct journal *j, const struct journal *from, enum journal_kind except)
{
	int err = 0;

	for (size_t i = 0; err == 0 && i < from->n; i++)
		if (from->v[i].kind != except)
			err = append(j, &from->v[i]);
	return err;
}

int journal_replace(struct journal *j, enum journal_kind kind, bool first,
	const struct journal_entry *v, size_t n)
{
	struct journal next = { .place = j->place };
	int err = 0;

	memcpy(next.path, j->path, sizeof(next.path));
	if (!first)
		err = append_others(&next, j, kind);
	for (size_t i = 0; err == 0 && i < n; i++)
		err = append(&next, &v[i]);
	if (err == 0 && first)
		err = append_others(&next, j, kind);
	if (err == 0)
		err = save(&next);
	if (err < 0) {
		journal_fini(&next);
		return err;
	}
	journal_fini(j);
	*j = next;
	return 0;
}

void journal_remove(struct journal *j, size_t i)
{
	take_out(j, i);
	(void)save(j);
}

size_t journal_find(const struct journal *j, const struct journal_entry *like)
{
	for (size_t i = j->n; i-- > 0;)
		if (journal_entry_matches(&j->v[i], like))
			return i;
	return SIZE_MAX;
}

/** A journal may have an entry that cannot be read. Return: -EBADMSG. */
static int cannot_know(const char *site, struct journal_entry *ret)
{
	*ret = (struct journal_entry){ JOURNAL_UNKNOWN };
	snprintf(ret->name, sizeof(ret->name), "%s.state", site);
	return -EBADMSG;
}

/** As journal_find_elsewhere(), in one site's journal. */
static int find_in(const char *site, const struct journal_entry *like, struct journal_entry *ret)
{
	enum journal_where where;
	struct journal j;
	int err = journal_load(&j, site);
	bool unknown;
	size_t i;

	if (err == -EPERM || err == -EPROTO)
		return cannot_know(site, ret);
	if (err < 0)
		return err == -EINVAL ? -ENOENT : err; /* not a site's */
	where = journal_where(&j);
	i = journal_find(&j, like);
	unknown = journal_find(&j, &(struct journal_entry){ JOURNAL_UNKNOWN }) != SIZE_MAX;
	if (i != SIZE_MAX) {
		*ret = j.v[i];
		ret->text = NULL;
	}
	journal_fini(&j);
	if (i == SIZE_MAX)
		return unknown && (where == JOURNAL_HERE || where == JOURNAL_UNDECIDED)
			       ? cannot_know(site, ret)
			       : -ENOENT;
	if (where == JOURNAL_UNDECIDED)
		return -EIO;
	return where == JOURNAL_HERE ? 0 : -ENOENT;
}

int journal_find_elsewhere(
	const struct journal *j, const struct journal_entry *like, struct journal_entry *ret)
{
	const char *own = strrchr(j->path, '/');
	DIR *d = opendir(rundir_path());
	struct journal_entry damaged;
	bool is_damaged = false;
	struct dirent *entry;
	int err = -ENOENT;

	if (!d)
		return -errno;
	errno = 0;
	while (err == -ENOENT && (entry = readdir(d))) {
		char *dot = strrchr(entry->d_name, '.');

		if (!dot || strcmp(dot, ".state") != 0 || (own && !strcmp(own + 1, entry->d_name)))
			continue;
		*dot = '\0';
		err = find_in(entry->d_name, like, ret);
		if (err == -EBADMSG) { /* another one may have the entry */
			is_damaged = true;
			damaged = *ret;
			err = -ENOENT;
		}
		errno = 0;
	}
	if (err == -ENOENT && errno)
		err = -errno; /* of readdir() */
	closedir(d);
	if (err != -ENOENT || !is_damaged)
		return err;
	*ret = damaged;
	return -EBADMSG;
}

void journal_fini(struct journal *j)
{
	for (size_t i = 0; i < j->n; i++)
		free(j->v[i].text);
	free(j->v);
	*j = (struct journal){ 0 };
}
