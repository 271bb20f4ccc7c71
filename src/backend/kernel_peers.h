/* SPDX-License-Identifier: MIT */
/* The kernel's WireGuard interface as the configuration wants it: keys, port and peers, changed by
 * their difference only, so that peers keep their sessions. */
#pragma once

#include "backend/backend.h"
#include "backend/kernel_netlink.h"
#include "conf/model.h"
#include "host/netdev.h"
#include "netlink/wireguard_nl.h"

/** A handshake younger than this, in s, is that of a live session (wg's REJECT_AFTER_TIME). */
#define KERNEL_PEERS_ALIVE_S 180

/** Which differences to apply; a set. */
enum kernel_peers_what {
	KERNEL_PEERS_ADD = 1 << 0,    /* new peers, with their keys */
	KERNEL_PEERS_CHANGE = 1 << 1, /* endpoints, allowed IPs and keepalive of the others */
	KERNEL_PEERS_KEYS = 1 << 2,   /* the private key, and the preshared keys of the others */
	KERNEL_PEERS_REMOVE = 1 << 3, /* peers that are not configured */
	KERNEL_PEERS_SOCKET = 1 << 4, /* the port and the firewall mark */
	KERNEL_PEERS_ALL = (1 << 5) - 1,
};

/** The peers as they were last seen, for an interface that is made again. */
struct kernel_peers_seen {
	struct backend_peer *v;
	size_t n;
	struct mono at;
};

/** What to apply, and to what. */
struct kernel_peers_step {
	unsigned what;
	const struct conf_site *conf;
	const struct conf_site *old; /* an endpoint that differs from this configuration's is set,
					others stay where the peer has roamed to; NULL: a peer
					without a live session gets its endpoint */
	const struct kernel_peers_seen *seen; /* a new peer gets the endpoint that it had, if it had
						 a live session or has no address in the file;
						 NULL: none was seen */
	uint32_t fwmark;
};

/** Apply differences to the interface of `step->conf`: those of the socket last, so that a port in
 * use does not prevent the others. Return: 0, or -errno with `ret_error` filled; then some may have
 * been applied. */
MUST_CHECK int kernel_peers_apply(struct kernel_netlink *k, struct netdev *m,
	const struct kernel_peers_step *step, struct error *ret_error);

/** Bring the peers back to an earlier state: remove new ones, restore endpoints, allowed IPs and
 * keepalive of the others. Keys are not concerned. Return: 0 or -errno, as above. */
MUST_CHECK int kernel_peers_restore(struct kernel_netlink *k, struct netdev *m,
	const struct wgnl_device *before, struct error *ret_error);

/** The peer with that key, or NULL. */
const struct wgnl_peer_info *kernel_peers_find(
	const struct wgnl_device *device, const uint8_t public_key[static KEY_LEN]);

/** Query the interface. Return: 0 and a device for wgnl_device_fini(), or -errno with `ret_error`
 * filled. */
MUST_CHECK int kernel_peers_query(struct kernel_netlink *k, const char *interface,
	struct wgnl_device *ret, struct error *ret_error);
