/* SPDX-License-Identifier: MIT */
/* Start a process of ours that gives up what it does not need before it reads what others send. */
#include "confine/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "confine/landlock.h"

/* See confined_user(). */
#define USERS_FIRST 0x70000000U

/* Where a user namespace maps only 16 bits: the range of systemd's DynamicUser=. */
#define USERS_FIRST_16 61184U
#define USERS_COUNT_16 4336U

#define WATCH_MS	10 /* between looks at a process that no descriptor stands for */
#define LAST_CAPABILITY 63

struct confined_user confined_user(const struct user *named, unsigned index)
{
	uid_t own = USERS_FIRST + 4 * (uid_t)getpid() + index;

	return named ? (struct confined_user){ named->uid, named->gid, true }
		     : (struct confined_user){ own, own, false };
}

/* ---- fork ---- */

/* The first process of a namespace ignores these signals unless it has a handler. */
static void on_fatal(int number)
{
	_exit(128 + number);
}

static void handle_fatal_signals(void)
{
	static const int numbers[] = { SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGQUIT };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		signal(numbers[i], on_fatal);
}

/* As fork(), with flags of clone(2). */
static pid_t clone_process(unsigned long flags)
{
#ifdef __s390x__
	return (pid_t)syscall(SYS_clone, NULL, flags | SIGCHLD, NULL, NULL, NULL);
#else
	return (pid_t)syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL);
#endif
}

pid_t confined_fork(unsigned measures, unsigned *ret_measures)
{
	const unsigned spaces = CONFINE_PROCESSES | CONFINE_IPC | CONFINE_FILES;
	unsigned has = measures & spaces;
	unsigned long flags = (has & CONFINE_PROCESSES ? CLONE_NEWPID : 0UL) |
			      (has & CONFINE_IPC ? CLONE_NEWIPC : 0UL) |
			      (has & CONFINE_FILES ? CLONE_NEWNS : 0UL);
	pid_t pid = clone_process(flags);

	if (pid < 0 && flags && errno != EAGAIN && errno != ENOMEM) {
		has = 0;
		pid = clone_process(0);
	}
	if (pid < 0)
		return -errno;
	if (pid == 0)
		(void)setsid(); /* it fails only for a leader of a group, which a child is not */
	if (pid == 0 && has & CONFINE_PROCESSES)
		handle_fatal_signals();
	*ret_measures = has;
	return pid;
}

/* A refused signal is sent again so often, and in between the process may end by itself. */
#define KILLS_MAX    10
#define KILL_WAIT_MS 100

/* Wait without pidfd_open(2), which Linux 5.3 has, and some containers forbid. Return: whether the
 * process has ended; it is still to be awaited. */
static bool watch(pid_t pid, int patience_ms)
{
	siginfo_t info;

	for (int ms = 0; ms <= patience_ms; ms += WATCH_MS) {
		info.si_pid = 0;
		if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
			info.si_pid == pid)
			return true;
		poll(NULL, 0, WATCH_MS);
	}
	return false;
}

/* Return: whether the process has ended within `patience_ms`; it is still to be awaited. */
static bool await_end(pid_t pid, int patience_ms)
{
	struct pollfd p = { .fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN };
	bool ended = p.fd >= 0 ? poll(&p, 1, patience_ms) > 0 : watch(pid, patience_ms);

	if (p.fd >= 0)
		close(p.fd);
	return ended;
}

/* A security module can forbid the signal. Return: whether the process ends, or has ended. */
static bool kill_child(pid_t pid)
{
	for (int i = 0; i < KILLS_MAX; i++) {
		if (kill(pid, SIGKILL) == 0 || errno == ESRCH || await_end(pid, KILL_WAIT_MS))
			return true;
	}
	return false;
}

bool confined_wait(pid_t pid, int patience_ms, int *ret_status)
{
	bool ended = await_end(pid, patience_ms);
	bool ends = ended || kill_child(pid);

	*ret_status = 0;
	while (waitpid(pid, ret_status, ends ? 0 : WNOHANG) < 0 && errno == EINTR)
		;
	return ended;
}

/* ---- descriptors ---- */

static int compare(const void *a, const void *b)
{
	const int *x = a;
	const int *y = b;

	return (*x > *y) - (*x < *y);
}

/* So many descriptors are closed one by one at most. */
#define DESCRIPTORS_MAX (1U << 20)

/* Close the descriptors from `first` to `last`, also where the kernel or a container does not have
 * close_range(2). Return: 0 or -errno. */
static int close_all(unsigned first, unsigned last)
{
	struct rlimit limit;

	if (syscall(SYS_close_range, first, last, 0U) == 0) /* musl lacks it */
		return 0;
	if ((errno != ENOSYS && errno != EPERM) || getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return -errno;
	for (unsigned fd = first; fd <= last && fd < limit.rlim_cur && fd < DESCRIPTORS_MAX; fd++)
		(void)close((int)fd);
	return 0;
}

int confine_descriptors(int *keep, size_t n)
{
	unsigned from = STDERR_FILENO + 1;

	qsort(keep, n, sizeof(*keep), compare);
	for (size_t i = 0; i < n; i++) {
		if (keep[i] < (int)from)
			continue;
		if (keep[i] > (int)from) {
			int err = close_all(from, (unsigned)keep[i] - 1);

			if (err < 0)
				return err;
		}
		from = (unsigned)keep[i] + 1;
	}
	return close_all(from, ~0U);
}

void confine_streams(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = 0; fd <= STDERR_FILENO && null >= 0; fd++)
		(void)dup2(null, fd);
}

