/* SPDX-License-Identifier: MIT */
/* For tests: requests for interfaces that only tests create. */
#pragma once

#include "netlink/msg.h"

/** Create a pair of veth interfaces, down. -EEXIST if a name is taken. Return: `m`. */
struct nl_msg *test_link_veth(struct nl_msg *m, const char *name, const char *peer);

/** Create a VLAN interface on `parent`, down. `id` 1 to 4094. -EEXIST if it exists. Return: `m`. */
struct nl_msg *test_link_vlan(struct nl_msg *m, const char *name, uint32_t parent, uint16_t id);
