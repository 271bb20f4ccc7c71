/* SPDX-License-Identifier: MIT */
/* Reads shell scripts with ip(8), wg(8), brctl(8) and bridge(8), among them those of `wirespan
 * script`. */
#include "import/read_shell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/keytext.h"
#include "base/secret.h"
#include "import/shell_ip.h"
#include "import/shell_wg.h"

/* Commands that are not those of a network, and why they are dropped. */
/* clang-format off */
static const struct import_row others[] = {
	{ "", "if", NULL, REASON_FLOW },       { "", "elif", NULL, REASON_FLOW },   { "", "fi", NULL, REASON_FLOW },
	{ "", "for", NULL, REASON_FLOW },      { "", "while", NULL, REASON_FLOW },  { "", "done", NULL, REASON_FLOW },
	{ "", "case", NULL, REASON_FLOW },     { "", "esac", NULL, REASON_FLOW },   { "", "set", NULL, REASON_FLOW },
	{ "", "trap", NULL, REASON_FLOW },     { "", "exit", NULL, REASON_FLOW },   { "", "return", NULL, REASON_FLOW },
	{ "", "[", NULL, REASON_FLOW },        { "", "test", NULL, REASON_FLOW },   { "", "echo", NULL, REASON_FLOW },
	{ "", "printf", NULL, REASON_FLOW },   { "", "sleep", NULL, REASON_FLOW },  { "", "true", NULL, REASON_FLOW },
	{ "", "}", NULL, REASON_FLOW },        { "", ":", NULL, REASON_FLOW },      { "", "key_in_line", NULL, REASON_FLOW },
	{ "", "up", NULL, REASON_FLOW },       { "", "down", NULL, REASON_FLOW },   { "", "take_down", NULL, REASON_FLOW },
	{ "", "*)", NULL, REASON_FLOW },
	{ "", "up)", NULL, REASON_FLOW },      { "", "down)", NULL, REASON_FLOW },
	{ "", "modprobe", NULL, "the site needs no kernel module" },
	{ "", "sysctl", NULL, "the site sets what it needs itself; if this is for something else, add it as PostUp" },
	{ "", "wg-quick", NULL, "name its file as well, such as /etc/wireguard/wg0.conf" },
	{ NULL, NULL, NULL, NULL },
};
/* clang-format on */

/* Comments of `wirespan script` that describe the next lines. */
static void read_comment(struct script *s, const char *text)
{
	s->ours |=
		strstr(text, "made by hand from the kernel's own wireguard and l2tp_eth") != NULL;
	if (!s->ours)
		return;
	s->from_file |= !strcmp(text, "MTU from the file");
	if (!strcmp(text, "PostUp"))
		s->part = PART_POST_UP;
	else if (s->part == PART_PRE_UP)
		s->part = PART_OTHER;
}

/* Follow the functions of a script of ours. Return: whether the command is a part of its frame. */
static bool follow_parts(struct script *s)
{
	const struct shell_command *c = s->command;
	const char *word = c->words[0];

	if (!s->ours)
		return false;
	if (c->end == '(' && !strcmp(word, "down")) {
		s->part = PART_PRE_DOWN;
		s->shell.at += strcspn(s->shell.at, "\n"); /* the brace */
		s->shell.line += *s->shell.at == '\n';
		s->shell.at += *s->shell.at == '\n';
	} else if (!strcmp(word, "take_down") && s->part == PART_PRE_DOWN)
		s->part = PART_POST_DOWN;
	else if (!strcmp(word, "trap") && c->n == 3)
		s->part = strcmp(c->words[1], "take_down") ? PART_OTHER : PART_PRE_UP;
	else if (!strcmp(word, "}"))
		s->part = PART_OTHER;
	else
		return false;
	return true;
}

/* A line of a hook: it is text, up to its end. */
static void read_hook(struct script *s, const char *line)
{
	static const char *const keys[] = {
		[PART_PRE_UP] = "PreUp",
		[PART_POST_UP] = "PostUp",
		[PART_PRE_DOWN] = "PreDown",
		[PART_POST_DOWN] = "PostDown",
	};
	size_t len = strcspn(line, "\n");
	char *text = strndup(line, len);

	if (!text)
		s->im->out_of_memory = true;
	else if (*s->link)
		import_add(s->im, IMPORT_LINK, s->link, keys[s->part], import_trim(text));
	free(text);
}

static void run_other(struct script *s)
{
	const char *word = s->command->words[0];
	const struct import_row *row = import_row_find(others, "", word);
	char shown[CONF_SHOWN_LEN];

	if (row)
		import_drop(s->im, "%s", row->reason);
	else if (s->command->end == '(' || s->command->end == ')') /* a function, or a case */
		import_drop(s->im, REASON_FLOW);
	else
		import_drop(s->im,
			"%s is not a command of the network: if the site needs it, add it as "
			"PostUp",
			conf_shown(word, shown));
}

static const char *program_of(const struct shell_command *c)
{
	const char *slash = strrchr(c->words[0], '/');

	return slash ? slash + 1 : c->words[0];
}

