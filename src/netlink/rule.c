/* SPDX-License-Identifier: MIT */
/* rtnetlink messages about policy routing rules. */
#include "netlink/rule.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

#include <libmnl/libmnl.h>

static struct nl_msg *start(
	struct nl_msg *m, uint16_t type, uint16_t flags, const struct rule_info *rule)
{
	struct fib_rule_hdr h = { .family = rule->family,
		.table = rule->table < 256 ? (uint8_t)rule->table : RT_TABLE_UNSPEC,
		.action = FR_ACT_TO_TBL,
		.flags = rule->invert ? FIB_RULE_INVERT : 0 };

	nl_msg_start(m, type, flags, &h, sizeof(h));
	nl_msg_put_u32(m, FRA_TABLE, rule->table);
	if (rule->priority)
		nl_msg_put_u32(m, FRA_PRIORITY, rule->priority);
	if (rule->has_mark)
		nl_msg_put_u32(m, FRA_FWMARK, rule->mark);
	if (rule->suppress_length != RULE_NO_SUPPRESS)
		nl_msg_put_u32(m, FRA_SUPPRESS_PREFIXLEN, rule->suppress_length);
	return m;
}

struct nl_msg *rule_encode_add(struct nl_msg *m, const struct rule_info *rule)
{
	start(m, RTM_NEWRULE, rule->priority ? NLM_F_CREATE | NLM_F_EXCL : NLM_F_CREATE, rule);
	if (rule->protocol)
		nl_msg_put_u8(m, FRA_PROTOCOL, rule->protocol);
	return m;
}

struct nl_msg *rule_encode_delete(struct nl_msg *m, const struct rule_info *rule)
{
	return start(m, RTM_DELRULE, 0, rule);
}

struct nl_msg *rule_encode_dump(struct nl_msg *m, uint8_t family)
{
	struct fib_rule_hdr h = { .family = family };

	return nl_msg_start(m, RTM_GETRULE, NLM_F_DUMP, &h, sizeof(h));
}

int rule_decode(const struct nlmsghdr *nlh, struct rule_info *ret)
{
	struct rule_info rule = { .suppress_length = RULE_NO_SUPPRESS };
	struct fib_rule_hdr h;
	struct nl_attrs walk;
	const struct nlattr *a;

	if (nlh->nlmsg_type != RTM_NEWRULE && nlh->nlmsg_type != RTM_DELRULE)
		return -EBADMSG;
	if (nl_msg_fixed(nlh, &h, sizeof(h)) < 0)
		return -EBADMSG;
	rule.family = h.family;
	rule.table = h.table;
	rule.invert = h.flags & FIB_RULE_INVERT;
	walk = nl_attrs_of(nlh, sizeof(h));
	while ((a = nl_attrs_next(&walk))) {
		if (mnl_attr_get_type(a) == FRA_TABLE)
			nl_attr_u32(a, &rule.table);
		else if (mnl_attr_get_type(a) == FRA_PRIORITY)
			nl_attr_u32(a, &rule.priority);
		else if (mnl_attr_get_type(a) == FRA_PROTOCOL)
			nl_attr_u8(a, &rule.protocol);
		else if (mnl_attr_get_type(a) == FRA_FWMARK)
			rule.has_mark = nl_attr_u32(a, &rule.mark);
		else if (mnl_attr_get_type(a) == FRA_SUPPRESS_PREFIXLEN)
			nl_attr_u32(a, &rule.suppress_length);
	}
	*ret = rule;
	return 0;
}
