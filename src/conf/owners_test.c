/* SPDX-License-Identifier: MIT */
/* Programs of hooks that other users can change: which are reported, how often, and the hints. */
#include "conf/owners.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "conf/test_conf.h"

static char folder[64];
static char inner[80];
static char program[100];

static int set_up(void **state)
{
	FILE *f;

	umask(022);
	snprintf(folder, sizeof(folder), "/tmp/wirespan-test-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(inner, sizeof(inner), "%s/inner", folder);
	snprintf(program, sizeof(program), "%s/vpn01-up.sh", inner);
	assert_int_equal(mkdir(inner, 0755), 0);
	f = fopen(program, "w");
	assert_non_null(f);
	return fclose(f);
}

static int clean_up(void **state)
{
	unlink(program);
	rmdir(inner);
	return rmdir(folder);
}

/* Check a site with these hooks. `%s` in them is the folder. Return: how many warnings there are,
 * and the first one's hint. */
static size_t check(const char *hooks, char *ret_hint, size_t size)
{
	static const char *const head =
		"[Interface]\nPrivateKey = kFbAtvvTBFSNbsHiZyWOIXZLLsX1eQpGPZQg6E7Fkkc=\n";
	struct conf_report report = { 0 };
	struct conf_site site;
	char text[2048];
	size_t n;

	n = (size_t)snprintf(text, sizeof(text), "%s", head);
	for (const char *p = hooks; *p; p++)
		n += (size_t)(*p == '@' ? snprintf(text + n, sizeof(text) - n, "%s", inner)
					: snprintf(text + n, sizeof(text) - n, "%c", *p));
	test_conf(&site, "vpn01", text);
	snprintf(site.interface.name, sizeof(site.interface.name), "vpn01");
	conf_check_owners(&site, CONF_ERROR, &report);
	snprintf(ret_hint, size, "%s", report.n ? report.v[0].hint : "");
	n = report.n_warnings;
	assert_int_equal(report.n_errors, 0);
	conf_report_fini(&report);
	conf_site_fini(&site);
	return n;
}

/* The file itself: the hint corrects it. */
static void test_program(void **state)
{
	char hint[512];
	char expected[200];

	assert_int_equal(check("PostUp = @/vpn01-up.sh\n", hint, sizeof(hint)), 0);
	assert_int_equal(chmod(program, 0777), 0);
	snprintf(expected, sizeof(expected), "chmod go-w %s", program);
	assert_int_equal(check("PostUp = @/vpn01-up.sh\n", hint, sizeof(hint)), 1);
	assert_string_equal(hint, expected);
	assert_int_equal(check("PostUp = @/%i-up.sh\n", hint, sizeof(hint)), 1);
	assert_int_equal(check("PreDown = sudo bash -e '@/%i-up.sh' x\n", hint, sizeof(hint)), 1);
	assert_int_equal(check("PostUp = echo @/%i-up.sh\n", hint, sizeof(hint)), 0);
}

/* A folder of another user: the hint leaves it to her, and all hooks there have one warning. */
static void test_folder(void **state)
{
	char hint[512];

	if (geteuid() != 0)
		skip(); /* only root can give files away */
	assert_int_equal(chown(inner, 65534, 65534), 0);
	assert_int_equal(check("PreUp = @/vpn01-up.sh\nPostUp = @/vpn01-up.sh; @/vpn01-up.sh x\n",
				 hint, sizeof(hint)),
		1);
	assert_string_equal(hint,
		"copy the program to a folder that only root can change, such as /etc/wirespan");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, clean_up)
	const struct CMUnitTest tests[] = {
		TEST(program),
		TEST(folder),
	};

	return cmocka_run_group_tests_name("owners", tests, NULL, NULL);
}
