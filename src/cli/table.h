/* SPDX-License-Identifier: MIT */
/* The table of verbs, its help, and the dispatch from a command line to a verb. */
#pragma once

/** Run the program: argv[1] is the verb. Return: the process's exit code. */
int table_main(int argc, char **argv);
