/* SPDX-License-Identifier: MIT */
/* Landlock: a process gives up its access to files, for itself and without privileges. */
#pragma once

#include <stdbool.h>

/** Give up all access to files, or with `may_read` all but reading them. It needs no_new_privs.
 * Return: whether that is in force; false on a kernel without Landlock (before 5.13, or not
 * enabled). */
bool landlock_restrict(bool may_read);
