/* SPDX-License-Identifier: MIT */
/* What a configuration file means: its problems without their lines, then its canonical text, keys
 * included. For tests that compare files.
 *
 * Usage: canonical FILE
 */
#include <stdio.h>
#include <stdlib.h>

#include "conf/check.h"
#include "conf/load.h"
#include "conf/print.h"

int main(int argc, char **argv)
{
	struct conf_report report = { 0 };
	struct conf_site site;
	char *text = NULL;
	size_t len;

	if (argc != 2) {
		fputs("usage: canonical FILE\n", stderr);
		return 2;
	}
	if (conf_load(argv[1], &site, &report) < 0)
		return 1;
	conf_check(&site, NULL, &report);
	for (size_t i = 0; i < report.n; i++)
		printf("%s: %s\n", report.v[i].severity == CONF_ERROR ? "error" : "warning",
			report.v[i].text);
	if (conf_print(&site, NULL, &text, &len) < 0)
		return 1;
	fputs(text, stdout);
	free(text);
	conf_report_fini(&report);
	conf_site_fini(&site);
	return 0;
}
