/* SPDX-License-Identifier: MIT */
/* rtnetlink messages about policy routing rules. */
#pragma once

#include <linux/netlink.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/must_check.h"
#include "netlink/msg.h"

#define RULE_NO_SUPPRESS UINT32_MAX /* the kernel's value for "none" */

/** A policy rule that selects a table. */
struct rule_info {
	uint8_t family; /* AF_INET or AF_INET6 */
	uint32_t priority;
	uint32_t table;
	uint32_t mark;		  /* with `has_mark` */
	uint32_t suppress_length; /* ignore routes of at most this prefix length, or
				     RULE_NO_SUPPRESS */
	bool has_mark;
	bool invert;	  /* "not": packets that do not match */
	uint8_t protocol; /* who has added it, RTPROT_…; 0: not stated */
};

/** Add a rule; priority 0: the kernel inserts it before all existing ones; else -EEXIST if there is
 * an equal one of that priority. Return: `m`, as all encoders do. */
struct nl_msg *rule_encode_add(struct nl_msg *m, const struct rule_info *rule);

/** Delete the first matching rule; priority 0: of any priority. -ENOENT if there is none. */
struct nl_msg *rule_encode_delete(struct nl_msg *m, const struct rule_info *rule);

/** Request all rules of a family. */
struct nl_msg *rule_encode_dump(struct nl_msg *m, uint8_t family);

/** Decode an RTM_NEWRULE or RTM_DELRULE. Return: 0, or -EBADMSG, with `ret` untouched. */
MUST_CHECK int rule_decode(const struct nlmsghdr *nlh, struct rule_info *ret);
