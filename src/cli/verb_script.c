/* SPDX-License-Identifier: MIT */
/* script: the wg and ip commands that set up a site. */
#include "cli/verb.h"

#include <stdbool.h>
#include <stdio.h>

#include "cli/script_text.h"
#include "cli/site.h"
#include "conf/value.h"
#include "wg/overhead.h"

static enum verb_exit print_script(const char *file, uint32_t underlay, bool with_keys)
{
	struct conf_site site;
	struct mtu_budget budget;

	if (!site_load(file, false, &site))
		return VERB_FAILED;
	budget = site_budget(&site);
	if (underlay) {
		budget.outer_mtu = underlay;
		budget.outer_measured = false;
		if (!site.interface.mtu)
			budget.wg_mtu = wg_mtu_of(underlay, budget.outer_family);
	}
	script_print(&(struct script_source){ &site, &budget, with_keys }, stdout);
	conf_site_fini(&site);
	return VERB_DONE;
}

static enum verb_exit run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "keys", no_argument, NULL, 'k' },
		{ "underlay", required_argument, NULL, 'u' },
		{ NULL, 0, NULL, 0 },
	};
	bool with_keys = false;
	uint32_t underlay = 0;
	int c;

	while ((c = verb_option(argc, argv, "ku:", options)) >= 0) {
		if (c == 'k')
			with_keys = true;
		else if (c != 'u')
			return verb_bad_option(argv[0]);
		else if (conf_value_u32(optarg, 576, 65535, &underlay) < 0)
			return verb_usage(argv[0], "--underlay takes an MTU, 576 to 65535");
	}
	if (argc - optind != 1)
		return verb_usage(argv[0], "name one configuration file");
	return print_script(argv[optind], underlay, with_keys);
}

const struct verb verb_script = {
	.name = "script",
	.usage = "[--underlay BYTES] [--keys] NAME|FILE",
	.summary = "the equivalent wg and ip commands, for reading or for leaving",
	.help = "Writes a shell script that builds the same network with the kernel's own\n"
		"wireguard and l2tp_eth, by wg(8) and ip(8), and takes it down again:\n"
		"  wirespan script vpn01 > vpn01.sh; sh vpn01.sh up; sh vpn01.sh down\n"
		"The MTUs in it are computed from the route to the peers.\n"
		"\n"
		"  -u, --underlay BYTES   compute with this MTU of the path between the sites\n"
		"  -k, --keys             write the keys into the script. Without it the script\n"
		"                         reads them from the configuration when it runs.\n",
	.run = run,
};
