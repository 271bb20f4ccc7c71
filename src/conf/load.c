/* SPDX-License-Identifier: MIT */
/* Loading a site from its files: its own file, the WireGuard file it includes, and key files. */
#include "conf/load.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/secret.h"
#include "base/suggest.h"
#include "conf/complete.h"
#include "conf/parse.h"

#define CONF_FOLDER  "/etc/wirespan"
#define KEY_FILE_MAX 1024

/* A file's bytes and permissions. */
struct contents {
	char *bytes;
	size_t len;
	bool world_readable; /* by the modes of the file and its folder */
};

static void contents_fini(struct contents *c)
{
	if (c->bytes)
		secret_wipe(c->bytes, c->len);
	free(c->bytes);
}

/* The folder of `path`: a string to free(), or NULL. */
static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return strdup(".");
	return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

/* Whether other users may enter the folder of `path`. */
static bool folder_open(const char *path)
{
	char *folder = folder_of(path);
	struct stat st;
	bool open = folder && !stat(folder, &st) && (st.st_mode & S_IXOTH);

	free(folder);
	return open;
}

/* Read to the end, or until there are more than `max` bytes. */
static int read_bytes(int fd, size_t max, struct contents *c)
{
	c->bytes = malloc(max + 1);
	if (!c->bytes)
		return -ENOMEM;
	for (;;) {
		ssize_t n = read(fd, c->bytes + c->len, max + 1 - c->len);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			c->len += (size_t)n;
		if (!n || c->len > max)
			return 0;
	}
}

/* Read a file of at most `max` bytes, or its first max + 1. Rejects devices and folders; accepts
 * pipes. */
static int contents_read(const char *path, size_t max, struct contents *c)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	int result;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0) {
		result = -errno;
	} else if (!S_ISREG(st.st_mode) && !S_ISFIFO(st.st_mode)) {
		result = S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
	} else {
		if (S_ISFIFO(st.st_mode))
			fcntl(fd, F_SETFL, 0); /* `<(…)`: wait for the writer */
		c->world_readable =
			S_ISREG(st.st_mode) && (st.st_mode & S_IROTH) && folder_open(path);
		result = read_bytes(fd, max, c);
	}
	close(fd);
	return result;
}

/* The hint for an error of reading a file. */
static const char *hint_for(int error)
{
	switch (error) {
	case -ENOENT:
	case -ENOTDIR:
		return "check the path";
	case -EACCES:
	case -EPERM:
		return "run it as root, or make the file readable for your user";
	case -EISDIR:
	case -EINVAL:
		return "name a regular file";
	case -ENOMEM:
		return "free some memory, or raise the limits of memory";
	case -EMFILE:
	case -ENFILE:
		return "raise the limit of open files";
	default:
		return "check the file and its file system";
	}
}

/* Count an error of reading a file as one of this host, if it is no mistake: a limit, or a file
 * system that fails. It may be over at the next attempt. */
static void count_cause(int error, struct conf_report *report)
{
	switch (error) {
	case -ENOMEM:
	case -EMFILE:
	case -ENFILE:
	case -EIO:
	case -EAGAIN:
	case -ETIMEDOUT:
	case -ESTALE:
		report->n_of_host++;
		break;
	default:
		break;
	}
}

/* Load the key in file `path`, which `key_name` at `at` names. */
static bool load_key(const char *path, const char *key_name, struct conf_at at,
	struct conf_report *report, uint8_t ret_key[static KEY_LEN])
{
	struct contents c = { 0 };
	int error = contents_read(path, KEY_FILE_MAX, &c);
	bool ok = false;

	if (error) {
		conf_report_add(report, CONF_ERROR, at, "%s: cannot read %s: %s\n%s", key_name,
			path, strerror(-error), hint_for(error));
		count_cause(error, report);
	} else {
		size_t len = c.len;

		while (len > 0 && strchr(" \t\r\n", c.bytes[len - 1]))
			len--;
		ok = !key_from_base64(c.bytes, len, ret_key);
		if (!ok)
			conf_report_add(report, CONF_ERROR, at,
				"%s: %s contains no key\nit must contain one line of 44 "
				"characters, as wirespan genkey prints it",
				key_name, path);
		if (c.world_readable)
			conf_report_add(report, CONF_ERROR, at,
				"%s: all users of this host can read the key in %s\n"
				"chmod 600 %s, and replace the key if others may have read it",
				key_name, path, path);
	}
	contents_fini(&c);
	return ok;
}

static void load_keys(struct conf_site *site, struct conf_report *report)
{
	struct conf_interface *wg = &site->interface;

	if (wg->private_key_file && !wg->has_private_key)
		wg->has_private_key = load_key(wg->private_key_file, "PrivateKeyFile",
			wg->at[CONF_INTERFACE_PRIVATE_KEY_FILE], report, wg->private_key);
	for (size_t i = 0; i < site->n_peers; i++) {
		struct conf_peer *peer = &site->peers[i];

		if (peer->preshared_key_file && !peer->has_preshared_key)
			peer->has_preshared_key = load_key(peer->preshared_key_file,
				"PresharedKeyFile", peer->at[CONF_PEER_PRESHARED_KEY_FILE], report,
				peer->preshared_key);
	}
}

/* The first key set in file number `file` itself; line 0 if there is none. */
static struct conf_at first_key_in(const struct conf_site *site, uint32_t file)
{
	struct conf_at at = site->interface.at[CONF_INTERFACE_PRIVATE_KEY];

