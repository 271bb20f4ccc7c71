/* SPDX-License-Identifier: MIT */
/* For tests of the site daemon: a back end and a host that only record what is asked of them. */
#include "daemon/test_site.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "backend/select.h"
#include "base/bug.h"
#include "base/clock.h"
#include "conf/test_conf.h"
#include "ctl/client.h"
#include "daemon/memlock.h"
#include "daemon/site_daemon.h"
#include "host/guard.h"
#include "host/host.h"
#include "host/host_report.h"
#include "host/rundir.h"

/* The daemon's host functions and choice of a back end are replaced by those of this file. */
int __wrap_backend_select(
	const struct conf_site *conf, struct choice *ret, struct error *ret_error);
bool __wrap_memlock_process(bool verbose);
int __wrap_host_open(const struct conf_site *conf, enum host_leftovers leftovers,
	const struct host_watch *watch, struct host **ret, struct error *ret_error);
int __wrap_host_up(struct host *host, const struct host_mtus *mtus, struct error *ret_error);
int __wrap_host_take_over(struct host *host, const struct host_mtus *mtus, struct error *ret_error);
void __wrap_host_leave(struct host *host);
uint32_t __wrap_host_fwmark(const struct host *host);
bool __wrap_host_is_resumed(const struct host *host);
int __wrap_host_store_running(
	struct host *host, const struct conf_site *conf, struct error *ret_error);
int __wrap_host_hook_start(
	struct host *host, enum host_hook hook, pid_t *ret_pid, struct error *ret_error);
int __wrap_host_hook_end(
	struct host *host, enum host_hook hook, int status, struct error *ret_error);
int __wrap_host_set_mtus(struct host *host, const struct host_mtus *mtus, struct error *ret_error);
int __wrap_host_reload(struct host *host, const struct conf_site *conf,
	const struct host_mtus *mtus, struct error *ret_error);
void __wrap_host_down(struct host *host);
void __wrap_host_close(struct host *host);
int __wrap_host_keep_files(struct host *host, struct error *ret_error);
int __wrap_host_report(struct host *host, struct host_guard *guard, struct status_report *r);
void __wrap_host_guard_start(struct host_guard *g, struct host *host, struct loop *loop,
	const struct host_interfaces *interfaces);
int __wrap_host_guard_settle(struct host_guard *g, struct error *ret_error);

#define RUN_MAX_S 60 /* a run that takes longer will not end: SIGALRM kills the test */
#define MARK	  7  /* the host's firewall mark */

/** The state of the run in progress. */
static struct {
	struct test_site *t;
	unsigned read; /* how often the file was read */
	const char *next;
	struct backend_site site;
	const struct conf_site *conf; /* as the back end has borrowed it */
	const struct conf_site *host_conf;
	const struct host_guard *guard;
	const struct conf_site *applied;
	uint32_t wg_mtu;
	pid_t hook;
	pthread_t client;
	bool asking;
	atomic_bool answered;
	enum ctl_verb verb;
} run;

/* Record a call. Return: 0, or -EIO with `ret_error` filled if it is to fail. */
static int called(struct error *ret_error, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static int called(struct error *ret_error, const char *format, ...)
{
	char *end = strchr(run.t->calls, '\0');
	size_t room = sizeof(run.t->calls) - (size_t)(end - run.t->calls);
	char name[32];
	va_list args;
	int len;

	va_start(args, format);
	if (end != run.t->calls)
		*end++ = ' ', room--;
	len = vsnprintf(end, room, format, args);
	va_end(args);
	ASSERT(len > 0 && (size_t)len < room);
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(end, "("), end);
	if (!run.t->fails || strcmp(run.t->fails, name) != 0)
		return 0;
	return ret_error ? error_set(ret_error, -EIO, "The test lets %s fail:\nLet it.", name)
			 : -EIO;
}

/* ---- the back end ---- */

static int probe(const struct conf_site *conf, struct error *ret_error)
{
	return called(ret_error, "probe");
}

