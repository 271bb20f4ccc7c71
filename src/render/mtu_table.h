/* SPDX-License-Identifier: MIT */
/* Draws the header ladder as text for people, and encodes it as JSON. */
#pragma once

#include <stdio.h>

#include <json-c/json.h>

#include "mtu/mtu.h"

/** Size of the name of a layer, with its NUL. */
#define MTU_TABLE_NAME_LEN 64

/** Write the layer's name with its family: "inner IPv6 header". */
void mtu_table_layer_name(
	const struct mtu_ladder *l, enum mtu_layer layer, char ret[static MTU_TABLE_NAME_LEN]);

/** Draw the ladder on `out`, under the line `title`: every layer with its offset and size in the
 * underlay's packet, then the MTUs that follow, then their effect on 1500-byte members and on
 * IPv6. */
void mtu_table_print(const struct mtu_ladder *l, const char *title, FILE *out);

/** The same as a JSON object, which the caller releases; NULL without memory. */
struct json_object *mtu_table_json(const struct mtu_ladder *l);
