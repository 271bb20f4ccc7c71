/* SPDX-License-Identifier: MIT */
/* import: make a site's file from the files of other programs. */
#include "cli/verb.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/keytext.h"
#include "base/secret.h"
#include "cli/newfiles.h"
#include "cli/site.h"
#include "conf/print.h"
#include "conf/value.h"
#include "import/build.h"
#include "import/import.h"

#define EXTENSION_MAX 16 /* of a file's name, with the dot */

/* The command line. */
struct request {
	const char *name; /* of the site; NULL: from the first file's */
	const char *folder;
	const char *interface;
	bool force;
	bool dry_run;
};

static void report_unread(const char *path, int error)
{
	fprintf(stderr, "wirespan import: cannot read %s: %s\n", path, strerror(error));
}

/* The key of a configuration's line, as its script reads it: what is behind the '=', without blanks
 * and comment. */
static int key_line(const char *path, unsigned line, char *ret, size_t size)
{
	struct stat st;
	FILE *file = !stat(path, &st) && S_ISREG(st.st_mode) ? fopen(path, "re") : NULL;
	char text[512] = "";
	const char *value;
	size_t len = 0;

	if (!file)
		return -ENOENT;
	for (unsigned i = 0; i < line; i++)
		if (!fgets(text, sizeof(text), file))
			text[0] = '\0';
	fclose(file);
	text[strcspn(text, "#")] = '\0';
	value = strchr(text, '=');
	for (value = value ? value + 1 : ""; *value && len + 1 < size; value++)
		if (!strchr(" \t\r\n", *value))
			ret[len++] = *value;
	ret[len] = '\0';
	secret_wipe(text, sizeof(text));
	return len == KEY_BASE64_LEN ? 0 : -EINVAL;
}

/* Read one file into the import. Return: whether it was; if not, the reason has been reported. */
static bool read_file(struct import *im, const char *path)
{
	FILE *file = fopen(path, "re");
	char *bytes = malloc(IMPORT_FILE_MAX + 1);
	const char *format = "out of memory";
	size_t len = 0;
	int error = file ? -ENOMEM : -errno;

	if (file && bytes) {
		len = fread(bytes, 1, IMPORT_FILE_MAX + 1, file);
		error = ferror(file) ? -EIO : 0;
	}
	if (file)
		fclose(file);
	if (error) {
		report_unread(path, -error);
	} else {
		error = import_read(im, path, bytes, len, &format);
		if (error)
			fprintf(stderr, "wirespan import: %s: %s\n", path, format);
		else
			printf("%s: %s\n", path, format);
	}
	if (bytes)
		secret_wipe(bytes, len);
	free(bytes);
	return !error;
}

/* DIR/NAME.conf. Return: a string to free(), or NULL after a report. */
static char *path_of(const struct request *r, const char *first)
{
	const char *slash = strrchr(first, '/');
	const char *name = r->name ? r->name : slash ? slash + 1 : first;
	const char *dot = r->name ? NULL : strrchr(name, '.');
	int len = (int)(dot && dot != name ? (size_t)(dot - name) : strlen(name));
	char *path;

	if (asprintf(&path, "%s/%.*s.conf", r->folder, len, name) >= 0)
		return path;
	fputs("wirespan import: out of memory\n", stderr);
	return NULL;
}

static enum verb_exit report_unwritten(const char *path, int error)
{
	if (error == -EEXIST)
		fprintf(stderr,
			"wirespan import: %s is there already: nothing was written\n"
			"    choose another --name or --dir, or replace it with --force\n",
			path);
	else
		fprintf(stderr, "wirespan import: cannot write %s: %s\n", path, strerror(-error));
	return VERB_FAILED;
}

/* Write the site's file, and check it as `validate` would. */
static enum verb_exit write_site(
	const struct request *r, const struct conf_site *site, const char *first)
{
	struct newfile file = { .path = path_of(r, first) };
	const char *failed;
	bool ok = false;
	int error = -ENOMEM;

	if (!file.path)
		return VERB_FAILED;
	if (!conf_print(site, NULL, &file.text, &file.len)) {
		ok = site_check_text(file.path, file.text, file.len);
		error = r->dry_run ? 0 : newfiles_write(&file, 1, r->force, &failed);
		secret_wipe(file.text, file.len);
	}
	free(file.text);
	if (error)
		report_unwritten(file.path, error);
	else if (!ok)
		fprintf(stderr,
			"wirespan import: %s %s not complete\n"
			"    correct what is reported above, then run: wirespan validate %s\n",
			file.path, r->dry_run ? "would be" : "was written, but is", file.path);
	else
		printf("\n%s%s\n", r->dry_run ? "would write " : "", file.path);
	free(file.path);
	return error || !ok ? VERB_FAILED : VERB_DONE;
}

