/* SPDX-License-Identifier: MIT */
/* check: proves a running site's segment from this host, and reports faults. */
#include "cli/verb.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "check/gather.h"
#include "cli/newfiles.h"
#include "cli/running.h"
#include "ctlproto/json.h"
#include "daemon/site_status.h"
#include "host/observe.h"
#include "host/rundir.h"
#include "judge/judge.h"
#include "render/render_check.h"
#include "render/render_html.h"
#include "render/terminal.h"

#define LIMIT_MS 13500 /* for probes; the rest of 15 s is for the last report and a busy host */

/** Options of the command line. */
struct wish {
	struct check_options options;
	bool json;
	char *html; /* the file of a page; NULL: none */
};

/** Where the findings of sites go, in addition to standard output. */
struct outputs {
	struct json_object *all; /* an array, with --json; else NULL */
	FILE *page;		 /* with --html; else NULL */
};

/* Report why the site could not be asked. */
static void explain(const struct running *site, int err, struct findings *ret)
{
	const char *name = site->name;

	switch (err) {
	case -ENOENT:
	case -ENOTDIR:
	case -ECONNREFUSED:
		if (host_marks(name) == HOST_MARKS_TUNNEL && !host_runs_alone(name)) {
			finding_add(ret, FINDING_ERROR, "daemon", name,
				"%s has its interfaces, but its control socket %s is gone.\n"
				"A site that runs makes it again within seconds, unless its log "
				"shows why it cannot. If it does not, end its process (ps ax | "
				"grep wirespan), then `wirespan down %s` and `wirespan up %s`.",
				name, site->path, name, name);
			return;
		}
		finding_add(ret, FINDING_ERROR, "daemon", name,
			"%s is not running.\n`wirespan up %s`", name, name);
		return;
	case -EACCES:
	case -EPERM:
		finding_add(ret, FINDING_ERROR, "daemon", name,
			"Only root may check %s.\nTry it with sudo.", name);
		return;
	case -ETIMEDOUT:
	case -ECONNRESET:
		finding_add(ret, FINDING_ERROR, "daemon", name,
			"%s does not answer: %s.\nSee its log.", name, strerror(-err));
		return;
	default:
		finding_add(ret, FINDING_ERROR, "daemon", name,
			"Cannot check %s: %s.\n"
			"Was wirespan updated while it ran? Then restart it.",
			name, strerror(-err));
		return;
	}
}

static int query(const void *ctx, unsigned timeout_ms, struct ctl_reply *ret)
{
	const struct running *site = ctx;

	return site_status(site->name, site->path, timeout_ms, ret);
}

/* Check one site for at most `ms` milliseconds, and print. Return: whether there is no error. */
static bool check_site(
	const struct running *site, const struct wish *wish, uint64_t ms, struct outputs *to)
{
	struct check_options options = wish->options;
	struct render_style style = terminal_style();
	struct findings findings = { 0 };
	struct observations facts;
	bool ok;
	int err;

	options.end = mono_add(clock_mono(), ms * NS_PER_MS);
	options.status = query;
	options.ctx = site;
	err = check_gather(&options, &facts);
	snprintf(facts.site, sizeof(facts.site), "%s", site->name);
	if (err < 0)
		explain(site, err, &findings);
	else
		judge_observations(&facts, &findings);
	if (wish->json)
		render_check_json(to->all, &facts, &findings);
	else
		render_check_text(stdout, site->name, &findings, &style);
	if (to->page)
		render_html_site(to->page, &facts, &findings);
	ok = !findings_count(&findings, FINDING_ERROR) && !findings.out_of_memory;
	findings_fini(&findings);
	observations_fini(&facts);
	return ok;
}

static bool check_all(const char *verb, const struct wish *wish, struct outputs *to)
{
	struct running site;
	char **names;
	size_t len;
	bool ok = true;
	int err = rundir_list(&names, &len);

	if (err < 0) {
		fprintf(stderr, "%s: cannot look for running sites in %s: %s\n", verb,
			rundir_path(), strerror(-err));
		return false;
	}
	for (size_t i = 0; i < len; i++) {
		if (i && !wish->json)
			putchar('\n');
		ok = running_find(verb, names[i], &site) &&
		     check_site(&site, wish, LIMIT_MS / len, to) && ok;
	}
	rundir_free_names(names, len);
	if (!len)
		fprintf(stderr, "%s: no site is running\n", verb);
	return ok && len;
}

