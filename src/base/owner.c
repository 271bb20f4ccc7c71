/* SPDX-License-Identifier: MIT */
/* Whether a file, or a folder on its path, can be changed by users other than root and ours. */
#include "base/owner.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/bytes.h"

#define LINKS_MAX 40 /* symbolic links on one path, as in the kernel */

/* An access ACL as the kernel stores it, little endian. Source: Linux
 * include/uapi/linux/posix_acl_xattr.h, posix_acl.h. */
#define ACL_NAME      "system.posix_acl_access"
#define ACL_USER      0x02
#define ACL_GROUP_OBJ 0x04
#define ACL_GROUP     0x08
#define ACL_MASK      0x10
#define ACL_WRITE     0x02

/** An entry of an ACL. */
struct acl_entry {
	uint16_t tag;
	uint16_t perm;
	uint32_t id;
};

/** An ACL: as long as one in an ordinary file system can be, or truncated. */
struct acl {
	uint32_t version;
	struct acl_entry v[500];
};

static bool is_trusted_user(uid_t uid)
{
	return uid == 0 || uid == geteuid();
}

static bool is_trusted_group(gid_t gid)
{
	return gid == 0 || (geteuid() != 0 && gid == getegid());
}

static int problem(
	struct owner_problem *p, enum owner_problem_kind kind, unsigned who, const struct stat *st)
{
	p->kind = kind;
	p->who = who;
	p->mode = st->st_mode & 07777;
	return -EPERM;
}

/* Judge the entries of an ACL whose mask allows to write. */
static int check_acl(
	const struct acl *acl, size_t n, const struct stat *st, struct owner_problem *p)
{
	for (size_t i = 0; i < n; i++) {
		uint16_t tag = load_le16(&acl->v[i].tag);
		uint32_t id = load_le32(&acl->v[i].id);

		if (!(load_le16(&acl->v[i].perm) & ACL_WRITE))
			continue;
		if (tag == ACL_USER && !is_trusted_user(id))
			return problem(p, OWNER_ACL_USER, id, st);
		if (tag == ACL_GROUP && !is_trusted_group(id))
			return problem(p, OWNER_ACL_GROUP, id, st);
		if (tag == ACL_GROUP_OBJ && !is_trusted_group(st->st_gid))
			return problem(p, OWNER_GROUP_WRITES, st->st_gid, st);
	}
	return 0;
}

/* Judge the group's right to write, which is the mask if there is an ACL. */
static int check_group(struct owner_problem *p, const struct stat *st)
{
	struct acl acl;
	ssize_t len = lgetxattr(p->path, ACL_NAME, &acl, sizeof(acl));

	if (len >= (ssize_t)sizeof(acl.version))
		return check_acl(
			&acl, ((size_t)len - sizeof(acl.version)) / sizeof(acl.v[0]), st, p);
	if (len >= 0 || errno == ERANGE || !is_trusted_group(st->st_gid))
		return problem(p, OWNER_GROUP_WRITES, st->st_gid, st);
	return 0;
}

/* Judge the mode and ACL of p->path. */
static int check_writers(struct owner_problem *p, const struct stat *st)
{
	if (st->st_mode & S_IWOTH)
		return problem(p, OWNER_ALL_WRITE, 0, st);
	return st->st_mode & S_IWGRP ? check_group(p, st) : 0;
}

/* Judge p->path itself. */
static int check_one(struct owner_problem *p, const struct stat *st)
{
	if (!is_trusted_user(st->st_uid))
		return problem(p, OWNER_OTHER_USER, st->st_uid, st);
	if (S_ISLNK(st->st_mode) || (S_ISDIR(st->st_mode) && st->st_mode & S_ISVTX))
		return 0;
	return check_writers(p, st);
}

/* Append a component to p->path, which has no "/" at its end. */
static int append(struct owner_problem *p, const char *name, size_t len)
{
	size_t have = strlen(p->path);

	if (len == 0 || (len == 1 && *name == '.'))
		return 0;
	if (len == 2 && !memcmp(name, "..", 2)) {
		char *slash = strrchr(p->path, '/');

		if (slash)
			*slash = '\0';
		return 0;
	}
	if (have + 1 + len >= sizeof(p->path))
		return -ENAMETOOLONG;
	p->path[have] = '/';
	memcpy(p->path + have + 1, name, len);
	p->path[have + 1 + len] = '\0';
	return 0;
}

/* Replace the link at p->path by its target, followed by `rest`: what is left to walk is in
 * `todo`. */
static int follow_link(struct owner_problem *p, const char *rest, char todo[static PATH_MAX])
{
	char target[PATH_MAX];
	ssize_t len = readlink(p->path, target, sizeof(target) - 1);
	char joined[PATH_MAX];
	int n;

	if (len < 0)
		return -errno;
	target[len] = '\0';
	n = snprintf(joined, sizeof(joined), "%s/%s", target, rest);
	if ((size_t)n >= sizeof(joined))
		return -ENAMETOOLONG;
	if (*target == '/')
		*p->path = '\0';
	else
		*strrchr(p->path, '/') = '\0';
	memcpy(todo, joined, (size_t)n + 1);
	return 0;
}

