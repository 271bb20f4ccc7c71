/* SPDX-License-Identifier: MIT */
/* Reads a site from the files of other programs. */
#include "import/import.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/array.h"
#include "base/bytes.h"
#include "base/secret.h"
#include "base/text.h"
#include "import/read_ini.h"
#include "import/read_openwrt.h"
#include "import/read_routeros.h"
#include "import/read_shell.h"
#include "import/read_vyos.h"

/* Of UTF-8: editors of Windows write it. */
#define BYTE_ORDER_MARK "\xef\xbb\xbf"

/* The formats, in the order in which they are tried. */
enum format {
	FORMAT_NONE,
	FORMAT_OURS,
	FORMAT_WG_QUICK,
	FORMAT_NETWORKD,
	FORMAT_KEYFILE,
	FORMAT_VYOS,
	FORMAT_OPENWRT,
	FORMAT_ROUTEROS,
	FORMAT_SHELL,
};

static const char *const format_names[] = {
	[FORMAT_WG_QUICK] = "wg-quick",
	[FORMAT_NETWORKD] = "systemd-networkd",
	[FORMAT_KEYFILE] = "NetworkManager",
	[FORMAT_VYOS] = "VyOS",
	[FORMAT_OPENWRT] = "OpenWrt",
	[FORMAT_ROUTEROS] = "RouterOS",
	[FORMAT_SHELL] = "shell script",
};

/* How lines of a format begin; blanks in front are skipped. The first line that is in the table
 * decides, except that [Interface] is a site's own, too. */
static const struct {
	const char *begin;
	enum format format;
} signs[] = {
	{ "#!", FORMAT_SHELL },
	{ "[Interface]", FORMAT_WG_QUICK },
	{ "[Peer]", FORMAT_WG_QUICK },
	{ "[Site]", FORMAT_OURS },
	{ "[NetDev]", FORMAT_NETWORKD },
	{ "[Match]", FORMAT_NETWORKD },
	{ "[connection]", FORMAT_KEYFILE },
	{ "set interfaces ", FORMAT_VYOS },
	{ "set protocols ", FORMAT_VYOS },
	{ "interfaces {", FORMAT_VYOS },
	{ "config ", FORMAT_OPENWRT },
	{ "/interface", FORMAT_ROUTEROS },
	{ "/ip", FORMAT_ROUTEROS },
	{ "ip ", FORMAT_SHELL },
	{ "wg ", FORMAT_SHELL },
	{ "brctl ", FORMAT_SHELL },
	{ "sudo ", FORMAT_SHELL },
};

static enum format format_of_line(const char *line)
{
	for (size_t i = 0; i < ARRAY_LEN(signs); i++)
		if (!(*line == '[' ? strncasecmp : strncmp)(
			    line, signs[i].begin, strlen(signs[i].begin)))
			return signs[i].format;
	return FORMAT_NONE;
}

static enum format format_of(const char *text)
{
	enum format format = FORMAT_NONE;
	const char *all = text;

	while (text && !format) {
		text += strspn(text, " \t\r");
		format = format_of_line(text);
		text = strchr(text, '\n');
		text = text ? text + 1 : NULL;
	}
	if (format == FORMAT_WG_QUICK &&
		(strstr(all, "\n[L2TP]") || strstr(all, "\n[L2TPSession]")))
		return FORMAT_OURS;
	return format;
}

static int add_file(struct import *im, const char *name)
{
	char *copy = strdup(name);
	char **slot = copy ? array_grow(&im->files, &im->n_files, sizeof(*slot)) : NULL;

	if (!slot) {
		free(copy);
		return -ENOMEM;
	}
	*slot = copy;
	im->at = (struct conf_at){ .file = (uint32_t)(im->n_files - 1) };
	return 0;
}

static void read_text(struct import *im, enum format format, const char *name, char *text)
{
	switch (format) {
	case FORMAT_WG_QUICK:
		import_wg_quick(im, name, text);
		break;
	case FORMAT_NETWORKD:
		import_networkd(im, text);
		break;
	case FORMAT_KEYFILE:
		import_keyfile(im, text);
		break;
	case FORMAT_VYOS:
		import_vyos(im, text);
		break;
	case FORMAT_OPENWRT:
		import_openwrt(im, text);
		break;
	case FORMAT_ROUTEROS:
		import_routeros(im, text);
		break;
	case FORMAT_SHELL:
		import_shell(im, text);
		break;
	case FORMAT_NONE:
	case FORMAT_OURS:
		break;
	}
}

/* Whether a line of a file has a value, so that a note is due: it is no comment, and more than
 * the name of what the next lines are about. Commands of scripts are judged by their reader. */
static bool has_value(enum format format, const char *line, size_t len)
{
	while (len && strchr(" \t\r", *line)) {
		line++;
		len--;
	}
	while (len && strchr(" \t\r", line[len - 1]))
		len--;
	if (!len || format == FORMAT_SHELL || strchr("#;[}*", *line))
		return false;
	if (*line == '/')
		return format == FORMAT_ROUTEROS && memchr(line, '=', len);
	return format != FORMAT_VYOS || line[len - 1] != '{';
}

