/* SPDX-License-Identifier: MIT */
/* The system calls that each confined process may make, with the reason for each. */
#include "confine/rules.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/netlink.h>
#include <linux/sched.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#define ALLOW(name)                                                                                \
	{                                                                                          \
		.call = __NR_##name                                                                \
	}
#define ALLOW_IF(name, ...)                                                                        \
	{                                                                                          \
		.call = __NR_##name, .conditions = { __VA_ARGS__ }                                 \
	}
#define ABSENT(name)                                                                               \
	{                                                                                          \
		.call = __NR_##name, .action = FILTER_ABSENT                                       \
	}
#define KILL(name)                                                                                 \
	{                                                                                          \
		.call = __NR_##name, .action = FILTER_KILL                                         \
	}
#define EQUAL(n, x)                                                                                \
	{                                                                                          \
		.test = FILTER_EQUAL, .arg = (n), .value = (uint32_t)(x)                           \
	}
#define CLEAR(n, x)                                                                                \
	{                                                                                          \
		.test = FILTER_CLEAR, .arg = (n), .value = (uint32_t)(x)                           \
	}
#define SET(n, x)                                                                                  \
	{                                                                                          \
		.test = FILTER_SET, .arg = (n), .value = (uint32_t)(x)                             \
	}

/* Calls that only attacking code makes: they end the process, so that an attack is noticed. */
#define NEVER                                                                                      \
	KILL(execve), KILL(execveat), KILL(ptrace), KILL(process_vm_readv),                        \
		KILL(process_vm_writev), KILL(setns), KILL(unshare), KILL(mount), KILL(umount2),   \
		KILL(pivot_root), KILL(chroot), KILL(bpf), KILL(init_module), KILL(finit_module),  \
		KILL(kexec_load), KILL(add_key), KILL(keyctl), KILL(userfaultfd),                  \
		KILL(perf_event_open)

/* Memory, time and the end of a process. */
#define COMMON                                                                                     \
	ALLOW(read), ALLOW(write), ALLOW(close), ALLOW(poll_call), ALLOW(futex), ALLOW(munmap),    \
		ALLOW(brk), ALLOW(madvise), ALLOW(mremap), ALLOW(clock_gettime),                   \
		ALLOW(clock_nanosleep), ALLOW(gettimeofday), ALLOW(getrandom), ALLOW(getpid),      \
		ALLOW(gettid), ALLOW(sysinfo), ALLOW(rt_sigaction), ALLOW(rt_sigprocmask),         \
		ALLOW(rt_sigreturn), ALLOW(restart_syscall), ALLOW(exit), ALLOW(exit_group)

/* AddressSanitizer asks for the alternate stack before each call that does not return, such as
 * _exit(), and calls abort() if it cannot. A handler of SIGABRT would do that again and again. */
#ifdef __SANITIZE_ADDRESS__
#define SANITIZER ALLOW_IF(sigaltstack, EQUAL(0, 0)),
#else
#define SANITIZER
#endif

#ifdef __NR_poll
#define __NR_poll_call __NR_poll
#else
#define __NR_poll_call __NR_ppoll
#endif

#ifdef __NR_mmap
#define __NR_mmap_call __NR_mmap
#else
#define __NR_mmap_call __NR_mmap2
#endif

/* Calls that each packet makes come first: the filter is evaluated from the top. */
static const struct filter_rule engine[] = {
	/* the data path */
	ALLOW(recvmmsg),
	ALLOW(sendmmsg),
	ALLOW(readv),
	ALLOW(writev),
	COMMON,
/* the event loop */
#ifdef __NR_epoll_wait
	ALLOW(epoll_wait),
#endif
	ALLOW(epoll_pwait),
	ALLOW(ppoll),
	ALLOW(epoll_ctl),
	/* ICMP errors of the sockets, the resolver, the monitor's requests with descriptors */
	ALLOW(recvmsg),
	ALLOW(sendmsg),
	/* memory, never executable */
	ALLOW_IF(mmap_call, CLEAR(2, PROT_EXEC)),
	ALLOW_IF(mprotect, CLEAR(2, PROT_EXEC)),
	/* routes and links, by rtnetlink; without capabilities, it only answers queries */
	ALLOW_IF(socket, EQUAL(0, AF_NETLINK), EQUAL(2, NETLINK_ROUTE)),
	ALLOW(bind), /* only those: the sockets of the underlay are bound already */
	ALLOW(getsockname),
	ALLOW_IF(setsockopt, EQUAL(1, SOL_NETLINK)),
	ALLOW(sendto),
	ALLOW(recvfrom),
	ALLOW_IF(ioctl, EQUAL(1, SIOCGIFINDEX)),
	ALLOW_IF(ioctl, EQUAL(1, SIOCGIFNAME)),
	/* options of the underlay's sockets: don't-fragment, UDP_GRO, UDP_SEGMENT */
	ALLOW_IF(setsockopt, EQUAL(1, IPPROTO_IP), EQUAL(2, IP_MTU_DISCOVER)),
	ALLOW_IF(setsockopt, EQUAL(1, IPPROTO_IPV6), EQUAL(2, IPV6_MTU_DISCOVER)),
	ALLOW_IF(setsockopt, EQUAL(1, IPPROTO_UDP), EQUAL(2, UDP_GRO)),
	ALLOW_IF(setsockopt, EQUAL(1, IPPROTO_UDP), EQUAL(2, UDP_SEGMENT)),
	ALLOW(getsockopt),
	/* what a socket has queued, for the pace of a slow link */
	ALLOW_IF(ioctl, EQUAL(1, SIOCOUTQ)),
	/* TAPs of new sessions, which the monitor has opened */
	ALLOW_IF(ioctl, EQUAL(1, TUNGETIFF)),
	ALLOW_IF(ioctl, EQUAL(1, TUNSETOFFLOAD)),
	ALLOW_IF(ioctl, EQUAL(1, TUNSETVNETHDRSZ)),
	ALLOW_IF(fcntl, EQUAL(1, F_GETFL)),
	ALLOW_IF(fcntl, EQUAL(1, F_SETFL)),
	ALLOW_IF(fcntl, EQUAL(1, F_SETFD)),
	/* whether it ends with the monitor */
	ALLOW_IF(prctl, EQUAL(0, PR_SET_PDEATHSIG)),
	SANITIZER NEVER,
};

