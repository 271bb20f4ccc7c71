/* SPDX-License-Identifier: MIT */
/* The sockets and ids by which a site configures the kernel's own WireGuard and L2TP. */
#include "backend/kernel_netlink.h"

#include <errno.h>
#include <linux/l2tp.h>
#include <linux/wireguard.h>

#include "netlink/genl.h"

/* Look up a family. Return: 0 or -errno, `ret_error` filled. */
static int find(struct nl_socket *nl, const char *family, const char *module, uint16_t *ret,
	struct error *ret_error)
{
	int err = genl_resolve(nl, family, ret);

	if (err == -ENOENT)
		return error_set(ret_error, err,
			"Backend = kernel needs the kernel's module %s, which is missing, "
			"blacklisted "
			"or not allowed here\n"
			"Load it (modprobe %s); else set Backend = userspace.",
			module, module);
	return err < 0 ? nl_fail(nl, ret_error, err, "Cannot look up the netlink family %s\n",
				 family)
		       : 0;
}

int kernel_netlink_need_l2tp(struct kernel_netlink *k, struct error *ret_error)
{
	if (k->l2tp)
		return 0;
	return find(&k->nl, L2TP_GENL_NAME, "l2tp_netlink", &k->l2tp, ret_error);
}

int kernel_netlink_open(struct kernel_netlink *k, bool with_l2tp, struct error *ret_error)
{
	int err = nl_socket_open_generic(&k->nl);

	if (err < 0)
		return error_set(ret_error, err,
			"Cannot open a generic netlink socket:\nIs it allowed here?");
	err = find(&k->nl, WG_GENL_NAME, "wireguard", &k->wireguard, ret_error);
	if (err == 0 && with_l2tp)
		err = kernel_netlink_need_l2tp(k, ret_error);
	if (err < 0)
		kernel_netlink_close(k);
	return err;
}

int kernel_netlink_renew(struct kernel_netlink *k, bool need_l2tp, struct error *ret_error)
{
	bool has_l2tp = k->l2tp || need_l2tp;
	struct error of_l2tp = { 0 };
	int err;

	k->wireguard = k->l2tp = 0; /* they may be those of other families by now */
	err = find(&k->nl, WG_GENL_NAME, "wireguard", &k->wireguard, ret_error);
	if (has_l2tp && kernel_netlink_need_l2tp(k, &of_l2tp) < 0 && need_l2tp)
		*ret_error = of_l2tp;
	return need_l2tp ? of_l2tp.code : err;
}

void kernel_netlink_close(struct kernel_netlink *k)
{
	nl_socket_close(&k->nl);
}
