/* SPDX-License-Identifier: MIT */
/* Helpers for tests with real netlink: a network namespace per test, a text snapshot of its state,
 * and a replacement of the engine that only opens its interfaces. */
#pragma once

#include <stddef.h>

#include "conf/model.h"

#define TEST_PORTS_MAX 8

/** The engine's descriptors, whose existence keeps wg0 and l2tpethN alive. */
struct test_engine {
	int fds[TEST_PORTS_MAX];
	char names[TEST_PORTS_MAX][IF_NAMESIZE];
	size_t n;
};

/** Create a folder for state files and set WIRESPAN_RUNDIR to it; `ret` has 64 bytes. */
void test_host_make_rundir(char ret[static 64]);

/** Remove the folder and its content. */
void test_host_remove_rundir(const char *dir);

/** Create a fake resolvconf in a new folder `dir`, and put that first in PATH. It stores its input
 * in the state folder, and fails while the variable BROKEN is set. */
void test_host_make_resolvconf(char dir[static 64]);

/** Take a snapshot of everything a site could leave behind: links, addresses, routes, rules,
 * sysctl, nft tables, state files. Return: text to be freed; equal states give equal texts. */
char *test_host_picture(void);

/** Open a TUN for the WireGuard interface and a TAP for each session; open ones stay. */
void test_engine_open(struct test_engine *e, const struct conf_site *conf);

/** Close the interfaces that `conf` does not contain; NULL: all. */
void test_engine_close(struct test_engine *e, const struct conf_site *conf);
