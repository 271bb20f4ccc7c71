/* SPDX-License-Identifier: MIT */
/* Tests of compiled filters, run by an interpreter: each list allows what it needs and nothing
 * else. */
#include "confine/filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/netlink.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "confine/rules.h"

#define ALLOWED SECCOMP_RET_ALLOW
#define DENIED	(SECCOMP_RET_ERRNO | EPERM)
#define KILLED	SECCOMP_RET_KILL_PROCESS

/* Run a filter. Return: its result. */
static uint32_t run(const struct sock_filter *code, int n, const struct seccomp_data *data)
{
	uint32_t a = 0;

	for (int i = 0; i < n; i++) {
		const struct sock_filter *f = &code[i];
		bool jump = false;

		switch (f->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			assert_in_range(f->k, 0, sizeof(*data) - sizeof(a));
			memcpy(&a, (const uint8_t *)data + f->k, sizeof(a));
			continue;
		case BPF_JMP | BPF_JEQ | BPF_K:
			jump = a == f->k;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			jump = a >= f->k;
			break;
		case BPF_JMP | BPF_JSET | BPF_K:
			jump = a & f->k;
			break;
		case BPF_RET | BPF_K:
			return f->k;
		default:
			fail_msg("instruction %d has the code %#x", i, f->code);
		}
		i += jump ? f->jt : f->jf;
	}
	fail_msg("the filter ends without a result");
	return 0;
}

/* Return: the result of a list for a call. */
static uint32_t judge(
	const struct filter_rules *rules, int call, uint64_t a0, uint64_t a1, uint64_t a2)
{
	struct sock_filter code[FILTER_MAX];
	const struct seccomp_data data = {
		.nr = call, .arch = FILTER_ARCH, .args = { a0, a1, a2 }
	};
	int n = filter_compile(rules->v, rules->n, code);

	assert_true(n > 0);
	return run(code, n, &data);
}

static void test_engine(void **state)
{
	static const struct {
		const char *name;
		int call;
		uint64_t args[3];
		uint32_t result;
	} cases[] = {
		{ "recvmmsg", __NR_recvmmsg, { 3 }, ALLOWED },
		{ "sendmmsg", __NR_sendmmsg, { 3 }, ALLOWED },
		{ "exit_group", __NR_exit_group, { 0 }, ALLOWED },
		{ "memory", __NR_mmap, { 0, 4096, PROT_READ | PROT_WRITE }, ALLOWED },
		{ "executable memory", __NR_mmap, { 0, 4096, PROT_READ | PROT_EXEC }, DENIED },
		{ "memory made executable", __NR_mprotect, { 0, 4096, PROT_EXEC }, DENIED },
		{ "memory made readable", __NR_mprotect, { 0, 4096, PROT_READ }, ALLOWED },
		{ "rtnetlink", __NR_socket, { AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0 }, ALLOWED },
		{ "nftables", __NR_socket, { AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER }, DENIED },
		{ "UDP", __NR_socket, { AF_INET, SOCK_DGRAM, 0 }, DENIED },
		{ "Unix socket", __NR_socket, { AF_UNIX, SOCK_STREAM, 0 }, DENIED },
		{ "packet socket", __NR_socket, { AF_PACKET, SOCK_RAW, 0 }, DENIED },
		{ "connect", __NR_connect, { 3 }, DENIED },
		{ "listen", __NR_listen, { 3 }, DENIED },
		{ "accept", __NR_accept4, { 3 }, DENIED },
		{ "don't-fragment", __NR_setsockopt, { 3, IPPROTO_IP, IP_MTU_DISCOVER }, ALLOWED },
		{ "IP options", __NR_setsockopt, { 3, IPPROTO_IP, IP_OPTIONS }, DENIED },
		{ "UDP_GRO", __NR_setsockopt, { 3, IPPROTO_UDP, UDP_GRO }, ALLOWED },
		{ "UDP_SEGMENT", __NR_setsockopt, { 3, IPPROTO_UDP, UDP_SEGMENT }, ALLOWED },
		{ "UDP_ENCAP", __NR_setsockopt, { 3, IPPROTO_UDP, UDP_ENCAP }, DENIED },
		{ "UDP_CORK", __NR_setsockopt, { 3, IPPROTO_UDP, UDP_CORK }, DENIED },
		{ "firewall mark", __NR_setsockopt, { 3, SOL_SOCKET, SO_MARK }, DENIED },
		{ "bind to device", __NR_setsockopt, { 3, SOL_SOCKET, SO_BINDTODEVICE }, DENIED },
		{ "offloads of a TAP", __NR_ioctl, { 3, TUNSETOFFLOAD }, ALLOWED },
		{ "unsent bytes", __NR_ioctl, { 3, SIOCOUTQ }, ALLOWED },
		{ "another interface", __NR_ioctl, { 3, TUNSETIFF }, DENIED },
		{ "openat", __NR_openat, { 0, 0, 0 }, DENIED },
		{ "kill", __NR_kill, { 1, 9 }, DENIED },
		{ "tgkill", __NR_tgkill, { 1, 1, 9 }, DENIED },
		{ "clone", __NR_clone, { CLONE_THREAD }, DENIED },
		{ "unlinkat", __NR_unlinkat, { 0 }, DENIED },
		{ "io_uring", __NR_io_uring_setup, { 8 }, DENIED },
		{ "memfd", __NR_memfd_create, { 0 }, DENIED },
		{ "execve", __NR_execve, { 0 }, KILLED },
		{ "ptrace", __NR_ptrace, { 0 }, KILLED },
		{ "setns", __NR_setns, { 0 }, KILLED },
		{ "bpf", __NR_bpf, { 0 }, KILLED },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint32_t got = judge(&filter_rules_engine, cases[i].call, cases[i].args[0],
			cases[i].args[1], cases[i].args[2]);

		if (got != cases[i].result)
			fail_msg("%s: %#x", cases[i].name, got);
	}
}

