/* SPDX-License-Identifier: MIT */
/* Fuzz target: messages of a socket's error queue, with what an ICMP error quotes. Input: messages,
 * each a byte for the kind of address, one for the length of the control data and one for that of
 * the quote, then all three. What is no too-big error with an address makes no hint. */
#include "fuzz/target.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "udp/hints.h"

#define NAME_LEN 18 /* port and address in the input */

ssize_t __wrap_recvmsg(int fd, struct msghdr *msg, int flags);

/** The messages that are left, and how many of those read had an address. */
static struct {
	const uint8_t *data;
	size_t len;
	int read;
	int named;
} queue;

/* Return: up to `len` bytes of the input, whose number is written to `ret_len`. */
static const uint8_t *next(size_t len, size_t *ret_len)
{
	const uint8_t *at = queue.data;

	*ret_len = len < queue.len ? len : queue.len;
	queue.data += *ret_len;
	queue.len -= *ret_len;
	return at;
}

/* As the kernel does: without a port in the quoted datagram, there is no address. */
static void give_name(struct msghdr *msg, unsigned kind)
{
	uint8_t name[NAME_LEN] = { 0 };
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	size_t len;
	const uint8_t *in = next(NAME_LEN, &len);

	memcpy(name, in, len);
	memcpy(&v4.sin_port, name, sizeof(v4.sin_port));
	memcpy(&v4.sin_addr, name + 2, sizeof(v4.sin_addr));
	v6.sin6_port = v4.sin_port;
	memcpy(&v6.sin6_addr, name + 2, sizeof(v6.sin6_addr));
	msg->msg_namelen = 0;
	if (!v4.sin_port)
		return;
	msg->msg_namelen = kind % 2 ? sizeof(v6) : sizeof(v4);
	memcpy(msg->msg_name, kind % 2 ? (const void *)&v6 : &v4, msg->msg_namelen);
	queue.named++;
}

ssize_t __wrap_recvmsg(int fd, struct msghdr *msg, int flags)
{
	const uint8_t *head;
	const uint8_t *in;
	size_t len;

	EXPECT(fd == 7 && flags == (MSG_ERRQUEUE | MSG_DONTWAIT));
	EXPECT(msg->msg_namelen >= sizeof(struct sockaddr_in6));
	head = next(3, &len);
	if (len < 3) {
		errno = EAGAIN;
		return -1;
	}
	queue.read++;
	give_name(msg, head[0]);
	in = next(head[1] < msg->msg_controllen ? head[1] : msg->msg_controllen, &len);
	memcpy(msg->msg_control, in, len);
	msg->msg_controllen = len;
	in = next(head[2], &len);
	if (len > msg->msg_iov->iov_len)
		len = msg->msg_iov->iov_len;
	memcpy(msg->msg_iov->iov_base, in, len);
	return (ssize_t)len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct udp_hint hints[UDP_HINTS_MAX];
	int n;

	queue.data = data;
	queue.len = len;
	do {
		queue.read = queue.named = 0;
		n = udp_hints_read(7, hints);
		EXPECT(n >= 0 && n <= queue.named);
		EXPECT(queue.read <= UDP_HINTS_MAX);
		for (int i = 0; i < n; i++) {
			EXPECT(hints[i].mtu);
			EXPECT(hints[i].to.port && ip_addr_len(&hints[i].to.addr));
			EXPECT(hints[i].quote_len <= sizeof(hints[i].quote));
		}
	} while (queue.read == UDP_HINTS_MAX);
	EXPECT(queue.len < 3);
	return 0;
}
