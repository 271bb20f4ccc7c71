/* SPDX-License-Identifier: MIT */
/* A main() for fuzz targets without libFuzzer: runs every file of the corpus folders once. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/target.h"

#define INPUT_MAX (1 << 20)

/* Pass an exact copy to the target, so that a sanitizer detects the first byte read past the
 * end. */
static int run_file(const char *path)
{
	static uint8_t buf[INPUT_MAX];
	FILE *f = fopen(path, "rb");
	uint8_t *copy;
	size_t len;

	if (!f) {
		perror(path);
		return 1;
	}
	len = fread(buf, 1, sizeof(buf), f);
	fclose(f);
	copy = malloc(len ? len : 1);
	if (!copy)
		return 1;
	memcpy(copy, buf, len);
	LLVMFuzzerTestOneInput(copy, len);
	free(copy);
	return 0;
}

/* Return: the number of files run, or -1. */
static int run_folder(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;
	int n = 0;

	if (!d) {
		perror(path);
		return -1;
	}
	while ((e = readdir(d))) {
		char name[4096];

		if (e->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, e->d_name);
		if (run_file(name)) {
			n = -1;
			break;
		}
		n++;
	}
	closedir(d);
	return n;
}

int main(int argc, char **argv)
{
	int n = 0;

	for (int i = 1; i < argc; i++) {
		int ran = run_folder(argv[i]);

		if (ran < 0)
			return 1;
		n += ran;
	}
	printf("%d inputs\n", n);
	return n == 0; /* an empty corpus tests nothing */
}