static void run_command(struct script *s)
{
	const struct shell_command *c = s->command;
	const char *program = program_of(c);

	if (c->too_long)
		import_drop(s->im, "the command is too long");
	else if (!strcmp(s->function, "take_down"))
		import_drop(s->im, REASON_REMOVAL);
	else if (!strcmp(program, "ip"))
		shell_ip(s);
	else if (!strcmp(program, "wg") && c->n > 1 && !strcmp(c->words[1], "set"))
		shell_wg_set(s);
	else if (!strcmp(program, "wg") && c->n > 3 && strstr(c->words[1], "conf") &&
		 strcmp(c->words[1], "showconf") != 0)
		shell_wg_file(s);
	else if (!strcmp(program, "wg"))
		import_drop(s->im, "it sets nothing");
	else if (!strcmp(program, "brctl"))
		shell_brctl(s);
	else if (!strcmp(program, "bridge"))
		shell_bridge(s);
	else if (!strcmp(program, "resolvconf"))
		shell_resolvconf(s);
	else
		run_other(s);
}

/* Whether a line of a hook begins at `at`: not the frame's own lines, and not blank. */
static bool at_hook(const struct script *s, const char *at)
{
	at += strspn(at, " \t");
	return s->part != PART_OTHER && *at && *at != '\n' && *at != '}' &&
	       strncmp(at, "trap - EXIT\n", 12) != 0 &&
	       !(s->part == PART_PRE_DOWN && !strncmp(at, "take_down\n", 10)) &&
	       !(s->part == PART_PRE_UP && !strncmp(at, "# WireGuard between", 19));
}

/* Drop the lines of a here-document with a note, except the first, if wg may have read a key
 * there. */
static void drop_document(struct import *im, const struct shell_command *command)
{
	unsigned from = command->document;

	if (!strcmp(program_of(command), "resolvconf"))
		return; /* shell_resolvconf() */
	for (size_t i = 0; from && i < command->n; i++)
		if (!strcmp(command->words[i], "wg")) {
			from++;
			break;
		}
	if (!from || from > command->document_end)
		return;
	import_note_at(im, (struct conf_at){ .file = im->at.file, .line = from }, IMPORT_DROPPED,
		"the here-document is not read, up to line %u: if it is a file of the network, "
		"import that as well",
		command->document_end);
}

/* Read the script's next command, or line of a hook. Return: false at the end. */
static bool read_next(struct script *s)
{
	struct shell *shell = &s->shell;
	size_t before;

	if (at_hook(s, shell->at)) {
		s->im->at.line = shell->line;
		read_hook(s, shell->at);
		shell->at += strcspn(shell->at, "\n");
		shell->at += *shell->at == '\n';
		shell->line++;
		return true;
	}
	if (!shell_next(shell, s->command))
		return false;
	s->im->at.line = s->command->line;
	if (!strcmp(s->command->words[0], "#")) {
		read_comment(s, s->command->words[1]);
		return true;
	}
	if (s->command->end == '(')
		snprintf(s->function, sizeof(s->function), "%s", s->command->words[0]);
	else if (s->command->end == ')')
		snprintf(s->label, sizeof(s->label), "%s", s->command->words[s->command->n - 1]);
	else if (!strcmp(s->command->words[0], "}"))
		s->function[0] = '\0';
	else if (!strcmp(s->command->words[0], "esac"))
		s->label[0] = '\0';
	before = s->im->n_facts + s->im->n_notes;
	if (follow_parts(s))
		import_drop(s->im, REASON_FLOW);
	else
		run_command(s);
	if (s->im->n_facts + s->im->n_notes == before && !s->im->too_many)
		import_drop(s->im, "it states nothing that a site has");
	drop_document(s->im, s->command);
	return true;
}

/* The WireGuard interface of a script of ours, whose hooks may come before it. */
static void find_link(struct script *s, const char *text)
{
	static const char begin[] = "\tip link add ";
	static const char end[] = " type wireguard\n";
	const char *name = strstr(text, begin);
	size_t len;

	if (!name)
		return;
	name += sizeof(begin) - 1;
	len = strcspn(name, " ");
	if (len < sizeof(s->link) && !strncmp(name + len, end, sizeof(end) - 1))
		snprintf(s->link, sizeof(s->link), "%.*s", (int)len, name);
}

void import_shell(struct import *im, const char *text)
{
	struct shell_command *commands = calloc(2, sizeof(*commands));
	struct script s = { .im = im, .shell = { .at = text, .line = 1 } };

	if (!commands) {
		im->out_of_memory = true;
		return;
	}
	find_link(&s, text);
	s.command = &commands[0];
	s.before = &commands[1];
	while (read_next(&s)) {
		if (s.command->end == '|') { /* the next one reads its output */
			struct shell_command *swap = s.before;

			s.before = s.command;
			s.command = swap;
		} else {
			s.before->n = 0;
		}
	}
	secret_wipe(commands, 2 * sizeof(*commands));
	free(commands);
	secret_wipe(&s.shell, sizeof(s.shell));
}
