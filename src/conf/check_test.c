/* SPDX-License-Identifier: MIT */
/* Tests of the check: each mistake of check_cases.txt, made in a correct file, and its report. */
#include "conf/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "conf/complete.h"
#include "conf/parse.h"

#define TEXT_MAX 4096

/* One mistake: in the correct file, the lines `from` become `to`; `report` is expected. */
struct mistake {
	char name[512];
	char from[TEXT_MAX];
	char to[TEXT_MAX];
	char report[TEXT_MAX];
};

/* The correct file, and the file of cases being read. */
static char base[TEXT_MAX];
static const char *cases_path;

/* All problems of a site as one string to free(). */
static char *report_text(const struct conf_site *site, struct conf_report *report)
{
	char *text = strdup("");

	conf_report_sort(report);
	for (size_t i = 0; i < report->n; i++) {
		char *problem = conf_problem_text(&report->v[i], site);
		char *longer;

		assert_int_not_equal(asprintf(&longer, "%s%s", text, problem), -1);
		free(text);
		free(problem);
		text = longer;
	}
	return text;
}

/* Where `base` contains the lines `from`. */
static const char *find_lines(const char *from)
{
	const char *at = strstr(base, from);

	while (at && at != base && at[-1] != '\n')
		at = strstr(at + 1, from);
	assert_non_null(at);
	return at;
}

/* `base` with the lines `from` replaced by `to`, to free(). */
static char *mutate(const char *from, const char *to)
{
	const char *at = find_lines(from);
	char *text;

	assert_int_not_equal(
		asprintf(&text, "%.*s%s%s", (int)(at - base), base, to, at + strlen(from)), -1);
	return text;
}

/* Parse and check `text`, and compare the report with `expected`. */
static void expect_report(const char *name, const char *text, const char *expected)
{
	/* the public key of the correct file's private key */
	static const char own_key[] = "DaHajLVjyDp0Vezvo5iciZSJztA71HlOAtPezaGR8XU=";
	struct conf_source source = {
		.name = "site.conf", .folder = "/etc/wirespan", .bytes = text, .len = strlen(text)
	};
	struct conf_report report = { 0 };
	struct conf_site site;
	uint8_t own[KEY_LEN];
	char *reported;

	assert_int_equal(key_from_base64(own_key, KEY_BASE64_LEN, own), 0);
	conf_site_init(&site);
	assert_int_equal(conf_parse(&site, &source, &report), 0);
	conf_complete(&site, &report);
	conf_check(&site, own, &report);
	reported = report_text(&site, &report);
	if (strcmp(reported, expected) != 0)
		print_error("case: %s\n", name);
	assert_string_equal(reported, expected);
	assert_int_equal(conf_report_ok(&report), !strstr(expected, ": error: "));
	free(reported);
	conf_report_fini(&report);
	conf_site_fini(&site);
}

static void append(char text[static TEXT_MAX], const char *line)
{
	size_t len = strlen(text);

	assert_true(len + strlen(line) < TEXT_MAX);
	strcpy(text + len, line);
}

static void try_mistake(const struct mistake *m)
{
	char *text = mutate(m->from, m->to);

	expect_report(m->name, text, m->report);
	free(text);
}

/* The text after the mark and its blank in a line of the file of cases. */
static const char *after_mark(const char *line)
{
	return line[1] == ' ' ? line + 2 : line + 1;
}

/* Read one line; at the end of a case, run it. Return: whether a case was run. */
static bool read_case_line(struct mistake *m, char *line)
{
	switch (line[0]) {
	case '|':
		append(base, after_mark(line));
		break;
	case '=':
		line[strcspn(line, "\n")] = '\0';
		snprintf(m->name, sizeof(m->name), "%s", after_mark(line));
		break;
	case '-':
		append(m->from, after_mark(line));
		break;
	case '+':
		append(m->to, after_mark(line));
		break;
	case '>':
		append(m->report, after_mark(line));
		break;
	case '#':
		break;
	default:
		if (!m->name[0])
			break;
		try_mistake(m);
		memset(m, 0, sizeof(*m));
		return true;
	}
	return false;
}

