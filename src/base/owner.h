/* SPDX-License-Identifier: MIT */
/* Whether a file, or a folder on its path, can be changed by users other than root and ours. */
#pragma once

#include <limits.h>
#include <stdbool.h>

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
	bool leads;    /* it is a folder that leads to the file or folder that was checked */
};

#define OWNER_TEXT_LEN (2 * PATH_MAX + 400)

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

/** An `instead` for a folder of sockets and locks. */
#define OWNER_OTHER_FOLDER "use a folder that only root can change"

/**
 * Write the problem and a hint, with a newline between them: the command that corrects the owner,
 * mode or ACL. A folder that leads to the file may be the home of its owner, or shared on purpose.
 * So the hint is `instead` then, and the command only an alternative, and none for another owner.
 * Return: `text`.
 */
const char *owner_problem_text(
	const struct owner_problem *p, const char *instead, char text[static OWNER_TEXT_LEN]);
