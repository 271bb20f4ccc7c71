/* SPDX-License-Identifier: MIT */
/* report: writes what a bug report needs about a site to one file, without its secrets. */
#include "cli/verb.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/keytext.h"
#include "base/secret.h"
#include "cli/running.h"
#include "conf/load.h"
#include "conf/redact.h"
#include "crypto/x25519.h"
#include "host/spawn.h"

/*
 * Theory of operation. The report is one text file: it can be read before it is sent, any tracker
 * accepts it, and it needs no program or library that a host may lack. Its contents come from
 * commands, each of which may fail or be missing: a site that is down, or whose file is wrong,
 * still gives a report. All of it passes redact_text() before it is written.
 */

/** A section of the report: the output of a command. */
struct section {
	const char *name;
	const char *what;
	const char *command; /* for sh: $1 is this program, $2 the site's name, $3 its file */
};

static const struct section sections[] = {
	{ "versions", "wirespan, kernel and distribution",
		"\"$1\" --version; uname -srm; grep PRETTY_NAME /etc/os-release; id -u" },
	{ "modules", "modules of the kernel that matter here",
		"grep -E '^(wireguard|l2tp|bridge|br_netfilter|tun|vhost|nf_tables|ip_tables) ' "
		"/proc/modules || echo none" },
	{ "validate", "problems of the configuration", "\"$1\" validate \"$3\"" },
	{ "status", "status of the site", "\"$1\" status \"$2\"" },
	{ "status as JSON", "the same with all counters", "\"$1\" status --json \"$2\"" },
	{ "check", "findings of a check", "\"$1\" check \"$2\"" },
	{ "mtu", "MTU and the headers that it is for", "\"$1\" mtu \"$3\"" },
	{ "links", "interfaces, addresses and counters", "ip -s -d address" },
	{ "bridges", "ports of bridges and their VLANs",
		"bridge -d link; bridge vlan | head -n 200" },
	{ "routes", "routes and rules", "ip rule; ip -6 rule; ip route show table all" },
	{ "offloads", "offloads of each interface",
		"for i in /sys/class/net/*; do ethtool -k \"${i##*/}\" | "
		"grep -E ':$|segmentation|receive-offload|checksumming|gro|vlan'; done" },
	{ "log", "the last lines of the site's log",
		"journalctl --no-pager -o short-iso -n 400 -u \"wirespan@$2.service\"" },
};

/* Runs the command of a section: both outputs, a limit of time and of size, and the exit status. */
static const char runner[] =
	"run() { if command -v timeout >/dev/null; then timeout 40 sh -c \"$command\" \"$@\"; "
	"else sh -c \"$command\" \"$@\"; fi; }; command=$1; shift; "
	"{ run \"$@\" 2>&1; status=$?; [ $status = 0 ] || echo \"(exit status $status)\"; } "
	"| head -c 400000";

/** The site of a report. */
struct subject {
	const char *verb;
	struct running site;
	char *path; /* of its file */
	char self[4096];
	struct redaction redaction;
};

static void heading(struct text *out, const char *name)
{
	text_add(out, "\n======== %s ========\n\n", name);
}

/* ---- parts ---- */

static void add_contents(struct text *out, const struct subject *s)
{
	const time_t now = time(NULL);
	char when[32] = "";
	struct tm tm;

	if (gmtime_r(&now, &tm))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S UTC", &tm);
	text_add(out,
		"Report about the site %s by wirespan " WIRESPAN_VERSION ", %s\n\nIt contains:\n",
		s->site.name, when);
	for (size_t i = 0; i < ARRAY_LEN(sections); i++)
		text_add(out, "  %-16s %s\n", sections[i].name, sections[i].what);
	text_add(out, "  %-16s %s\n", "configuration", "the site's files, without secrets");
	text_add(out, "\nPrivate and preshared keys, cookies, hooks and comments were removed or "
		      "replaced by x.\n"
		      "Addresses, names of hosts and interfaces, and public keys are in it: read "
		      "it before\n"
		      "you publish it.\n");
}

