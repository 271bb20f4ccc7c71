/* SPDX-License-Identifier: MIT */
/* Fuzz target: files of other programs, separated by NUL NUL. They make a site; each note has a
 * position and no control characters; the site's text, if it has no errors, is parsed to an equal
 * site. */
#include "fuzz/target.h"

#include <errno.h>
#include <string.h>

#include "conf/complete.h"
#include "conf/parse.h"
#include "conf/print.h"
#include "conf/test_conf.h"
#include "import/build.h"
#include "import/import.h"

static void read_files(struct import *im, const uint8_t *data, size_t len)
{
	const char *format;

	for (;;) {
		const uint8_t *end = memmem(data, len, "\0", 2);
		size_t n = end ? (size_t)(end - data) : len;
		int error = import_read(im, "a.conf", data, n, &format);

		EXPECT(!error || error == -EINVAL);
		EXPECT(format && *format);
		if (!end)
			return;
		data += n + 2;
		len -= n + 2;
	}
}

static void check_notes(struct import *im)
{
	char *text = import_notes_text(im);

	EXPECT(text);
	for (const char *c = text; *c; c++)
		EXPECT((unsigned char)*c >= ' ' || *c == '\n');
	for (size_t i = 0; i < im->n_notes; i++)
		EXPECT(im->notes[i].at.file < im->n_files && im->notes[i].at.line);
	free(text);
}

static void round_trip(const struct conf_site *site)
{
	struct conf_report report = { 0 };
	struct conf_source source = { .name = "a.conf", .folder = "/" };
	struct conf_site again;
	size_t len;
	char *text;

	EXPECT(!conf_print(site, NULL, &text, &len));
	source.bytes = text;
	source.len = len;
	conf_site_init(&again);
	EXPECT(!conf_parse(&again, &source, &report));
	conf_complete(&again, &report);
	if (conf_report_ok(&report))
		EXPECT(test_conf_equal(site, &again));
	conf_report_fini(&report);
	conf_site_fini(&again);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct import im = { 0 };
	struct conf_site site;

	read_files(&im, data, len);
	EXPECT(!import_build(&im, NULL, &site));
	check_notes(&im);
	round_trip(&site);
	conf_site_fini(&site);
	import_fini(&im);
	return 0;
}
