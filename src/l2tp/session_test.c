/* SPDX-License-Identifier: MIT */
/* Tests of the table: what is found, against a plain scan, through adding and removing. */
#include "l2tp/session.h"

#include "base/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>

#include <cmocka.h>

#define TUNNELS	 600
#define SESSIONS 1200

static struct l2tp_table table;
static struct l2tp_tunnel tunnels[TUNNELS];
static struct l2tp_session sessions[SESSIONS];

/* Many tunnels: a few addresses with many ports, many addresses, both families, both
 * encapsulations. */
static void make_tunnel(struct l2tp_tunnel *t, unsigned i)
{
	bool v6 = i % 3 == 0;
	uint8_t local[16] = { 0xfd, 0, 0, 1 }, remote[16] = { 0xfd, 0, 0, 2 };

	remote[v6 ? 15 : 3] = (uint8_t)(i / 4);
	*t = (struct l2tp_tunnel){
		.local = v6 ? ip_addr_v6(local) : ip_addr_v4(local),
		.remote = v6 ? ip_addr_v6(remote) : ip_addr_v4(remote),
		.encap = i % 4 == 3 ? L2TP_ENCAP_IP : L2TP_ENCAP_UDP,
		.local_port = 1701,
		.remote_port = (uint16_t)(1701 + i % 4),
	};
}

static void fill(void)
{
	l2tp_table_init(&table);
	for (unsigned i = 0; i < TUNNELS; i++) {
		make_tunnel(&tunnels[i], i);
		assert_int_equal(l2tp_table_add_tunnel(&table, &tunnels[i]), 0);
	}
	for (unsigned i = 0; i < SESSIONS; i++) {
		/* ids repeat in other tunnels, never in the same */
		sessions[i] = (struct l2tp_session){
			.tunnel = &tunnels[i % TUNNELS],
			.id = 1 + i / TUNNELS + i % 7,
			.peer_id = 1,
			.frame_max = 1500,
		};
		assert_int_equal(l2tp_session_init(&sessions[i]), 0);
		assert_int_equal(l2tp_table_add_session(&table, &sessions[i]), 0);
	}
}

static struct l2tp_tunnel *find(const struct l2tp_tunnel *t)
{
	return l2tp_table_find_tunnel(&table, t->local.family, t->remote.bytes, t->local.bytes,
		t->encap, t->remote_port, t->local_port);
}

static void test_finds_all(void **state)
{
	fill();
	for (unsigned i = 0; i < TUNNELS; i++) {
		struct l2tp_tunnel other = tunnels[i];

		assert_ptr_equal(find(&tunnels[i]), &tunnels[i]);
		assert_true(l2tp_table_has_pair(
			&table, other.local.family, other.remote.bytes, other.local.bytes));
		if (other.encap == L2TP_ENCAP_IP)
			continue;
		other.local_port++;
		assert_null(find(&other));
	}
	for (unsigned i = 0; i < SESSIONS; i++)
		assert_ptr_equal(
			l2tp_table_find_session(&table, sessions[i].tunnel, sessions[i].id),
			&sessions[i]);
	assert_null(l2tp_table_find_session(&table, &tunnels[0], 0xffffffff));
}

static void test_refuses_twins(void **state)
{
	struct l2tp_tunnel t;
	struct l2tp_session s = { 0 };

	fill();
	t = tunnels[5];
	assert_int_equal(l2tp_table_add_tunnel(&table, &t), -EEXIST);
	t = tunnels[3];
	t.local_port = 9; /* ports are not sent, so they do not distinguish IP tunnels */
	assert_int_equal(l2tp_table_add_tunnel(&table, &t), -EEXIST);
	s.tunnel = sessions[9].tunnel;
	s.id = sessions[9].id;
	assert_int_equal(l2tp_table_add_session(&table, &s), -EEXIST);
}

/* What is removed is gone, what is not removed stays; removing twice does no harm. */
static void test_removes(void **state)
{
	fill();
	for (unsigned i = 0; i < SESSIONS; i++)
		if (i % TUNNELS % 2)
			l2tp_table_remove_session(&table, &sessions[i]);
	for (unsigned i = 1; i < TUNNELS; i += 2)
		l2tp_table_remove_tunnel(&table, &tunnels[i]);
	l2tp_table_remove_session(&table, &sessions[1]);
	l2tp_table_remove_tunnel(&table, &tunnels[1]);
	for (unsigned i = 0; i < TUNNELS; i++)
		assert_ptr_equal(find(&tunnels[i]), i % 2 ? NULL : &tunnels[i]);
	for (unsigned i = 0; i < SESSIONS; i++)
		assert_ptr_equal(
			l2tp_table_find_session(&table, sessions[i].tunnel, sessions[i].id),
			i % TUNNELS % 2 ? NULL : &sessions[i]);
	assert_int_equal(l2tp_table_add_tunnel(&table, &tunnels[1]), 0);
	assert_ptr_equal(find(&tunnels[1]), &tunnels[1]);
}

/* A pair is one in the right direction and family. */
static void test_pair_has_direction(void **state)
{
	struct l2tp_tunnel *t = &tunnels[1];
	uint8_t other[4] = { 9, 9, 9, 9 };

	fill();
	assert_true(l2tp_table_has_pair(&table, AF_INET, t->remote.bytes, t->local.bytes));
	assert_false(l2tp_table_has_pair(&table, AF_INET, t->local.bytes, t->remote.bytes));
	assert_false(l2tp_table_has_pair(&table, AF_INET, other, t->local.bytes));
	assert_false(l2tp_table_has_pair(&table, AF_INET6, t->remote.bytes, t->local.bytes));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_finds_all),
		cmocka_unit_test(test_refuses_twins),
		cmocka_unit_test(test_removes),
		cmocka_unit_test(test_pair_has_direction),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
