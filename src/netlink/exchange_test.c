/* SPDX-License-Identifier: MIT */
/* Tests of an exchange with the kernel: whole, cut and foreign answers, refusals and their
 * sentence. */
#include "netlink/exchange.h"

#include <linux/rtnetlink.h>
#include <stdio.h>
#include <sys/resource.h>

#include "base/bytes.h"
#include "netlink/test_kernel.h"

static _Alignas(struct nlmsghdr) uint8_t answer[NL_ANSWER_MAX];
static struct nl_socket nl;

static int begin(void **state)
{
	memset(&kernel, 0, sizeof(kernel));
	nl = (struct nl_socket){ .seq = 6, .answer = answer };
	return 0;
}

/* Add numbers up, as base 10 digits. Fails on 9. */
static int visit(void *ctx, const struct nlmsghdr *nlh)
{
	int32_t number;
	int *sum = ctx;

	memcpy(&number, (const char *)nlh + NLMSG_HDRLEN, sizeof(number));
	*sum = *sum * 10 + number;
	return number == 9 ? -EIO : 0;
}

static struct nl_msg *request(struct nl_msg *m, uint16_t flags)
{
	uint32_t fixed = 0;

	return nl_msg_start(m, 18, flags, &fixed, sizeof(fixed));
}

/* A dump comes in several datagrams; messages of an exchange before are left out. */
static void test_dump(void **state)
{
	struct datagram *d;
	struct nlmsghdr sent;
	struct nl_msg m;
	int sum = 0;

	message(datagram(), 16, 0, 6, 8);
	datagram()->err = EINTR;
	d = datagram();
	message(d, 16, NLM_F_MULTI, 7, 1);
	message(d, 16, NLM_F_MULTI, 7, 2);
	message(datagram(), 16, NLM_F_MULTI, 7, 3);
	message(datagram(), NLMSG_DONE, NLM_F_MULTI, 7, 0);
	assert_int_equal(nl_exchange(&nl, request(&m, NLM_F_DUMP), visit, &sum), 0);
	assert_int_equal(sum, 123);
	assert_int_equal(kernel.next, kernel.n);
	memcpy(&sent, kernel.request, sizeof(sent));
	assert_int_equal(sent.nlmsg_seq, 7);
	assert_int_equal(sent.nlmsg_flags & NLM_F_DUMP, NLM_F_DUMP);
	assert_int_equal(sent.nlmsg_len, kernel.request_len);
}

/* A change is acknowledged, or refused with the kernel's code. */
static void test_request(void **state)
{
	struct nlmsghdr sent;
	struct nl_msg m;

	message(datagram(), NLMSG_ERROR, 0, 7, 0);
	assert_int_equal(nl_request(&nl, request(&m, 0)), 0);
	memcpy(&sent, kernel.request, sizeof(sent));
	assert_int_equal(sent.nlmsg_flags & NLM_F_ACK, NLM_F_ACK);
	message(datagram(), NLMSG_ERROR, 0, 8, -EEXIST);
	assert_int_equal(nl_request(&nl, request(&m, 0)), -EEXIST);
	assert_int_equal(nl.verdict.code, -EEXIST);
}

/* What was read is discarded if the objects changed meanwhile; an error of the reader comes back,
 * and the rest of the answer is read nevertheless. */
static void test_incomplete(void **state)
{
	struct datagram *d = datagram();
	struct nl_msg m;
	int sum = 0;

	message(d, 16, NLM_F_DUMP_INTR, 7, 1);
	message(d, NLMSG_DONE, 0, 7, 0);
	assert_int_equal(nl_exchange(&nl, request(&m, NLM_F_DUMP), visit, &sum), -EAGAIN);
	d = datagram();
	message(d, 16, 0, 8, 9);
	message(d, 16, 0, 8, 1);
	message(datagram(), NLMSG_DONE, 0, 8, 0);
	sum = 0;
	assert_int_equal(nl_exchange(&nl, request(&m, NLM_F_DUMP), visit, &sum), -EIO);
	assert_int_equal(sum, 9);
	assert_int_equal(kernel.next, kernel.n);
}

/* The socket fails, and the kernel sends what no kernel sends. */
static void test_failures(void **state)
{
	struct nl_msg m;

	kernel.send_err = EPERM;
	assert_int_equal(nl_request(&nl, request(&m, 0)), -EPERM);
	kernel.send_err = 0;
	datagram()->err = ENOBUFS;
	assert_int_equal(nl_request(&nl, request(&m, 0)), -ENOBUFS);
	message(datagram(), NLMSG_ERROR, 0, 9, 4711);
	assert_int_equal(nl_request(&nl, request(&m, 0)), -EBADMSG);
}

