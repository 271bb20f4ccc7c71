/* SPDX-License-Identifier: MIT */
/* The title of a process, as ps(1) shows it. */
#pragma once

/** Note where the arguments of main() are; `argv` stays valid. Without this call, title_set()
 * changes only the short name. */
void title_init(int argc, char **argv);

/**
 * Set the title of this process to "wirespan: ROLE SITE", and its short name (comm) to its first 15
 * characters. The environment is removed: the title may take its place.
 */
void title_set(const char *role, const char *site);
