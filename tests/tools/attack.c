/* SPDX-License-Identifier: MIT */
/* Code of an attacker in a confined process: linked into a copy of the program for tests, it runs
 * instead of what follows confine_process(), and writes the result of each attempt to a file. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/udp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/bytes.h"
#include "confine/confine.h"
#include "crypto/x25519.h"
#include "driver/driver_capture.h"

/* Most mapped areas of a process that are searched. */
#define AREAS_MAX 512

#define KEY_LEN 32

unsigned __real_confine_process(const struct confinement *c, unsigned has);
unsigned __wrap_confine_process(const struct confinement *c, unsigned has);
int __real_driver_capture_start(
	struct driver *d, int fd, uint32_t snap, const char *application, const char *comment);
int __wrap_driver_capture_start(
	struct driver *d, int fd, uint32_t snap, const char *application, const char *comment);

int __real_x25519_dh(const uint8_t private_key[static X25519_LEN],
	const uint8_t public_key[static X25519_LEN], uint8_t ret[static X25519_LEN]);
int __wrap_x25519_dh(const uint8_t private_key[static X25519_LEN],
	const uint8_t public_key[static X25519_LEN], uint8_t ret[static X25519_LEN]);

/** Set before main(), as a confined process can open nothing and has no environment. */
static struct {
	char *results; /* shared with the test, and its length */
	size_t len;
	char role[16]; /* of the process that attacks: "engine", "keys", "resolver" */
	/* one that must end the process, "capture", "record" (none: the process that holds the keys
	 * records what it computes with), or "" for all others */
	char attack[32];
	char conf[256];	  /* the configuration's path */
	char socket[108]; /* of the control socket */
	/* the private and a preshared key, inverted so that this is not what is found */
	uint8_t needles[2][KEY_LEN];
	bool has_needles;
	int pid; /* of the monitor */
	bool records;
} setup;

/** A mapped area. */
struct area {
	uintptr_t from;
	uintptr_t to;
};

/* AddressSanitizer watches each read of a search, and maps terabytes without a secret in them. */
#ifdef __SANITIZE_ADDRESS__
#define SEARCH	 __attribute__((no_sanitize("address", "undefined")))
#define AREA_MAX ((uintptr_t)1 << 30)
#else
#define SEARCH
#define AREA_MAX UINTPTR_MAX
#endif

static struct area areas[AREAS_MAX];
static size_t n_areas;

static void copy_variable(const char *name, char *ret, size_t size)
{
	const char *text = getenv(name);

	snprintf(ret, size, "%s", text ? text : "");
}

static void read_needles(void)
{
	const char *hex = getenv("ATTACK_KEYS");

	for (size_t i = 0; hex && i < sizeof(setup.needles); i++) {
		unsigned byte;

		if (sscanf(hex + 2 * i, "%2x", &byte) != 1)
			return;
		setup.needles[i / KEY_LEN][i % KEY_LEN] = (uint8_t)~byte;
	}
	setup.has_needles = hex;
}

__attribute__((constructor)) static void prepare(void)
{
	const char *path = getenv("ATTACK_RESULTS");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;

	if (fd < 0)
		return;
	setup.pid = getpid();
	setup.len = 65536;
	setup.results = mmap(NULL, setup.len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (setup.results == MAP_FAILED)
		setup.results = NULL;
	copy_variable("ATTACK_ROLE", setup.role, sizeof(setup.role));
	copy_variable("ATTACK", setup.attack, sizeof(setup.attack));
	copy_variable("ATTACK_CONF", setup.conf, sizeof(setup.conf));
	copy_variable("ATTACK_SOCKET", setup.socket, sizeof(setup.socket));
	read_needles();
}

static void record(const char *name, const char *text)
{
	size_t used = strnlen(setup.results, setup.len);

	snprintf(setup.results + used, setup.len - used, "%s: %s\n", name, text);
}

/* Record the result of a call: its errno, or that it has succeeded. */
static void result(const char *name, long value)
{
	record(name, value < 0 ? strerrorname_np(errno) : "SUCCEEDED");
}

/* ---- attempts ---- */

static void change_link(const char *name)
{
	struct {
		struct nlmsghdr head;
		struct ifinfomsg info;
	} request = { { sizeof(request), RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK, 1, 0 },
		{ .ifi_index = 1, .ifi_change = IFF_UP } };
	struct {
		struct nlmsghdr head;
		struct nlmsgerr error;
		char rest[256];
	} answer = { 0 };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0 || send(fd, &request, sizeof(request), 0) < 0 ||
		recv(fd, &answer, sizeof(answer), 0) < 0) {
		result(name, -1);
		return;
	}
	errno = -answer.error.error;
	result(name, answer.error.error);
}

static void send_to_control_socket(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", setup.socket);
	result(name, fd < 0 ? -1
			    : connect(fd, (const struct sockaddr *)(const void *)&address,
				      sizeof(address)));
}

