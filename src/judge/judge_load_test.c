/* SPDX-License-Identifier: MIT */
/* Tests of findings about round trips beside a load. */
#include "judge/judge_load.h"

#include "judge/sample.h"

static void load(struct observations *f, uint64_t rate, uint64_t out_us, uint64_t both_us)
{
	f->sessions[0].load_out = (struct observed_load){ 1386, rate, 400, out_us };
	f->sessions[0].load_both = (struct observed_load){ 1386, rate / 2, 400, both_us };
}

static void note_fast(struct observations *f)
{
	load(f, 948765432, 2500, 30400); /* just not too much */
}

static void break_out(struct observations *f)
{
	load(f, 20030000, 30401, 900000);
}

static void break_out_kernel(struct observations *f)
{
	break_out(f);
	strcpy(f->after.backend, "kernel");
}

static void break_out_slow(struct observations *f)
{
	load(f, 999999, 380000, 0);
}

static void break_in(struct observations *f)
{
	load(f, 4000000000, 5000, 345600);
}

static void note_without_replies(struct observations *f)
{
	load(f, 20000000, 0, 0);
}

static void note_too_slow(struct observations *f)
{
	load(f, 69999, 900000, 900000);
}

static const struct fault faults[] = {
	{ note_fast, FINDING_OK, "load",
		"A round trip takes 0.4 ms; 2.5 beside a load of 948mbit in our direction, 30.4 "
		"with one of 474mbit each way.",
		"" },
	{ break_out, FINDING_WARNING, "load",
		"Beside a load in our direction a round trip takes 30 ms instead of 0.4: a buffer "
		"behind this host holds what is more than 20.0mbit.",
		"Bandwidth = 19.0mbit in [Interface] here keeps that buffer empty. Or less, if "
		"other traffic shares that link." },
	{ break_out_kernel, FINDING_WARNING, "load",
		"Beside a load in our direction a round trip takes 30 ms instead of 0.4: a buffer "
		"behind this host holds what is more than 20.0mbit.",
		"`tc qdisc replace dev eth0 root cake bandwidth 19.0mbit` here keeps that buffer "
		"empty. Or less, if other traffic shares that link." },
	{ break_out_slow, FINDING_WARNING, "load",
		"Beside a load in our direction a round trip takes 380 ms instead of 0.4: a buffer "
		"behind this host holds what is more than 999kbit.",
		"Bandwidth = 949kbit in [Interface] here keeps that buffer empty. Or less, if "
		"other traffic shares that link." },
	{ break_in, FINDING_WARNING, "load",
		"Beside a load from the peer a round trip takes 346 ms instead of 0.4: a buffer on "
		"the path to us holds what is more than 2.00gbit. Our direction has no such "
		"buffer.",
		"Bandwidth = 1.90gbit there, in the [Peer] of this site, keeps that buffer empty. "
		"Or less, if other traffic shares that link. (In [Interface] there, if the link of "
		"that site is the narrow one: `wirespan check --load` there names it.)" },
	{ note_without_replies, FINDING_NOTE, "load",
		"Round trips beside a load could not be measured: too few replies came.", NULL },
	{ note_too_slow, FINDING_NOTE, "load",
		"Round trips beside a load could not be measured: too few replies came.", NULL },
};

static void test_faults(void **state)
{
	sample_check_faults(faults, ARRAY_LEN(faults));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_faults) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