	if (at.line && at.file == file)
		return at;
	for (size_t i = 0; i < site->n_peers; i++) {
		at = site->peers[i].at[CONF_PEER_PRESHARED_KEY];
		if (at.line && at.file == file)
			return at;
	}
	return (struct conf_at){ 0 };
}

/* Whether `file` is NAME.conf, and then its name in `ret`. */
static bool name_of_file(const char *file, char ret[static SUGGEST_MAX + 1])
{
	size_t len = strlen(file);

	if (len <= 5 || len - 5 > SUGGEST_MAX || *file == '.' ||
		strcmp(file + len - 5, ".conf") != 0)
		return false;
	memcpy(ret, file, len - 5);
	ret[len - 5] = '\0';
	return true;
}

/* Write to `ret` the name of the file in the folder of `path` that is most like it. Return: whether
 * there is one. */
static bool nearest_file(const char *path, char ret[static SUGGEST_MAX + 1])
{
	const char *slash = strrchr(path, '/');
	char *folder = folder_of(path);
	DIR *dir = folder ? opendir(folder) : NULL;
	const struct dirent *entry;
	char name[SUGGEST_MAX + 1];
	char wanted[SUGGEST_MAX + 1];
	struct suggestion s;
	bool found = false;

	if (dir && name_of_file(slash ? slash + 1 : path, wanted)) {
		s = suggest_begin(wanted);
		while ((entry = readdir(dir))) {
			size_t best = s.best;

			if (!name_of_file(entry->d_name, name) || !strcmp(name, wanted))
				continue; /* the same name: a link that leads nowhere */
			suggest_try(&s, name);
			if (s.best < best)
				memcpy(ret, name, sizeof(name));
		}
		found = s.nearest != NULL;
	}
	if (dir)
		closedir(dir);
	free(folder);
	return found;
}

static bool is_link(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
}

/* Report a configuration file that cannot be read. */
static void report_unread(
	const char *path, int error, struct conf_at at, struct conf_report *report)
{
	bool by_name = !strncmp(path, CONF_FOLDER "/", sizeof(CONF_FOLDER));
	char nearest[SUGGEST_MAX + 1];

	if (error == -ENOENT && is_link(path))
		conf_report_add(report, CONF_ERROR, at,
			"cannot read %s: it is a link to a file that does not exist\n"
			"correct the link, or make the file: `ls -l %s` shows where it leads",
			path, path);
	else if (error == -ENOENT && nearest_file(path, nearest))
		conf_report_add(report, CONF_ERROR, at,
			"cannot read %s: %s\ndid you mean \"%s%s\"?", path, strerror(-error),
			nearest, by_name ? "" : ".conf");
	else
		conf_report_add(report, CONF_ERROR, at, "cannot read %s: %s\n%s", path,
			strerror(-error), hint_for(error));
}

/* Read `path` and parse it as the site's own file or the included one; `at` is where the path is
 * set. */
static int load_file(const char *path, struct conf_at at, bool included, struct conf_site *site,
	struct conf_report *report)
{
	struct conf_source source = { .name = path };
	uint32_t number = (uint32_t)site->n_files;
	struct contents c = { 0 };
	char *folder = NULL;
	char *real = NULL;
	int error = contents_read(path, CONF_FILE_MAX, &c);

	if (error) {
		report_unread(path, error, at, report);
		count_cause(error, report);
		goto out;
	}
	real = realpath(path, NULL);
	folder = folder_of(real ? real : path);
	if (!folder) {
		error = -ENOMEM;
		goto out;
	}
	source.folder = folder;
	source.bytes = c.bytes;
	source.len = c.len;
	error = included ? conf_parse_wireguard(site, &source, report)
			 : conf_parse(site, &source, report);
	if (c.world_readable && first_key_in(site, number).line)
		conf_report_add(report, CONF_WARNING, first_key_in(site, number),
			"all users of this host can read the keys in %s\nchmod 600 %s", path, path);
out:
	free(folder);
	free(real);
	contents_fini(&c);
	return error;
}

/* The site's name: the file name without folder and ".conf". */
static char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash ? slash + 1 : path;
	size_t len = strlen(base);

	if (len > 5 && !strcmp(base + len - 5, ".conf"))
		len -= 5;
	return strndup(base, len);
}

int conf_load(const char *path, struct conf_site *ret_site, struct conf_report *report)
{
	int error;

	conf_site_init(ret_site);
	ret_site->name = name_of(path);
	if (!ret_site->name) {
		report->out_of_memory = true;
		return -ENOMEM;
	}
	error = load_file(path, (struct conf_at){ 0 }, false, ret_site, report);
	if (error)
		return error;
	/* a problem of the second file is in the report and does not stop the checks */
	if (ret_site->wireguard && load_file(ret_site->wireguard, ret_site->at[CONF_SITE_WIREGUARD],
					   true, ret_site, report) == -ENOMEM)
		return -ENOMEM;
	conf_complete(ret_site, report);
	load_keys(ret_site, report);
	return 0;
}

char *conf_path(const char *name_or_path)
{
	size_t len = strlen(name_or_path);
	char *path;

	if (strchr(name_or_path, '/') || (len > 5 && !strcmp(name_or_path + len - 5, ".conf")))
		return strdup(name_or_path);
	return asprintf(&path, CONF_FOLDER "/%s.conf", name_or_path) < 0 ? NULL : path;
}
