/* SPDX-License-Identifier: MIT */
/* The engine of a site whose daemon was killed: an orphan, which carries packets for a while. */
#include "host/orphan.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/host_lock.h"
#include "host/rundir.h"

/* How long the kernel may take to end a process that was killed: it removes the interfaces. */
#define KILL_MS 10000

/* How long one may take that its guardian ends, as this process may not. */
#define GUARDIAN_MS 2000

/* The field of /proc/PID/stat with the start, counted from the one after the name. */
#define START_FIELD 20

/** What is noted of an engine. */
struct note {
	pid_t pid;
	uint64_t start; /* in clock ticks since boot */
	uint32_t protocol;
};

static int note_path(const char *site, char ret_path[static PATH_MAX])
{
	return rundir_file(site, "engine", ret_path);
}

int orphan_socket(const char *site, char ret_path[static PATH_MAX])
{
	return rundir_file(site, "adopt", ret_path);
}

/* When a process was started, in clock ticks since boot. Return: 0, -ESRCH if there is none, or
 * another -errno. */
static int start_of(pid_t pid, uint64_t *ret)
{
	char path[32];
	char text[1024] = "";
	const char *at;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	if (!f)
		return errno == ENOENT ? -ESRCH : -errno;
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	at = strrchr(text, ')'); /* the name may contain anything */
	for (int i = 0; at && i < START_FIELD; i++)
		at = strchr(at + 1, ' ');
	return at && sscanf(at, " %" SCNu64, ret) == 1 ? 0 : -ESRCH;
}

static int open_process(pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	return fd < 0 ? -errno : fd;
}

int orphan_note(const char *site, pid_t pid, uint32_t protocol)
{
	struct note note = { .pid = pid, .protocol = protocol };
	char path[PATH_MAX];
	char text[64];
	int len;
	int process = open_process(pid);
	int fd;
	int err = process < 0 ? process : start_of(pid, &note.start);

	if (process >= 0)
		close(process);
	orphan_forget(site);
	if (!err)
		err = note_path(site, path);
	if (err < 0)
		return err;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	len = snprintf(text, sizeof(text), "%d %" PRIu64 " %" PRIu32 "\n", (int)note.pid,
		note.start, note.protocol);
	if (write(fd, text, (size_t)len) != len)
		err = errno ? -errno : -EIO;
	close(fd);
	if (err < 0)
		orphan_forget(site);
	return err;
}

void orphan_forget(const char *site)
{
	char path[PATH_MAX];

	if (note_path(site, path) == 0)
		unlink(path);
	if (orphan_socket(site, path) == 0)
		unlink(path);
}

/* Read the note. Return: 0 or -ENOENT. */
static int read_note(const char *site, struct note *ret)
{
	char path[PATH_MAX];
	char text[64] = "";
	ssize_t n = -1;
	int pid = 0;
	int fd = note_path(site, path) < 0 ? -1 : rundir_open_ours(path);

	if (fd >= 0) {
		n = read(fd, text, sizeof(text) - 1);
		close(fd);
	}
	if (n <= 0 || text[n - 1] != '\n' ||
		sscanf(text, "%d %" SCNu64 " %" SCNu32, &pid, &ret->start, &ret->protocol) != 3 ||
		pid <= 1)
		return -ENOENT;
	ret->pid = pid;
	return 0;
}

int orphan_open(const char *site, uint32_t *ret_protocol)
{
	struct note note;
	uint64_t start;
	int fd;

	if (read_note(site, &note) < 0)
		return -ENOENT;
	fd = open_process(note.pid);
	/* the process of the descriptor, unless that has ended just now: then a signal fails */
	if (fd >= 0 && start_of(note.pid, &start) == 0 && start == note.start) {
		*ret_protocol = note.protocol;
		return fd;
	}
	if (fd >= 0)
		close(fd);
	return -ENOENT;
}

bool orphan_exists(const char *site)
{
	uint32_t protocol;
	int fd = host_lock_holder(site) == 0 ? orphan_open(site, &protocol) : -1;

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static bool has_ended(int fd, int patience_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int n;

	do
		n = poll(&p, 1, patience_ms);
	while (n < 0 && errno == EINTR);
	return n > 0;
}

bool orphan_wait(int fd, int patience_ms)
{
	bool ended = has_ended(fd, patience_ms);

	if (!ended)
		ended = has_ended(fd, syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0) == 0
					      ? KILL_MS
					      : GUARDIAN_MS);
	close(fd);
	return ended;
}

bool orphan_end(const char *site)
{
	uint32_t protocol;
	int fd = orphan_open(site, &protocol);

	if (fd >= 0)
		(void)orphan_wait(fd, 0);
	orphan_forget(site);
	return fd >= 0;
}