static void test_mistakes(void **state)
{
	static struct mistake m;
	FILE *file = fopen(cases_path, "r");
	char line[512];
	unsigned n = 0;

	assert_non_null(file);
	while (fgets(line, sizeof(line), file))
		n += read_case_line(&m, line);
	fclose(file);
	assert_true(n > 100);
	expect_report("the correct file", base, "");
}

/* A file whose bridge has one member and `n` sessions, to free(). */
static char *with_sessions(unsigned n)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	assert_non_null(f);
	fprintf(f, "[Interface]\nPrivateKey = +KR6xCvxk3MZ1Y/4a8R5sXS5I2mNzVZoa3Yox5n6qG0=\n"
		   "ListenPort = 8172\nAddress = 10.0.1.11/24\n"
		   "[Peer]\nPublicKey = plQhgah/od+4eyAutHMahlotYnHdMg3A2m7MGNzSqSo=\n"
		   "AllowedIPs = 10.0.1.21/32\n[Bridge]\nSTP = yes\nMember = eth1\n"
		   "[L2TP]\nTunnelId = 1\nPeerTunnelId = 1\nRemote = 10.0.1.21\n");
	for (unsigned i = 1; i <= n; i++)
		fprintf(f, "[L2TPSession]\nSessionId = %u\nPeerSessionId = %u\n", i, i);
	assert_int_equal(fclose(f), 0);
	return text;
}

/* A bridge of the kernel has 1023 ports. */
static void test_ports(void **state)
{
	char *text = with_sessions(1022);

	expect_report("1023 ports", text, "");
	free(text);
	text = with_sessions(1023);
	expect_report("1024 ports", text,
		"site.conf:8: error: [Bridge] has 1024 ports, sessions and members together; a "
		"Linux bridge holds 1023\n    use several bridges\n");
	free(text);
}

/* Of many problems, the first are stored and all are counted, so that errors are never lost among
 * warnings. */
static void test_many(void **state)
{
	struct conf_report report = { 0 };
	struct conf_site site = { 0 };
	char *text;

	for (uint32_t i = 1; i <= 5000; i++)
		conf_report_add(&report, CONF_WARNING, (struct conf_at){ .line = i }, "odd\nhint");
	conf_report_add(&report, CONF_ERROR, (struct conf_at){ .line = 5001 }, "wrong\nhint");
	assert_int_equal(report.n, CONF_PROBLEMS_MAX + 1);
	assert_int_equal(report.n_warnings, 5000);
	assert_int_equal(report.n_errors, 1);
	assert_false(conf_report_ok(&report));
	text = conf_report_text(&report, &site);
	assert_non_null(strstr(text, "error: wrong\n"));
	assert_non_null(strstr(text, "4900 more warnings are not shown\n"));
	assert_null(strstr(text, "more error"));
	free(text);
	conf_report_fini(&report);
}

/* No report shows a key, however wrong it is. */
static void test_no_key_shown(void **state)
{
	static const char *const lines[] = {
		"PrivateKey = %s",
		"PrivateKey = %s%s",
		"PrivateKe = %s",
		"%s",
		"%s = x",
		"[%s]",
		"[%s",
		"ListenPort = %s",
		"Address = %s",
		"Name = %s",
		"PostUp = %s\nPostUp",
		"MTU = %s",
		"%s %s",
		"Endpoint = %s",
		"DNS = %s!",
		"FwMark = 0x%s",
	};
	static const char key[] = "4AIb6i+kAestJ85t7KYTtElDFGN5CGP3xeDaoYFsNkE=";

	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		struct conf_source source = { .name = "x", .folder = "/" };
		struct conf_report report = { 0 };
		struct conf_site site;
		char text[512];
		char *reported;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(text, sizeof(text), lines[i], key, key);
#pragma GCC diagnostic pop
		memmove(text + 12, text, sizeof(text) - 12);
		memcpy(text, "[Interface]\n", 12);
		source.bytes = text;
		source.len = strlen(text);
		conf_site_init(&site);
		assert_int_equal(conf_parse(&site, &source, &report), 0);
		reported = report_text(&site, &report);
		assert_null(strstr(reported, "4AIb6i"));
		assert_null(strstr(reported, "FGN5CGP3"));
		free(reported);
		conf_report_fini(&report);
		conf_site_fini(&site);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_no_key_shown),
	};

	if (argc != 2)
		return 2;
	cases_path = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
