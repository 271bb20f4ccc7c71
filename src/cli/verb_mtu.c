/* SPDX-License-Identifier: MIT */
/* mtu: the header ladder of a configuration's sessions, or of options alone. */
#include "cli/verb.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/site.h"
#include "ctlproto/json.h"
#include "render/mtu_table.h"
#include "underlay/mtu_budget.h"

#define UNDERLAY_DEFAULT 1500
#define BYTES_MAX	 65535

/* Options of the command line. 0 means not given: from the file, or the default. */
struct request {
	struct mtu_options given;
	bool encap_given;
	bool sublayer_given;
	bool cookie_given;
	bool json;
};

/* Output: text is printed at once, JSON at the end. */
struct output {
	struct json_object *ladders; /* an array, or NULL for text */
	bool first;
	bool failed;
};

enum {
	OPT_WG_MTU = 256
};

static const struct option options[] = {
	{ "underlay", required_argument, NULL, 'u' },
	{ "wg-mtu", required_argument, NULL, OPT_WG_MTU },
	{ "ipv4", no_argument, NULL, '4' },
	{ "ipv6", no_argument, NULL, '6' },
	{ "inner-ipv6", no_argument, NULL, 'i' },
	{ "vlan", optional_argument, NULL, 'v' },
	{ "cookie", required_argument, NULL, 'c' },
	{ "sublayer", required_argument, NULL, 's' },
	{ "encap", required_argument, NULL, 'e' },
	{ "json", no_argument, NULL, 'j' },
	{ NULL, 0, NULL, 0 },
};

/* Parse a number up to `max`, digits only. */
static bool parse_number(const char *text, unsigned max, unsigned *ret)
{
	unsigned long v;
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	v = strtoul(text, &end, 10);
	if (errno || *end || v > max)
		return false;
	*ret = (unsigned)v;
	return true;
}

/* Parse one of two keywords. */
static bool parse_word(const char *text, const char *zero, const char *one, bool *ret)
{
	*ret = strcmp(text, one) == 0;
	return *ret || strcmp(text, zero) == 0;
}

/* Apply one option. Return: NULL, or what its argument should be. */
static const char *take_option(int c, const char *arg, struct request *r)
{
	struct mtu_options *o = &r->given;
	bool one;

	switch (c) {
	case 'u':
		return parse_number(arg, BYTES_MAX, &o->underlay) && o->underlay
			       ? NULL
			       : "--underlay takes the path's MTU in bytes";
	case OPT_WG_MTU:
		return parse_number(arg, BYTES_MAX, &o->wg_mtu) && o->wg_mtu
			       ? NULL
			       : "--wg-mtu takes bytes";
	case '4':
		o->outer_family = AF_INET;
		return NULL;
	case '6':
		o->outer_family = AF_INET6;
		return NULL;
	case 'i':
		o->inner_family = AF_INET6;
		return NULL;
	case 'v':
		o->vlan_tags = 1;
		return !arg || parse_number(arg, 2, &o->vlan_tags)
			       ? NULL
			       : "--vlan takes =1 or =2, the number of tags";
	case 'c':
		r->cookie_given = true;
		return parse_number(arg, 8, &o->cookie_len) && o->cookie_len % 4 == 0
			       ? NULL
			       : "--cookie takes its bytes: 0, 4 or 8";
	case 's':
		r->sublayer_given = parse_word(arg, "default", "none", &one);
		o->sublayer = one ? L2TP_SUBLAYER_NONE : L2TP_SUBLAYER_DEFAULT;
		return r->sublayer_given ? NULL : "--sublayer takes default or none";
	case 'e':
		r->encap_given = parse_word(arg, "udp", "ip", &one);
		o->encap = one ? L2TP_ENCAP_IP : L2TP_ENCAP_UDP;
		return r->encap_given ? NULL : "--encap takes udp or ip";
	case 'j':
		r->json = true;
		return NULL;
	default:
		return "";
	}
}

/* Options override the file and the defaults. */
static struct mtu_options merge(const struct request *r, struct mtu_options base)
{
	const struct mtu_options *g = &r->given;

	base.underlay = g->underlay ? g->underlay : base.underlay;
	base.wg_mtu = g->wg_mtu ? g->wg_mtu : base.wg_mtu;
	base.outer_family = g->outer_family ? g->outer_family : base.outer_family;
	base.inner_family = g->inner_family ? g->inner_family : base.inner_family;
	base.encap = r->encap_given ? g->encap : base.encap;
	base.sublayer = r->sublayer_given ? g->sublayer : base.sublayer;
	base.cookie_len = r->cookie_given ? g->cookie_len : base.cookie_len;
	base.vlan_tags = g->vlan_tags;
	return base;
}

static void put_json(struct output *out, const struct mtu_ladder *l, const char *session)
{
	struct json_object *o = mtu_table_json(l);

	if (json_put_text(o, "session", session) < 0) {
		json_object_put(o);
		out->failed = true;
	} else if (json_append(out->ladders, o) < 0) {
		out->failed = true;
	}
}