static void add_section(struct text *out, const struct subject *s, const struct section *section)
{
	const char *const argv[] = { "sh", "-c", runner, "report", section->command, "report",
		s->self, s->site.name, s->path, NULL };
	char *output = NULL;
	int err = spawn_output(argv, &output);

	heading(out, section->name);
	if (err < 0)
		text_add(out, "(cannot be run: %s)\n", strerror(-err));
	else
		text_add(out, "%s", output);
	free(output);
}

/* Read a file. Return: its bytes to wipe and free, or NULL with errno set. */
static char *read_file(const char *path, size_t *ret_len)
{
	FILE *file = fopen(path, "re");
	struct stat st;
	char *bytes = NULL;

	if (!file)
		return NULL;
	if (fstat(fileno(file), &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > 16 << 20)
		errno = EFBIG;
	else
		bytes = calloc(1, (size_t)st.st_size + 1);
	if (bytes)
		*ret_len = fread(bytes, 1, (size_t)st.st_size, file);
	fclose(file);
	return bytes;
}

static void add_file(struct text *out, struct subject *s, const char *path)
{
	size_t len = 0;
	char *bytes = read_file(path, &len);

	text_add(out, "# %s\n", path);
	if (!bytes) {
		text_add(out, "(cannot be read: %s)\n", strerror(errno));
		return;
	}
	redact_conf(&s->redaction, bytes, len, out);
	secret_wipe(bytes, len);
	free(bytes);
}

/* Add the site's files, and learn its secrets. */
static void add_configuration(struct text *out, struct subject *s)
{
	struct conf_report report = { 0 };
	struct conf_site site;
	uint8_t public_key[KEY_LEN];
	char text[KEY_BASE64_LEN + 1];

	heading(out, "configuration");
	if (conf_load(s->path, &site, &report) < 0)
		text_add(out, "(the file cannot be read: see validate)\n");
	redact_add_site(&s->redaction, &site);
	if (site.interface.has_private_key &&
		!x25519_public(site.interface.private_key, public_key)) {
		key_to_base64(public_key, text);
		redact_add_public(&s->redaction, text);
	}
	add_file(out, s, s->path);
	for (size_t i = 1; i < site.n_files; i++)
		add_file(out, s, site.files[i]);
	conf_report_fini(&report);
	conf_site_fini(&site);
}

/* Write the report. Return: its text without secrets, to be freed, or NULL without memory. */
static char *compose(struct subject *s)
{
	struct text out = { 0 };
	char *text = NULL;
	size_t len = 0;

	add_contents(&out, s);
	for (size_t i = 0; i < ARRAY_LEN(sections); i++)
		add_section(&out, s, &sections[i]);
	add_configuration(&out, s);
	if (text_take(&out, &text, &len) < 0 || s->redaction.out_of_memory) {
		free(text);
		return NULL;
	}
	redact_text(&s->redaction, text, len);
	return text;
}

/* ---- the verb ---- */

/* The file that has no report yet: removed by a signal that ends the program. */
static const char *volatile unfinished;

static void on_signal(int number)
{
	if (unfinished)
		unlink(unfinished);
	raise(number); /* the default action now, see SA_RESETHAND */
}

static void remove_at_signals(const char *path)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	const struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESETHAND };

	unfinished = path;
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		sigaction(signals[i], &action, NULL);
}

/** Where the report goes. */
struct output {
	const char *path;
	int fd;
	bool is_file;
};

/* Open a new file that only its owner can read, or standard output, before the report is made.
 * Return: whether it is open; if not, stderr has the reason. */
