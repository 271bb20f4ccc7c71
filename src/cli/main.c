/* SPDX-License-Identifier: MIT */
/* The program: hands its command line to the table of verbs, and sees that its output arrived. */
#include <stdio.h>
#include <string.h>

#include "cli/table.h"
#include "cli/verb.h"
#include "daemon/wg.h"

int main(int argc, char **argv)
{
	const char *slash = argc ? strrchr(argv[0], '/') : NULL;
	const char *name = slash ? slash + 1 : argc ? argv[0] : "";
	int result;

	if (!strcmp(name, "wirespan-wg"))
		return wg_main(argc, argv);
	result = table_main(argc, argv);

	if (fflush(stdout) || ferror(stdout)) {
		fputs("wirespan: cannot write to standard output\n", stderr);
		return result == VERB_DONE ? VERB_FAILED : result;
	}
	return result;
}
