/* SPDX-License-Identifier: MIT */
/* A list of allowed system calls, compiled into a seccomp filter. */
#include "confine/filter.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stdbool.h>

/* Numbers from here on are the x32 calls of a 64-bit x86 kernel. */
#define X32_CALLS 0x40000000

/* A call that a tracer skips, as strace does to inject an error. */
#define NO_CALL 0xffffffff

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define LOW_WORD 0
#else
#define LOW_WORD 4
#endif

/** A filter under construction. */
struct program {
	struct sock_filter *v;
	size_t n; /* may exceed FILTER_MAX; then the rest is not stored */
};

static void add(struct program *p, uint16_t code, uint32_t k, uint8_t if_true, uint8_t if_false)
{
	if (p->n < FILTER_MAX)
		p->v[p->n] =
			(struct sock_filter){ .code = code, .jt = if_true, .jf = if_false, .k = k };
	p->n++;
}

static void add_load(struct program *p, size_t offset)
{
	add(p, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void add_return(struct program *p, enum filter_action action)
{
	static const uint32_t results[] = {
		[FILTER_ALLOW] = SECCOMP_RET_ALLOW,
		[FILTER_DENY] = SECCOMP_RET_ERRNO | EPERM,
		[FILTER_ABSENT] = SECCOMP_RET_ERRNO | ENOSYS,
		[FILTER_KILL] = SECCOMP_RET_KILL_PROCESS,
	};

	add(p, BPF_RET | BPF_K, results[action], 0, 0);
}

/* Each condition is two instructions. `left`: instructions from the end of this one to the end of
 * the rule, to which a mismatch jumps. */
static void add_condition(struct program *p, const struct filter_condition *c, uint8_t left)
{
	static const uint16_t codes[] = {
		[FILTER_EQUAL] = BPF_JMP | BPF_JEQ | BPF_K,
		[FILTER_CLEAR] = BPF_JMP | BPF_JSET | BPF_K,
		[FILTER_SET] = BPF_JMP | BPF_JSET | BPF_K,
	};
	bool inverted = c->test == FILTER_CLEAR;

	add_load(p, offsetof(struct seccomp_data, args) + (size_t)c->arg * 8 + LOW_WORD);
	add(p, codes[c->test], c->value, inverted ? left : 0, inverted ? 0 : left);
}

static void add_rule(struct program *p, const struct filter_rule *r)
{
	uint8_t left = 1; /* the return */

	for (size_t i = 0; i < 2; i++)
		left = (uint8_t)(left + (r->conditions[i].test != FILTER_ANY ? 2 : 0));
	add_load(p, offsetof(struct seccomp_data, nr));
	add(p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)r->call, 0, left);
	for (size_t i = 0; i < 2; i++) {
		if (r->conditions[i].test == FILTER_ANY)
			continue;
		left = (uint8_t)(left - 2);
		add_condition(p, &r->conditions[i], left);
	}
	add_return(p, r->action);
}

int filter_compile(
	const struct filter_rule *rules, size_t n, struct sock_filter ret[static FILTER_MAX])
{
	struct program p = { .v = ret };

	add_load(&p, offsetof(struct seccomp_data, arch));
	add(&p, BPF_JMP | BPF_JEQ | BPF_K, FILTER_ARCH, 1, 0);
	add_return(&p, FILTER_KILL);
#ifdef __x86_64__
	add_load(&p, offsetof(struct seccomp_data, nr));
	add(&p, BPF_JMP | BPF_JGE | BPF_K, X32_CALLS, 0, 3);
	add(&p, BPF_JMP | BPF_JEQ | BPF_K, NO_CALL, 0, 1);
	add_return(&p, FILTER_DENY);
	add_return(&p, FILTER_KILL);
#endif
	for (size_t i = 0; i < n; i++)
		add_rule(&p, &rules[i]);
	add_return(&p, FILTER_DENY);
	return p.n > FILTER_MAX ? -E2BIG : (int)p.n;
}