static uint32_t mtu_of(const struct conf_site *conf)
{
	return 1400 + conf->interface.listen_port;
}

static int open_site(struct loop *loop, struct host *host, struct conf_site *conf,
	struct backend_site **ret, struct error *ret_error)
{
	int err = called(ret_error, "open");

	ASSERT(conf == run.host_conf && loop->epoll_fd >= 0);
	run.conf = conf;
	run.wg_mtu = mtu_of(conf);
	if (!err)
		*ret = &run.site;
	return err;
}

static void await_names(struct backend_site *s, struct mono until, int stop_fd)
{
	ASSERT(s == &run.site && !mono_reached(until, clock_mono()) && stop_fd >= 0);
	called(NULL, "await_names");
}

static struct host_mtus mtus(struct backend_site *s)
{
	ASSERT(s == &run.site);
	return (struct host_mtus){ .wg = run.wg_mtu };
}

static int start(struct backend_site *s, uint32_t fwmark, struct error *ret_error)
{
	ASSERT(s == &run.site);
	return called(ret_error, "start(%u)", fwmark);
}

static int apply(struct backend_site *s, struct conf_site *next, struct error *ret_error)
{
	int err = called(ret_error, "apply(%u)", next->interface.listen_port);

	ASSERT(s == &run.site && next != run.conf);
	run.applied = err ? NULL : next;
	run.wg_mtu = mtu_of(err ? run.conf : next);
	return err;
}

static void revert(struct backend_site *s)
{
	ASSERT(s == &run.site && run.applied);
	called(NULL, "revert(%u)", run.conf->interface.listen_port);
	run.applied = NULL;
	run.wg_mtu = mtu_of(run.conf);
}

static int sweep(struct backend_site *s, uint32_t fwmark, struct error *ret_error)
{
	ASSERT(s == &run.site && run.applied && run.host_conf == run.applied);
	ASSERT(run.conf->interface.name[0]); /* the old one may be read once more */
	run.conf = run.applied;
	run.applied = NULL;
	run.wg_mtu++; /* may differ from what it was after apply() */
	return called(ret_error, "sweep(%u)", fwmark);
}

static struct mono deadline(struct backend_site *s)
{
	ASSERT(s == &run.site);
	return mono_add(clock_mono(), run.asking || run.hook ? NS_PER_MS : 0);
}

/* The client, a thread. */
static void *ask(void *ctx)
{
	const struct ctl_request request = { run.verb };
	char path[RUNDIR_SOCKET_LEN];

	ASSERT(rundir_socket_path("here", path) == 0);
	run.t->asked = ctl_client_ask(path, &request, 60000, &run.t->reply);
	run.answered = true;
	return NULL;
}

static unsigned begin_request(enum ctl_verb verb)
{
	run.verb = verb;
	run.asking = true;
	run.answered = false;
	ASSERT(pthread_create(&run.client, NULL, ask, NULL) == 0);
	return 0;
}

static unsigned signal_daemon(int signal)
{
	ASSERT(kill(getpid(), signal) == 0);
	return 0;
}

static unsigned work(struct backend_site *s)
{
	ASSERT(s == &run.site);
	if ((run.asking && !run.answered) || (run.hook && !run.t->slow_hook))
		return 0;
	if (run.asking)
		ASSERT(pthread_join(run.client, NULL) == 0);
	run.asking = false;
	switch (*run.next++) {
	case 'H':
		return signal_daemon(SIGHUP);
	case 'T':
		return signal_daemon(SIGTERM);
	case 'S':
		return begin_request(CTL_STATUS);
	case 'R':
		return begin_request(CTL_RELOAD);
	case 'D':
		return begin_request(CTL_DOWN);
	case 'M':
		run.wg_mtu = 1280;
		return BACKEND_MTUS_CHANGED;
	case 'L':
		return BACKEND_INTERFACE_LOST;
	case 'E':
		return BACKEND_END_REQUESTED;
	case 'K':
		ASSERT(run.hook > 0 && kill(run.hook, SIGKILL) == 0);
		return 0;
	default:
		run.next--; /* wait for what has begun */
		return 0;
	}
}

