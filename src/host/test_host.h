/* SPDX-License-Identifier: MIT */
/* For tests on a real machine: a network namespace of one's own, a picture of it, a stand-in for
 * the engine that only holds its interfaces. */
#ifndef HOST_TEST_HOST_H
#define HOST_TEST_HOST_H

#include <stddef.h>

#include "conf/model.h"

#define TEST_PORTS_MAX 8

/** The engine's descriptors: what makes wg0 and l2tpethN exist. */
struct test_engine {
	int fds[TEST_PORTS_MAX];
	char names[TEST_PORTS_MAX][IF_NAMESIZE];
	size_t n;
};

/** Make a folder for state files, name it in WIRESPAN_RUNDIR; `ret` has 64 bytes. */
void test_host_make_rundir(char ret[static 64]);

/** Remove the folder with what is in it. */
void test_host_remove_rundir(const char *dir);

/** What a site could leave behind: links, addresses, routes, rules, sysctl, nft tables, state
 * files. Text to be freed; two pictures of the same machine are equal. */
char *test_host_picture(void);

/** Open a TUN for the WireGuard interface and a TAP for each session; those open stay. */
void test_engine_open(struct test_engine *e, const struct conf_site *conf);

/** Close those that `conf` does not have; NULL: all. */
void test_engine_close(struct test_engine *e, const struct conf_site *conf);

#endif