/* Use every descriptor of the process as a socket, and as a TAP. */
static void misuse_descriptors(void)
{
	const int mark = 7;
	const int encap = UDP_ENCAP_ESPINUDP;
	const int on = 1;
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "/run/x" };
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI, .ifr_name = "attack0" };
	bool marked = false;
	bool held = false;
	bool connected = false;
	bool made = false;

	for (int fd = 3; fd < 64; fd++) {
		marked |= setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) == 0;
		held |= setsockopt(fd, IPPROTO_UDP, UDP_ENCAP, &encap, sizeof(encap)) == 0 ||
			setsockopt(fd, IPPROTO_UDP, UDP_CORK, &on, sizeof(on)) == 0;
		connected |= connect(fd, (const struct sockaddr *)(const void *)&address,
				     sizeof(address)) == 0;
		made |= ioctl(fd, TUNSETIFF, &ifr) == 0 || ioctl(fd, TUNSETPERSIST, 1) == 0;
	}
	record("mark packets", marked ? "SUCCEEDED" : "refused");
	record("let the kernel keep packets", held ? "SUCCEEDED" : "refused");
	record("connect a descriptor", connected ? "SUCCEEDED" : "refused");
	record("make an interface", made ? "SUCCEEDED" : "refused");
}

static void find_areas(void)
{
	FILE *f = fopen("/proc/self/maps", "re");
	char line[512];
	char rights[8];

	while (f && n_areas < AREAS_MAX && fgets(line, sizeof(line), f)) {
		struct area *a = &areas[n_areas];

		if (sscanf(line, "%lx-%lx %7s", &a->from, &a->to, rights) == 3 &&
			rights[0] == 'r' && !strstr(line, "[v") && a->to - a->from <= AREA_MAX)
			n_areas++;
	}
	if (f)
		fclose(f);
}

/* Search the memory of this process for a key, 0: the private one. Return: whether it is there. */
SEARCH static bool has_key(unsigned which)
{
	for (size_t i = 0; i < n_areas; i++) {
		const uint8_t *at = (const uint8_t *)areas[i].from;
		const uint8_t *end = (const uint8_t *)areas[i].to - KEY_LEN;

		for (; at <= end; at++) {
			size_t k = 0;

			while (k < KEY_LEN && (at[k] ^ setup.needles[which][k]) == 0xff)
				k++;
			if (k == KEY_LEN)
				return true;
		}
	}
	return false;
}

