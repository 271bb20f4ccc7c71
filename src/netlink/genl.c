/* SPDX-License-Identifier: MIT */
/* Generic netlink: the header of its messages, and the ids of families. */
#include "netlink/genl.h"

#include <errno.h>

#include <libmnl/libmnl.h>

void genl_start(struct nl_msg *m, uint16_t family, uint16_t flags, uint8_t cmd, uint8_t version)
{
	struct genlmsghdr g = { .cmd = cmd, .version = version };

	nl_msg_start(m, family, flags, &g, sizeof(g));
}

struct nl_msg *genl_encode_get_family(struct nl_msg *m, const char *name)
{
	genl_start(m, GENL_ID_CTRL, 0, CTRL_CMD_GETFAMILY, 1);
	nl_msg_put_text(m, CTRL_ATTR_FAMILY_NAME, name);
	return m;
}

int genl_decode_family(const struct nlmsghdr *nlh, uint16_t *ret_id)
{
	struct genlmsghdr g;
	struct nl_attrs walk;
	const struct nlattr *a;

	if (nlh->nlmsg_type != GENL_ID_CTRL || nl_msg_fixed(nlh, &g, sizeof(g)) < 0)
		return -EBADMSG;
	if (g.cmd != CTRL_CMD_NEWFAMILY)
		return -EBADMSG;
	walk = nl_attrs_of(nlh, sizeof(g));
	while ((a = nl_attrs_next(&walk)))
		if (mnl_attr_get_type(a) == CTRL_ATTR_FAMILY_ID && nl_attr_u16(a, ret_id))
			return 0;
	return -EBADMSG;
}

/** A lookup: the id of a family; 0: no answer yet. */
struct lookup {
	uint16_t id;
};

static int decode_answer(void *ctx, const struct nlmsghdr *nlh)
{
	struct lookup *lookup = ctx;

	return genl_decode_family(nlh, &lookup->id);
}

int genl_resolve(struct nl_socket *nl, const char *name, uint16_t *ret_id)
{
	struct lookup lookup = { 0 };
	struct nl_msg m;
	int err = nl_exchange(nl, genl_encode_get_family(&m, name), decode_answer, &lookup);

	if (err == 0 && !lookup.id)
		err = -EBADMSG;
	if (err == 0)
		*ret_id = lookup.id;
	return err;
}
