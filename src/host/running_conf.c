/* SPDX-License-Identifier: MIT */
/* The configuration that a site runs with, stored for the process that resumes it. */
#include "host/running_conf.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/secret.h"
#include "conf/complete.h"
#include "conf/parse.h"
#include "conf/print.h"
#include "host/rundir.h"

#define SUFFIX "running"

/** Return: the text of a configuration without WireGuard keys and names of their files, to be
 * freed; or NULL. */
static char *print_without_keys(const struct conf_site *conf, size_t *ret_len)
{
	struct conf_site copy = *conf; /* shares the lists */
	char *text = NULL;

	copy.wireguard = NULL; /* its values become those of the site's own file */
	secret_wipe(copy.interface.private_key, sizeof(copy.interface.private_key));
	copy.interface.has_private_key = false;
	copy.interface.private_key_file = NULL;
	copy.peers = calloc(conf->n_peers + 1, sizeof(*copy.peers));
	for (size_t i = 0; copy.peers && i < conf->n_peers; i++) {
		copy.peers[i] = conf->peers[i];
		secret_wipe(copy.peers[i].preshared_key, sizeof(copy.peers[i].preshared_key));
		copy.peers[i].has_preshared_key = false;
		copy.peers[i].preshared_key_file = NULL;
	}
	if (copy.peers && conf_print(&copy, NULL, &text, ret_len) < 0)
		text = NULL;
	free(copy.peers);
	return text;
}

/** Write `len` bytes into a new file. Return: 0 or -errno. */
static int write_file(const char *path, const char *text, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	int err = 0;

	if (fd < 0)
		return -errno;
	while (err == 0 && len) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno != EINTR)
			err = -errno;
		if (n > 0) {
			text += n;
			len -= (size_t)n;
		}
	}
	if (close(fd) < 0 && err == 0)
		err = -errno;
	return err;
}

int running_conf_store(const struct conf_site *conf)
{
	char path[PATH_MAX];
	char new[PATH_MAX];
	size_t len = 0;
	char *text;
	int err = rundir_file(conf->name, SUFFIX, path);

	if (err == 0)
		err = rundir_file(conf->name, SUFFIX ".new", new);
	if (err < 0)
		return err;
	text = print_without_keys(conf, &len);
	err = text ? write_file(new, text, len) : -ENOMEM;
	free(text);
	if (err == 0 && rename(new, path) < 0)
		err = -errno;
	if (err < 0)
		unlink(new);
	return err;
}

/** Read a whole file. Return: 0 and its bytes, to be freed; or -errno. */
static int read_file(const char *path, char **ret_text, size_t *ret_len)
{
	struct stat st;
	ssize_t n = -1;
	char *text;
	int err = 0;
	int fd = rundir_open_ours(path);

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		err = -errno;
	else if (st.st_size > CONF_FILE_MAX)
		err = -EPROTO;
	text = err == 0 ? malloc((size_t)st.st_size + 1) : NULL;
	if (text)
		n = read(fd, text, (size_t)st.st_size);
	if (err == 0 && n < 0)
		err = text ? -errno : -ENOMEM;
	close(fd);
	if (err < 0) {
		free(text);
		return err;
	}
	*ret_text = text;
	*ret_len = (size_t)n;
	return 0;
}

int running_conf_load(const char *name, struct conf_site *ret)
{
	struct conf_report report = { 0 };
	struct conf_source source = { .folder = "/" };
	char path[PATH_MAX];
	char *text = NULL;
	int err = rundir_file(name, SUFFIX, path);

	if (err == 0)
		err = read_file(path, &text, &source.len);
	if (err < 0)
		return err;
	source.name = path;
	source.bytes = text;
	conf_site_init(ret);
	err = conf_parse(ret, &source, &report);
	if (err == 0) {
		conf_complete(ret, &report);
		free(ret->name);
		ret->name = strdup(name);
		err = !ret->name ? -ENOMEM : conf_report_ok(&report) ? 0 : -EPROTO;
	}
	conf_report_fini(&report);
	free(text);
	if (err < 0)
		conf_site_fini(ret);
	return err;
}

bool running_conf_exists(const char *name)
{
	char path[PATH_MAX];

	return rundir_file(name, SUFFIX, path) == 0 && access(path, F_OK) == 0;
}

bool running_conf_equal(const struct conf_site *a, const struct conf_site *b)
{
	size_t len_a = 0;
	size_t len_b = 0;
	char *text_a = print_without_keys(a, &len_a);
	char *text_b = print_without_keys(b, &len_b);
	bool equal = text_a && text_b && len_a == len_b && !memcmp(text_a, text_b, len_a);

	free(text_a);
	free(text_b);
	return equal;
}

void running_conf_discard(const char *name)
{
	char path[PATH_MAX];

	if (rundir_file(name, SUFFIX, path) == 0)
		unlink(path);
}

void running_conf_sweep(const char *name)
{
	char path[PATH_MAX];

	if (rundir_file(name, SUFFIX ".new", path) == 0)
		unlink(path);
}
