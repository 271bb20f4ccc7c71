/* SPDX-License-Identifier: MIT */
/* Loads a site for a verb: parses and checks the file, and reports problems. */
#include "cli/site.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/select.h"
#include "conf/check.h"
#include "conf/complete.h"
#include "conf/load.h"
#include "conf/owners.h"
#include "conf/parse.h"
#include "crypto/x25519.h"
#include "host/conf_probe.h"

/* Report why no back end on this host can carry the site. */
static void check_backend(const struct conf_site *site, struct conf_report *report)
{
	struct choice choice;
	struct error error;
	int err = backend_select(site, &choice, &error);
	size_t len;

	if (!err || ((err == -EACCES || err == -EPERM) && geteuid() != 0))
		return; /* what only root may open is not checked for others */
	len = strlen(error.problem);
	conf_report_add(report, CONF_ERROR, site->at[CONF_SITE_BACKEND], "%.*s\n%s",
		(int)(len && error.problem[len - 1] == '.' ? len - 1 : len), error.problem,
		error.hint);
}

/* Check the values of a site, also against its own public key if that is known. */
static void check_values(const struct conf_site *site, struct conf_report *report)
{
	uint8_t public_key[KEY_LEN];
	bool known = site->interface.has_private_key &&
		     !x25519_public(site->interface.private_key, public_key);

	conf_check(site, known ? public_key : NULL, report);
}

void site_load_report(const char *name_or_path, bool ask_host, struct conf_site *ret_site,
	struct conf_report *report)
{
	char *path = conf_path(name_or_path);
	size_t n_of_file;

	if (!path) {
		conf_site_init(ret_site);
		report->out_of_memory = true;
		return;
	}
	if (!conf_load(path, ret_site, report)) {
		check_values(ret_site, report);
		conf_check_owners(ret_site, ask_host ? CONF_ERROR : CONF_WARNING, report);
		if (ask_host) {
			n_of_file = report->n_errors;
			check_backend(ret_site, report);
			conf_probe_check(ret_site, report);
			report->n_of_host += report->n_errors - n_of_file;
		}
	}
	conf_report_sort(report);
	free(path);
}

bool site_load(const char *name_or_path, bool ask_host, struct conf_site *ret_site)
{
	struct conf_report report = { 0 };
	bool ok;

	site_load_report(name_or_path, ask_host, ret_site, &report);
	site_print_report(ret_site, &report);
	ok = conf_report_ok(&report);
	conf_report_fini(&report);
	if (!ok)
		conf_site_fini(ret_site);
	return ok;
}

void site_print_report(const struct conf_site *site, const struct conf_report *report)
{
	char *text = conf_report_text(report, site);

	fputs(text ? text : "out of memory\n", stderr);
	free(text);
}

struct mtu_budget site_budget(const struct conf_site *site)
{
	struct nl_socket nl;
	struct mtu_budget budget;
	bool open = nl_socket_open(&nl) == 0;

	mtu_budget_compute(site, open ? &nl : NULL, site->interface.fwmark, &budget);
	if (open)
		nl_socket_close(&nl);
	return budget;
}

bool site_check_text(const char *path, const char *bytes, size_t len)
{
	struct conf_source source = { .name = path, .folder = ".", .bytes = bytes, .len = len };
	struct conf_report report = { 0 };
	struct conf_site site;
	bool ok;

	conf_site_init(&site);
	if (conf_parse(&site, &source, &report))
		report.out_of_memory = true;
	conf_complete(&site, &report);
	check_values(&site, &report);
	conf_report_sort(&report);
	site_print_report(&site, &report);
	ok = conf_report_ok(&report);
	conf_report_fini(&report);
	conf_site_fini(&site);
	return ok;
}
