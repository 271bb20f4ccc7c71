/* SPDX-License-Identifier: MIT */
/* One fault at one system call of one process of a program: ends the process with SIGKILL, or lets
 * the call fail without being made. Unlike strace, it distinguishes the processes of the program:
 * the program is "0", the first process or thread that it starts is "0.1", and so on; processes
 * that are given by number are "0", "1", and so on.
 *
 * usage: inject TRACE WHO CALL WHEN FAULT PID...
 *        inject TRACE WHO CALL WHEN FAULT -- PROGRAM ARGUMENT...
 *
 * The WHEN-th system call with the number CALL of the process WHO gets FAULT: "kill", or the number
 * of an error; WHO is "-" for no fault. TRACE gets a line for each system call, as it begins: its
 * process and number; and lines with a word for each program that is executed ("exec"), each name
 * that a process gives itself ("name"), and the fault ("fault"). Prints "attached" once it follows
 * the processes; ends with the first of them, or by SIGINT, after which they go on. */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bytes.h"

#ifdef __x86_64__

#define PROCESSES_MAX 1024
#define CALLS_MAX     1024
#define OPTIONS                                                                                    \
	(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |  \
		PTRACE_O_TRACEEXEC)

/** A process or a thread that is followed. */
struct process {
	pid_t pid;
	char who[64]; /* empty until its parent has reported it */
	unsigned children;
	long call; /* that it is in */
	bool renames, fails;
	unsigned calls[CALLS_MAX]; /* of each number */
};

static struct process processes[PROCESSES_MAX];
static size_t n_processes;
static FILE *trace;

/** The fault. */
static struct {
	const char *who;
	long call;
	unsigned when;
	int error; /* 0: SIGKILL */
} fault;

static void fail(const char *what)
{
	perror(what);
	exit(99);
}

static void request(unsigned what, pid_t pid, unsigned long address, unsigned long data)
{
	if (ptrace((enum __ptrace_request)what, pid, address, data) < 0 && errno != ESRCH)
		fail("ptrace");
}

static struct process *find(pid_t pid)
{
	for (size_t i = 0; i < n_processes; i++)
		if (processes[i].pid == pid)
			return &processes[i];
	if (n_processes == PROCESSES_MAX) {
		fputs("inject: too many processes\n", stderr);
		exit(99);
	}
	processes[n_processes] = (struct process){ .pid = pid };
	return &processes[n_processes++];
}

/* The word in a file of a process in /proc, or the end of the path in a link. */
static void write_line(const struct process *p, const char *word, const char *file, bool link)
{
	char path[64];
	char text[PATH_MAX] = "";
	const char *last;
	ssize_t n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/%s", p->pid, file);
	if (link) {
		n = readlink(path, text, sizeof(text) - 1);
	} else if ((f = fopen(path, "re"))) {
		n = (ssize_t)fread(text, 1, sizeof(text) - 1, f);
		fclose(f);
	}
	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	last = link ? strrchr(text, '/') : NULL;
	fprintf(trace, "%s %s %s\n", p->who, word, last ? last + 1 : text);
}

/* A system call begins. */
static void enter(struct process *p, const struct __ptrace_syscall_info *info)
{
	p->call = (long)info->entry.nr;
	p->renames = p->call == SYS_prctl && info->entry.args[0] == PR_SET_NAME;
	fprintf(trace, "%s %ld\n", p->who, p->call);
	if (p->call < 0 || p->call >= CALLS_MAX)
		return;
	p->calls[p->call]++;
	if (p->call != fault.call || p->calls[p->call] != fault.when || strcmp(p->who, fault.who))
		return;
	fprintf(trace, "%s fault\n", p->who);
	fflush(trace);
	if (!fault.error) {
		kill(p->pid, SIGKILL);
		return;
	}
	p->fails = true;
	request(PTRACE_POKEUSER, p->pid, offsetof(struct user, regs.orig_rax), -1UL);
}

static void leave(struct process *p)
{
	if (p->fails)
		request(PTRACE_POKEUSER, p->pid, offsetof(struct user, regs.rax),
			(unsigned long)-fault.error);
	p->fails = false;
	if (p->renames)
		write_line(p, "name", "comm", false);
	p->renames = false;
}

static void on_call(struct process *p)
{
	struct __ptrace_syscall_info info = { 0 };

	if (ptrace(PTRACE_GET_SYSCALL_INFO, p->pid, sizeof(info), &info) < 0)
		return; /* it was killed */
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
		enter(p, &info);
	else if (info.op == PTRACE_SYSCALL_INFO_EXIT)
		leave(p);
}

