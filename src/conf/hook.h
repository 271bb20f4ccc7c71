/* SPDX-License-Identifier: MIT */
/* Commands of hooks: expand %i, and find the programs that they start. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/must_check.h"

/** Return: a hook's command with every %i replaced by the interface's name, to free(); or NULL if
 * out of memory. */
char *conf_hook_expand(const char *command, const char *ifname);

/**
 * Find the next program that a command names by its absolute path where the shell expects a
 * program: at its beginning, and after ; & | ( and a newline, behind assignments, keywords, and
 * programs such as sh, env or sudo with their options. Quotes are removed. Paths that contain
 * expansions, and whatever the program itself runs, are not found.
 * `at`: the position in the command, which moves on. `ret`: room for `size` bytes.
 * Return: whether there is one.
 */
MUST_CHECK bool conf_hook_program(const char **at, char *ret, size_t size);
