/* SPDX-License-Identifier: MIT */
/* Makes frames enter an interface as if they had been received on it. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Theory of operation. A packet socket sends below the bridge: its frames leave by the interface,
 * and no filter of the bridge sees them. The kernel can also run an XDP program on a frame that the
 * caller supplies, and act on the verdict (BPF_F_TEST_XDP_LIVE_FRAMES, Linux 5.18). The program
 * here returns XDP_PASS: the frame is handled as a received one, by XDP's generic hook, tc,
 * nftables and the bridge. Nothing is attached, so nothing is left behind. */

#define INJECT_MAX 3000 /* bytes of a frame; the kernel stores it and its own data in one page */

/** Load the program. Return: a descriptor, or -errno: -EPERM without CAP_BPF and CAP_NET_ADMIN,
 * -ENOSYS or -EINVAL where the kernel lacks BPF. */
int inject_open(void);

/** Let a frame enter an interface. Return: 0 or -errno; -EINVAL before Linux 5.18. */
int inject_frame(int fd, uint32_t ifindex, const uint8_t *frame, size_t len);
