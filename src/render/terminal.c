/* SPDX-License-Identifier: MIT */
/* The style of standard output, by terminal and environment. */
#include "render/terminal.h"

#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct render_style terminal_style(void)
{
	const char *term = getenv("TERM");
	const char *no_color = getenv("NO_COLOR");

	setlocale(LC_CTYPE, "");
	return (struct render_style){
		.colour = isatty(STDOUT_FILENO) && term && strcmp(term, "dumb") != 0 &&
			  !(no_color && *no_color),
		.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0,
	};
}
