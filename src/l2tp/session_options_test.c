/* SPDX-License-Identifier: MIT */
/* Tests of the table of a session's options: each row can be parsed, printed and shown. */
#include "l2tp/session_options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* A value of the option that differs from its initial value. */
static uint32_t other_value(const struct l2tp_option *row)
{
	if (row->n_words)
		return row->initial ? 0 : 1;
	return row->initial == row->min ? row->max : row->min;
}

static bool is_valid(const struct l2tp_option *row, uint32_t value)
{
	return value < row->n_words || (value >= row->min && value <= row->max);
}

/* No row is missing, and no value means two things. */
static void test_rows(void **state)
{
	for (size_t i = 0; i < L2TP_OPTIONS; i++) {
		const struct l2tp_option *row = &l2tp_option_rows[i];

		assert_non_null(row->key);
		assert_non_null(row->status);
		assert_true(row->n_words > 1 || row->max > row->min);
		assert_true(!row->max || (row->noun && row->min >= row->n_words));
		assert_true(is_valid(row, row->initial));
		assert_true(!row->off || (row->off != row->initial && is_valid(row, row->off)));
		for (uint32_t w = 0; w < row->n_words; w++)
			assert_non_null(row->words[w]);
		assert_null(l2tp_option_word(row, row->n_words));
		for (size_t k = 0; k < i; k++) {
			assert_string_not_equal(row->key, l2tp_option_rows[k].key);
			assert_string_not_equal(row->status, l2tp_option_rows[k].status);
		}
	}
}

/* Changing one option is seen by the comparison, and replaces the session unless it is live. */
static void test_each_option(void **state)
{
	struct l2tp_options a;
	struct l2tp_options b;

	l2tp_options_init(&a);
	for (size_t i = 0; i < L2TP_OPTIONS; i++) {
		uint32_t other = other_value(&l2tp_option_rows[i]);

		l2tp_options_init(&b);
		assert_false(l2tp_options_need_replace(&a, &b));
		l2tp_options_set(&b, i, other);
		assert_int_equal(l2tp_options_get(&b, i), other);
		assert_int_equal(l2tp_options_need_replace(&a, &b), !l2tp_option_rows[i].live);
	}
}

/* The members are where the table expects them. */
static void test_members(void **state)
{
	const struct l2tp_options o = { L2TP_SUBLAYER_NONE, L2TP_SEQUENCE_RECV, 1300,
		L2TP_OVERSIZE_DROP };

	assert_int_equal(l2tp_options_get(&o, L2TP_OPTION(sublayer)), L2TP_SUBLAYER_NONE);
	assert_int_equal(l2tp_options_get(&o, L2TP_OPTION(sequence)), L2TP_SEQUENCE_RECV);
	assert_int_equal(l2tp_options_get(&o, L2TP_OPTION(clamp_mss)), 1300);
	assert_int_equal(l2tp_options_get(&o, L2TP_OPTION(oversize)), L2TP_OVERSIZE_DROP);
	assert_string_equal(l2tp_option_rows[L2TP_OPTION(oversize)].key, "Oversize");
	assert_string_equal(
		l2tp_option_word(&l2tp_option_rows[L2TP_OPTION(oversize)], o.oversize), "drop");
}

static void test_mss(void **state)
{
	struct l2tp_options o;

	l2tp_options_init(&o);
	assert_int_equal(o.clamp_mss, L2TP_CLAMP_PATH);
	assert_int_equal(l2tp_options_mss(&o), 0);
	o.clamp_mss = L2TP_CLAMP_OFF;
	assert_int_equal(l2tp_options_mss(&o), 0);
	o.clamp_mss = 64;
	assert_int_equal(l2tp_options_mss(&o), 64);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_each_option),
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_mss),
	};

	return cmocka_run_group_tests_name("l2tp_session_options", tests, NULL, NULL);
}