/* Compute one ladder and print it; `session` is "" if it is for no particular session. */
static bool put_ladder(
	struct output *out, const struct mtu_options *o, const char *session, const char *title)
{
	struct mtu_ladder l;

	if (mtu_ladder_compute(o, &l) < 0) {
		fprintf(stderr,
			"wirespan mtu: %s%san underlay of %u bytes leaves no room for a packet\n",
			session, *session ? ": " : "", o->underlay);
		return false;
	}
	if (out->ladders) {
		put_json(out, &l, session);
	} else {
		if (!out->first)
			fputc('\n', stdout);
		mtu_table_print(&l, title, stdout);
	}
	out->first = false;
	return true;
}

static bool put_options(struct output *out, const struct request *r)
{
	struct mtu_options o = merge(r, (struct mtu_options){ .underlay = UNDERLAY_DEFAULT,
						.outer_family = AF_INET,
						.inner_family = AF_INET });
	char title[64];

	snprintf(title, sizeof(title), "Underlay of %u bytes", o.underlay);
	return put_ladder(out, &o, "", title);
}

static bool put_session(struct output *out, const struct request *r, const struct conf_site *site,
	const struct mtu_budget *b, const struct conf_tunnel *tunnel,
	const struct conf_session *session)
{
	struct mtu_options o = merge(r, mtu_budget_options(b, tunnel, session));
	char title[160];

	/* a number in the file stays; computed values are computed again from the options */
	if (!r->given.wg_mtu)
		o.wg_mtu = site->interface.mtu;
	snprintf(title, sizeof(title), "%s in %s: underlay of %u bytes, %s", session->name,
		site->interface.name, o.underlay,
		r->given.underlay   ? "as given"
		: b->outer_measured ? "from the route to the peer"
				    : "assumed: no route to a peer is known here");
	return put_ladder(out, &o, session->name, title);
}

static bool put_site(struct output *out, const struct request *r, const char *file)
{
	struct conf_site site;
	struct conf_session_walk walk = { &site };
	const struct conf_session *session;
	struct mtu_budget b;
	bool ok = true;

	if (!site_load(file, false, &site))
		return false;
	b = site_budget(&site);
	while ((session = conf_next_session(&walk)))
		ok &= put_session(out, r, &site, &b, walk.of, session);
	if (!walk.i)
		fprintf(stderr, "wirespan mtu: %s has no [L2TPSession]\n", file);
	conf_site_fini(&site);
	return ok && walk.i;
}

static bool print_json(struct output *out)
{
	struct json_object *root = json_object_new_object();

	if (json_put(root, "ladders", out->ladders) < 0 || out->failed ||
		json_print(stdout, root) < 0) {
		fputs("wirespan mtu: out of memory\n", stderr);
		out->failed = true;
	}
	json_object_put(root);
	return !out->failed;
}

static enum verb_exit run(int argc, char **argv)
{
	struct output out = { .first = true };
	struct request r = { 0 };
	bool ok;
	int c;

	while ((c = verb_option(argc, argv, "u:46iv::c:s:e:j", options)) >= 0) {
		const char *problem = take_option(c, optarg, &r);

		if (problem && *problem)
			return verb_usage(argv[0], "%s", problem);
		if (problem)
			return verb_bad_option(argv[0]);
	}
	if (argc - optind > 1)
		return verb_usage(argv[0], "name one configuration at most");
	if (r.json) {
		out.ladders = json_object_new_array();
		out.failed = !out.ladders;
	}
	ok = optind < argc ? put_site(&out, &r, argv[optind]) : put_options(&out, &r);
	if (r.json)
		ok &= print_json(&out);
	return ok ? VERB_DONE : VERB_FAILED;
}

const struct verb verb_mtu = {
	.name = "mtu",
	.usage = "[OPTION…] [NAME|FILE]",
	.summary = "the header ladder, byte by byte, and the numbers that follow from it",
	.help = "Draws where every byte of the underlay's packet goes, for each session of a\n"
		"configuration, or for the options alone. Options override the file.\n"
		"\n"
		"  -u, --underlay BYTES   MTU of the path between the gateways: 1500, 1492, …\n"
		"                         (default: of the route to the peer, or 1500)\n"
		"  -4, --ipv4; -6, --ipv6 what the gateways reach each other by\n"
		"      --wg-mtu BYTES     MTU of the wg interface, instead of what is left\n"
		"  -i, --inner-ipv6       Local and Remote of the tunnel are IPv6 addresses\n"
		"  -e, --encap udp|ip     EncapsulationType of the tunnel\n"
		"  -c, --cookie BYTES     length of the cookie: 0, 4 or 8\n"
		"  -s, --sublayer default|none\n"
		"  -v, --vlan[=TAGS]      the members' frames carry one tag, or two\n"
		"  -j, --json             the same as JSON\n",
	.run = run,
};