static bool open_output(const char *verb, const char *path, struct output *ret)
{
	*ret = (struct output){ path, STDOUT_FILENO, strcmp(path, "-") != 0 };
	if (ret->is_file)
		ret->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (ret->fd >= 0 && ret->is_file)
		remove_at_signals(path);
	if (ret->fd >= 0)
		return true;
	fprintf(stderr, "%s: cannot write %s: %s; %s\n", verb, path, strerror(errno),
		errno == EEXIST ? "name a new file"
				: "name a file in another folder with -o FILE, or - for standard "
				  "output");
	return false;
}

/* Close the output. Return: 0, or -1 with errno set. A file without a whole report is removed. */
static int close_output(const struct output *o, bool whole)
{
	int err = o->is_file ? close(o->fd) : 0;

	if (o->is_file && (err < 0 || !whole))
		unlink(o->path);
	unfinished = NULL;
	return err;
}

/* Write the report. Return: whether it was written; if not, stderr has the reason, and the file is
 * removed. */
static bool write_report(const char *verb, const struct output *o, const char *text)
{
	size_t len = strlen(text);
	ssize_t n = 0;
	int why = 0;

	for (size_t at = 0; at < len && n >= 0; at += n > 0 ? (size_t)n : 0) {
		n = write(o->fd, text + at, len - at);
		if (n < 0 && errno == EINTR)
			n = 0;
	}
	why = n < 0 ? errno : 0;
	if (close_output(o, n >= 0) < 0 && !why)
		why = errno;
	if (why) {
		fprintf(stderr, "%s: cannot write %s: %s%s\n", verb, o->path, strerror(why),
			error_limit_tail(-why));
		return false;
	}
	if (o->is_file)
		printf("%s was written. Read it before you send it: it has addresses and names.\n",
			o->path);
	return true;
}

static bool find_self(struct subject *s)
{
	ssize_t n = readlink("/proc/self/exe", s->self, sizeof(s->self) - 1);

	if (n > 0)
		s->self[n] = '\0';
	return n > 0;
}

static enum verb_exit report(const char *verb, const char *name, const char *to)
{
	struct subject s = { .verb = verb };
	char path[RUNNING_NAME_LEN + 32];
	enum verb_exit result = VERB_FAILED;
	struct output output;
	char *text = NULL;

	if (!running_find(verb, name, &s.site))
		return VERB_FAILED;
	snprintf(path, sizeof(path), "wirespan-report-%s.txt", s.site.name);
	if (!open_output(verb, to ? to : path, &output))
		return VERB_FAILED;
	s.path = conf_path(name);
	if (s.path && find_self(&s)) {
		fprintf(stderr, "%s: collecting, for up to a minute\n", verb);
		text = compose(&s);
	}
	if (!text) {
		fprintf(stderr, "%s: out of memory\n", verb);
		(void)close_output(&output, false);
	} else if (write_report(verb, &output, text)) {
		result = VERB_DONE;
	}
	free(text);
	free(s.path);
	redact_fini(&s.redaction);
	return result;
}

static enum verb_exit run_report(int argc, char **argv)
{
	static const struct option options[] = {
		{ "output", required_argument, NULL, 'o' },
		{ NULL, 0, NULL, 0 },
	};
	const char *to = NULL;
	int c;

	while ((c = verb_option(argc, argv, "o:", options)) >= 0) {
		if (c != 'o')
			return verb_bad_option(argv[0]);
		to = optarg;
	}
	if (argc - optind != 1)
		return verb_usage(argv[0], "name one site");
	return report(argv[0], argv[optind], to);
}

const struct verb verb_report = {
	.name = "report",
	.usage = "[-o FILE|-] NAME|FILE",
	.summary = "write a file for a bug report, without secrets",
	.help = "Writes one text file, mode 0600, with what a bug report needs: versions, kernel,\n"
		"offloads, status, check, log, and the configuration without keys, cookies,\n"
		"hooks and comments. It begins with a list of what it contains. Also for a site\n"
		"that is down, or whose file is wrong.\n"
		"\n"
		"  -o, --output FILE   a new file; -: standard output. Without it,\n"
		"                      wirespan-report-NAME.txt\n",
	.run = run_report,
};
