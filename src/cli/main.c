/* SPDX-License-Identifier: MIT */
/* The program: hands its command line to the table of verbs, and sees that its output arrived. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/table.h"
#include "cli/verb.h"
#include "daemon/wg_daemon.h"

/* A standard stream that was closed before us must not become the number of a TUN or socket, which
 * would be taken for it: to be written to, or to be replaced when a daemon leaves its terminal. For
 * reading only, so that output still fails and is reported. */
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
	if (!strcmp(name, "wirespan-wg"))
		return wg_daemon_main(argc, argv);
	result = table_main(argc, argv);

	if (fflush(stdout) || ferror(stdout)) {
		fputs("wirespan: cannot write to standard output\n", stderr);
		return result == VERB_DONE ? VERB_FAILED : result;
	}
	return result;
}
