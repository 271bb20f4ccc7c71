/* SPDX-License-Identifier: MIT */
/* Who can change a path: owners, modes, sticky folders, links. */
#include "base/owner.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[64];
static char file[80];
static char inner[80];
static char inner_file[100];
static char link_path[80];

static void make(const char *path)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fclose(f);
}

static int set_up(void **state)
{
	umask(022);
	snprintf(folder, sizeof(folder), "/tmp/wirespan-test-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(file, sizeof(file), "%s/file", folder);
	snprintf(inner, sizeof(inner), "%s/inner", folder);
	snprintf(inner_file, sizeof(inner_file), "%s/file", inner);
	snprintf(link_path, sizeof(link_path), "%s/link", folder);
	make(file);
	assert_int_equal(mkdir(inner, 0755), 0);
	make(inner_file);
	return symlink("./inner/../inner/file", link_path);
}

static int clean_up(void **state)
{
	unlink(link_path);
	unlink(inner_file);
	rmdir(inner);
	unlink(file);
	return rmdir(folder);
}

/* Whether the check of `path` finds that `at` can be changed, because of its mode. */
static void assert_open(const char *path, const char *at, enum owner_problem_kind kind)
{
	struct owner_problem p;
	char text[OWNER_TEXT_LEN];

	assert_int_equal(owner_check_path(path, &p), -EPERM);
	assert_string_equal(p.path, at);
	assert_int_equal(p.kind, kind);
	assert_non_null(strstr(owner_problem_text(&p, "move it", text), at));
	assert_non_null(strchr(text, '\n'));
}

static void assert_safe(const char *path)
{
	struct owner_problem p;

	assert_int_equal(owner_check_path(path, &p), 0);
}

static void test_modes(void **state)
{
	assert_safe(file);
	assert_safe(link_path);
	assert_int_equal(chmod(file, 0602), 0);
	assert_open(file, file, OWNER_ALL_WRITE);
	assert_int_equal(chmod(file, 0600), 0);
	assert_int_equal(chmod(inner, 0777), 0);
	assert_open(inner_file, inner, OWNER_ALL_WRITE);
	assert_open(link_path, inner, OWNER_ALL_WRITE);
	assert_safe(file);
}

/* In a sticky folder, files of ours are safe, but others can place files beside them. */
static void test_sticky(void **state)
{
	struct owner_problem p;

	assert_int_equal(owner_check_folder(inner, &p), 0);
	assert_int_equal(chmod(inner, 01777), 0);
	assert_safe(inner_file);
	assert_int_equal(owner_check_folder(inner, &p), -EPERM);
	assert_int_equal(p.kind, OWNER_ALL_WRITE);
	assert_string_equal(p.path, inner);
	assert_int_equal(p.mode, 01777);
}

static void test_owners(void **state)
{
	if (geteuid() != 0)
		skip(); /* only root can give files away */
	assert_int_equal(chown(file, 65534, 0), 0);
	assert_open(file, file, OWNER_OTHER_USER);
	assert_int_equal(chown(file, 0, 65534), 0);
	assert_safe(file);
	assert_int_equal(chmod(file, 0660), 0);
	assert_open(file, file, OWNER_GROUP_WRITES);
	assert_int_equal(chown(file, 0, 0), 0);
	assert_safe(file);
	assert_int_equal(lchown(link_path, 65534, 65534), 0);
	assert_open(link_path, link_path, OWNER_OTHER_USER);
}

static const char *hint_for(const char *path, char text[static OWNER_TEXT_LEN])
{
	struct owner_problem p;

	assert_int_equal(owner_check_path(path, &p), -EPERM);
	return strchr(owner_problem_text(&p, "move it", text), '\n') + 1;
}

/* A folder of another user may be her home: no hint takes it from her. */
static void test_hints(void **state)
{
	char text[OWNER_TEXT_LEN];
	char command[200];

	snprintf(command, sizeof(command), "move it; or if nothing needs that: chmod go-w %s",
		inner);
	assert_int_equal(chmod(inner, 0777), 0);
	assert_string_equal(hint_for(inner_file, text), command);
	assert_string_equal(hint_for(inner, text), strstr(command, "chmod"));
	if (geteuid() != 0)
		skip(); /* only root can give files away */
	assert_int_equal(chown(inner, 65534, 65534), 0);
	assert_string_equal(hint_for(inner_file, text), "move it");
	assert_string_equal(hint_for(link_path, text), "move it");
	snprintf(command, sizeof(command), "chown -h root %s", inner);
	assert_string_equal(hint_for(inner, text), command);
}

static void test_paths(void **state)
{
	struct owner_problem p;
	char missing[100];
	int fds[2];
	char pipe_path[32];

	snprintf(missing, sizeof(missing), "%s/none", folder);
	assert_int_equal(owner_check_path(missing, &p), -ENOENT);
	assert_int_equal(chdir(inner), 0);
	assert_safe("file");
	assert_safe("../file");
	assert_safe(".././inner//../link");
	assert_int_equal(chmod(inner, 0757), 0);
	assert_open("../link", inner, OWNER_ALL_WRITE);
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(pipe(fds), 0);
	snprintf(pipe_path, sizeof(pipe_path), "/dev/fd/%d", fds[0]);
	assert_safe(pipe_path);
	close(fds[0]);
	close(fds[1]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, clean_up)
	const struct CMUnitTest tests[] = {
		TEST(modes),
		TEST(sticky),
		TEST(owners),
		TEST(hints),
		TEST(paths),
	};

	return cmocka_run_group_tests_name("owner", tests, NULL, NULL);
}
