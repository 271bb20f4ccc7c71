/* SPDX-License-Identifier: MIT */
/* What the host should be like: from the configuration, and from what the site has created. */
#pragma once

#include "host/difference.h"

/** An interface in use, remembered by its ifindex. */
struct known_link {
	enum wanted_role role;
	char name[IF_NAMESIZE]; /* in the configuration */
	uint32_t ifindex;	/* 0: it does not exist; of the engine's interfaces the last one */
	bool adopted;		/* a bridge of another program */
	bool has_mac;
	uint8_t mac[LINK_MAC_LEN];   /* when it was first seen */
	struct ip_prefix link_local; /* the address that the kernel gave it; of our bridges, while
					they run; family 0: none */
	bool local6; /* IPv6 routes of the local table have been seen by it: Linux 4.18 and later */
};

/** The interfaces in use, and the MTUs that were computed for them. Zero is empty; free it with
 * known_fini(). */
struct known {
	struct known_link *links;
	size_t n;
	bool by_ifindex; /* only the guard makes the engine's interfaces again */
	bool marked;	 /* the interfaces of sessions have our alias, too: kernel objects */
	uint32_t wg_mtu;
	uint32_t *session_mtus; /* in the order of the file */
	size_t n_sessions;
	struct wanted_setting *settings; /* as they were last read */
	size_t n_settings;
};

/** Free it and make it empty. */
void known_fini(struct known *known);

/** Remember the MTUs of a configuration's interfaces; 0 is not compared. Return: 0 or -ENOMEM. */
MUST_CHECK int known_set_mtus(
	struct known *known, const struct conf_site *conf, uint32_t wg, const uint32_t *sessions);

/**
 * Remember which interfaces of the snapshot are in use. A member is in use while it is a port of
 * its bridge. Also sets the ifindex and Ethernet address in `wanted`. The settings are copied.
 * Return: 0 or -ENOMEM.
 */
MUST_CHECK int known_learn(
	struct known *known, struct wanted *wanted, const struct host_view *view);

/** The entry of an interface, or NULL. */
const struct known_link *known_find(
	const struct known *known, enum wanted_role role, const char *name);

/** Remember that an interface of the engine was made again, with this ifindex. */
void known_made_again(
	struct known *known, enum wanted_role role, const char *name, uint32_t ifindex);

/** List what a configuration wants. Return: 0 and a list to free with wanted_fini(), or -ENOMEM. */
MUST_CHECK int wanted_make(const struct conf_site *conf, const struct route_plan *plan,
	const char *alias, const struct known *known, struct wanted *ret);

/** Free a list and make it empty. */
void wanted_fini(struct wanted *wanted);