/* Walk the components of `todo`, beginning at p->path, which is "" for the root. */
static int walk(struct owner_problem *p, char todo[static PATH_MAX])
{
	unsigned links = 0;
	char *at = todo;

	while (*at) {
		size_t len = strcspn(at, "/");
		bool more = at[len] == '/';
		bool stays = len == 0 || (len <= 2 && !strncmp(at, "..", len));
		struct stat st;
		int err = append(p, at, len);

		at += len + more;
		p->leads = at[strspn(at, "/")];
		if (err < 0)
			return err;
		if (stays)
			continue;
		if (lstat(p->path, &st) < 0)
			return -errno;
		err = check_one(p, &st);
		if (err < 0)
			return err;
		if (!S_ISLNK(st.st_mode))
			continue;
		if (++links > LINKS_MAX)
			return -ELOOP;
		err = follow_link(p, at, todo);
		if (err < 0)
			return err;
		at = todo;
	}
	return 0;
}

/* The root folder, too, can be changed in a container or chroot that was set up carelessly. */
static int check_root(struct owner_problem *p)
{
	struct stat st;

	strcpy(p->path, "/");
	return stat("/", &st) < 0 ? -errno : check_one(p, &st);
}

int owner_check_path(const char *path, struct owner_problem *ret)
{
	char todo[PATH_MAX];
	struct stat st;
	size_t len;
	int err;

	ret->leads = false;
	if (stat(path, &st) < 0)
		return -errno;
	if (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode)) {
		snprintf(ret->path, sizeof(ret->path), "%s", path);
		return check_one(ret, &st);
	}
	if (*path == '/') {
		*todo = '\0';
	} else {
		if (!getcwd(todo, sizeof(todo)))
			return -errno;
		len = strlen(todo);
		snprintf(todo + len, sizeof(todo) - len, "/");
	}
	len = strlen(todo);
	if (len + strlen(path) >= sizeof(todo))
		return -ENAMETOOLONG;
	snprintf(todo + len, sizeof(todo) - len, "%s", path);
	err = check_root(ret);
	*ret->path = '\0';
	if (err < 0)
		snprintf(ret->path, sizeof(ret->path), "/");
	return err < 0 ? err : walk(ret, todo);
}

int owner_check_folder(const char *path, struct owner_problem *ret)
{
	struct stat st;
	int err = owner_check_path(path, ret);

	if (err < 0)
		return err;
	return stat(path, &st) < 0 ? -errno : check_writers(ret, &st);
}

/* Write what is wrong. Return: the room that it takes. */
static size_t write_problem(const struct owner_problem *p, char text[static OWNER_TEXT_LEN])
{
	const char *who = p->kind == OWNER_OTHER_USER || p->kind == OWNER_ACL_USER
				  ? "user with uid"
				  : "group with gid";
	int n;

	if (p->kind == OWNER_ALL_WRITE)
		n = snprintf(text, OWNER_TEXT_LEN, "all users can change %s (mode %04o)\n", p->path,
			p->mode);
	else if (p->kind == OWNER_GROUP_WRITES)
		n = snprintf(text, OWNER_TEXT_LEN, "the %s %u can change %s (mode %04o)\n", who,
			p->who, p->path, p->mode);
	else
		n = snprintf(text, OWNER_TEXT_LEN, "the %s %u can change %s, %s\n", who, p->who,
			p->path, p->kind == OWNER_OTHER_USER ? "as its owner" : "by its ACL");
	return (size_t)n;
}

const char *owner_problem_text(
	const struct owner_problem *p, const char *instead, char text[static OWNER_TEXT_LEN])
{
	size_t len = write_problem(p, text);

	if (p->leads) {
		len += (size_t)snprintf(text + len, OWNER_TEXT_LEN - len, "%s%s", instead,
			p->kind == OWNER_OTHER_USER ? "" : "; or if nothing needs that: ");
		if (p->kind == OWNER_OTHER_USER)
			return text;
	}
	switch (p->kind) {
	case OWNER_OTHER_USER:
		snprintf(text + len, OWNER_TEXT_LEN - len, "chown -h root %s", p->path);
		break;
	case OWNER_GROUP_WRITES:
		snprintf(text + len, OWNER_TEXT_LEN - len, "chmod g-w %s", p->path);
		break;
	case OWNER_ALL_WRITE:
		snprintf(text + len, OWNER_TEXT_LEN - len, "chmod go-w %s", p->path);
		break;
	case OWNER_ACL_USER:
		snprintf(text + len, OWNER_TEXT_LEN - len, "setfacl -x u:%u %s", p->who, p->path);
		break;
	case OWNER_ACL_GROUP:
		snprintf(text + len, OWNER_TEXT_LEN - len, "setfacl -x g:%u %s", p->who, p->path);
		break;
	}
	return text;
}
