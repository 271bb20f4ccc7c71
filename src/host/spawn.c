/* SPDX-License-Identifier: MIT */
/* Run other programs: a user's hooks, resolvconf. Not used where netlink suffices. */
#include "host/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

#define SHELL	    "/bin/sh"
#define SYSTEM_PATH "/usr/sbin:/usr/bin:/sbin:/bin"

/* Runs its arguments as commands, each in a shell of its own, as wg-quick does. */
static const char shell_loop[] =
	"for c; do " SHELL " -c \"$c\" || { e=$?; echo \"wirespan: failed with $e: $c\" >&2; "
	"exit \"$e\"; }; done";

/** Return: a descriptor to read `input` from: a memfd, so that no process has to feed a pipe. */
static int open_input(const char *input)
{
	size_t len = input ? strlen(input) : 0;
	int fd;

	if (!input)
		return open("/dev/null", O_RDONLY | O_CLOEXEC);
	fd = memfd_create("input", MFD_CLOEXEC);
	if (fd < 0)
		return -1;
	if (write(fd, input, len) != (ssize_t)len || lseek(fd, 0, SEEK_SET) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/** Reset the signals of the new process to defaults: none blocked, none ignored; `flags` are
 * further POSIX_SPAWN_… flags. */
static int set_attributes(posix_spawnattr_t *attr, short flags)
{
	sigset_t set;
	int err;

	sigemptyset(&set);
	err = posix_spawnattr_setsigmask(attr, &set);
	sigfillset(&set);
	if (!err)
		err = posix_spawnattr_setsigdefault(attr, &set);
	if (!err)
		err = posix_spawnattr_setflags(
			attr, (short)(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | flags));
	return err;
}

/** Find a program in a list of folders. Return: whether `ret` is its path. */
static bool find_in(const char *path, const char *program, char ret[static PATH_MAX])
{
	for (size_t len; *path; path += len + (path[len] == ':')) {
		len = strcspn(path, ":");
		if (snprintf(ret, PATH_MAX, "%.*s/%s", (int)len, path, program) < PATH_MAX &&
			access(ret, X_OK) == 0)
			return true;
	}
	return false;
}

/** Find a program in PATH, or where only root's PATH may lead. Return: whether `ret` is a path. */
static bool find_program(const char *program, char ret[static PATH_MAX])
{
	const char *path = getenv("PATH");

	return (path && find_in(path, program, ret)) || find_in(SYSTEM_PATH, program, ret);
}

bool spawn_finds(const char *program)
{
	char file[PATH_MAX];

	return find_program(program, file);
}

/** Start a program; `output` -1: it has our standard output. `env` NULL: it has our environment;
 * else it is in a process group of its own. */
static int start_process(
	const char *const argv[], const char *const env[], int input, int output, pid_t *ret_pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	char *const *args;
	char *const *variables = environ;
	const char *program = argv[0];
	char file[PATH_MAX];
	int err;

	if (!strchr(program, '/') && find_program(program, file))
		program = file;
	memcpy(&args, &argv, sizeof(args)); /* posix_spawn does not modify the strings */
	if (env)
		memcpy(&variables, &env, sizeof(variables));
	err = posix_spawn_file_actions_init(&actions);
	if (err)
		return -err;
	err = posix_spawnattr_init(&attr);
	if (err)
		goto out_actions;
	err = set_attributes(&attr, env ? POSIX_SPAWN_SETPGROUP : 0);
	if (!err)
		err = posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
	if (!err && output >= 0)
		err = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
	if (!err)
		err = posix_spawnp(ret_pid, program, &actions, &attr, args, variables);
	posix_spawnattr_destroy(&attr);
out_actions:
	posix_spawn_file_actions_destroy(&actions);
	return -err;
}

static int start(
	const char *const argv[], const char *const env[], const char *input, pid_t *ret_pid)
{
	int fd = open_input(input);
	int err;

	if (fd < 0)
		return -errno;
	err = start_process(argv, env, fd, -1, ret_pid);
	close(fd);
	return err;
}

int spawn_start(const char *const argv[], const char *input, pid_t *ret_pid)
{
	return start(argv, NULL, input, ret_pid);
}

int spawn_wait(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno == ECHILD)
			return -errno;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -ECANCELED;
}

int spawn(const char *const argv[], const char *input)
{
	pid_t pid = 0;
	int err = spawn_start(argv, input, &pid);

	return err ? err : spawn_wait(pid);
}

/** Return: 0 and the content of a file, to be freed, or -errno. */
static int read_output(int fd, char **ret)
{
	off_t len = lseek(fd, 0, SEEK_END);
	char *text = len < 0 ? NULL : calloc(1, (size_t)len + 1);

	if (!text)
		return -ENOMEM;
	if (pread(fd, text, (size_t)len, 0) != len) {
		free(text);
		return -EIO;
	}
	*ret = text;
	return 0;
}

int spawn_output(const char *const argv[], char **ret)
{
	int input = open_input(NULL);
	int output = memfd_create("output", MFD_CLOEXEC);
	pid_t pid = 0;
	int err = input < 0 || output < 0 ? -errno : start_process(argv, NULL, input, output, &pid);

	if (err == 0)
		err = spawn_wait(pid);
	if (err == 0)
		err = read_output(output, ret);
	if (input >= 0)
		close(input);
	if (output >= 0)
		close(output);
	return err;
}

static int start_shell(
	const char *const commands[], size_t n, const char *const env[], pid_t *ret_pid)
{
	const char **argv = calloc(n + 5, sizeof(*argv));
	int err;

	if (!argv)
		return -ENOMEM;
	argv[0] = SHELL;
	argv[1] = "-c";
	argv[2] = shell_loop;
	argv[3] = "wirespan";
	memcpy(argv + 4, commands, n * sizeof(*argv));
	err = start(argv, env, NULL, ret_pid);
	free(argv);
	return err;
}

int spawn_start_shell(const char *const commands[], size_t n, pid_t *ret_pid)
{
	return start_shell(commands, n, NULL, ret_pid);
}

/* Whether one of the variables has the name of `variable`. */
static bool is_set_again(const char *variable, const char *const env[], size_t n_env)
{
	size_t len = strcspn(variable, "=") + 1;

	for (size_t i = 0; i < n_env; i++)
		if (!strncmp(env[i], variable, len))
			return true;
	return false;
}

int spawn_start_shell_group(const char *const commands[], size_t n, const char *const env[],
	size_t n_env, pid_t *ret_pid)
{
	const char **all;
	size_t n_all = 0;
	int err;

	while (environ[n_all])
		n_all++;
	all = calloc(n_all + n_env + 1, sizeof(*all));
	if (!all)
		return -ENOMEM;
	memcpy(all, env, n_env * sizeof(*all));
	n_all = n_env;
	for (size_t i = 0; environ[i]; i++)
		if (!is_set_again(environ[i], env, n_env))
			all[n_all++] = environ[i];
	err = start_shell(commands, n, all, ret_pid);
	free(all);
	return err;
}

int spawn_shell(const char *command)
{
	const char *const commands[] = { command };
	pid_t pid = 0;
	int err = spawn_start_shell(commands, 1, &pid);

	return err ? err : spawn_wait(pid);
}
