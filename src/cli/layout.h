/* SPDX-License-Identifier: MIT */
/* Lays out a network of several sites: matching keys, addresses and ids, and one configuration
 * model for each site. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/random.h"
#include "conf/model.h"
#include "conf/print.h"

#define LAYOUT_SITES_MAX   99 /* an id is two numbers of two digits */
#define LAYOUT_MEMBERS_MAX 8
#define LAYOUT_NAME_MAX	   63

/** One site, as the user described it. */
struct layout_site {
	char name[LAYOUT_NAME_MAX + 1];
	char *endpoint_host; /* NULL: the other sites cannot contact it first */
	uint16_t endpoint_port;
	struct ip_prefix address; /* inside the tunnel; family 0: chosen by the layout */
	struct ip_prefix bridge;  /* on the segment; family 0: none */
	char join[IF_NAMESIZE];	  /* an existing bridge that is the segment here; "": ours */
	char members[LAYOUT_MEMBERS_MAX][IF_NAMESIZE];
	size_t n_members;
	uint8_t private_key[KEY_LEN]; /* set by layout_complete(), like the fields below */
	uint8_t public_key[KEY_LEN];
};

/** The sites. All are wired to the first, the hub; or, in a mesh, to each other. */
struct layout {
	struct layout_site sites[LAYOUT_SITES_MAX];
	size_t n;
	struct ip_prefix subnet; /* subnet of the tunnel addresses that the layout chooses */
	bool mesh;
	bool psk;
	uint8_t psks[LAYOUT_SITES_MAX][LAYOUT_SITES_MAX][KEY_LEN]; /* [a][b] with a < b */
};

/** Choose the missing addresses and generate the keys. Return: NULL, or an error message to
 * free(). */
char *layout_complete(struct layout *layout, const struct rng *rng);

/** Fill an empty site with the configuration of site number `i`. Return: 0 or -ENOMEM. */
int layout_site_model(const struct layout *layout, size_t i, struct conf_site *ret);

/**
 * The text of the configuration of site number `i`, which is `model`, with comments.
 * Return: 0 and a text to wipe and free(), or -ENOMEM.
 */
int layout_site_text(const struct layout *layout, size_t i, const struct conf_site *model,
	char **ret_text, size_t *ret_len);

/** Free what the sites own, and wipe the layout. */
void layout_fini(struct layout *layout);
