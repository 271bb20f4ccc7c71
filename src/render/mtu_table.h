/* SPDX-License-Identifier: MIT */
/* The header ladder drawn: a picture for people, and the same in JSON. */
#ifndef RENDER_MTU_TABLE_H
#define RENDER_MTU_TABLE_H

#include <stdio.h>

#include <json-c/json.h>

#include "mtu/mtu.h"

/** Draw the ladder on `out`, under the line `title`: every layer with its place and size in the
 * underlay's packet, then the numbers that follow from it, then what they mean for 1500-byte
 * members and for IPv6. */
void mtu_table_print(const struct mtu_ladder *l, const char *title, FILE *out);

/** The same as a JSON object, to be put by the caller; NULL without memory. */
struct json_object *mtu_table_json(const struct mtu_ladder *l);

#endif
