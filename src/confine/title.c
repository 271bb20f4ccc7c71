/* SPDX-License-Identifier: MIT */
/* The title of a process, as ps(1) shows it. */
#include "confine/title.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

extern char **environ;

/* The arguments and, behind them, the environment, as the kernel placed both. */
static char *area;
static size_t area_len;

void title_init(int argc, char **argv)
{
	char *end = argv[0];

	if (argc < 1)
		return;
	area = end;
	for (int i = 0; i < argc && argv[i] == end; i++)
		end += strlen(end) + 1;
	for (char **e = environ; e && *e == end; e++)
		end += strlen(end) + 1;
	area_len = (size_t)(end - area);
}

void title_set(const char *role, const char *site)
{
	char title[128];

	snprintf(title, sizeof(title), "wirespan: %s %s", role, site);
	(void)prctl(PR_SET_NAME, title, 0, 0, 0);
	clearenv();
	if (!area_len)
		return;
	memset(area, 0, area_len);
	memcpy(area, title, strnlen(title, area_len - 1));
}