/* Whether all lines were read; if not, report it: a part of a site is worse than none. */
static bool is_whole(const struct import *im)
{
	if (im->too_many)
		fprintf(stderr,
			"wirespan import: the files state more than %d things: nothing was "
			"written\n"
			"    name only the files that are about this site\n",
			IMPORT_FACTS_MAX);
	return !im->too_many;
}

/* Whether the files have the interface that was asked for; if not, report it. */
static bool has_interface(const struct request *r, const struct import *im)
{
	const struct import_fact *kind =
		r->interface ? import_find(im, IMPORT_LINK, r->interface, FACT_KIND) : NULL;

	if (!r->interface || (kind && !strcmp(kind->value, FACT_KIND_WIREGUARD)))
		return true;
	fprintf(stderr,
		"wirespan import: no file has the WireGuard interface %s: nothing was written\n"
		"    name the file that has it as well\n",
		r->interface);
	return false;
}

static enum verb_exit import_files(const struct request *r, char **paths, int n)
{
	struct import im = { .key_line = key_line };
	enum verb_exit result = VERB_DONE;
	struct conf_site site;
	char *notes;

	for (int i = 0; result == VERB_DONE && i < n; i++)
		if (!read_file(&im, paths[i]))
			result = VERB_FAILED;
	if (result == VERB_DONE && !has_interface(r, &im))
		result = VERB_FAILED;
	if (result == VERB_DONE) {
		int error = import_build(&im, r->interface, &site);

		notes = import_notes_text(&im);
		result = VERB_FAILED;
		if (error || !notes) {
			fputs("wirespan import: out of memory\n", stderr);
		} else if (is_whole(&im)) {
			fputs(notes, stdout);
			result = write_site(r, &site, paths[0]);
		}
		free(notes);
		conf_site_fini(&site);
	}
	import_fini(&im);
	return result;
}

static enum verb_exit run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "name", required_argument, NULL, 'n' },
		{ "dir", required_argument, NULL, 'd' },
		{ "interface", required_argument, NULL, 'i' },
		{ "force", no_argument, NULL, 'f' },
		{ "dry-run", no_argument, NULL, 'N' },
		{ NULL, 0, NULL, 0 },
	};
	struct request r = { .folder = "." };
	int c;

	while ((c = verb_option(argc, argv, "n:d:i:fN", options)) >= 0) {
		if (c == 'n' && !strchr(optarg, '/') && *optarg && *optarg != '.')
			r.name = optarg;
		else if (c == 'n')
			return verb_usage(argv[0], "--name takes the name of a site, not a path");
		else if (c == 'd')
			r.folder = optarg;
		else if (c == 'i' && !conf_value_name_problem(optarg))
			r.interface = optarg;
		else if (c == 'i')
			return verb_usage(argv[0], "--interface takes the name of an interface");
		else if (c == 'f')
			r.force = true;
		else if (c == 'N')
			r.dry_run = true;
		else
			return verb_bad_option(argv[0]);
	}
	if (optind == argc)
		return verb_usage(argv[0], "name one file or more");
	return import_files(&r, argv + optind, argc - optind);
}

const struct verb verb_import = {
	.name = "import",
	.usage = "[--name NAME] [--dir DIR] [OPTION…] FILE…",
	.summary = "a site's file from the files of wg-quick, scripts and routers",
	.help = "Reads the files that set up a gateway today, makes the site's file of all of\n"
		"them, and reports for each line what was imported, changed and dropped:\n"
		"  wirespan import --name vpn01 /etc/wireguard/wg0.conf /etc/rc.local\n"
		"Formats, recognised by the text: wg-quick, shell scripts with ip, wg, brctl and\n"
		"bridge (none is run), systemd-networkd, NetworkManager keyfiles, VyOS (commands "
		"or\n"
		"config.boot), OpenWrt's /etc/config/network, RouterOS's /export show-sensitive.\n"
		"\n"
		"  -n, --name NAME      the site's name; by default that of the first file\n"
		"  -d, --dir DIR        where to write NAME.conf, with mode 600; default: .\n"
		"  -i, --interface IF   the WireGuard interface, if the files have several\n"
		"  -f, --force          replace the file if it exists\n"
		"  -N, --dry-run        only report\n",
	.run = run,
};