bool confine_is_debugged(void)
{
	const char *text = getenv("WIRESPAN_DUMPABLE");

	return text && !strcmp(text, "1");
}

bool confine_can_lock_memory(void)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur == RLIM_INFINITY;
}

void confine_lock_memory(void)
{
	if (!confine_is_debugged() && confine_can_lock_memory())
		(void)mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);
}

/* ---- confine ---- */

/* Replace the root of this mount namespace by an empty folder without room. */
static bool empty_file_system(void)
{
	const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;

	return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("tmpfs", "/dev", "tmpfs", flags, "nr_inodes=1,size=4k,mode=0555") == 0 &&
	       chdir("/dev") == 0 && syscall(SYS_pivot_root, ".", ".") == 0 &&
	       umount2(".", MNT_DETACH) == 0 && chdir("/") == 0 &&
	       mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | flags, NULL) == 0;
}

static bool set_user(uid_t uid, gid_t gid)
{
	return setgroups(0, NULL) == 0 && setresgid(gid, gid, gid) == 0 &&
	       setresuid(uid, uid, uid) == 0;
}

/* The first 32 capabilities that are in force for this process. */
static uint32_t capabilities(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct has[2];

	return syscall(SYS_capget, &head, has) == 0 ? has[0].effective : 0;
}

/* Whether root's processes, such as the monitor, can end those of other users. */
static bool can_kill(void)
{
	return capabilities() & 1U << CAP_KILL;
}

/* Whether a filter of system calls, such as systemd's SystemCallFilter=, allows those that change
 * users and capabilities: they are made without a change. */
static bool may_make_calls(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct has[2];

	return syscall(SYS_capget, &head, has) == 0 && syscall(SYS_capset, &head, has) == 0 &&
	       setresgid((gid_t)-1, (gid_t)-1, (gid_t)-1) == 0 &&
	       setresuid((uid_t)-1, (uid_t)-1, (uid_t)-1) == 0;
}

bool confine_can_change_user(void)
{
	const uint32_t needed = 1U << CAP_SETUID | 1U << CAP_SETGID | 1U << CAP_KILL;

	return (capabilities() & needed) == needed && may_make_calls();
}

/* Without CAP_KILL the monitor could not end this process, if it hangs. */
static bool change_user(const struct confined_user *user)
{
	uid_t other = USERS_FIRST_16 + user->uid % USERS_COUNT_16;

	if (!can_kill())
		return false;
	return set_user(user->uid, user->gid) || (!user->named && set_user(other, other));
}

static void drop_bounding_set(void)
{
	for (unsigned long i = 0; i <= LAST_CAPABILITY; i++)
		(void)prctl(PR_CAPBSET_DROP, i, 0, 0, 0);
}

/* Whether this process has none, nor can raise or pass one on. */
static bool has_no_capabilities(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct has[2];
	uint32_t any = 0;

	if (syscall(SYS_capget, &head, has) < 0)
		return false;
	for (int i = 0; i < 2; i++)
		any |= has[i].effective | has[i].permitted | has[i].inheritable;
	return !any;
}

static bool drop_capabilities(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { { 0 } };

	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	return syscall(SYS_capset, &head, none) == 0 || has_no_capabilities();
}

static bool filter_calls(const struct filter_rules *rules)
{
	struct sock_filter *code = calloc(FILTER_MAX, sizeof(*code));
	struct sock_fprog program = { .filter = code };
	int n = code ? filter_compile(rules->v, rules->n, code) : -ENOMEM;
	bool done;

	if (n > 0)
		program.len = (unsigned short)n;
	done = n > 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
	free(code);
	return done;
}

unsigned confine_process(const struct confinement *c, unsigned has)
{
	unsigned got = has & ~CONFINE_FILES;

	if (has & CONFINE_FILES && empty_file_system())
		got |= CONFINE_FILES;
	drop_bounding_set();
	if (c->measures & CONFINE_USER && (c->user.given || change_user(&c->user)))
		got |= CONFINE_USER;
	if (c->measures & CONFINE_CAPABILITIES && drop_capabilities())
		got |= CONFINE_CAPABILITIES;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0); /* a change of the user resets it */
	if (c->measures & CONFINE_NOT_DUMPABLE && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0)
		got |= CONFINE_NOT_DUMPABLE;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
		got |= CONFINE_NO_NEW_PRIVS;
	if (c->measures & CONFINE_LANDLOCK && landlock_restrict(c->calls == &filter_rules_resolver))
		got |= CONFINE_LANDLOCK;
	if (c->measures & CONFINE_SYSTEM_CALLS && filter_calls(c->calls))
		got |= CONFINE_SYSTEM_CALLS;
	return got;
}

const char *confine_text(unsigned measures, char ret[static CONFINE_TEXT_LEN])
{
	static const char *const words[CONFINE_MEASURES] = { "own user", "no capabilities",
		"no new privileges", "system call filter", "empty file system", "own processes",
		"own IPC", "Landlock", "not dumpable" };
	size_t len = 0;

	*ret = '\0';
	for (unsigned i = 0; i < CONFINE_MEASURES; i++)
		if (measures & 1U << i && len < CONFINE_TEXT_LEN)
			len += (size_t)snprintf(ret + len, CONFINE_TEXT_LEN - len, "%s%s",
				len ? ", " : "", words[i]);
	return ret;
}