/* It has none. */
static int peers(struct backend_site *s, struct backend_peer **ret, size_t *ret_n)
{
	ASSERT(s == &run.site);
	*ret = NULL;
	*ret_n = 0;
	return 0;
}

static int report(struct backend_site *s, struct status_report *r)
{
	ASSERT(s == &run.site);
	strcpy(r->wg.name, "wg7");
	r->wg.listen_port = run.conf->interface.listen_port;
	r->budget.wg_mtu = run.wg_mtu;
	strcpy(r->aead, "none");
	return run.t->fails && !strcmp(run.t->fails, "report") ? -ENOMEM : 0;
}

static void close_site(struct backend_site *s)
{
	ASSERT(s == &run.site);
	called(NULL, "close");
}

static bool needs_process(const struct conf_site *conf)
{
	return !run.t->alone;
}

static struct backend fake = {
	.needs_process = needs_process,
	.name = "fake",
	.probe = probe,
	.open = open_site,
	.await_names = await_names,
	.mtus = mtus,
	.start = start,
	.apply = apply,
	.revert = revert,
	.sweep = sweep,
	.deadline = deadline,
	.work = work,
	.peers = peers,
	.report = report,
	.close = close_site,
};

int __wrap_backend_select(const struct conf_site *conf, struct choice *ret, struct error *ret_error)
{
	*ret = (struct choice){ .backend = &fake, .reason = "only for a test" };
	return fake.probe(conf, ret_error);
}

/* ---- the host ---- */

static char host_itself; /* what a struct host is here */

#define HOST ((struct host *)(void *)&host_itself)

bool __wrap_memlock_process(bool verbose)
{
	return true;
}

int __wrap_host_open(const struct conf_site *conf, enum host_leftovers leftovers,
	const struct host_watch *watch, struct host **ret, struct error *ret_error)
{
	int err = called(ret_error, leftovers == HOST_RESUME ? "host_resume" : "host_open");

	run.host_conf = conf;
	if (!err)
		*ret = HOST;
	return err;
}

int __wrap_host_up(struct host *host, const struct host_mtus *m, struct error *ret_error)
{
	ASSERT(host == HOST);
	return called(ret_error, "host_up(%u)", m->wg);
}

int __wrap_host_take_over(struct host *host, const struct host_mtus *m, struct error *ret_error)
{
	ASSERT(host == HOST);
	return called(ret_error, "take_over(%u)", m->wg);
}

uint32_t __wrap_host_fwmark(const struct host *host)
{
	ASSERT(host == HOST);
	return MARK;
}

bool __wrap_host_is_resumed(const struct host *host)
{
	ASSERT(host == HOST);
	return run.t->resumed;
}

int __wrap_host_store_running(
	struct host *host, const struct conf_site *conf, struct error *ret_error)
{
	ASSERT(host == HOST && conf == run.host_conf);
	return called(ret_error, "store");
}

int __wrap_host_hook_start(
	struct host *host, enum host_hook hook, pid_t *ret_pid, struct error *ret_error)
{
	const char *name = hook == HOST_HOOK_POST_UP ? "post_up" : "pre_down";

	int err;

	ASSERT(host == HOST);
	*ret_pid = 0;
	if (!run.t->hooks)
		return 0;
	err = called(ret_error, "%s", name);
	if (err < 0)
		return err;
	*ret_pid = run.hook = fork();
	ASSERT(run.hook >= 0);
	if (!run.hook) {
		if (run.t->slow_hook && hook == HOST_HOOK_POST_UP)
			for (;;)
				pause();
		_exit(0);
	}
	return 0;
}

int __wrap_host_hook_end(
	struct host *host, enum host_hook hook, int status, struct error *ret_error)
{
	ASSERT(host == HOST);
	run.hook = 0;
	return called(ret_error, "%s_ends", hook == HOST_HOOK_POST_UP ? "post_up" : "pre_down");
}

