/* SPDX-License-Identifier: MIT */
/* For tests: the life of a site with one fault in the exchanges with nf_tables. */
#pragma once

#include "host/host.h"
#include "host/test_host.h"
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

/** The lives of a test program, one for each verb from 0 on. */
struct test_lives {
	test_life *live;
	unsigned verbs;
	unsigned only_send; /* a bit for each verb that has but TEST_FAULT_SEND, as another one has
			     * the same messages */
	unsigned least;	    /* places that each has at least */
};

/** Take a site down, perhaps with a fault, as the part `verb` of its life: the next `down` undoes
 * what fails. `engine`: to be closed after that; may be NULL. Set `*ret_reached` if the fault is of
 * this verb. */
void test_life_down(struct host *host, struct test_engine *engine, const struct test_life_fault *f,
	unsigned verb, bool *ret_reached);

/** Set up a test: in a network namespace and with a run folder of its own. */
int test_life_set_up(void **state);

/** Remove the run folder. */
int test_life_clean_up(void **state);

/** Tests whose state is struct test_lives: each kind of fault at each place. After each the host
 * must be as before, and after TEST_FAULT_KILL and what `down` does for vpn01 then. */
void test_life_not_sent(void **state);
void test_life_refused(void **state);
void test_life_answer_lost(void **state);
void test_life_killed(void **state);

/** The four of them as elements of an array of tests. `lives`: their state, which is only read;
 * `clean_up`: a teardown function. */
#define TEST_LIFE_KIND(test, lives, clean_up)                                                      \
	cmocka_unit_test_prestate_setup_teardown(test, test_life_set_up, clean_up, lives)
#define TEST_LIFE_KINDS(lives, clean_up)                                                           \
	TEST_LIFE_KIND(test_life_not_sent, lives, clean_up),                                       \
		TEST_LIFE_KIND(test_life_refused, lives, clean_up),                                \
		TEST_LIFE_KIND(test_life_answer_lost, lives, clean_up),                            \
		TEST_LIFE_KIND(test_life_killed, lives, clean_up)

/** Fail unless the host is as `expected`. */
void test_life_assert_picture(const char *expected, const struct test_life_fault *f);
