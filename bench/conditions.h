/* SPDX-License-Identifier: MIT */
/* The header line of a bench's output: time, processor, kernel and load. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

/** Print the line. Unknown values are left empty. */
static inline void conditions_print(void)
{
	char when[32] = "?", line[256], cpu[128] = "?";
	double load[3] = { -1, -1, -1 };
	struct utsname u = { .release = "?" };
	time_t now = time(NULL);
	struct tm tm;
	FILE *f = fopen("/proc/cpuinfo", "re");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "model name : %127[^\n]", cpu) == 1)
			break;
	if (f)
		fclose(f);
	if (localtime_r(&now, &tm))
		(void)strftime(when, sizeof(when), "%Y-%m-%d %H:%M", &tm);
	(void)getloadavg(load, 3);
	(void)uname(&u);
	printf("%s, %ld × %s, Linux %s, load before: %.1f %.1f %.1f\n", when,
		sysconf(_SC_NPROCESSORS_ONLN), cpu, u.release, load[0], load[1], load[2]);
}