int __wrap_host_set_mtus(struct host *host, const struct host_mtus *m, struct error *ret_error)
{
	ASSERT(host == HOST);
	return called(ret_error, "set_mtus(%u)", m->wg);
}

int __wrap_host_reload(struct host *host, const struct conf_site *conf, const struct host_mtus *m,
	struct error *ret_error)
{
	int err = called(ret_error, "host_reload(%u)", m->wg);

	ASSERT(host == HOST && conf == run.applied);
	if (!err)
		run.host_conf = conf;
	return err;
}

void __wrap_host_down(struct host *host)
{
	ASSERT(host == HOST);
	called(NULL, "host_down");
}

void __wrap_host_leave(struct host *host)
{
	ASSERT(host == HOST);
	called(NULL, "host_leave");
}

void __wrap_host_close(struct host *host)
{
	if (host)
		called(NULL, "host_close");
}

/* Nothing is lost here but the control socket, which is the daemon's own. */
int __wrap_host_keep_files(struct host *host, struct error *ret_error)
{
	return 0;
}

int __wrap_host_report(struct host *host, struct host_guard *guard, struct status_report *r)
{
	ASSERT(host == HOST && run.guard == guard);
	called(NULL, "host_report(%u)", run.conf->interface.listen_port);
	return 0;
}

/** PostUp is over when the guard starts. */
void __wrap_host_guard_start(struct host_guard *g, struct host *host, struct loop *loop,
	const struct host_interfaces *interfaces)
{
	const char *end = strrchr(run.t->calls, ' ');

	ASSERT(host == HOST && loop && end && !run.guard && !interfaces);
	ASSERT(!strcmp(end + 1, run.t->resumed ? "store"
				: run.t->hooks ? "post_up_ends"
					       : "start(7)"));
	run.guard = g;
}

int __wrap_host_guard_settle(struct host_guard *g, struct error *ret_error)
{
	ASSERT(g == run.guard && run.host_conf == run.conf);
	return called(ret_error, "settle");
}

/* ---- a run ---- */

static void load(const char *path, struct conf_site *ret, struct conf_report *problems)
{
	const char *text = run.t->texts[run.read++];

	ASSERT(!strcmp(path, "here.conf"));
	test_conf(ret, "here", text ? text : "");
	if (!text)
		conf_report_add(problems, CONF_ERROR, (struct conf_at){ .line = 3 },
			"a mistake\nCorrect it.");
	if (!text && run.t->host_is_wrong)
		problems->n_of_host = problems->n_errors;
}

/* Drop the signals that came after the daemon's end. */
static void drop_signals(void)
{
	const struct timespec now = { 0 };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGTERM);
	while (sigtimedwait(&set, NULL, &now) > 0)
		;
}

void test_site_run(struct test_site *t)
{
	const struct site_daemon_config config = { .path = "here.conf", .load = load };
	char folder[] = "/tmp/wirespan-site-XXXXXX";
	int memory = memfd_create("stderr", MFD_CLOEXEC);
	int saved = dup(STDERR_FILENO);

	ASSERT(mkdtemp(folder) && setenv("WIRESPAN_RUNDIR", folder, 1) == 0);
	ASSERT(memory >= 0 && saved >= 0 && dup2(memory, STDERR_FILENO) >= 0);
	memset(&run, 0, sizeof(run));
	run.t = t;
	run.next = t->events ? t->events : "";
	run.site.backend = &fake;
	fake.resumes = t->resumed;
	alarm(RUN_MAX_S);
	t->exit_code = site_daemon_run(&config);
	alarm(0);
	ASSERT(dup2(saved, STDERR_FILENO) >= 0 && close(saved) == 0);
	ASSERT(pread(memory, t->text, sizeof(t->text) - 1, 0) >= 0 && close(memory) == 0);
	if (run.asking)
		ASSERT(pthread_join(run.client, NULL) == 0);
	drop_signals();
	(void)rmdir(folder);
}
