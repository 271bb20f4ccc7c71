/* SPDX-License-Identifier: MIT */
/* Formats numbers for people: sizes, counts, durations. */
#include "base/format.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char *format_bytes(uint64_t bytes, char buf[static FORMAT_LEN])
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double size = (double)bytes / 1024;
	size_t unit = 0;

	if (bytes < 1024) {
		snprintf(buf, FORMAT_LEN, "%" PRIu64 " B", bytes);
		return buf;
	}
	/* a value that would print as 1024.00 moves to the next unit */
	while (size >= 1023.995 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		size /= 1024;
		unit++;
	}
	snprintf(buf, FORMAT_LEN, "%.2f %s", size, units[unit]);
	return buf;
}

const char *format_count(uint64_t count, char buf[static FORMAT_LEN])
{
	char digits[FORMAT_LEN];
	int len = snprintf(digits, sizeof(digits), "%" PRIu64, count);
	char *out = buf;

	for (int i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			*out++ = ',';
		*out++ = digits[i];
	}
	*out = '\0';
	return buf;
}

const char *format_counted(uint64_t count, const char *noun, char buf[static FORMAT_LEN])
{
	size_t len = strlen(format_count(count, buf));

	snprintf(buf + len, FORMAT_LEN - len, " %s%s", noun, count == 1 ? "" : "s");
	return buf;
}

const char *format_span(uint64_t ms, char buf[static FORMAT_LEN])
{
	static const struct {
		uint64_t seconds;
		const char *name;
	} units[] = { { 86400, "d" }, { 3600, "h" }, { 60, "min" }, { 1, "s" } };
	uint64_t s = ms / 1000;
	size_t i = 0;
	uint64_t rest;

	if (s == 0) {
		snprintf(buf, FORMAT_LEN, "%" PRIu64 " ms", ms);
		return buf;
	}
	while (s < units[i].seconds)
		i++;
	rest = units[i].seconds > 1 ? s % units[i].seconds / units[i + 1].seconds : 0;
	if (rest)
		snprintf(buf, FORMAT_LEN, "%" PRIu64 " %s %" PRIu64 " %s", s / units[i].seconds,
			units[i].name, rest, units[i + 1].name);
	else
		snprintf(buf, FORMAT_LEN, "%" PRIu64 " %s", s / units[i].seconds, units[i].name);
	return buf;
}
