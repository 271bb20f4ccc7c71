/* SPDX-License-Identifier: MIT */
/* Tables of nftables: query and delete, without nft and its library. */
#include "netlink/nft_table.h"

#include <errno.h>
#include <linux/netfilter/nfnetlink.h>

#include "netlink/exchange.h"
#include "netlink/nft.h"

int nft_table_exists(uint16_t family, const char *name)
{
	struct nl_socket nl;
	struct nl_msg msg;
	int err = nl_socket_open_filter(&nl);

	if (err < 0)
		return err;
	err = nl_request(&nl, nft_encode_get_table(&msg, family, name));
	nl_socket_close(&nl);
	return err == -ENOENT ? 0 : err < 0 ? err : 1;
}

int nft_table_delete(uint16_t family, const char *name)
{
	struct nl_msg begin;
	struct nl_msg delete;
	struct nl_msg end;
	struct nl_socket nl;
	int err = nl_socket_open_filter(&nl);

	if (err < 0)
		return err == -EPROTONOSUPPORT ? 0 : err;
	err = nl_request_within(&nl, nft_encode_batch(&begin, NFNL_MSG_BATCH_BEGIN),
		nft_encode_delete_table(&delete, family, name),
		nft_encode_batch(&end, NFNL_MSG_BATCH_END));
	nl_socket_close(&nl);
	return err == -ENOENT || err == -EOPNOTSUPP ? 0 : err;
}
