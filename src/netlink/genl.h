/* SPDX-License-Identifier: MIT */
/* Generic netlink: the header of its messages, and the ids of families. */
#pragma once

#include <linux/genetlink.h>
#include <stdint.h>

#include "base/must_check.h"
#include "netlink/exchange.h"
#include "netlink/msg.h"

/** Start a request of a family: `cmd` and `version` are those of its header file; `flags` NLM_F_…,
 * as for nl_msg_start(). */
void genl_start(struct nl_msg *m, uint16_t family, uint16_t flags, uint8_t cmd, uint8_t version);

/** Request the description of the family of that name, shorter than GENL_NAMSIZ. Return: `m`.
 * Source: net/netlink/genetlink.c. */
struct nl_msg *genl_encode_get_family(struct nl_msg *m, const char *name);

/** Decode the description of a family. Return: 0 and its id; or -EBADMSG, with `ret_id`
 * untouched. */
MUST_CHECK int genl_decode_family(const struct nlmsghdr *nlh, uint16_t *ret_id);

/**
 * Look up the id of a family on a generic netlink socket. The kernel loads the family's module if
 * it can.
 * Return: 0; -ENOENT if the module is missing, blacklisted, or may not be loaded here; or another
 * -errno.
 */
MUST_CHECK int genl_resolve(struct nl_socket *nl, const char *name, uint16_t *ret_id);
