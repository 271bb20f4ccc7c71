/* SPDX-License-Identifier: MIT */
/* Tests of which tunnels and sessions are deleted and created, and in which order they are
 * journalled, with a kernel that only records the requests. */
#include "backend/kernel_sessions.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/l2tp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "conf/test_conf.h"
#include "host/undo.h"
#include "netlink/l2tp_nl.h"
#include "netlink/query.h"

int __wrap_l2tpnl_tunnels(struct nl_socket *nl, uint16_t family, struct l2tpnl_tunnel_list *ret);
int __wrap_l2tpnl_sessions(struct nl_socket *nl, uint16_t family, struct l2tpnl_session_list *ret);
int __wrap_nl_request(struct nl_socket *nl, struct nl_msg *m);
int __wrap_query_link(struct nl_socket *nl, const char *name, struct link_info *ret);
int __wrap_undo_entry(struct netdev *m, size_t i);
int __wrap_netdev_refuse_ra(struct netdev *m, const char *name);
int __wrap_genl_resolve(struct nl_socket *nl, const char *name, uint16_t *ret_id);

#define FAMILY 99 /* id of the kernel's L2TP */

/* What the kernel has. */
static struct l2tpnl_tunnel_info tunnels[4];
static size_t n_tunnels;
static struct l2tpnl_session_info sessions[4];
static size_t n_sessions;
static bool interface_lost;

static char done[1024];
static const char *fails; /* this request */
static int failure = -EADDRNOTAVAIL;
static int l2tp_module; /* 0, or -ENOENT: missing */

static void note(const char *text)
{
	size_t len = strlen(done);

	snprintf(done + len, sizeof(done) - len, "%s%s", len ? ", " : "", text);
}

static void *copy_of(const void *v, size_t size)
{
	void *copy = malloc(size + 1);

	assert_non_null(copy);
	if (size)
		memcpy(copy, v, size);
	return copy;
}

int __wrap_l2tpnl_tunnels(struct nl_socket *nl, uint16_t family, struct l2tpnl_tunnel_list *ret)
{
	ret->v = copy_of(tunnels, n_tunnels * sizeof(*tunnels));
	ret->n = n_tunnels;
	return 0;
}

int __wrap_l2tpnl_sessions(struct nl_socket *nl, uint16_t family, struct l2tpnl_session_list *ret)
{
	ret->v = copy_of(sessions, n_sessions * sizeof(*sessions));
	ret->n = n_sessions;
	return 0;
}

static const char *name_of(const struct nl_msg *m)
{
	struct genlmsghdr head;

	memcpy(&head, m->bytes + sizeof(m->head), sizeof(head));
	if (m->head.nlmsg_type != FAMILY)
		return "link";
	switch (head.cmd) {
	case L2TP_CMD_TUNNEL_CREATE:
		return "new tunnel";
	case L2TP_CMD_SESSION_CREATE:
		return "new session";
	case L2TP_CMD_SESSION_MODIFY:
		return "modify session";
	default:
		return "unknown";
	}
}

int __wrap_nl_request(struct nl_socket *nl, struct nl_msg *m)
{
	note(name_of(m));
	return fails && !strcmp(fails, name_of(m)) ? failure : 0;
}

int __wrap_query_link(struct nl_socket *nl, const char *name, struct link_info *ret)
{
	*ret = (struct link_info){ .ifindex = 5, .alias = "wirespan here" };
	return interface_lost ? -ENODEV : 0;
}

/* As the real one, in the kernel above. */
int __wrap_undo_entry(struct netdev *m, size_t i)
{
	const struct journal_entry e = m->journal.v[i];

	note(e.kind == JOURNAL_TUNNEL ? "del tunnel" : "del session");
	if (e.kind == JOURNAL_TUNNEL)
		n_tunnels = 0;
	n_sessions = 0;
	interface_lost = false;
	journal_remove(&m->journal, i);
	return 0;
}

int __wrap_netdev_refuse_ra(struct netdev *m, const char *name)
{
	return 0;
}

int __wrap_genl_resolve(struct nl_socket *nl, const char *name, uint16_t *ret_id)
{
	*ret_id = FAMILY;
	return l2tp_module;
}

