/* SPDX-License-Identifier: MIT */
/* Makes frames enter an interface as if they had been received on it. */
#include "check/inject.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/bytes.h"

/* Since Linux 5.18. Source: include/uapi/linux/bpf.h. */
#define LIVE_FRAMES (1U << 1)

static int call_bpf(enum bpf_cmd command, union bpf_attr *attr)
{
	long result = syscall(SYS_bpf, command, attr, sizeof(*attr));

	return result < 0 ? -errno : (int)result;
}

int inject_open(void)
{
	static const struct bpf_insn program[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_XDP;
	attr.expected_attach_type = BPF_XDP;
	attr.insns = (uintptr_t)program;
	attr.insn_cnt = ARRAY_LEN(program);
	attr.license = (uintptr_t) "MIT";
	return call_bpf(BPF_PROG_LOAD, &attr);
}

int inject_frame(int fd, uint32_t ifindex, const uint8_t *frame, size_t len)
{
	struct xdp_md context = { .data_end = (uint32_t)len, .ingress_ifindex = ifindex };
	union bpf_attr attr;

	if (len > INJECT_MAX)
		return -EMSGSIZE;
	memset(&attr, 0, sizeof(attr));
	attr.test.prog_fd = (uint32_t)fd;
	attr.test.data_in = (uintptr_t)frame;
	attr.test.data_size_in = (uint32_t)len;
	attr.test.ctx_in = (uintptr_t)&context;
	attr.test.ctx_size_in = sizeof(context);
	attr.test.repeat = 1;
	attr.test.flags = LIVE_FRAMES;
	return call_bpf(BPF_PROG_TEST_RUN, &attr);
}