static void on_child(struct process *parent)
{
	unsigned long pid = 0;
	struct process *child;

	request(PTRACE_GETEVENTMSG, parent->pid, 0, (unsigned long)(uintptr_t)&pid);
	if (!pid)
		return;
	child = find((pid_t)pid);
	snprintf(child->who, sizeof(child->who), "%.40s.%u", parent->who, ++parent->children);
	if (child->call < 0) /* it has stopped and waits for its name */
		request(PTRACE_SYSCALL, child->pid, 0, 0);
	child->call = 0;
}

/* A process has stopped; let it go on. */
static void on_stop(struct process *p, int status)
{
	int sig = WSTOPSIG(status);
	int event = status >> 16;

	if (event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK ||
		event == PTRACE_EVENT_CLONE) {
		on_child(p);
	} else if (event == PTRACE_EVENT_EXEC) {
		write_line(p, "exec", "exe", true);
	} else if (event == PTRACE_EVENT_STOP && !*p->who) {
		p->call = -1;
		return;
	} else if (event == PTRACE_EVENT_STOP && sig != SIGTRAP) {
		request(PTRACE_LISTEN, p->pid, 0, 0); /* stopped by a signal, until SIGCONT */
		return;
	} else if (sig == (SIGTRAP | 0x80)) {
		on_call(p);
	} else if (!event) {
		request(PTRACE_SYSCALL, p->pid, 0, (unsigned long)sig);
		return;
	}
	request(PTRACE_SYSCALL, p->pid, 0, 0);
}

/* Follow the processes until the first one ends. Return: its status, as of waitpid(2). */
static int follow(void)
{
	for (;;) {
		int status;
		pid_t pid = waitpid(-1, &status, __WALL);
		struct process *p;

		if (pid < 0)
			return 0;
		p = find(pid);
		if (WIFSTOPPED(status)) {
			on_stop(p, status);
			continue;
		}
		if (p == &processes[0])
			return status;
		if (p->pid == pid)
			p->pid = -1; /* the number may be used again */
	}
}

static void on_interrupt(int number)
{
	(void)number;
	_exit(0); /* the trace has been written, line by line; all are let go */
}

static void seize(pid_t pid, size_t number)
{
	struct process *p = find(pid);

	snprintf(p->who, sizeof(p->who), "%zu", number);
	if (ptrace(PTRACE_SEIZE, pid, 0, OPTIONS) < 0)
		fail("PTRACE_SEIZE");
}

static void attach(char **pids)
{
	for (size_t i = 0; pids[i]; i++) {
		pid_t pid = atoi(pids[i]);

		seize(pid, i);
		request(PTRACE_INTERRUPT, pid, 0, 0);
	}
	puts("attached");
	fflush(stdout);
}

static void launch(char **words)
{
	int go[2];
	pid_t pid = -1;
	char byte;

	if (pipe(go) == 0)
		pid = fork();
	if (pid < 0)
		fail("fork");
	if (pid == 0) {
		close(go[1]);
		if (read(go[0], &byte, 1) == 1)
			execvp(words[0], words);
		perror(words[0]);
		_exit(99);
	}
	close(go[0]);
	seize(pid, 0);
	if (write(go[1], "", 1) != 1)
		fail("write");
	request(PTRACE_INTERRUPT, pid, 0, 0);
	close(go[1]);
}

int main(int argc, char **argv)
{
	int status;

	if (argc < 7) {
		fputs("usage: inject TRACE WHO CALL WHEN FAULT PID... | -- PROGRAM ARGUMENT...\n",
			stderr);
		return 99;
	}
	trace = fopen(argv[1], "we");
	if (!trace)
		fail(argv[1]);
	setvbuf(trace, NULL, _IOLBF, 0);
	fault.who = argv[2];
	fault.call = atol(argv[3]);
	fault.when = (unsigned)atol(argv[4]);
	fault.error = strcmp(argv[5], "kill") ? atoi(argv[5]) : 0;
	signal(SIGINT, on_interrupt);
	if (strcmp(argv[6], "--"))
		attach(argv + 6);
	else
		launch(argv + 7);
	status = follow();
	if (!WIFSIGNALED(status))
		return WEXITSTATUS(status);
	signal(WTERMSIG(status), SIG_DFL);
	raise(WTERMSIG(status));
	return 99;
}

#else

/* Registers have other names on other processors. */
int main(void)
{
	fputs("inject: not made for this processor\n", stderr);
	return 77;
}

#endif
