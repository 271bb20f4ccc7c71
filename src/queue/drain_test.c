/* SPDX-License-Identifier: MIT */
/* Tests of the meter: what is unsent and how fast it leaves, by a kernel's own accounting. */
#include "queue/drain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* A link that sends packets in order at a rate, and counts `charge` for each. */
struct link {
	uint64_t rate;
	unsigned n;
	struct {
		uint64_t charge, bytes;
		uint64_t gone_at;
	} packets[1000];
};

static void link_send(struct link *k, uint64_t charge, uint64_t bytes, uint64_t now)
{
	uint64_t from = k->n ? k->packets[k->n - 1].gone_at : 0;

	from = from > now ? from : now;
	k->packets[k->n].charge = charge;
	k->packets[k->n].bytes = bytes;
	k->packets[k->n++].gone_at = from + bytes * NS_PER_S / k->rate;
}

static uint64_t link_unsent(const struct link *k, uint64_t now, bool charge)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < k->n; i++)
		if (k->packets[i].gone_at > now)
			sum += charge ? k->packets[i].charge : k->packets[i].bytes;
	return sum;
}

static uint64_t after(uint64_t ms)
{
	return NS_PER_S + ms * NS_PER_MS;
}

/* Packets of sizes whose charge is 1.1 to 8 times as much: the bytes are exact to a packet. */
static void test_bytes(void **state)
{
	struct link k = { .rate = 2500000 };
	struct drain d = { 0 };

	for (unsigned i = 0; i < 100; i++) {
		size_t bytes = i % 3 ? 1400 : 100;

		drain_look(&d, link_unsent(&k, after(0), true), false, (struct mono){ after(0) });
		link_send(&k, i % 3 ? 2304 : 800, bytes, after(0));
		drain_sent(&d, bytes, i % 3 ? 2304 : 800, (struct mono){ after(0) });
	}
	assert_int_equal(d.bytes, link_unsent(&k, after(0), false));
	for (uint64_t ms = 1; ms < 45; ms += 3) {
		drain_look(&d, link_unsent(&k, after(ms), true), false, (struct mono){ after(ms) });
		assert_int_equal(d.bytes, link_unsent(&k, after(ms), false));
		assert_int_equal(
			drain_age(&d, (struct mono){ after(ms) }), d.bytes ? ms * NS_PER_MS : 0);
	}
}

/* A train leaves by and by, although the kernel counts it until its end, or in part. */
static void test_part(void **state)
{
	struct drain d = { 0 };
	const struct mono now = { NS_PER_S };

	drain_look(&d, 0, false, now);
	drain_sent(&d, 28000, 30000, now);
	drain_look(&d, 15000, false, now);
	assert_int_equal(d.bytes, 14000);
	drain_look(&d, 0, false, now);
	assert_int_equal(d.bytes, 0);
	assert_int_equal(d.n, 0);
	/* more than was recorded, as from a send that was not measured */
	drain_look(&d, 5000, false, now);
	assert_int_equal(d.bytes, 0);
}

/* More sends than there is room for: none is lost. */
static void test_many(void **state)
{
	struct drain d = { 0 };
	const struct mono now = { NS_PER_S };

	for (unsigned i = 0; i < 3 * DRAIN_GROUPS; i++) {
		drain_look(&d, (uint64_t)i * 2000, false, now);
		drain_sent(&d, 1000, 2000, now);
	}
	assert_int_equal(d.bytes, 3 * DRAIN_GROUPS * 1000);
	drain_look(&d, 2000, false, now);
	assert_in_range(d.bytes, 900, 1100);
	drain_look(&d, 0, false, now);
	assert_int_equal(d.bytes, 0);
}

/* Send in each millisecond until `ahead` bytes are unsent; the rate that is measured after 2 s. */
static uint64_t measured(uint64_t rate, uint64_t ahead, bool waiting, unsigned every_ms)
{
	struct drain d = { 0 };

	for (uint64_t ms = 0; ms < 2000; ms += every_ms) {
		static struct link k;
		struct mono now = { after(ms) };

		if (!ms)
			k = (struct link){ .rate = rate };
		if (k.n > 900) {
			unsigned left = 0;

			for (unsigned i = 0; i < k.n; i++)
				if (k.packets[i].gone_at > now.ns)
					k.packets[left++] = k.packets[i];
			k.n = left;
		}
		drain_look(&d, link_unsent(&k, now.ns, true), waiting, now);
		while (link_unsent(&k, now.ns, false) < ahead) {
			link_send(&k, 2304, 1400, now.ns);
			drain_sent(&d, 1400, 2304, now);
		}
	}
	return d.rate;
}

static void test_rate(void **state)
{
	/* never dry: exact to a packet in each window */
	assert_in_range(measured(125000, 3000, true, 1), 110000, 140000);
	assert_in_range(measured(2500000, 10000, true, 1), 2375000, 2625000);
	assert_in_range(measured(2500000, 10000, false, 1), 2375000, 2625000);
	assert_in_range(measured(125000000, 500000, true, 1), 120000000, 130000000);
	/* dry at each look: at least what was given, and raised while frames wait */
	assert_in_range(measured(2500000, 3000, true, 4), 1000000, 4200000);
	assert_in_range(measured(2500000, 3000, false, 4), 700000, 1100000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_part),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
