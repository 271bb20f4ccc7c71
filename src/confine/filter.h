/* SPDX-License-Identifier: MIT */
/* A list of allowed system calls, compiled into a seccomp filter. */
#pragma once

#include <linux/audit.h>
#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must_check.h"

/* The architecture whose system calls a filter judges. Source: Linux include/uapi/linux/audit.h. */
#if defined(__x86_64__)
#define FILTER_ARCH AUDIT_ARCH_X86_64
#elif defined(__i386__)
#define FILTER_ARCH AUDIT_ARCH_I386
#elif defined(__aarch64__)
#define FILTER_ARCH AUDIT_ARCH_AARCH64
#elif defined(__arm__)
#define FILTER_ARCH AUDIT_ARCH_ARM
#elif defined(__riscv) && __riscv_xlen == 64
#define FILTER_ARCH AUDIT_ARCH_RISCV64
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
#define FILTER_ARCH AUDIT_ARCH_PPC64LE
#elif defined(__s390x__)
#define FILTER_ARCH AUDIT_ARCH_S390X
#else
#error "add the AUDIT_ARCH_ constant of this architecture"
#endif

/** Most instructions of a filter; the kernel's limit is 4096. */
#define FILTER_MAX 1024

/** What an argument of a system call must be. Only its low 32 bits are compared, so it is for
 * arguments of type int, and for flags in them. */
enum filter_test {
	FILTER_ANY = 0,
	FILTER_EQUAL, /* to `value` */
	FILTER_CLEAR, /* no bit of `value` is set */
	FILTER_SET,   /* a bit of `value` is set */
};

/** A condition for one argument, counted from 0. */
struct filter_condition {
	enum filter_test test;
	uint8_t arg;
	uint32_t value;
};

/** What happens to a system call. */
enum filter_action {
	FILTER_ALLOW = 0,
	FILTER_DENY,   /* fails with EPERM */
	FILTER_ABSENT, /* fails with ENOSYS, as on a kernel without it */
	FILTER_KILL,   /* ends the process with SIGSYS */
};

/** A rule: the first whose number and conditions match decides. */
struct filter_rule {
	int call; /* __NR_… */
	enum filter_action action;
	struct filter_condition conditions[2];
};

/**
 * Compile rules into `ret`. Calls without a matching rule are denied; calls of another architecture
 * than the program's end the process.
 * Return: the number of instructions; or -E2BIG if there are more than FILTER_MAX.
 */
MUST_CHECK int filter_compile(
	const struct filter_rule *rules, size_t n, struct sock_filter ret[static FILTER_MAX]);
