/* SPDX-License-Identifier: MIT */
/* TAP and TUN descriptors: opens them with every offload the kernel supports; reads and writes
 * superframes. */
#include "tap/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20 /* since Linux 6.2 */
#define TUN_F_USO6 0x40
#endif

/* Negotiate offloads, most capable first; without TSO the vnet header still carries checksum
 * offload. */
static void tap_set_offloads(struct tap *t, struct tap_offloads want)
{
	const unsigned tso = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;

	t->offloads = (struct tap_offloads){ .vnet_hdr = want.vnet_hdr };
	if (!want.vnet_hdr)
		return;
	if (want.tso && want.uso && !ioctl(t->fd, TUNSETOFFLOAD, tso | TUN_F_USO4 | TUN_F_USO6)) {
		t->offloads.tso = true;
		t->offloads.uso = true;
		return;
	}
	if (want.tso && !ioctl(t->fd, TUNSETOFFLOAD, tso)) {
		t->offloads.tso = true;
		return;
	}
	(void)ioctl(t->fd, TUNSETOFFLOAD, TUN_F_CSUM);
}

static int tap_open_flags(struct tap *t, const char *name, enum tap_kind kind, bool vnet_hdr)
{
	struct ifreq ifr = { 0 };

	ifr.ifr_flags = (short)(IFF_NO_PI | (kind == TAP_ETHERNET ? IFF_TAP : IFF_TUN) |
				(vnet_hdr ? IFF_VNET_HDR : 0));
	strncpy(ifr.ifr_name, name, IFNAMSIZ - 1);
	if (ioctl(t->fd, TUNSETIFF, &ifr) < 0)
		return -errno;
	memcpy(t->name, ifr.ifr_name, IFNAMSIZ);
	return 0;
}

int tap_open(const char *name, enum tap_kind kind, struct tap_offloads want, struct tap *ret)
{
	struct tap t = { .kind = kind };
	int err;

	if (strlen(name) >= IFNAMSIZ)
		return -ENAMETOOLONG;
	t.fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (t.fd < 0)
		return -errno;
	err = tap_open_flags(&t, name, kind, want.vnet_hdr);
	if (err == -EINVAL && want.vnet_hdr) {
		want.vnet_hdr = false;
		err = tap_open_flags(&t, name, kind, false);
	}
	if (err < 0) {
		close(t.fd);
		return err == -EINVAL ? -EEXIST : err;
	}
	tap_set_offloads(&t, want);
	*ret = t;
	return 0;
}

int tap_adopt(int fd, struct tap_offloads want, struct tap *ret)
{
	struct tap t = { .fd = fd };
	struct ifreq ifr = { 0 };
	const int hdr_len = VNET_HDR_LEN;
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
		fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return -errno;
	if (ioctl(fd, TUNGETIFF, &ifr) < 0)
		return -errno;
	if (!(ifr.ifr_flags & IFF_NO_PI))
		return -EPROTOTYPE;
	t.kind = ifr.ifr_flags & IFF_TAP ? TAP_ETHERNET : TAP_IP;
	memcpy(t.name, ifr.ifr_name, IFNAMSIZ);
	want.vnet_hdr = ifr.ifr_flags & IFF_VNET_HDR;
	if (want.vnet_hdr && ioctl(fd, TUNSETVNETHDRSZ, &hdr_len) < 0)
		return -errno;
	tap_set_offloads(&t, want);
	*ret = t;
	return 0;
}

int tap_name(const struct tap *t, char ret_name[static IFNAMSIZ])
{
	struct ifreq ifr = { 0 };

	if (ioctl(t->fd, TUNGETIFF, &ifr) < 0)
		return -errno;
	memcpy(ret_name, ifr.ifr_name, IFNAMSIZ);
	return 0;
}

void tap_close(struct tap *t)
{
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
}

int tap_read(struct tap *t, uint8_t *buf, size_t cap, struct offload *ret_offload)
{
	size_t skip = t->offloads.vnet_hdr ? 0 : VNET_HDR_LEN;
	ssize_t n = read(t->fd, buf + skip, cap - skip); /* faster than readv() by a tenth */

	if (n < 0)
		return -errno;
	if (skip) {
		*ret_offload = (struct offload){ 0 };
		return (int)n;
	}
	if (n < VNET_HDR_LEN || offload_decode(buf, ret_offload) < 0)
		return -EBADMSG;
	return (int)n - VNET_HDR_LEN;
}

int tap_write(struct tap *t, const struct offload *offload, struct iovec *iov, size_t count)
{
	uint8_t hdr[VNET_HDR_LEN];
	ssize_t n;

	if (t->offloads.vnet_hdr) {
		offload_encode(offload, hdr);
		iov[0] = (struct iovec){ hdr, sizeof(hdr) };
		n = writev(t->fd, iov, (int)count);
	} else {
		n = writev(t->fd, iov + 1, (int)count - 1);
	}
	return n < 0 ? -errno : 0;
}
