/* SPDX-License-Identifier: MIT */
/* For tests: the life of a site with one fault in the exchanges with nf_tables. */
#pragma once

#include "netlink/test_filter_faults.h"

/** A fault, and the part of the life in which it happens. */
struct test_life_fault {
	unsigned verb; /* as the test numbers them */
	enum test_fault kind;
	unsigned at; /* place, from 0 */
	int error;
	bool lasting;
};

/** The whole life of a site, with a fault. Return: whether there was its place. */
typedef bool test_life(const struct test_life_fault *f);

/** Let the fault happen from now on if `verb` is its part of the life. */
void test_life_arm(const struct test_life_fault *f, unsigned verb);

/** Go through the places of the fault `f` in turn, beginning with its own, until there are no more.
 * After each the host must be as `before` (test_host_picture()), and after TEST_FAULT_KILL and what
 * `down` does for vpn01 then. Return: the number of places. */
unsigned test_life_everywhere(test_life *live, struct test_life_fault f, const char *before);

/** Fail unless the host is as `expected`. */
void test_life_assert_picture(const char *expected, const struct test_life_fault *f);
