/* SPDX-License-Identifier: MIT */
/* TAP and TUN descriptors: opens them with every offload the kernel supports; reads and writes
 * superframes. */
#pragma once

#include "base/must_check.h"
#include "pkt/offload.h"

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/** Ethernet frames (TAP) or IP packets (TUN). */
enum tap_kind {
	TAP_ETHERNET,
	TAP_IP,
};

/** Offloads to use; each can be disabled, and is off where the kernel lacks it. */
struct tap_offloads {
	bool vnet_hdr; /* virtio-net header before each frame; required by the others */
	bool tso;      /* TCP superframes, IPv4 and IPv6 */
	bool uso;      /* UDP superframes, since Linux 6.2 */
};

/** An open descriptor. `name` is the interface name that the kernel assigned. */
struct tap {
	int fd;
	enum tap_kind kind;
	struct tap_offloads offloads; /* in use */
	char name[IFNAMSIZ];
};

/**
 * Create the interface `name` (may be "" or contain %d: the kernel chooses) and open it,
 * non-blocking. The kernel removes it when the descriptor is closed. `want` names the offloads to
 * request.
 * Return: 0; -EBUSY: in use by another process; -EEXIST: an interface of another kind has the name;
 * -errno.
 */
MUST_CHECK int tap_open(
	const char *name, enum tap_kind kind, struct tap_offloads want, struct tap *ret);

/** Adopt an open TUN descriptor (WG_TUN_FD): finds its name and flags, negotiates offloads. Return:
 * 0 or -errno. */
MUST_CHECK int tap_adopt(int fd, struct tap_offloads want, struct tap *ret);

/** The interface's current name, which may have changed. Return: 0 or -errno. */
MUST_CHECK int tap_name(const struct tap *t, char ret_name[static IFNAMSIZ]);

/** Close it; the kernel removes the interface. Accepts a closed one (fd −1). */
void tap_close(struct tap *t);

/** Length of a buffer for tap_read(). */
#define TAP_BUFFER_LEN (VNET_HDR_LEN + SUPERFRAME_MAX)

/**
 * Read one superframe into `buf[cap]` (cap ≥ TAP_BUFFER_LEN): it begins at buf[VNET_HDR_LEN],
 * behind its vnet header. Without vnet header `ret_offload` is all zero.
 * Return: its length; -EAGAIN if there is none; -EBADMSG for an invalid vnet header; or -errno
 * (-EIO, -EBADFD: the interface is down or gone).
 */
MUST_CHECK int tap_read(struct tap *t, uint8_t *buf, size_t cap, struct offload *ret_offload);

/**
 * Write one superframe. `iov[0]` is reserved for the vnet header: the frame's parts are iov[1] …
 * iov[count − 1].
 * Return: 0, or -errno (never -EAGAIN on Linux: a full queue drops silently in the kernel; -EIO:
 * interface down).
 */
MUST_CHECK int tap_write(
	struct tap *t, const struct offload *offload, struct iovec *iov, size_t count);
