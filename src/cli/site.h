/* SPDX-License-Identifier: MIT */
/* Loads a site for a verb: parses and checks the file, and reports problems. */
#pragma once

#include <stdbool.h>

#include "conf/model.h"
#include "conf/problem.h"
#include "underlay/mtu_budget.h"

/** Parse and check the configuration NAME or FILE. Without `ask_host`, checks that depend on the
 * host are skipped. Problems are added to `report`, sorted. `ret_site` must be freed with
 * conf_site_fini() in any case. */
void site_load_report(const char *name_or_path, bool ask_host, struct conf_site *ret_site,
	struct conf_report *report);

/** The same for a verb that needs the site: problems go to stderr. Return: whether the site is
 * usable; if not, it has been freed. */
bool site_load(const char *name_or_path, bool ask_host, struct conf_site *ret_site);

/** Print the problems of a site to stderr, one after the other. */
void site_print_report(const struct conf_site *site, const struct conf_report *report);

/** Parse and check the text that is to become the file `path`, as `validate` will; problems go to
 * stderr. Return: whether it has no errors. */
bool site_check_text(const char *path, const char *bytes, size_t len);

/** The MTU budget of a site, by the routes of this host. */
struct mtu_budget site_budget(const struct conf_site *site);