#define SITE(tunnel, session)                                                                      \
	"[Interface]\nPrivateKey = yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=\n"                 \
	"Address = 10.0.1.1/24\n[Peer]\nPublicKey = "                                              \
	"xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=\nAllowedIPs = 10.0.1.2/32\n"                 \
	"[L2TP]\nTunnelId = 1\nPeerTunnelId = 2\nLocal = 10.0.1.1\nRemote = 10.0.1.2\n" tunnel     \
	"[L2TPSession]\nSessionId = 3\nPeerSessionId = 4\nBridge = none\n" session
#define PLAIN SITE("", "")
#define NONE                                                                                       \
	"[Interface]\nPrivateKey = yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=\n"                 \
	"Address = 10.0.1.1/24\n"

/* The kernel has what PLAIN asks for, or nothing. */
static void set_kernel(bool plain)
{
	n_tunnels = n_sessions = plain;
	interface_lost = false;
	fails = NULL;
	failure = -EADDRNOTAVAIL;
	l2tp_module = 0;
	done[0] = '\0';
	tunnels[0] = (struct l2tpnl_tunnel_info){ .tunnel = { .id = 1,
							  .peer_id = 2,
							  .local_port = CONF_L2TP_PORT,
							  .remote_port = CONF_L2TP_PORT,
							  .udp_checksum = true } };
	assert_int_equal(ip_addr_parse("10.0.1.1", &tunnels[0].tunnel.local), 0);
	assert_int_equal(ip_addr_parse("10.0.1.2", &tunnels[0].tunnel.remote), 0);
	sessions[0] = (struct l2tpnl_session_info){
		.session = { .tunnel_id = 1, .id = 3, .peer_id = 4, .ifname = "l2tpeth0" }
	};
}

static void set_journal(struct netdev *m, bool plain)
{
	const struct journal_entry tunnel = { .kind = JOURNAL_TUNNEL, .tunnel = 1, .peer = 2 };
	const struct journal_entry session = {
		.kind = JOURNAL_SESSION, .tunnel = 1, .session = 3, .name = "l2tpeth0"
	};

	assert_int_equal(journal_init(&m->journal, "here"), 0);
	if (plain) {
		assert_int_equal(journal_push(&m->journal, &tunnel), 0);
		assert_int_equal(journal_push(&m->journal, &session), 0);
	}
}

static int make(bool plain, const char *text, struct netdev *m, struct error *error)
{
	struct kernel_netlink k = { 0 };
	struct conf_site conf;
	int err;

	set_journal(m, plain);
	snprintf(m->alias, sizeof(m->alias), "wirespan here");
	test_conf(&conf, "here", text);
	err = kernel_sessions_make(&k, m, &conf, error);
	conf_site_fini(&conf);
	return err;
}

/* Changes of the running site PLAIN. "link" is the alias of a new interface. */
static const struct {
	const char *conf;
	const char *done;
} table[] = {
	{ PLAIN, "" },
	{ NONE, "del session, del tunnel" },
	{ SITE("", "Sequence = both\n"), "modify session" },
	{ SITE("", "Cookie = 01020304\n"), "del session, new session, link" },
	{ SITE("", "PeerCookie = 01020304\n"), "del session, new session, link" },
	{ SITE("", "Layer2SpecificHeader = none\n"), "del session, new session, link" },
	{ SITE("", "Name = wire\n"), "del session, new session, link" },
	{ SITE("", "ClampMSS = no\nMTU = 1400\nSplitHorizon = yes\n"), "" },
	{ SITE("UDPChecksum = yes\n", ""), "" },
	{ SITE("UDPChecksum = no\n", ""),
		"del session, del tunnel, new tunnel, new session, link" },
	{ SITE("UDPSourcePort = 1702\n", ""),
		"del session, del tunnel, new tunnel, new session, link" },
	{ SITE("EncapsulationType = ip\n", ""),
		"del session, del tunnel, new tunnel, new session, link" },
};

static void test_differences(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct netdev m = { 0 };
		struct error error;

		set_kernel(true);
		assert_int_equal(make(true, table[i].conf, &m, &error), 0);
		assert_string_equal(done, table[i].done);
		journal_fini(&m.journal);
	}
}

static void test_new(void **state)
{
	struct netdev m = { 0 };
	struct error error;

	set_kernel(false);
	assert_int_equal(make(false, PLAIN, &m, &error), 0);
	assert_string_equal(done, "new tunnel, new session, link");
	assert_int_equal(m.journal.n, 2);
	assert_int_equal(m.journal.v[0].kind, JOURNAL_TUNNEL);
	assert_int_equal(m.journal.v[0].peer, 2);
	assert_int_equal(m.journal.v[1].kind, JOURNAL_SESSION);
	assert_string_equal(m.journal.v[1].name, "l2tpeth0");
	journal_fini(&m.journal);
}

