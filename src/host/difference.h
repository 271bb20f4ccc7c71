/* SPDX-License-Identifier: MIT */
/* Compare the host with the configuration. Pure: a snapshot goes in, a list of differences comes
 * out.
 *
 * Theory of operation. A list (wanted.h) has the wanted name, state, MTU, addresses and bridge of
 * each interface of the site. The comparison finds the interfaces in a snapshot of the host
 * (view.h): those of the site by ifindex, which a rename does not change; members by name, which a
 * card gets again when it is plugged in again. An interface of another program that has the name of
 * one of the site's is not the site's. Each difference has a remedy: restore the site's own
 * objects and settings; wait for an absent member; only report an interface in use or renamed by
 * another program. The list has no consequences of other differences: addresses and routes of an
 * interface that is down are not compared.
 * The wanted MTU of a bridge is the smallest of its ports, the kernel's choice for a bridge without
 * an MTU of its own. A missing carrier is no difference.
 */
#pragma once

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must_check.h"
#include "conf/model.h"
#include "host/route_plan.h"
#include "host/view.h"

#define DIFFERENCE_TEXT_LEN 160 /* of a sentence, with its NUL */

/** What the site uses an interface for. */
enum wanted_role {
	WANTED_WG = 0,
	WANTED_BRIDGE,
	WANTED_SESSION,
	WANTED_MEMBER,
};

/** An interface as it should be. Strings and lists are borrowed from the configuration. */
struct wanted_link {
	enum wanted_role role;
	const char *name;
	uint32_t ifindex;		       /* of the interface in use; 0: not known yet */
	const char *bridge;		       /* the bridge that it is a port of; "": none */
	uint32_t mtu;			       /* bytes; 0: not compared */
	const struct conf_prefixes *addresses; /* NULL: not compared */
	const char
		*alias; /* of what the site creates: the mark that it is ours; NULL: not compared */
	bool stp;	/* of a bridge */
	uint32_t fdb_max;	 /* likewise: addresses that it learns; 0: not compared */
	bool multicast_snooping; /* likewise */
	bool has_port;		 /* `port` is compared; of a member only `port.forward_control` */
	struct link_port port;
	bool by_ifindex; /* only the interface with `ifindex` is it, whatever its name */
	bool deleted;	 /* an interface of the back end: it can be made again */
	bool moved;	 /* likewise, not deleted: it is in another network namespace */
	bool adopted;	 /* a bridge of another program: only its existence is compared */
	bool has_mac;	 /* of a bridge: `mac` is compared */
	uint8_t mac[LINK_MAC_LEN];
	struct ip_prefix link_local; /* that it had; compared unless its family is 0 */
	bool local6; /* IPv6 routes of the local table have been seen by this interface */
};

/** The state of a setting. */
enum setting_state {
	SETTING_UNKNOWN = 0, /* it cannot be read, or does not exist here */
	SETTING_AS_WANTED,
	SETTING_OTHER,
};

/** All that is compared. Bridges come before their ports. Zero is empty. */
struct wanted {
	struct wanted_link *v;
	size_t n;
	const struct route_plan *plan; /* routes to the WireGuard interface, with their rules */
	struct wanted_setting *settings;
	size_t n_settings;
};

/** Kinds of differences. */
enum difference_kind {
	DIFFERENCE_ABSENT = 0, /* the interface does not exist */
	DIFFERENCE_NAME,       /* it has another name */
	DIFFERENCE_ALIAS,      /* it has not our alias */
	DIFFERENCE_DOWN,       /* administratively down */
	DIFFERENCE_PORT,       /* not a port of its bridge */
	DIFFERENCE_MTU,
	DIFFERENCE_MAC,
	DIFFERENCE_STP,
	DIFFERENCE_FORWARD_DELAY, /* of a bridge without STP */
	DIFFERENCE_FDB_MAX,	  /* of a bridge: how many addresses it learns */
	DIFFERENCE_SNOOPING,	  /* of a bridge */
	DIFFERENCE_ISOLATED,	  /* of a session: SplitHorizon */
	DIFFERENCE_ROUTER_PORT,	  /* of a session: multicast goes to it */
	DIFFERENCE_FORWARDS,	  /* of a bridge or port: ForwardControl */
	DIFFERENCE_ADDRESS,	  /* an address is missing */
	DIFFERENCE_LIFETIME,	  /* an address expires or is deprecated */
	DIFFERENCE_ROUTE,	  /* a route is missing */
	DIFFERENCE_RULE,	  /* a policy rule is missing */
	DIFFERENCE_VALID_MARK,	  /* the sysctl src_valid_mark, for a default route */
	DIFFERENCE_ACCEPT_RA,	  /* the sysctl accept_ra of an interface of ours */
	DIFFERENCE_AUTOCONF,	  /* the sysctl addr_gen_mode, likewise */
	DIFFERENCE_FILTER,	  /* the nftables table of a default route is missing or changed */
	DIFFERENCE_DNS,		  /* name servers are missing in resolv.conf */
	DIFFERENCE_COUNT
};

/** What the site has set beside interfaces, addresses, routes and rules: see site_settings.h. */
struct wanted_setting {
	enum difference_kind kind;
	enum wanted_role role;
	char link[IF_NAMESIZE];	      /* the interface that it is for */
	uint16_t family;	      /* AF_INET or AF_INET6; 0: both */
	const struct conf_texts *dns; /* the name servers; of DIFFERENCE_DNS */
	enum setting_state state;
	bool changed; /* the filter is there, but with other rules */
	bool seen;    /* it has been as wanted: only then it is compared */
};

/** What is done about a difference. */
enum difference_remedy {
	DIFFERENCE_RESTORE = 0,
	DIFFERENCE_WAIT,  /* for a member that does not exist yet */
	DIFFERENCE_LEAVE, /* it is only reported */
};

/** One difference. Two differences are the same if their members up to `prefix` are equal. */
struct difference {
	enum difference_kind kind;
	enum difference_remedy remedy;
	enum wanted_role role;
	char name[IF_NAMESIZE];		/* in the configuration */
	uint32_t ifindex;		/* of the interface that was found; 0: none */
	struct ip_prefix prefix;	/* of an address or route; only the family of others */
	uint32_t table;			/* of a route or rule */
	uint32_t mtu;			/* the wanted MTU */
	bool moved;			/* it exists, in another network namespace */
	bool later;			/* another program may be about to change the bridge */
	char found[IF_NAMESIZE];	/* its present name, or the interface it is a port of */
	char text[DIFFERENCE_TEXT_LEN]; /* one sentence without a full stop */
};

/** A list of differences; free `v`. Zero is empty. */
struct differences {
	struct difference *v;
	size_t n;
};

/**
 * Compare. Differences are in the order in which they can be restored.
 * Return: 0 and a list to free, or -ENOMEM.
 */
MUST_CHECK int difference_compare(
	const struct wanted *wanted, const struct host_view *view, struct differences *ret);

/** Whether two differences, of different comparisons, are the same. */
bool difference_equal(const struct difference *a, const struct difference *b);

/** The name of a kind, for status and metrics: "absent", "down" … */
const char *difference_kind_name(enum difference_kind kind);

/** Whether it is an IPv6 link-local address. */
bool difference_is_link_local(const struct ifaddr_info *address);

/** The present interface of a wanted one, or NULL if it does not exist or another interface has its
 * name. */
const struct link_info *difference_find(
	const struct wanted_link *wanted, const struct host_view *view);
