/* SPDX-License-Identifier: MIT */
/* init: create matching configuration files with keys for two or more sites. */
#include "cli/verb.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "base/secret.h"
#include "cli/layout.h"
#include "cli/newfiles.h"
#include "cli/site.h"
#include "conf/value.h"

#define PORT_DEFAULT   "51820" /* WireGuard's common port */
#define SUBNET_DEFAULT "10.20.30.0/24"

/* The command line. */
struct request {
	struct layout *layout;
	const char *folder;
	bool force;
};

/* Parse "host", "host:port", "[v6]", "[v6]:port" or a bare "v6" into a site. */
static const char *take_endpoint(const char *value, struct layout_site *site)
{
	struct ip_addr addr;
	const char *host;
	const char *problem;
	char *text;
	bool v6 = !ip_addr_parse(value, &addr) && addr.family == AF_INET6;
	bool has_port = strrchr(value, ':') && value[strlen(value) - 1] != ']';
	const char *format = v6 ? "[%s]:" PORT_DEFAULT : has_port ? "%s" : "%s:" PORT_DEFAULT;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	if (asprintf(&text, format, value) < 0)
		return "out of memory";
#pragma GCC diagnostic pop
	problem = conf_value_endpoint(text, &host, &site->endpoint_port);
	if (!problem) {
		free(site->endpoint_host);
		site->endpoint_host = strdup(host);
		if (!site->endpoint_host)
			problem = "out of memory";
	}
	free(text);
	return problem;
}

static const char *take_member(const char *value, struct layout_site *site)
{
	const char *problem = conf_value_name_problem(value);

	if (problem)
		return problem;
	if (site->n_members == LAYOUT_MEMBERS_MAX)
		return "is one member too many: 8 are the limit, add more to the file";
	memcpy(site->members[site->n_members++], value, strlen(value) + 1);
	return NULL;
}

static const char *take_join(const char *value, struct layout_site *site)
{
	const char *problem = conf_value_name_problem(value);

	if (!problem)
		memcpy(site->join, value, strlen(value) + 1);
	return problem;
}

static const char *take_prefix(const char *value, struct ip_prefix *ret)
{
	if (!strchr(value, '/') || ip_prefix_parse(value, ret) < 0)
		return "is not an address with its subnet, such as 10.0.1.11/24";
	return NULL;
}

/* Apply one "key=value" of a --site. Return: NULL, or an error message about the value. */
static const char *take_property(const char *key, const char *value, struct layout_site *site)
{
	if (!strcmp(key, "endpoint"))
		return take_endpoint(value, site);
	if (!strcmp(key, "member"))
		return take_member(value, site);
	if (!strcmp(key, "address"))
		return take_prefix(value, &site->address);
	if (!strcmp(key, "bridge"))
		return take_prefix(value, &site->bridge);
	if (!strcmp(key, "join"))
		return take_join(value, site);
	return "belongs to an unknown key; the keys of --site: endpoint, member, join, address, "
	       "bridge";
}

/* Parse "NAME,key=value,…" in place. */
static enum verb_exit take_site(const char *verb, char *text, struct layout *layout)
{
	struct layout_site *site;
	char *rest;
	char *name = strtok_r(text, ",", &rest);

	if (layout->n == LAYOUT_SITES_MAX)
		return verb_usage(verb, "more than %d sites", LAYOUT_SITES_MAX);
	site = &layout->sites[layout->n++];
	if (!name || conf_value_peer_name_problem(name))
		return verb_usage(verb,
			"--site starts with a name of letters, digits, _ . and -: it becomes the "
			"file's, and that of its [Peer] in the other files");
	memcpy(site->name, name, strlen(name) + 1);
	for (char *item = strtok_r(NULL, ",", &rest); item; item = strtok_r(NULL, ",", &rest)) {
		char *equals = strchr(item, '=');
		const char *problem;

		if (!equals)
			return verb_usage(verb, "site %s: \"%s\" is not key=value", name, item);
		*equals = '\0';
		problem = take_property(item, equals + 1, site);
		if (problem)
			return verb_usage(verb, "site %s: %s: \"%s\" %.*s", name, item, equals + 1,
				(int)strcspn(problem, "\n"), problem);
	}
	if (*site->join && site->bridge.addr.family)
		return verb_usage(verb,
			"site %s: the addresses of %s belong to its owner: leave out join or "
			"bridge",
			name, site->join);
	return VERB_DONE;
}

/* Generate one site's file. Its path and text are to be freed, also after a failure. */
static bool make_file(const struct request *r, size_t i, struct newfile *file)
{
	struct conf_site model;
	char *path;
	char *text;
	bool ok;

	if (asprintf(&path, "%s/%s.conf", r->folder, r->layout->sites[i].name) < 0)
		return false;
	file->path = path;
	conf_site_init(&model);
	ok = !layout_site_model(r->layout, i, &model) &&
	     !layout_site_text(r->layout, i, &model, &text, &file->len);
	conf_site_fini(&model);
	if (!ok) {
		fputs("wirespan init: out of memory\n", stderr);
		return false;
	}
	file->text = text;
	return site_check_text(file->path, file->text, file->len);
}

static void free_files(struct newfile *files, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (files[i].text)
			secret_wipe(files[i].text, files[i].len);
		free(files[i].text);
		free(files[i].path);
	}
}

static enum verb_exit write_files(const struct request *r, struct newfile *files)
{
	const char *failed = "";
	int error = newfiles_write(files, r->layout->n, r->force, &failed);

