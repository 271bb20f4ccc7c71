/* SPDX-License-Identifier: MIT */
/* Fuzz target: a configuration file, and after the first NUL NUL the WireGuard file it may include.
 * A site without errors is printed, and parsing the text must give an equal site. */
#include "fuzz/target.h"

#include <string.h>

#include "conf/check.h"
#include "conf/complete.h"
#include "conf/parse.h"
#include "conf/print.h"
#include "conf/test_conf.h"

static void parse(const uint8_t *data, size_t len, size_t main_len, struct conf_site *site,
	struct conf_report *report)
{
	struct conf_source source = {
		.name = "a.conf", .folder = "/a", .bytes = data, .len = main_len
	};

	conf_site_init(site);
	EXPECT(!conf_parse(site, &source, report));
	if (site->wireguard && main_len < len) {
		source = (struct conf_source){ .name = "b.conf",
			.folder = "/b",
			.bytes = data + main_len + 2,
			.len = len - main_len - 2 };
		EXPECT(!conf_parse_wireguard(site, &source, report));
	}
	conf_complete(site, report);
}

/* Every problem has a valid position and can be formatted. */
static void check_report(struct conf_report *report, const struct conf_site *site)
{
	conf_report_sort(report);
	for (size_t i = 0; i < report->n; i++) {
		char *text = conf_problem_text(&report->v[i], site);

		EXPECT(text && report->v[i].at.file <= 1 && report->v[i].hint);
		free(text);
	}
}

/* Print a site without errors and parse it again. */
static void round_trip(
	const struct conf_site *site, const uint8_t *data, size_t len, size_t main_len)
{
	struct conf_report report = { 0 };
	struct conf_site again;
	size_t text_len;
	char *text;
	uint8_t *both;
	size_t rest = len > main_len ? len - main_len : 0;

	EXPECT(!conf_print(site, NULL, &text, &text_len));
	both = malloc(text_len + rest + 1);
	EXPECT(both);
	memcpy(both, text, text_len);
	memcpy(both + text_len, data + main_len, rest);
	parse(both, text_len + rest, text_len, &again, &report);
	EXPECT(conf_report_ok(&report));
	EXPECT(test_conf_equal(site, &again));
	conf_report_fini(&report);
	conf_site_fini(&again);
	free(both);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const uint8_t *second = memmem(data, len, "\0", 2);
	size_t main_len = second ? (size_t)(second - data) : len;
	struct conf_report report = { 0 };
	struct conf_site site;
	bool ok;

	parse(data, len, main_len, &site, &report);
	ok = conf_report_ok(&report);
	conf_check(&site, site.interface.private_key, &report);
	check_report(&report, &site);
	/* a path and a missing included file look the same here */
	if (ok && (!site.wireguard || second))
		round_trip(&site, data, len, main_len);
	conf_report_fini(&report);
	conf_site_fini(&site);
	return 0;
}