const struct filter_rules filter_rules_engine = { engine, sizeof(engine) / sizeof(*engine) };

/* Memory is allocated before; more is denied. */
static const struct filter_rule keys[] = {
	ALLOW(read),
	ALLOW(write),
	ALLOW(poll_call),
	ALLOW(getrandom),
	ALLOW(clock_gettime),	/* where the vDSO cannot */
	ALLOW(restart_syscall), /* of poll() after SIGSTOP */
	ALLOW(exit_group),
#ifndef __GLIBC__ /* the heap of musl returns what is freed */
	ALLOW(brk),
	ALLOW(munmap),
	ALLOW(madvise),
	ALLOW(mremap),
	ALLOW_IF(mmap_call, CLEAR(2, PROT_EXEC)),
	ALLOW_IF(mprotect, CLEAR(2, PROT_EXEC)),
#endif
#ifdef __SANITIZE_ADDRESS__ /* its heap, and its reports */
	ALLOW(munmap),
	ALLOW(madvise),
	ALLOW(futex),
	ALLOW(getpid),
	ALLOW(gettid),
	ALLOW_IF(mmap_call, CLEAR(2, PROT_EXEC)),
#endif
	SANITIZER NEVER,
};

const struct filter_rules filter_rules_keys = { keys, sizeof(keys) / sizeof(*keys) };

static const struct filter_rule resolver[] = {
	COMMON,
	ALLOW(readv),
	ALLOW(writev),
	ALLOW(pread64),
	ALLOW(lseek),
#ifdef __NR_epoll_wait
	ALLOW(epoll_wait),
#endif
	ALLOW(epoll_pwait),
	ALLOW(ppoll),
	ALLOW(epoll_ctl),
	ALLOW(epoll_create1),
	ALLOW(eventfd2),
	ALLOW(pipe2),
	ALLOW(recvmsg),
	ALLOW(sendmsg),
	ALLOW(recvmmsg),
	ALLOW(sendmmsg),
	/* files of the C library and of its modules, for reading only */
	ALLOW_IF(openat, CLEAR(2, O_ACCMODE | O_CREAT | O_TRUNC)),
#ifdef __NR_open
	ALLOW_IF(open, CLEAR(1, O_ACCMODE | O_CREAT | O_TRUNC)),
	ALLOW(access),
	ALLOW(stat),
	ALLOW(lstat),
	ALLOW(readlink),
#endif
	ALLOW(faccessat),
#ifdef __NR_faccessat2
	ALLOW(faccessat2),
#endif
	ALLOW(fstat),
#ifdef __NR_newfstatat
	ALLOW(newfstatat),
#endif
	ALLOW(statx),
	ALLOW(fstatfs),
	ALLOW(readlinkat),
	ALLOW(getdents64),
	ALLOW(getcwd),
	ALLOW(fcntl),
	ALLOW(dup),
	ALLOW(ioctl),
	/* modules are shared objects */
	ALLOW(mmap_call),
	ALLOW(mprotect),
	/* name servers, and the local services that modules query */
	ALLOW_IF(socket, EQUAL(0, AF_INET)),
	ALLOW_IF(socket, EQUAL(0, AF_INET6)),
	ALLOW_IF(socket, EQUAL(0, AF_UNIX)),
	ALLOW_IF(socket, EQUAL(0, AF_NETLINK), EQUAL(2, NETLINK_ROUTE)),
	ALLOW(socketpair),
	ALLOW(connect),
	ALLOW(bind),
	ALLOW(getsockname),
	ALLOW(getpeername),
	ALLOW(setsockopt),
	ALLOW(getsockopt),
	ALLOW(sendto),
	ALLOW(recvfrom),
	ALLOW(shutdown),
	/* a thread for each name; clone3() hides its flags from filters, and the C library falls
	 * back to clone() */
	ABSENT(clone3),
	ALLOW_IF(clone, SET(0, CLONE_THREAD)),
	ALLOW(set_robust_list),
#ifdef __NR_rseq
	ALLOW(rseq),
#endif
	ALLOW(sched_yield),
	ALLOW(sched_getaffinity),
	ALLOW(prlimit64),
	ALLOW(getuid),
	ALLOW(geteuid),
	ALLOW(getgid),
	ALLOW(getegid),
	ALLOW(uname),
	SANITIZER NEVER,
};

const struct filter_rules filter_rules_resolver = { resolver,
	sizeof(resolver) / sizeof(*resolver) };
