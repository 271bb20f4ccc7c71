/* SPDX-License-Identifier: MIT */
/* Tests of when a difference is restored: at once, later, or not any more. */
#include "host/ledger.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/bytes.h"

static const struct difference down = { .kind = DIFFERENCE_DOWN, .name = "br-l2tp0" };
static const struct difference waiting = {
	.kind = DIFFERENCE_ABSENT, .remedy = DIFFERENCE_WAIT, .name = "eth1"
};

static struct mono at_ms(uint64_t ms)
{
	return (struct mono){ 1000 * NS_PER_S + ms * NS_PER_MS };
}

/** A comparison that finds `difference`, or nothing if it is NULL; it is restored if that is due.
 * Return: what is done. */
static enum ledger_verdict compare(
	struct ledger *l, const struct difference *difference, uint64_t ms)
{
	enum ledger_verdict verdict = LEDGER_WAIT;

	ledger_begin(l);
	if (difference) {
		struct ledger_entry *e = ledger_see(l, difference, at_ms(ms));

		assert_non_null(e);
		verdict = ledger_judge(e, at_ms(ms));
		if (verdict == LEDGER_RESTORE)
			ledger_restored(e, at_ms(ms));
	}
	ledger_end(l, at_ms(ms));
	return verdict;
}

/** Another process insists: the difference is back after each restore. */
static void test_insists(void **state)
{
	static const struct {
		uint64_t ms;
		enum ledger_verdict verdict;
	} table[] = {
		{ 0, LEDGER_RESTORE },
		{ 10, LEDGER_LATER },
		{ 900, LEDGER_LATER },
		{ 1000, LEDGER_RESTORE },
		{ 2900, LEDGER_LATER },
		{ 3000, LEDGER_RESTORE },
		{ 3010, LEDGER_LEAVE },
		{ 60000, LEDGER_LEAVE },
		{ 600000, LEDGER_LEAVE },
	};
	struct ledger l = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		assert_int_equal(compare(&l, &down, table[i].ms), table[i].verdict);
		assert_int_equal(mono_is_set(ledger_deadline(&l)),
			table[i].verdict == LEDGER_LATER ||
				(table[i].verdict == LEDGER_RESTORE && table[i].ms < 3000));
	}
	ledger_clear(&l);
}

/** What was not seen for ten minutes may be restored three times again. */
static void test_forgets(void **state)
{
	struct ledger l = { 0 };

	for (uint64_t ms = 0; ms < 3 * 5000; ms += 5000) {
		assert_int_equal(compare(&l, &down, ms), LEDGER_RESTORE);
		(void)compare(&l, NULL, ms + 100);
		assert_false(mono_is_set(ledger_deadline(&l)));
	}
	assert_int_equal(compare(&l, &down, 20000), LEDGER_LEAVE);
	(void)compare(&l, NULL, 20100);
	assert_int_equal(l.n, 1);
	(void)compare(&l, NULL, 20000 + 600 * 1000);
	assert_int_equal(l.n, 0);
	assert_int_equal(compare(&l, &down, 700 * 1000), LEDGER_RESTORE);
	ledger_clear(&l);
}

/** Members are waited for, and each difference has its own count. */
static void test_separate(void **state)
{
	struct ledger l = { 0 };
	struct difference other = down;

	assert_int_equal(compare(&l, &waiting, 0), LEDGER_WAIT);
	assert_int_equal(compare(&l, &down, 1), LEDGER_RESTORE);
	other.ifindex = 7;
	assert_int_equal(compare(&l, &other, 2), LEDGER_RESTORE);
	other.remedy = DIFFERENCE_LEAVE;
	assert_int_equal(compare(&l, &other, 3), LEDGER_LEAVE);
	assert_int_equal(l.n, 3);
	assert_non_null(ledger_find(&l, &waiting));
	assert_false(ledger_find(&l, &waiting)->present);
	ledger_clear(&l);
	assert_null(ledger_find(&l, &waiting));
}

/** Another program gets time to set up its bridge, each time that it makes it. */
static void test_later(void **state)
{
	struct ledger l = { 0 };
	struct difference port = down;

	port.later = true;
	for (uint64_t ms = 0; ms < 20000; ms += 10000) {
		assert_int_equal(compare(&l, &port, ms), LEDGER_LATER);
		assert_true(mono_is_set(ledger_deadline(&l)));
		assert_int_equal(compare(&l, &port, ms + 2900), LEDGER_LATER);
		assert_int_equal(compare(&l, &port, ms + 3100), LEDGER_RESTORE);
		(void)compare(&l, NULL, ms + 3200);
	}
	ledger_clear(&l);
}

