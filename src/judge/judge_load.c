/* SPDX-License-Identifier: MIT */
/* Findings about round trips beside a load: which direction has a buffer that delays them, and the
 * rate that keeps it empty. */
#include "judge/judge_load.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"

#define RISE_MAX_US 30000 /* a longer delay is noticed in a call or a terminal */
#define RATE_LEN    32
#define RATE_MIN    70000 /* bit/s: less of it is below the smallest Bandwidth */

static bool is_bloated(const struct observed_load *load)
{
	return load->loaded_us > load->idle_us + RISE_MAX_US;
}

/* Write a rate in bit/s in the units of tc, rounded down to three digits: "18.9mbit". */
static const char *rate_text(uint64_t rate, char ret[static RATE_LEN])
{
	static const char *const units[] = { "bit", "kbit", "mbit", "gbit" };
	uint64_t unit = 1, step = 1;
	size_t n = 0;

	for (; n + 1 < ARRAY_LEN(units) && rate / unit >= 1000; n++)
		unit *= 1000;
	for (; rate / step >= 1000;)
		step *= 10;
	rate -= rate % step;
	snprintf(ret, RATE_LEN, "%.*f%s",
		step * 100 <= unit  ? 2
		: step * 10 <= unit ? 1
				    : 0,
		(double)rate / (double)unit, units[n]);
	return ret;
}

/* The rate that keeps a buffer empty: a little less than what the link behind it carries. */
static const char *bandwidth_text(uint64_t rate, char ret[static RATE_LEN])
{
	return rate_text(rate / 100 * 95, ret);
}

static double ms(uint64_t us)
{
	return (double)us / 1000;
}

/* What to do about a buffer in our direction. */
static void add_out(const struct observations *f, size_t i, struct findings *ret)
{
	const struct observed_load *load = &f->sessions[i].load_out;
	const char *underlay = f->peers[f->sessions[i].peer].underlay;
	char text[RATE_LEN], number[RATE_LEN], what[2 * RATE_LEN + IF_NAMESIZE + 40];

	bandwidth_text(load->rate, number);
	if (strcmp(f->after.backend, "kernel") != 0)
		snprintf(what, sizeof(what), "Bandwidth = %s in [Interface]", number);
	else
		snprintf(what, sizeof(what), "`tc qdisc replace dev %s root cake bandwidth %s`",
			*underlay ? underlay : "UNDERLAY", number);
	finding_add(ret, FINDING_WARNING, "load", f->after.sessions[i].name,
		"Beside a load in our direction a round trip takes %.0f ms instead of %.1f: a "
		"buffer behind this host holds what is more than %s.\n"
		"%s here keeps that buffer empty. Or less, if other traffic shares that link.",
		ms(load->loaded_us), ms(load->idle_us), rate_text(load->rate, text), what);
}

/* And about one in the opposite direction, which only the far end can keep empty. */
static void add_in(const struct observations *f, size_t i, struct findings *ret)
{
	const struct observed_load *load = &f->sessions[i].load_both;
	char text[RATE_LEN], number[RATE_LEN];

	finding_add(ret, FINDING_WARNING, "load", f->after.sessions[i].name,
		"Beside a load from the peer a round trip takes %.0f ms instead of %.1f: a buffer "
		"on the path to us holds what is more than %s. Our direction has no such buffer.\n"
		"Bandwidth = %s there, in the [Peer] of this site, keeps that buffer empty. Or "
		"less, if other traffic shares that link. (In [Interface] there, if the link of "
		"that site is the narrow one: `wirespan check --load` there names it.)",
		ms(load->loaded_us), ms(load->idle_us), rate_text(load->rate, text),
		bandwidth_text(load->rate, number));
}

void judge_load(const struct observations *f, size_t i, struct findings *ret)
{
	const struct observed_load *out = &f->sessions[i].load_out;
	const struct observed_load *both = &f->sessions[i].load_both;
	char rate_out[RATE_LEN], rate_both[RATE_LEN];
	const char *name = f->after.sessions[i].name;

	if (!out->size)
		return;
	if (!out->idle_us || !out->loaded_us || out->rate < RATE_MIN)
		finding_add(ret, FINDING_NOTE, "load", name,
			"Round trips beside a load could not be measured: too few replies came.\n"
			"Is the path very slow or lossy? Try it again when it is idle.");
	else if (is_bloated(out))
		add_out(f, i, ret);
	else if (is_bloated(both) && both->rate >= RATE_MIN)
		add_in(f, i, ret);
	else
		finding_add(ret, FINDING_OK, "load", name,
			"A round trip takes %.1f ms; %.1f beside a load of %s in our direction, "
			"%.1f with one of %s each way.",
			ms(out->idle_us), ms(out->loaded_us), rate_text(out->rate, rate_out),
			ms(both->loaded_us), rate_text(both->rate, rate_both));
}
