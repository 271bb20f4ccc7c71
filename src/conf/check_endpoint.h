/* SPDX-License-Identifier: MIT */
/* Checks of peers' endpoints: usable, and outside of the tunnel that they carry. */
#pragma once

#include "base/must_check.h"
#include "conf/model.h"
#include "conf/problem.h"

/** Check the Endpoint of every [Peer], and AllowedIPs and addresses that contain one of them. */
void conf_check_endpoints(const struct conf_site *site, struct conf_report *report);

/** The address of a peer's Endpoint. Return: false if there is none or it is a host name. */
MUST_CHECK bool conf_endpoint_addr(const struct conf_peer *peer, struct ip_addr *ret);

/** The zone of a peer's Endpoint: the name or the number of an interface. NULL: it has none. */
const char *conf_endpoint_zone(const struct conf_peer *peer);

/** The peer whose Endpoint is the address with this text, or NULL. */
const struct conf_peer *conf_endpoint_peer(const struct conf_site *site, const char *addr);
