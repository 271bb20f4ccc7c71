/* SPDX-License-Identifier: MIT */
/* Read and write sysctls below /proc/sys. */
#pragma once

#include <stddef.h>

/** Read a value without its newline, truncated to fit. `path` is relative to /proc/sys. Return: 0
 * or -errno. */
int sysctl_read(const char *path, char *ret, size_t size);

/** Write a value. Return: 0 or -errno. */
int sysctl_write(const char *path, const char *value);

/** Write a value unless it is there already, so that a read-only /proc/sys with the right value is
 * no error. Return: 0 or -errno. */
int sysctl_ensure(const char *path, const char *value);