/* What another program has is neither taken nor deleted. */
static void test_foreign(void **state)
{
	struct netdev m = { 0 };
	struct error error;

	set_kernel(true);
	assert_int_equal(make(false, PLAIN, &m, &error), -EEXIST);
	assert_string_equal(done, "");
	assert_int_equal(m.journal.n, 0);
	assert_non_null(strstr(error.problem, "There is an L2TP tunnel 1 already"));
	assert_non_null(strstr(error.hint, "TunnelId"));
	set_kernel(true);
	assert_int_equal(make(false, NONE, &m, &error), 0);
	assert_string_equal(done, "");
}

/* What another program has made after the list was read is not journalled, hence not undone. */
static void test_foreign_meanwhile(void **state)
{
	struct netdev m = { 0 };
	struct error error;

	set_kernel(false);
	fails = "new tunnel";
	failure = -EEXIST;
	assert_int_equal(make(false, PLAIN, &m, &error), -EEXIST);
	assert_int_equal(m.journal.n, 0);
	assert_non_null(strstr(error.hint, "TunnelId"));
	journal_fini(&m.journal);
	set_kernel(false);
	fails = "new session";
	failure = -EEXIST;
	assert_int_equal(make(false, PLAIN, &m, &error), -EEXIST);
	assert_int_equal(m.journal.n, 1);
	assert_int_equal(m.journal.v[0].kind, JOURNAL_TUNNEL);
	journal_fini(&m.journal);
}

/* A site without tunnels does not need the module. */
static void test_without_module(void **state)
{
	struct netdev m = { 0 };
	struct error error;

	set_kernel(false);
	l2tp_module = -ENOENT;
	assert_int_equal(make(false, NONE, &m, &error), 0);
	assert_int_equal(make(false, PLAIN, &m, &error), -ENOENT);
	assert_non_null(strstr(error.problem, "l2tp_netlink"));
	assert_string_equal(done, "");
}

/* A session whose interface was deleted is made again. */
static void test_lost_interface(void **state)
{
	struct netdev m = { 0 };
	struct error error;

	set_kernel(true);
	interface_lost = true;
	assert_int_equal(make(true, PLAIN, &m, &error), 0);
	assert_string_equal(done, "del session, new session, link");
	journal_fini(&m.journal);
	set_kernel(false);
	assert_int_equal(make(true, PLAIN, &m, &error), 0);
	assert_string_equal(done, "del session, del tunnel, new tunnel, new session, link");
	journal_fini(&m.journal);
}

/* The object of a failed request is in the journal already, and the error names what was tried. */
static void test_error(void **state)
{
	struct netdev m = { 0 };
	struct error error;

	set_kernel(false);
	fails = "new tunnel";
	assert_int_equal(make(false, PLAIN, &m, &error), -EADDRNOTAVAIL);
	assert_int_equal(m.journal.n, 1);
	assert_non_null(strstr(error.problem,
		"\"ip l2tp add tunnel tunnel_id 1 peer_tunnel_id 2 encap udp local 10.0.1.1"));
	assert_non_null(strstr(error.hint, "Local must be an Address"));
	journal_fini(&m.journal);
	set_kernel(false);
	fails = "new session";
	assert_int_equal(make(false, PLAIN, &m, &error), -EADDRNOTAVAIL);
	assert_int_equal(m.journal.n, 2);
	assert_non_null(strstr(error.problem, "session_id 3 peer_session_id 4"));
	journal_fini(&m.journal);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_differences),
		cmocka_unit_test(test_new),
		cmocka_unit_test(test_foreign),
		cmocka_unit_test(test_foreign_meanwhile),
		cmocka_unit_test(test_without_module),
		cmocka_unit_test(test_lost_interface),
		cmocka_unit_test(test_error),
	};
	char folder[] = "/tmp/wirespan-sessions-XXXXXX";
	char file[64];
	int failed;

	if (!mkdtemp(folder) || setenv("WIRESPAN_RUNDIR", folder, 1) < 0)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	snprintf(file, sizeof(file), "%s/here.state", folder);
	unlink(file);
	rmdir(folder);
	return failed;
}
