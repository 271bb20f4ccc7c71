/* SPDX-License-Identifier: MIT */
/* Whether a file, or a folder on its path, can be changed by users other than root and ours. */
#pragma once

#include <limits.h>

#include "base/must_check.h"

/** Why other users can change a path. */
enum owner_problem_kind {
	OWNER_OTHER_USER,   /* `who` owns it */
	OWNER_GROUP_WRITES, /* members of group `who` can write to it */
	OWNER_ALL_WRITE,    /* all users can write to it */
	OWNER_ACL_USER,	    /* its ACL lets user `who` write to it */
	OWNER_ACL_GROUP,    /* its ACL lets members of group `who` write to it */
};

/** The first file or folder on a path that other users can change. */
struct owner_problem {
	char path[PATH_MAX];
	enum owner_problem_kind kind;
	unsigned who;  /* uid or gid; see `kind` */
	unsigned mode; /* permission bits of the file or folder */
};

#define OWNER_TEXT_LEN (2 * PATH_MAX + 200)

/**
 * Check the file or folder at `path` and every folder that leads to it, through symbolic links:
 * each must belong to root or to our effective user, and no other user may write to it by its mode
 * or ACL, except in folders with the sticky bit, whose entries other users cannot replace. A pipe
 * or socket without a path, as of `<(…)`, is judged by its owner.
 * Return: 0; -EPERM with `ret` filled; or -errno if the path cannot be followed.
 */
MUST_CHECK int owner_check_path(const char *path, struct owner_problem *ret);

/** As owner_check_path(), for a folder in which other users must create nothing: the sticky bit of
 * the folder itself does not help. */
MUST_CHECK int owner_check_folder(const char *path, struct owner_problem *ret);

/** Write the problem and a hint, with a newline between them. Return: `text`. */
const char *owner_problem_text(const struct owner_problem *p, char text[static OWNER_TEXT_LEN]);
