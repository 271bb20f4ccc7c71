/* SPDX-License-Identifier: MIT */
/* Tests that only objects of the site are deleted, with a kernel that only records the requests. */
#include "host/kernel_undo.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/l2tp.h>
#include <net/if.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "netlink/genl.h"
#include "netlink/l2tp_nl.h"
#include "netlink/query.h"

int __wrap_nl_socket_open_generic(struct nl_socket *nl);
int __wrap_genl_resolve(struct nl_socket *nl, const char *name, uint16_t *ret_id);
int __wrap_l2tpnl_tunnels(struct nl_socket *nl, uint16_t family, struct l2tpnl_tunnel_list *ret);
int __wrap_l2tpnl_sessions(struct nl_socket *nl, uint16_t family, struct l2tpnl_session_list *ret);
int __wrap_nl_request(struct nl_socket *nl, struct nl_msg *m);
int __wrap_query_link(struct nl_socket *nl, const char *name, struct link_info *ret);
int __wrap_query_link_index(struct nl_socket *nl, uint32_t ifindex, struct link_info *ret);

#define FAMILY 99

/* What the kernel has: tunnels 1 and 2 of the peer tunnels 11 and 12, and sessions in them. */
static struct l2tpnl_tunnel_info tunnels[2];
static size_t n_tunnels;
static struct l2tpnl_session_info sessions[2];
static struct link_info link_there;
static char done[64];

int __wrap_nl_socket_open_generic(struct nl_socket *nl)
{
	*nl = (struct nl_socket){ 0 };
	return 0;
}

int __wrap_genl_resolve(struct nl_socket *nl, const char *name, uint16_t *ret_id)
{
	*ret_id = FAMILY;
	return 0;
}

static void *copy_of(const void *v, size_t size)
{
	void *copy = malloc(size + 1);

	assert_non_null(copy);
	return memcpy(copy, v, size);
}

int __wrap_l2tpnl_tunnels(struct nl_socket *nl, uint16_t family, struct l2tpnl_tunnel_list *ret)
{
	*ret = (struct l2tpnl_tunnel_list){ copy_of(tunnels, sizeof(tunnels)), n_tunnels };
	return 0;
}

int __wrap_l2tpnl_sessions(struct nl_socket *nl, uint16_t family, struct l2tpnl_session_list *ret)
{
	*ret = (struct l2tpnl_session_list){ copy_of(sessions, sizeof(sessions)),
		ARRAY_LEN(sessions) };
	return 0;
}

/* A tunnel that is deleted is gone at once, if it is the last one. */
int __wrap_nl_request(struct nl_socket *nl, struct nl_msg *m)
{
	struct genlmsghdr head;

	memcpy(&head, m->bytes + sizeof(m->head), sizeof(head));
	if (m->head.nlmsg_type != FAMILY)
		strcat(done, "link ");
	else if (head.cmd == L2TP_CMD_SESSION_DELETE)
		strcat(done, "session ");
	else
		strcat(done, "tunnel ");
	if (m->head.nlmsg_type == FAMILY && head.cmd == L2TP_CMD_TUNNEL_DELETE)
		n_tunnels--;
	return 0;
}

int __wrap_query_link(struct nl_socket *nl, const char *name, struct link_info *ret)
{
	*ret = link_there;
	return 0;
}

/* A session that is deleted takes its interface along. */
int __wrap_query_link_index(struct nl_socket *nl, uint32_t ifindex, struct link_info *ret)
{
	return -ENODEV;
}

static int setup(void **state)
{
	memset(tunnels, 0, sizeof(tunnels));
	memset(sessions, 0, sizeof(sessions));
	for (uint32_t i = 0; i < 2; i++) {
		tunnels[i].tunnel.id = i + 1;
		tunnels[i].tunnel.peer_id = i + 11;
		sessions[i].session.tunnel_id = i + 1;
		sessions[i].session.id = i + 2;
		sessions[i].tunnel_peer_id = i + 11;
		snprintf(sessions[i].session.ifname, IF_NAMESIZE, "l2tpeth%u", i);
	}
	n_tunnels = 2;
	link_there = (struct link_info){ .ifindex = 5, .name = "wg0", .kind = "wireguard" };
	done[0] = '\0';
	return 0;
}

static struct netdev here = { .alias = "wirespan here" };

/* Another program's interface has another alias, or is up without any. */
static void test_wireguard(void **state)
{
	static const struct {
		const char *kind;
		const char *alias;
		uint32_t group;
		const char *done;
	} table[] = {
		{ "wireguard", "wirespan here", 0, "link " },
		{ "wireguard", "", NETDEV_GROUP_NEW, "link " }, /* killed before it got its alias */
		{ "wireguard", "", 0, "" },
		{ "wireguard", "wirespan there", 0, "" },
		{ "wireguard", "mine", NETDEV_GROUP_NEW, "" },
		{ "dummy", "wirespan here", 0, "" },
		{ "dummy", "", NETDEV_GROUP_NEW, "" },
	};
	const struct journal_entry e = { .kind = JOURNAL_WIREGUARD, .name = "wg0" };

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		done[0] = '\0';
		snprintf(link_there.kind, sizeof(link_there.kind), "%s", table[i].kind);
		snprintf(link_there.alias, sizeof(link_there.alias), "%s", table[i].alias);
		link_there.group = table[i].group;
		assert_int_equal(kernel_undo_wireguard(&here, &e), 0);
		assert_string_equal(done, table[i].done);
	}
}