	if (error == -EEXIST) {
		fprintf(stderr,
			"wirespan init: %s is there already: nothing was written\n"
			"    choose another folder with --dir, or replace it with --force\n",
			failed);
		return VERB_FAILED;
	}
	if (error) {
		fprintf(stderr, "wirespan init: cannot write %s: %s\n", failed, strerror(-error));
		return VERB_FAILED;
	}
	for (size_t i = 0; i < r->layout->n; i++)
		printf("%s\n", files[i].path);
	printf("\nCopy each file to its own gateway, as /etc/wirespan/NAME.conf with mode 600, and "
	       "delete it here:\nit holds that site's private key. Then, on each gateway: wirespan "
	       "up NAME\n");
	return VERB_DONE;
}

static enum verb_exit make_files(const struct request *r)
{
	struct newfile files[LAYOUT_SITES_MAX] = { 0 };
	struct rng rng = random_system();
	enum verb_exit result = VERB_DONE;
	char *problem = layout_complete(r->layout, &rng);

	if (problem) {
		fprintf(stderr, "wirespan init: %s\n", problem);
		free(problem);
		return VERB_FAILED;
	}
	for (size_t i = 0; result == VERB_DONE && i < r->layout->n; i++)
		if (!make_file(r, i, &files[i]))
			result = VERB_FAILED;
	if (result == VERB_DONE)
		result = write_files(r, files);
	free_files(files, r->layout->n);
	return result;
}

/* Apply one option to the request. Return: VERB_DONE, or an error has been reported. */
static enum verb_exit take_option(const char *verb, int c, struct request *r)
{
	const char *problem;

	switch (c) {
	case 's':
		return take_site(verb, optarg, r->layout);
	case 'd':
		r->folder = optarg;
		return VERB_DONE;
	case 't':
		problem = take_prefix(optarg, &r->layout->subnet);
		return problem ? verb_usage(verb, "--tunnel %s %s", optarg, problem) : VERB_DONE;
	case 'm':
		r->layout->mesh = true;
		return VERB_DONE;
	case 'p':
		r->layout->psk = true;
		return VERB_DONE;
	case 'f':
		r->force = true;
		return VERB_DONE;
	default:
		return verb_bad_option(verb);
	}
}

static enum verb_exit run_request(int argc, char **argv, struct request *r)
{
	static const struct option options[] = {
		{ "site", required_argument, NULL, 's' },
		{ "dir", required_argument, NULL, 'd' },
		{ "tunnel", required_argument, NULL, 't' },
		{ "mesh", no_argument, NULL, 'm' },
		{ "psk", no_argument, NULL, 'p' },
		{ "force", no_argument, NULL, 'f' },
		{ NULL, 0, NULL, 0 },
	};
	enum verb_exit result;
	int c;

	while ((c = verb_option(argc, argv, "s:d:t:mpf", options)) >= 0) {
		result = take_option(argv[0], c, r);
		if (result != VERB_DONE)
			return result;
	}
	if (optind < argc)
		return verb_usage(
			argv[0], "\"%s\" is no option: each site needs --site", argv[optind]);
	if (r->layout->n < 2)
		return verb_usage(argv[0], "name two or more sites, each with --site");
	return make_files(r);
}

static enum verb_exit run(int argc, char **argv)
{
	struct request r = { .layout = calloc(1, sizeof(*r.layout)), .folder = "." };
	enum verb_exit result;

	if (!r.layout) {
		fprintf(stderr, "%s: out of memory\n", argv[0]);
		return VERB_FAILED;
	}
	ASSERT(ip_prefix_parse(SUBNET_DEFAULT, &r.layout->subnet) == 0);
	result = run_request(argc, argv, &r);
	layout_fini(r.layout);
	free(r.layout);
	return result;
}

const struct verb verb_init = {
	.name = "init",
	.usage = "--site NAME[,KEY=VALUE…] --site … [OPTION…]",
	.summary = "a matching set of configuration files for two or more sites, keys included",
	.help = "Makes one file for each site, NAME.conf with mode 0600, with fresh keys, and "
		"with\n"
		"addresses and ids that match:\n"
		"  wirespan init --site vpn01,endpoint=192.168.122.24:8172,member=eth1 \\\n"
		"                --site vpn02,endpoint=192.168.122.32:8172,member=eth1\n"
		"\n"
		"  -s, --site NAME,…     a site. Behind its name may stand, in any order:\n"
		"      endpoint=HOST[:PORT]  where the others reach it (port: " PORT_DEFAULT ");\n"
		"                            without it, it connects to them, as from behind a "
		"NAT\n"
		"      member=IF             an interface behind which members are; repeat\n"
		"      join=BRIDGE           an existing bridge that is the segment here: vmbr0 of "
		"a\n"
		"                            hypervisor, br-lan of a router; else one is made\n"
		"      bridge=ADDR/LEN       the gateway's own address on the segment\n"
		"      address=ADDR/LEN      its address inside the tunnel\n"
		"  -t, --tunnel NET/LEN  subnet for the addresses that are not given,\n"
		"                        " SUBNET_DEFAULT " by default\n"
		"  -m, --mesh            wire every site to every other. No bridge passes frames "
		"on\n"
		"                        from one site to another (SplitHorizon = yes): no loop.\n"
		"                        By default all are wired to the first, the hub, which\n"
		"                        passes frames on\n"
		"  -p, --psk             a preshared key for each pair of sites as well\n"
		"  -d, --dir DIR         where to write the files (default: here)\n"
		"  -f, --force           replace files that are there already; else nothing is\n"
		"                        written if any of them exists\n",
	.run = run,
};
