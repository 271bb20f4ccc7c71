/* SPDX-License-Identifier: MIT */
/* Building netlink requests and parsing answers; common to all families. */
#pragma once

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/must_check.h"

#define NL_MSG_MAX 4096 /* bytes; longer requests are split */

/** A request under construction: an nlmsghdr, the family's fixed header, attributes. */
struct nl_msg {
	union {
		struct nlmsghdr head;
		uint8_t bytes[NL_MSG_MAX];
	};
};

/** The kernel's result of a request: 0 or -errno, and the text of its extended acknowledgement or
 * "". */
struct nl_verdict {
	int code;
	char why[160];
};

/** Start a request with the family's fixed header of `len` bytes. NLM_F_REQUEST is implied; port
 * and sequence are 0 until it is sent. Return: `m`. */
struct nl_msg *nl_msg_start(
	struct nl_msg *m, uint16_t type, uint16_t flags, const void *fixed, size_t len);

/** Append an attribute of `len` bytes. Overflow is a bug of the caller. */
void nl_msg_put(struct nl_msg *m, uint16_t type, const void *data, size_t len);

/** Append an 8-bit attribute. */
void nl_msg_put_u8(struct nl_msg *m, uint16_t type, uint8_t v);

/** Append a 16-bit attribute, host order. */
void nl_msg_put_u16(struct nl_msg *m, uint16_t type, uint16_t v);

/** Append a 32-bit attribute, host order. */
void nl_msg_put_u32(struct nl_msg *m, uint16_t type, uint32_t v);

/** Append a flag: an attribute without data. */
void nl_msg_put_flag(struct nl_msg *m, uint16_t type);

/** Append a string with its NUL. */
void nl_msg_put_text(struct nl_msg *m, uint16_t type, const char *text);

/** Append an address: 4 or 16 bytes. */
void nl_msg_put_addr(struct nl_msg *m, uint16_t type, const struct ip_addr *a);

/** Open a nested attribute. Return: its offset, for nl_msg_nest_end(). */
size_t nl_msg_nest(struct nl_msg *m, uint16_t type);

/** Close the nested attribute opened at `start`. */
void nl_msg_nest_end(struct nl_msg *m, size_t start);

/** Bytes that are left in the request, headers of attributes included. */
size_t nl_msg_room(const struct nl_msg *m);

/** Copy the fixed header of an answer, `len` bytes. Return: 0, or -EBADMSG if it is shorter. */
MUST_CHECK int nl_msg_fixed(const struct nlmsghdr *nlh, void *ret, size_t len);

/** An iterator over attributes. */
struct nl_attrs {
	const uint8_t *at;
	size_t left; /* bytes */
};

/** Iterate over the attributes after the first `skip` bytes of a message's payload. */
struct nl_attrs nl_attrs_of(const struct nlmsghdr *nlh, size_t skip);

/** Iterate over the attributes nested in `nest`. */
struct nl_attrs nl_attrs_in(const struct nlattr *nest);

/** The next attribute, or NULL at the end or if the rest is not a complete attribute. */
const struct nlattr *nl_attrs_next(struct nl_attrs *walk);

/** Read an 8-bit attribute. Return: whether its size matches; `ret` is untouched otherwise. */
bool nl_attr_u8(const struct nlattr *a, uint8_t *ret);

/** Read a 16-bit attribute. Return: whether its size matches; `ret` is untouched otherwise. */
bool nl_attr_u16(const struct nlattr *a, uint16_t *ret);

/** Read a 32-bit attribute. Return: whether its size matches; `ret` is untouched otherwise. */
bool nl_attr_u32(const struct nlattr *a, uint32_t *ret);

/** Read a 64-bit attribute. Return: whether its size matches; `ret` is untouched otherwise. */
bool nl_attr_u64(const struct nlattr *a, uint64_t *ret);

/** Copy an attribute of exactly `len` bytes. Return: whether its size matches; `ret` is untouched
 * otherwise. */
bool nl_attr_bytes(const struct nlattr *a, void *ret, size_t len);

/** Read a string into `ret` of `size` bytes, truncated to fit, always NUL-terminated. */
void nl_attr_text(const struct nlattr *a, char *ret, size_t size);

/** Read an address of `family`. Return: whether its size matches; `ret` is untouched otherwise. */
bool nl_attr_addr(const struct nlattr *a, uint16_t family, struct ip_addr *ret);

/**
 * Decode an NLMSG_ERROR or NLMSG_DONE message.
 * Return: 0 with the result in `ret` (code 0: acknowledged), or -EBADMSG if it is neither or too
 * short.
 */
MUST_CHECK int nl_verdict_decode(const struct nlmsghdr *nlh, struct nl_verdict *ret);