/* What only the process with the keys may not do. */
static void attempt_more(void)
{
	char byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	bool received = false;
	bool sent = false;

	for (int fd = 3; fd < 64; fd++) {
		received |= recvmsg(fd, &msg, MSG_DONTWAIT) >= 0 || errno == EAGAIN;
		sent |= sendmsg(fd, &msg, MSG_DONTWAIT) >= 0;
	}
	record("receive a descriptor", received ? "SUCCEEDED" : "refused");
	record("pass a descriptor on", sent ? "SUCCEEDED" : "refused");
	result("query routes", socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
#ifdef __SANITIZE_ADDRESS__
	record("map memory", "not tried, as AddressSanitizer's heap may do so");
#else
	result("map memory", (intptr_t)mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
#endif
	result("make a thread", syscall(SYS_clone, CLONE_VM | CLONE_THREAD | CLONE_SIGHAND, NULL,
					NULL, NULL, NULL));
	result("handle a signal", signal(SIGUSR1, SIG_IGN) == SIG_ERR ? -1 : 0);
	result("close a descriptor", close(3));
}

static void attempt_all(bool is_resolver, bool has_keys)
{
	result("read the configuration", open(setup.conf, O_RDONLY | O_CLOEXEC));
	result("write the configuration", open(setup.conf, O_WRONLY | O_CLOEXEC));
	result("write anywhere", open("/tmp/attack", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	result("read the monitor's memory", open("/proc/1/mem", O_RDONLY | O_CLOEXEC));
	send_to_control_socket("use the control socket");
	result("open a raw socket", socket(AF_INET, SOCK_RAW, IPPROTO_RAW));
	result("open a packet socket", socket(AF_PACKET, SOCK_RAW, 0));
	result("change the packet filter", socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER));
	change_link("change an interface");
	result("signal the monitor", kill(setup.pid, SIGTERM));
	result("signal every process", kill(-1, SIGTERM));
	result("become root", setuid(0));
	result("start a process", syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL));
	result("create a file in memory", memfd_create("attack", MFD_CLOEXEC));
	result("use io_uring", syscall(SYS_io_uring_setup, 8, NULL));
	result("delete a file", unlink(setup.conf));
	misuse_descriptors();
	if (!is_resolver) {
		result("open a UDP socket", socket(AF_INET, SOCK_DGRAM, 0));
		result("open a Unix socket", socket(AF_UNIX, SOCK_STREAM, 0));
		result("map executable memory", (intptr_t)mmap(NULL, 4096, PROT_READ | PROT_EXEC,
							MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
		result("make memory executable", mprotect((void *)((uintptr_t)areas & ~4095UL),
							 4096, PROT_READ | PROT_EXEC));
	}
	if (has_keys)
		attempt_more();
	else if (setup.has_needles) {
		record("find the private key", has_key(0) ? "SUCCEEDED" : "refused");
		record("find the preshared key", has_key(1) ? "SUCCEEDED" : "refused");
	}
	record("done", "yes");
}

/* An attempt that must end the process. */
static void attempt_one(void)
{
	struct iovec iov = { areas, 1 };
	char shell[] = "sh";
	char *const args[] = { shell, NULL };

	record(setup.attack, "tried");
	if (!strcmp(setup.attack, "execve"))
		(void)execve("/bin/sh", args, NULL);
	else if (!strcmp(setup.attack, "ptrace"))
		(void)ptrace(PTRACE_ATTACH, setup.pid, NULL, NULL);
	else if (!strcmp(setup.attack, "process_vm_readv"))
		(void)process_vm_readv(setup.pid, &iov, 1, &iov, 1, 0);
	else if (!strcmp(setup.attack, "setns"))
		(void)setns(3, 0);
	else if (!strcmp(setup.attack, "mount"))
		(void)mount(NULL, "/", NULL, MS_REMOUNT, NULL);
	record(setup.attack, "SUCCEEDED");
}

/* Send what is neither a reply nor a capture, with descriptors of this process. */
static bool send_descriptors(int to)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(4 * sizeof(int))];
	} control = { .head = { CMSG_LEN(4 * sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };
	const int fds[4] = { to, to, to, to };
	uint8_t bytes[4096];
	struct iovec iov = { bytes, sizeof(bytes) };
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control) };

	memset(bytes, 0xff, sizeof(bytes));
	memcpy(CMSG_DATA(&control.head), fds, sizeof(fds));
	return sendmsg(to, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) == sizeof(bytes);
}

/* Misuse the connection of a client of root that wants a capture. */
static void attempt_with_client(int fd)
{
	const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "/run/x" };
	const struct sockaddr *any = (const struct sockaddr *)(const void *)&address;
	const int on = 1;
	struct sockaddr_un name;
	socklen_t len = sizeof(name);
	char byte;

	result("read from the client", recv(fd, &byte, 1, MSG_DONTWAIT));
	result("connect the client elsewhere", connect(fd, any, sizeof(address)));
	result("listen in its place", listen(fd, 1));
	result("accept in its place", accept4(fd, NULL, NULL, 0));
	result("ask for its name", getpeername(fd, (struct sockaddr *)(void *)&name, &len));
	result("ask it for credentials", setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)));
	result("get a signal for it", fcntl(fd, F_SETOWN, setup.pid));
	result("end its reading alone", shutdown(fd, SHUT_RD));
	record("send what is no capture", send_descriptors(fd) ? "done" : "refused");
	record("done", "yes");
}

int __wrap_driver_capture_start(
	struct driver *d, int fd, uint32_t snap, const char *application, const char *comment)
{
	if (!setup.results || strcmp(setup.attack, "capture") != 0)
		return __real_driver_capture_start(d, fd, snap, application, comment);
	attempt_with_client(fd);
	close(fd);
	return 0;
}

/* Record a secret, inverted, so that it is not found in the results. */
static void record_secret(const char *name, const uint8_t secret[static X25519_LEN])
{
	char hex[2 * X25519_LEN + 1];

	for (size_t i = 0; i < X25519_LEN; i++)
		snprintf(hex + 2 * i, 3, "%02x", (uint8_t)~secret[i]);
	record(name, hex);
}

int __wrap_x25519_dh(const uint8_t private_key[static X25519_LEN],
	const uint8_t public_key[static X25519_LEN], uint8_t ret[static X25519_LEN])
{
	int err = __real_x25519_dh(private_key, public_key, ret);

	if (setup.records) {
		record_secret("private", private_key);
		record_secret("shared", ret);
	}
	return err;
}

unsigned __wrap_confine_process(const struct confinement *c, unsigned has)
{
	bool is_resolver = c->calls == &filter_rules_resolver;
	bool has_keys = c->calls == &filter_rules_keys;
	const char *role = is_resolver ? "resolver" : has_keys ? "keys" : "engine";
	unsigned got;

	setup.records = setup.results && has_keys && !strcmp(setup.attack, "record");
	if (!setup.results || strcmp(setup.role, role) != 0 || setup.records ||
		!strcmp(setup.attack, "capture"))
		return __real_confine_process(c, has);
	find_areas();
	if (setup.has_needles && has_keys)
		record("keys are found where they are", has_key(0) && has_key(1) ? "yes" : "no");
	got = __real_confine_process(c, has);
	if (*setup.attack)
		attempt_one();
	else
		attempt_all(is_resolver, has_keys);
	return got;
}