static void test_resolver(void **state)
{
	const struct filter_rules *r = &filter_rules_resolver;

	assert_int_equal(judge(r, __NR_openat, 0, 0, O_RDONLY | O_CLOEXEC), ALLOWED);
	assert_int_equal(judge(r, __NR_openat, 0, 0, O_WRONLY), DENIED);
	assert_int_equal(judge(r, __NR_openat, 0, 0, O_RDONLY | O_CREAT), DENIED);
	assert_int_equal(judge(r, __NR_socket, AF_INET6, SOCK_DGRAM, 0), ALLOWED);
	assert_int_equal(judge(r, __NR_socket, AF_PACKET, SOCK_RAW, 0), DENIED);
	assert_int_equal(judge(r, __NR_clone, CLONE_VM | CLONE_THREAD, 0, 0), ALLOWED);
	assert_int_equal(judge(r, __NR_clone, 17, 0, 0), DENIED);
	assert_int_equal(judge(r, __NR_clone3, 0, 0, 0), SECCOMP_RET_ERRNO | ENOSYS);
	assert_int_equal(judge(r, __NR_execve, 0, 0, 0), KILLED);
	assert_int_equal(judge(r, __NR_kill, 1, 9, 0), DENIED);
	assert_int_equal(judge(r, -1, 0, 0, 0), DENIED); /* skipped by a tracer */
}

/* Calls of another architecture have other numbers. */
static void test_foreign(void **state)
{
	struct sock_filter code[FILTER_MAX];
	struct seccomp_data data = { .nr = __NR_read, .arch = AUDIT_ARCH_I386 };
	int n = filter_compile(filter_rules_engine.v, filter_rules_engine.n, code);

	assert_int_equal(run(code, n, &data), KILLED);
#ifdef __x86_64__
	data = (struct seccomp_data){ .nr = 0x40000000 | __NR_read, .arch = FILTER_ARCH };
	assert_int_equal(run(code, n, &data), KILLED);
#endif
}

/* The first rule that matches decides, and two conditions must both hold. */
static void test_order(void **state)
{
	static const struct filter_rule rules[] = {
		{ 7, FILTER_ALLOW, { { FILTER_EQUAL, 0, 1 }, { FILTER_SET, 2, 12 } } },
		{ 7, FILTER_KILL, { { FILTER_CLEAR, 1, 3 } } },
		{ 8, FILTER_ABSENT },
	};
	const struct filter_rules list = { rules, ARRAY_LEN(rules) };

	assert_int_equal(judge(&list, 7, 1, 1, 4), ALLOWED);
	assert_int_equal(judge(&list, 7, 1, 1, 8), ALLOWED);
	assert_int_equal(judge(&list, 7, 1, 1, 3), DENIED);
	assert_int_equal(judge(&list, 7, 2, 1, 4), DENIED);
	assert_int_equal(judge(&list, 7, 2, 4, 4), KILLED);
	assert_int_equal(judge(&list, 8, 0, 0, 0), SECCOMP_RET_ERRNO | ENOSYS);
	assert_int_equal(judge(&list, 9, 0, 0, 0), DENIED);
}

static void test_too_long(void **state)
{
	static const struct filter_rule rules[FILTER_MAX];
	struct sock_filter code[FILTER_MAX];

	assert_int_equal(filter_compile(rules, FILTER_MAX, code), -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_engine),
		cmocka_unit_test(test_resolver),
		cmocka_unit_test(test_foreign),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