static void begin_page(FILE *page)
{
	const time_t now = time(NULL);
	char when[64] = "";
	struct tm tm;

	if (localtime_r(&now, &tm))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S %z", &tm);
	render_html_begin(page, when);
}

/* Write the page to its file. Return: whether that worked; if not, stderr has the reason. */
static bool end_page(const char *verb, FILE *page, struct newfile *file)
{
	const char *failed = file->path;
	bool complete;
	int err = -ENOMEM;

	render_html_end(page);
	complete = !ferror(page);
	if (fclose(page) == 0 && complete)
		err = newfiles_write(file, 1, true, &failed);
	if (err < 0)
		fprintf(stderr, "%s: cannot write %s: %s\n", verb, failed, strerror(-err));
	free(file->text);
	return !err;
}

static enum verb_exit check_with(const char *verb, const char *name, const struct wish *wish)
{
	struct outputs to = { .all = wish->json ? json_object_new_array() : NULL };
	struct newfile page = { .path = wish->html };
	struct running site;
	bool ok;

	if (wish->html)
		to.page = open_memstream(&page.text, &page.len);
	if ((wish->json && !to.all) || (wish->html && !to.page)) {
		fprintf(stderr, "%s: out of memory\n", verb);
		json_object_put(to.all);
		return VERB_FAILED;
	}
	if (to.page)
		begin_page(to.page);
	if (name)
		ok = running_find(verb, name, &site) && check_site(&site, wish, LIMIT_MS, &to);
	else
		ok = check_all(verb, wish, &to);
	if (wish->json)
		render_check_json_end(stdout, to.all, name != NULL);
	if (to.page)
		ok = end_page(verb, to.page, &page) && ok;
	return ok ? VERB_DONE : VERB_FAILED;
}

static enum verb_exit run_check(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "quick", no_argument, NULL, 'q' },
		{ "throughput", no_argument, NULL, 'T' },
		{ "load", no_argument, NULL, 'l' },
		{ "target", required_argument, NULL, 't' },
		{ "html", required_argument, NULL, 'H' },
		{ NULL, 0, NULL, 0 },
	};
	struct wish wish = { 0 };
	int c;

	while ((c = verb_option(argc, argv, "jqTlt:H:", options)) >= 0) {
		if (c == 'j')
			wish.json = true;
		else if (c == 'H')
			wish.html = optarg;
		else if (c == 'T')
			wish.options.throughput = true;
		else if (c == 'l')
			wish.options.load = true;
		else if (c == 'q')
			wish.options.throughput = wish.options.load = false;
		else if (c != 't')
			return verb_bad_option(argv[0]);
		else if (ip_addr_parse(optarg, &wish.options.target) < 0)
			return verb_usage(argv[0], "\"%s\" is not an IP address", optarg);
	}
	if (argc - optind > 1)
		return verb_usage(argv[0], "name one site, or none for all that run");
	return check_with(argv[0], argv[optind], &wish);
}

const struct verb verb_check = {
	.name = "check",
	.usage = "[--json] [--html FILE] [-T] [--load] [--target ADDRESS] [NAME|FILE]",
	.summary = "prove the segment from here, and report what is wrong and what to do",
	.help = "Asks the running site NAME, or all that run, then sends probes: to each peer\n"
		"inside the tunnel, and through each session to hosts on the far side. Listens\n"
		"on the underlay meanwhile. Frames also enter the ports to members as if members\n"
		"had sent them, and so pass the filters of this host. Takes a few seconds, and\n"
		"never more than 15. The exit status is 0 if the segment is proven, 1 if\n"
		"something breaks it.\n"
		"\n"
		"  -j, --json         findings and measurements as JSON; keys as in wirespan(8)\n"
		"  -H, --html FILE    also write a page with drawings, mode 0600\n"
		"  -q, --quick        without throughput and load: the default\n"
		"  -T, --throughput   measure it, too: loads each session for up to a second\n"
		"  -l, --load         measure round trips under load, too: loads the path to each\n"
		"                     peer for two seconds, and reports what Bandwidth it needs\n"
		"  -t, --target ADDR  the host on the far side to probe, instead of any\n",
	.run = run_check,
};