/* Read the file, then drop, with a note, each line that its reader has not judged. */
static int read_noted(struct import *im, enum format format, const char *name, char *text)
{
	struct conf_at at = { .file = im->at.file };
	size_t first = im->n_facts;
	size_t len = strlen(text);
	char *copy = strdup(text);
	size_t n_notes;
	bool continued = false;

	if (!copy)
		return -ENOMEM;
	read_text(im, format, name, text);
	import_sweep(im);
	import_sort_notes(im);
	n_notes = im->n_notes;
	for (char *line = copy, *end; *line; line = end) {
		bool continues;

		end = line + strcspn(line, "\n");
		at.line++;
		continues = end > line && end[end > line + 1 && end[-1] == '\r' ? -2 : -1] == '\\';
		while (first < im->n_facts && im->facts[first].at.line < at.line)
			first++;
		if (!continued && has_value(format, line, (size_t)(end - line)) &&
			(first == im->n_facts || im->facts[first].at.line != at.line) &&
			!import_is_noted(im, n_notes, at))
			import_note_at(im, at, IMPORT_DROPPED, "it was not understood");
		continued = continues;
		end += *end == '\n';
	}
	secret_wipe(copy, len);
	free(copy);
	return 0;
}

int import_read(
	struct import *im, const char *name, const void *bytes, size_t len, const char **ret_format)
{
	enum format format;
	char *text;
	int result = 0;

	if (len >= 2 && (!memcmp(bytes, "\xff\xfe", 2) || !memcmp(bytes, "\xfe\xff", 2))) {
		*ret_format = "it is in UTF-16: save it as UTF-8";
		return -EINVAL;
	}
	if (len && len <= IMPORT_FILE_MAX && !memchr(bytes, '\n', len) &&
		memchr(bytes, '\r', len - 1)) {
		*ret_format = "its lines end with CR alone: save it with line ends of Unix (LF)";
		return -EINVAL;
	}
	*ret_format = "it is larger than 16 MiB, or binary: is this the right file?";
	if (len > IMPORT_FILE_MAX || memchr(bytes, '\0', len))
		return -EINVAL;
	text = malloc(len + 1);
	if (!text || add_file(im, name) < 0) {
		free(text);
		return -ENOMEM;
	}
	memcpy(text, bytes, len);
	text[len] = '\0';
	if (!strncmp(text, BYTE_ORDER_MARK, 3))
		memset(text, ' ', 3);
	format = format_of(text);
	if (format == FORMAT_NONE || format == FORMAT_OURS) {
		*ret_format =
			format == FORMAT_OURS
				? "it is a file of wirespan already: use it as it is"
				: "its format is not recognised: it should be of wg-quick, "
				  "systemd-networkd, NetworkManager, VyOS, OpenWrt or RouterOS, "
				  "or a shell script with ip and wg";
		result = -EINVAL;
	} else {
		*ret_format = format_names[format];
		result = read_noted(im, format, name, text);
	}
	secret_wipe(text, len);
	free(text);
	return result < 0 ? result : im->out_of_memory ? -ENOMEM : 0;
}

/* Whether two notes are about the same section of ours. */
static bool same_section(const struct import_note *a, const struct import_note *b)
{
	size_t len = strcspn(a->text, "]");

	return a->at.file == b->at.file && a->at.line == b->at.line && a->verdict == b->verdict &&
	       a->text[0] == '[' && !strncmp(a->text, b->text, len + 1);
}

/* Whether note `b` is that of `a`, and on the same line or the next. */
static bool continues(const struct import_note *a, const struct import_note *b)
{
	return a->at.file == b->at.file && a->verdict == IMPORT_DROPPED &&
	       b->verdict == IMPORT_DROPPED && b->at.line <= a->at.line + 1 &&
	       !strcmp(a->text, b->text);
}

/* Write `n` notes that belong together. */
static void add_notes(
	const struct import *im, const struct import_note *first, size_t n, struct text *t)
{
	static const char *const verdicts[] = {
		[IMPORT_TAKEN] = "imported",
		[IMPORT_CHANGED] = "changed",
		[IMPORT_DROPPED] = "dropped",
	};
	const struct import_note *last = &first[n - 1];

	text_add(t, "%s:%u", im->files[first->at.file], first->at.line);
	if (last->at.line != first->at.line)
		text_add(t, "-%u", last->at.line);
	text_add(t, ": %s: %s", verdicts[first->verdict], first->text);
	for (size_t i = 1; i < n && same_section(first, last); i++)
		if (strcmp(first[i].text, first[i - 1].text) != 0) /* as of a list of ports */
			text_add(t, ",%s", strchr(first[i].text, ']') + 1);
	text_add(t, "\n");
}

char *import_notes_text(struct import *im)
{
	const struct import_note *notes = im->notes;
	struct text t = { 0 };

	import_sort_notes(im);
	for (size_t i = 0, n; i < im->n_notes; i += n) {
		for (n = 1;
			i + n < im->n_notes && (same_section(&notes[i], &notes[i + n]) ||
						       continues(&notes[i + n - 1], &notes[i + n]));
			n++)
			;
		add_notes(im, &notes[i], n, &t);
	}
	return text_finish(&t);
}
