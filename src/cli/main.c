/* SPDX-License-Identifier: MIT */
/* The program: passes its command line to the table of verbs, and checks that its output was
 * written. */
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cli/table.h"
#include "cli/verb.h"
#include "confine/title.h"
#include "daemon/wg_daemon.h"

#define STACK_WANTED (1024 * 1024) /* bytes */
#define STACK_NEEDED (128 * 1024)

/* A stack that is too small ends a process without a message: raise its limit, which applies at
 * once and to child processes. Return: whether it is large enough. */
static bool have_stack(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_STACK, &limit) < 0 || limit.rlim_cur >= STACK_WANTED)
		return true;
	if (limit.rlim_max < STACK_WANTED) {
		struct rlimit both = { STACK_WANTED, STACK_WANTED };

		if (setrlimit(RLIMIT_STACK, &both) == 0) /* with CAP_SYS_RESOURCE */
			return true;
	}
	if (limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max < STACK_WANTED ? limit.rlim_max : STACK_WANTED;
		(void)setrlimit(RLIMIT_STACK, &limit);
	}
	if (limit.rlim_cur >= STACK_NEEDED)
		return true;
	fprintf(stderr,
		"wirespan: The stack may have %lu KiB only, and %d are needed. Raise the limit "
		"(LimitSTACK, ulimit -s).\n",
		(unsigned long)limit.rlim_cur / 1024, STACK_NEEDED / 1024);
	return false;
}

/* A standard stream that was closed at start must not become the descriptor of a TUN or socket:
 * output would be written to that, or it would be replaced when a daemon detaches from its
 * terminal. Opened read-only, so that output still fails and is reported. */
static void occupy_standard_streams(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDONLY);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

int main(int argc, char **argv)
{
	const char *slash = argc ? strrchr(argv[0], '/') : NULL;
	const char *name = slash ? slash + 1 : argc ? argv[0] : "";
	int result;

	occupy_standard_streams();
	if (!have_stack())
		return VERB_FAILED;
	signal(SIGCHLD, SIG_DFL); /* if a parent has ignored it, no child could be waited for */
	signal(SIGXFSZ, SIG_IGN); /* a write beyond the limit fails, and is reported */
	title_init(argc, argv);
	if (!strcmp(name, "wirespan-wg"))
		return wg_daemon_main(argc, argv);
	result = table_main(argc, argv);

	if (fflush(stdout) || ferror(stdout)) {
		fputs("wirespan: cannot write to standard output\n", stderr);
		return result == VERB_DONE ? VERB_FAILED : result;
	}
	return result;
}