/* A tunnel is ours by its ids, and by the alias of a session's interface, if it has one. */
static void test_tunnel(void **state)
{
	struct journal_entry e = { .kind = JOURNAL_TUNNEL, .tunnel = 2, .peer = 99 };

	assert_int_equal(kernel_undo_tunnel(&here, &e), 0);
	assert_string_equal(done, ""); /* of another peer */
	e.peer = 12;
	assert_int_equal(kernel_undo_tunnel(&here, &e), 0);
	assert_string_equal(done, ""); /* made by another program since, with the same ids */
	strcpy(link_there.alias, "wirespan here");
	assert_int_equal(kernel_undo_tunnel(&here, &e), 0);
	assert_string_equal(done, "tunnel ");
}

/* Without sessions, and with one of another program after ours was deleted. */
static void test_tunnel_without_ours(void **state)
{
	struct journal_entry e = { .kind = JOURNAL_TUNNEL, .tunnel = 2, .peer = 12 };

	sessions[1].session.tunnel_id = 1;
	assert_int_equal(kernel_undo_tunnel(&here, &e), 0);
	assert_string_equal(done, "tunnel ");
	setup(state);
	e.verified = true;
	assert_int_equal(kernel_undo_tunnel(&here, &e), 0);
	assert_string_equal(done, "tunnel ");
}

/* A tunnel without the sessions that were made in it may be another program's, of the same ids; but
 * not if the last session is the last change, which was being made or undone. */
static void test_deserted(void **state)
{
	for (int newest = 0; newest < 2; newest++) {
		struct journal_entry noted[] = {
			{ .kind = JOURNAL_TUNNEL, .tunnel = 2, .peer = 12 },
			{ .kind = JOURNAL_SESSION, .tunnel = 2, .session = 3, .newest = newest },
		};

		setup(state);
		sessions[1].session.tunnel_id = 1;
		here.journal.v = noted;
		here.journal.n = 2;
		assert_int_equal(kernel_undo_session(&here, &noted[1]), 0);
		here.journal.n = 1;
		assert_int_equal(kernel_undo_tunnel(&here, &noted[0]), 0);
		assert_string_equal(done, newest ? "session tunnel " : "");
	}
	here.journal = (struct journal){ 0 };
}

/* A session is ours if its tunnel is: that has its alias, or none as it was made a moment ago. */
static void test_session(void **state)
{
	struct journal_entry noted[] = {
		{ .kind = JOURNAL_TUNNEL, .tunnel = 2, .peer = 99 },
		{ .kind = JOURNAL_SESSION, .tunnel = 2, .session = 3, .name = "l2tpeth1" },
	};
	static const struct {
		uint32_t peer;
		const char *alias;
		unsigned flags;
		bool newest;
		const char *done;
	} table[] = {
		{ 99, "wirespan here", 0, true, "" },
		{ 12, "wirespan here", IFF_UP, false, "session " },
		{ 12, "", 0, true, "session " },
		{ 12, "", 0, false, "" },
		{ 12, "", IFF_UP, true, "" },
		{ 12, "mine", 0, true, "" },
	};

	assert_int_equal(kernel_undo_session(&here, &noted[1]), 0);
	assert_string_equal(done, "");
	here.journal.v = noted;
	here.journal.n = 2;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		setup(state);
		noted[0].peer = table[i].peer;
		noted[0].verified = false;
		noted[1].newest = table[i].newest;
		strcpy(link_there.alias, table[i].alias);
		link_there.flags = table[i].flags;
		assert_int_equal(kernel_undo_session(&here, &noted[1]), 0);
		assert_string_equal(done, table[i].done);
		assert_int_equal(noted[0].verified, *table[i].done != '\0');
	}
	here.journal = (struct journal){ 0 };
}

/* Two sessions had the name of the interface when they were created: one of them is not ours. */
static void test_leftover(void **state)
{
	const struct link_info link = {
		.ifindex = 5, .name = "l2tpeth1", .alias = "wirespan here"
	};

	snprintf(sessions[0].session.ifname, IF_NAMESIZE, "l2tpeth1");
	assert_int_equal(kernel_remove_leftover(&here, &link), -ENOTUNIQ);
	assert_string_equal(done, "");
	setup(state);
	assert_int_equal(kernel_remove_leftover(&here, &link), 1);
	assert_string_equal(done, "tunnel ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_wireguard, setup),
		cmocka_unit_test_setup(test_tunnel, setup),
		cmocka_unit_test_setup(test_tunnel_without_ours, setup),
		cmocka_unit_test_setup(test_deserted, setup),
		cmocka_unit_test_setup(test_session, setup),
		cmocka_unit_test_setup(test_leftover, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