/* What the kernel would acknowledge unread is an error. */
static void test_not_sent(void **state)
{
	struct nl_msg m;

	request(&m, 0)->head.nlmsg_type = 0; /* a family whose id is not known */
	assert_int_equal(nl_request(&nl, &m), -ENOENT);
}

/* A transaction is one datagram of three messages with the same number. */
static void test_within(void **state)
{
	struct nl_msg v[3];

	for (size_t i = 0; i < 3; i++)
		request(&v[i], 0);
	message(datagram(), NLMSG_ERROR, 0, 7, 0);
	assert_int_equal(nl_request_all(&nl, v, 3), 0);
	assert_int_equal(kernel.request_len, 3 * NLMSG_LENGTH(4));
	for (size_t i = 0; i < 3; i++) {
		struct nlmsghdr sent;

		memcpy(&sent, kernel.request + i * NLMSG_LENGTH(4), sizeof(sent));
		assert_int_equal(sent.nlmsg_seq, 7);
		assert_int_equal(sent.nlmsg_flags & NLM_F_ACK, i == 1 ? NLM_F_ACK : 0);
	}
}

/* Events are read until there are none, or one fails. */
static void test_events(void **state)
{
	int sum = 0;

	message(datagram(), 16, 0, 0, 1);
	message(datagram(), 16, 0, 0, 2);
	datagram()->err = EAGAIN;
	assert_int_equal(nl_read_events(&nl, visit, &sum), 0);
	assert_int_equal(sum, 12);
	datagram()->err = ENOBUFS; /* some were lost */
	assert_int_equal(nl_read_events(&nl, visit, &sum), -ENOBUFS);
	message(datagram(), 16, 0, 0, 9);
	assert_int_equal(nl_read_events(&nl, visit, &sum), -EIO);
}

/* Sockets of every kind; an emulated kernel may lack some. */
static void test_sockets(void **state)
{
	static int (*const open[])(struct nl_socket *) = { nl_socket_open, nl_socket_open_generic,
		nl_socket_open_filter };

	for (size_t i = 0; i < ARRAY_LEN(open); i++) {
		int err = open[i](&nl);

		if (i > 0 && err == -EPROTONOSUPPORT)
			continue;
		assert_int_equal(err, 0);
		assert_true(nl_socket_fd(&nl) >= 0);
		nl_socket_close(&nl);
		nl_socket_close(&nl); /* a second time is no error */
	}
	assert_int_equal(nl_socket_open_events(&nl, RTMGRP_LINK), 0);
	nl_socket_close(&nl);
}

/* Without a free descriptor, and without memory in the kernel. */
static void test_no_socket(void **state)
{
	struct rlimit before;
	struct rlimit none = { 0 };

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none.rlim_max = before.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(nl_socket_open(&nl), -EMFILE);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	nl_socket_close(&nl); /* none is no error */
	kernel.bind_err = ENOMEM;
	assert_int_equal(nl_socket_open(&nl), -ENOMEM);
	nl_socket_close(&nl);
}

static void test_kernels_text(void **state)
{
	struct error error;

	nl.verdict = (struct nl_verdict){ -EINVAL, "Attribute is bad" };
	assert_int_equal(
		nl_fail(&nl, &error, -EINVAL, "Cannot add peer %s\nRemove it.", "p1"), -EINVAL);
	assert_int_equal(error.code, -EINVAL);
	assert_string_equal(
		error.problem, "Cannot add peer p1: Invalid argument (Attribute is bad).");
	assert_string_equal(error.hint, "Remove it.");
}

/* The text belongs to another request: the error arose before the kernel answered. */
static void test_other_error(void **state)
{
	struct error error;

	nl.verdict = (struct nl_verdict){ -EINVAL, "Attribute is bad" };
	assert_int_equal(nl_fail(&nl, &error, -EPERM, "Cannot add it"), -EPERM);
	assert_string_equal(error.problem, "Cannot add it: Operation not permitted.");
	assert_string_equal(error.hint, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_dump, begin),
		cmocka_unit_test_setup(test_request, begin),
		cmocka_unit_test_setup(test_incomplete, begin),
		cmocka_unit_test_setup(test_failures, begin),
		cmocka_unit_test_setup(test_within, begin),
		cmocka_unit_test_setup(test_not_sent, begin),
		cmocka_unit_test_setup(test_events, begin),
		cmocka_unit_test_setup(test_sockets, begin),
		cmocka_unit_test_setup(test_no_socket, begin),
		cmocka_unit_test_setup(test_kernels_text, begin),
		cmocka_unit_test_setup(test_other_error, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
