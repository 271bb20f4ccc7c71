/* SPDX-License-Identifier: MIT */
/* For tests: a configuration from its text. */
#include "conf/test_conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "conf/complete.h"
#include "conf/parse.h"

void test_conf(struct conf_site *ret, const char *name, const char *text)
{
	struct conf_source source = {
		.name = "test.conf", .folder = "/", .bytes = text, .len = strlen(text)
	};
	struct conf_report report = { 0 };

	conf_site_init(ret);
	ASSERT(conf_parse(ret, &source, &report) == 0);
	conf_complete(ret, &report);
	for (size_t i = 0; i < report.n; i++)
		printf("line %u: %s\n", report.v[i].at.line, report.v[i].text);
	ASSERT(conf_report_ok(&report));
	conf_report_fini(&report);
	free(ret->name);
	ret->name = strdup(name);
	ASSERT(ret->name);
}
