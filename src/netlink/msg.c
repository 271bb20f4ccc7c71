/* SPDX-License-Identifier: MIT */
/* Building netlink requests and parsing answers; common to all families. */
#include "netlink/msg.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include <libmnl/libmnl.h>

#include "base/bug.h"
#include "base/bytes.h"

struct nl_msg *nl_msg_start(
	struct nl_msg *m, uint16_t type, uint16_t flags, const void *fixed, size_t len)
{
	memset(m, 0, sizeof(*m));
	mnl_nlmsg_put_header(m->bytes);
	m->head.nlmsg_type = type;
	m->head.nlmsg_flags = (uint16_t)(flags | NLM_F_REQUEST);
	memcpy(mnl_nlmsg_put_extra_header(&m->head, len), fixed, len);
	return m;
}

void nl_msg_put(struct nl_msg *m, uint16_t type, const void *data, size_t len)
{
	ASSERT(mnl_attr_put_check(&m->head, sizeof(m->bytes), type, len, data));
}

void nl_msg_put_u8(struct nl_msg *m, uint16_t type, uint8_t v)
{
	nl_msg_put(m, type, &v, sizeof(v));
}

void nl_msg_put_u16(struct nl_msg *m, uint16_t type, uint16_t v)
{
	nl_msg_put(m, type, &v, sizeof(v));
}

void nl_msg_put_u32(struct nl_msg *m, uint16_t type, uint32_t v)
{
	nl_msg_put(m, type, &v, sizeof(v));
}

void nl_msg_put_flag(struct nl_msg *m, uint16_t type)
{
	nl_msg_put(m, type, NULL, 0);
}

void nl_msg_put_text(struct nl_msg *m, uint16_t type, const char *text)
{
	nl_msg_put(m, type, text, strlen(text) + 1);
}

void nl_msg_put_addr(struct nl_msg *m, uint16_t type, const struct ip_addr *a)
{
	nl_msg_put(m, type, a->bytes, ip_addr_len(a));
}

size_t nl_msg_nest(struct nl_msg *m, uint16_t type)
{
	size_t start = m->head.nlmsg_len;

	ASSERT(mnl_attr_nest_start_check(&m->head, sizeof(m->bytes), type));
	return start;
}

void nl_msg_nest_end(struct nl_msg *m, size_t start)
{
	struct nlattr a;

	memcpy(&a, m->bytes + start, sizeof(a));
	a.nla_len = (uint16_t)(m->head.nlmsg_len - start);
	memcpy(m->bytes + start, &a, sizeof(a));
}

size_t nl_msg_room(const struct nl_msg *m)
{
	return sizeof(m->bytes) - m->head.nlmsg_len;
}

int nl_msg_fixed(const struct nlmsghdr *nlh, void *ret, size_t len)
{
	if (nlh->nlmsg_len < MNL_NLMSG_HDRLEN + len)
		return -EBADMSG;
	memcpy(ret, mnl_nlmsg_get_payload(nlh), len);
	return 0;
}

struct nl_attrs nl_attrs_of(const struct nlmsghdr *nlh, size_t skip)
{
	size_t len = mnl_nlmsg_get_payload_len(nlh);
	const uint8_t *payload = mnl_nlmsg_get_payload(nlh);

	skip = size_min(size_align(skip, NLMSG_ALIGNTO), len);
	return (struct nl_attrs){ .at = payload + skip, .left = len - skip };
}

struct nl_attrs nl_attrs_in(const struct nlattr *nest)
{
	return (struct nl_attrs){ .at = mnl_attr_get_payload(nest),
		.left = mnl_attr_get_payload_len(nest) };
}

const struct nlattr *nl_attrs_next(struct nl_attrs *walk)
{
	const struct nlattr *a = (const struct nlattr *)(const void *)walk->at;
	size_t step;

	if (walk->left > INT_MAX || !mnl_attr_ok(a, (int)walk->left))
		return NULL;
	step = size_min(size_align(a->nla_len, NLA_ALIGNTO), walk->left);
	walk->at += step;
	walk->left -= step;
	return a;
}

bool nl_attr_u8(const struct nlattr *a, uint8_t *ret)
{
	if (mnl_attr_get_payload_len(a) != sizeof(*ret))
		return false;
	*ret = mnl_attr_get_u8(a);
	return true;
}

bool nl_attr_u16(const struct nlattr *a, uint16_t *ret)
{
	if (mnl_attr_get_payload_len(a) != sizeof(*ret))
		return false;
	*ret = mnl_attr_get_u16(a);
	return true;
}

bool nl_attr_u32(const struct nlattr *a, uint32_t *ret)
{
	if (mnl_attr_get_payload_len(a) != sizeof(*ret))
		return false;
	*ret = mnl_attr_get_u32(a);
	return true;
}

bool nl_attr_u64(const struct nlattr *a, uint64_t *ret)
{
	return nl_attr_bytes(a, ret, sizeof(*ret));
}

bool nl_attr_bytes(const struct nlattr *a, void *ret, size_t len)
{
	if (mnl_attr_get_payload_len(a) != len)
		return false;
	memcpy(ret, mnl_attr_get_payload(a), len);
	return true;
}

void nl_attr_text(const struct nlattr *a, char *ret, size_t size)
{
	size_t len = size_min(mnl_attr_get_payload_len(a), size - 1);

	memcpy(ret, mnl_attr_get_payload(a), len);
	ret[len] = '\0';
}

bool nl_attr_addr(const struct nlattr *a, uint16_t family, struct ip_addr *ret)
{
	struct ip_addr addr = { .family = family };

	if (!ip_addr_len(&addr) || mnl_attr_get_payload_len(a) != ip_addr_len(&addr))
		return false;
	memcpy(addr.bytes, mnl_attr_get_payload(a), ip_addr_len(&addr));
	*ret = addr;
	return true;
}

/** Offset of the extended acknowledgement's attributes: after the error code and our request, which
 * the kernel may have omitted. */
static size_t ext_ack_offset(const struct nlmsghdr *nlh)
{
	struct nlmsgerr e;

	if (nlh->nlmsg_type == NLMSG_DONE)
		return sizeof(int);
	if (nl_msg_fixed(nlh, &e, sizeof(e)) < 0)
		return nlh->nlmsg_len;
	if (nlh->nlmsg_flags & NLM_F_CAPPED)
		return sizeof(e);
	return sizeof(int) + size_align(e.msg.nlmsg_len, NLMSG_ALIGNTO);
}

int nl_verdict_decode(const struct nlmsghdr *nlh, struct nl_verdict *ret)
{
	struct nl_verdict v = { 0 };
	const struct nlattr *a;
	struct nl_attrs walk;

	if (nlh->nlmsg_type != NLMSG_ERROR && nlh->nlmsg_type != NLMSG_DONE)
		return -EBADMSG;
	if (nl_msg_fixed(nlh, &v.code, sizeof(v.code)) < 0)
		return -EBADMSG;
	if (v.code > 0 || v.code < -4095)
		return -EBADMSG;
	if (nlh->nlmsg_flags & NLM_F_ACK_TLVS) {
		walk = nl_attrs_of(nlh, ext_ack_offset(nlh));
		while ((a = nl_attrs_next(&walk)))
			if (mnl_attr_get_type(a) == NLMSGERR_ATTR_MSG)
				nl_attr_text(a, v.why, sizeof(v.why));
	}
	*ret = v;
	return 0;
}
