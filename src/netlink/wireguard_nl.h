/* SPDX-License-Identifier: MIT */
/* Generic netlink messages of the kernel's WireGuard: configure an interface, query its state. */
#pragma once

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/must_check.h"
#include "netlink/exchange.h"
#include "netlink/msg.h"

#define WGNL_KEY_LEN 32

/** Changes of one peer. What is NULL or false is left as it is; a new peer has none of it. */
struct wgnl_peer {
	const uint8_t *public_key;	    /* [WGNL_KEY_LEN] */
	const uint8_t *preshared_key;	    /* [WGNL_KEY_LEN]; all zero: none */
	const struct endpoint *endpoint;    /* its sticky source is not used */
	const struct ip_prefix *allowedips; /* added; the kernel moves them from other peers */
	size_t n_allowedips;
	bool replace_allowedips; /* those that the peer has are removed first */
	bool has_keepalive;
	uint16_t keepalive; /* s; 0: off */
	bool remove;	    /* the peer; nothing else matters then */
	bool update_only;   /* a peer that does not exist is not added */
};

/** Changes of an interface. What is NULL or false is left as it is. Peers that are not listed are
 * left as they are. */
struct wgnl_config {
	const char *ifname;
	const uint8_t *private_key; /* [WGNL_KEY_LEN]; all zero: none */
	bool has_listen_port;
	uint16_t listen_port; /* 0: the kernel chooses one */
	bool has_fwmark;
	uint32_t fwmark; /* of outer packets; 0: none */
	const struct wgnl_peer *peers;
	size_t n_peers;
};

/** How much of a configuration is encoded; zeroed before the first message. */
struct wgnl_cursor {
	bool started;
	size_t peer;	  /* the next one */
	size_t allowedip; /* the next one of that peer */
};

/** State of a peer. */
struct wgnl_peer_info {
	uint8_t public_key[WGNL_KEY_LEN];
	bool has_preshared_key;
	struct endpoint endpoint; /* addr.family 0: none */
	uint16_t keepalive;	  /* s; 0: off */
	int64_t handshake_s;	  /* time of the last handshake since 1970; 0: none so far */
	int64_t handshake_ns;	  /* and its nanoseconds */
	uint64_t rx_bytes;	  /* since the peer was added, outer headers not included */
	uint64_t tx_bytes;
	struct ip_prefix *allowedips;
	size_t n_allowedips;
};

/** State of an interface; free it with wgnl_device_fini(). It holds no secret key. */
struct wgnl_device {
	uint32_t ifindex;
	char name[IF_NAMESIZE];
	bool has_public_key; /* it has a private key, to which this belongs: */
	uint8_t public_key[WGNL_KEY_LEN];
	uint16_t listen_port;
	uint32_t fwmark;
	struct wgnl_peer_info *peers;
	size_t n_peers;
};

/**
 * Encode the next message of a configuration; `family` is the id of WG_GENL_NAME. The message holds
 * secret keys: wipe it after use. The flag to replace all peers is never set, so peers keep their
 * sessions. Return: whether there was one.
 * Source: include/uapi/linux/wireguard.h, WG_CMD_SET_DEVICE.
 */
bool wgnl_encode_set(struct nl_msg *m, uint16_t family, const struct wgnl_config *config,
	struct wgnl_cursor *cursor);

/** Request the state of an interface. Return: `m`. */
struct nl_msg *wgnl_encode_get(struct nl_msg *m, uint16_t family, const char *ifname);

/**
 * Decode one message of an interface's state, and add it to `device`, which was zeroed before the
 * first: a peer whose allowed IPs are in several messages becomes one. Secret keys are not copied.
 * Return: 0; -EBADMSG if it is malformed; or -ENOMEM.
 */
MUST_CHECK int wgnl_decode_device(const struct nlmsghdr *nlh, struct wgnl_device *device);

/** Free the peers and zero the rest. */
void wgnl_device_fini(struct wgnl_device *device);

/**
 * Configure an interface, with as many messages as it takes. Not atomic: after an error, those
 * before it are in effect. A peer with more than about 90 allowed IPs and `replace_allowedips`
 * lacks some of them for an instant.
 * Return: 0; -ENODEV if there is no such interface; -EOPNOTSUPP if it is of another kind;
 * -EADDRINUSE if the port is taken and the interface is up; or another -errno.
 */
MUST_CHECK int wgnl_set(struct nl_socket *nl, uint16_t family, const struct wgnl_config *config);

/** Query an interface. Return: 0 and a device to free; -ENODEV; -EOPNOTSUPP if it is of another
 * kind; or another -errno. */
MUST_CHECK int wgnl_get(
	struct nl_socket *nl, uint16_t family, const char *ifname, struct wgnl_device *ret);