/** What a hook has made is left from the beginning. */
static void test_hook(void **state)
{
	struct ledger l = { 0 };
	struct ledger_entry *e = ledger_see(&l, &down, at_ms(0));

	assert_non_null(e);
	e->insisted = true;
	assert_int_equal(compare(&l, &down, 1), LEDGER_LEAVE);
	ledger_clear(&l);
}

/** What cannot be restored is tried again for as long as it differs, and its reason is new once. */
static void test_fails(void **state)
{
	static const uint64_t due_ms[] = { 0, 1000, 3000, 7000, 15000, 31000, 47000, 63000 };
	const struct error why = { -ENOENT, "There is no module.", "" };
	const struct error other = { -ENOMEM, "There is no memory.", "" };
	struct ledger l = { 0 };
	struct ledger_entry *e;

	for (size_t i = 0; i < ARRAY_LEN(due_ms); i++) {
		ledger_begin(&l);
		e = ledger_see(&l, &down, at_ms(due_ms[i]));
		assert_non_null(e);
		if (i)
			assert_int_equal(ledger_judge(e, at_ms(due_ms[i] - 1)), LEDGER_LATER);
		assert_int_equal(ledger_judge(e, at_ms(due_ms[i])), LEDGER_RESTORE);
		assert_int_equal(ledger_failed(e, at_ms(due_ms[i]), &why), i == 0);
		ledger_end(&l, at_ms(due_ms[i]));
		assert_true(mono_is_set(ledger_deadline(&l)));
	}
	assert_true(ledger_failed(&l.v[0], at_ms(80000), &other));
	assert_int_equal(compare(&l, &down, 100000), LEDGER_RESTORE);
	assert_int_equal(l.v[0].failures, 0);
	assert_int_equal(compare(&l, &down, 100900), LEDGER_LATER); /* the failures do not count */
	assert_int_equal(compare(&l, &down, 101000), LEDGER_RESTORE);
	ledger_clear(&l);
}

/** A failure after a success is new again, though its reason is that of before. */
static void test_fails_again(void **state)
{
	const struct error why = { -ENOENT, "There is no module.", "" };
	struct ledger l = { 0 };
	struct ledger_entry *e = ledger_see(&l, &down, at_ms(0));

	assert_non_null(e);
	assert_true(ledger_failed(e, at_ms(0), &why));
	assert_false(ledger_failed(e, at_ms(1000), &why));
	ledger_restored(e, at_ms(3000));
	assert_true(ledger_failed(e, at_ms(5000), &why));
	assert_false(ledger_failed(e, at_ms(6000), &why));
	ledger_begin(&l);
	ledger_end(&l, at_ms(7000));
	e = ledger_see(&l, &down, at_ms(8000));
	assert_non_null(e);
	assert_true(ledger_failed(e, at_ms(8000), &why));
	ledger_clear(&l);
}

/** resolvconf is not run again after three failures; after an absence, it is. */
static void test_dns_fails(void **state)
{
	static const struct difference dns = { .kind = DIFFERENCE_DNS, .name = "wg0" };
	const struct error why = { -ECANCELED, "resolvconf failed.", "" };
	struct ledger l = { 0 };

	for (unsigned i = 0; i < 4; i++) {
		struct ledger_entry *e;

		ledger_begin(&l);
		e = ledger_see(&l, &dns, at_ms(i * 60000));
		assert_non_null(e);
		assert_int_equal(ledger_judge(e, at_ms(i * 60000)),
			i < LEDGER_RESTORES_MAX ? LEDGER_RESTORE : LEDGER_LEAVE);
		assert_int_equal(ledger_failed(e, at_ms(i * 60000), &why), i == 0);
		ledger_end(&l, at_ms(i * 60000));
	}
	assert_int_equal(compare(&l, &dns, 300000), LEDGER_LEAVE);
	assert_int_equal(compare(&l, NULL, 310000), LEDGER_WAIT);
	assert_int_equal(compare(&l, &dns, 320000), LEDGER_RESTORE);
	ledger_clear(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_insists),
		cmocka_unit_test(test_forgets),
		cmocka_unit_test(test_separate),
		cmocka_unit_test(test_later),
		cmocka_unit_test(test_hook),
		cmocka_unit_test(test_fails),
		cmocka_unit_test(test_fails_again),
		cmocka_unit_test(test_dns_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
