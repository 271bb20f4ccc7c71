/* SPDX-License-Identifier: MIT */
/* The program: hands its command line to the table of verbs, and sees that its output arrived. */
#include <stdio.h>

#include "cli/table.h"
#include "cli/verb.h"

int main(int argc, char **argv)
{
	int result = table_main(argc, argv);

	if (fflush(stdout) || ferror(stdout)) {
		fputs("wirespan: cannot write to standard output\n", stderr);
		return result == VERB_DONE ? VERB_FAILED : result;
	}
	return result;
}
