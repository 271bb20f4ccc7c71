/* SPDX-License-Identifier: MIT */
/* For tests: one fault in the exchanges with nf_tables, also in those of libnftables. */
#pragma once

#include <stdbool.h>
#include <sys/socket.h>

/** What happens at one place. */
enum test_fault {
	TEST_FAULT_NONE = 0,
	TEST_FAULT_SEND,   /* a request is not sent */
	TEST_FAULT_REFUSE, /* the kernel gets a message that it refuses, perhaps one of many */
	TEST_FAULT_ANSWER, /* an answer is lost, after the kernel has acted */
	TEST_FAULT_KILL,   /* SIGKILL before a request is sent */
};

/** The fault of the process, from test_filter_fault() on. */
struct test_filter_faults {
	enum test_fault kind;
	unsigned at;   /* place, from 0 */
	bool lasting;  /* there and at all later ones */
	int error;     /* of TEST_FAULT_SEND and TEST_FAULT_ANSWER: errno */
	unsigned seen; /* places so far */
};

extern struct test_filter_faults test_filter_faults;

/** From now on, let the fault `kind` happen at the place `at`, and count the places. */
void test_filter_fault(enum test_fault kind, unsigned at, int error);

/** Let no fault happen any longer. Return: whether the place was reached. */
bool test_filter_fault_end(void);

/** These replace the C library's in a program that is linked with this, and in its libraries. They
 * call the C library's, except for the fault. */
ssize_t sendto(int fd, const void *data, size_t len, int flags, const struct sockaddr *to,
	socklen_t to_len);
ssize_t sendmsg(int fd, const struct msghdr *msg, int flags);
ssize_t recvmsg(int fd, struct msghdr *msg, int flags);
