/* SPDX-License-Identifier: MIT */
/* The contents of a configuration file as structs: one site, its interface, peers, tunnels and
 * bridges.
 *
 * Theory of operation. The parser fills a struct conf_site including all defaults, so that users
 * need not know them. Each value has its position in the files beside it: `at[KEY]`, of the first
 * value of a list, and `at` in each element of a list. Line 0 means that the key has no value in
 * the file. The reverse does not hold: a default that is written out has a position, so code that
 * needs to know whether a value is the default compares the value. The site owns everything it
 * points at; secrets are wiped when it is freed. This module reads no files and does not query the
 * host.
 */
#pragma once

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/keytext.h"
#include "base/must_check.h"
#include "conf/value.h"
#include "l2tp/session_options.h"

#define CONF_COOKIE_MAX 8    /* bytes */
#define CONF_L2TP_PORT	1701 /* the default of both UDP ports */

#define CONF_BRIDGE_NAME_DEFAULT "br-l2tp0"

/* [Bridge] ForwardControl: a set of control protocols, each as the bit of the last octet of its
 * group address 01:80:c2:00:00:XX, as in the kernel's group_fwd_mask. Source: IEEE 802.1Q-2018,
 * table 8-1. */
#define CONF_FORWARD_STP   (1U << 0x00) /* BPDUs */
#define CONF_FORWARD_LACP  (1U << 0x02) /* slow protocols: LACP, OAM, synchronisation status */
#define CONF_FORWARD_EAPOL (1U << 0x03) /* IEEE 802.1X and MACsec key agreement */
#define CONF_FORWARD_LLDP  (1U << 0x0e)

/** A position in a file: `file` is an index of conf_site.files, `line` counts from 1; line 0: not
 * in any file. */
struct conf_at {
	uint32_t file;
	uint32_t line;
};

/** A string of a list, with its position. */
struct conf_text {
	char *text;
	struct conf_at at;
};

/** A list of strings in the order of the file. */
struct conf_texts {
	struct conf_text *v;
	size_t n;
};

/** An address or prefix of a list, with its position. Host bits are preserved, except in
 * AllowedIPs. */
struct conf_prefix {
	struct ip_prefix prefix;
	struct conf_at at;
};

/** A list of prefixes in the order of the file. */
struct conf_prefixes {
	struct conf_prefix *v;
	size_t n;
};

/** [Site] Backend: the implementation that runs the site. */
enum conf_backend {
	CONF_BACKEND_AUTO = 0,
	CONF_BACKEND_USERSPACE,
	CONF_BACKEND_KERNEL,
};

/** [Interface] Table: the table of the routes to AllowedIPs. */
enum conf_table {
	CONF_TABLE_AUTO = 0, /* main table; policy routing for a default route, as wg-quick */
	CONF_TABLE_OFF,	     /* no routes */
	CONF_TABLE_NUMBER,   /* the table with this number */
};

/** Keys of [Site], as an index of conf_site.at. */
enum conf_site_key {
	CONF_SITE_BACKEND = 0,
	CONF_SITE_ISOLATION,
	CONF_SITE_USER,
	CONF_SITE_WIREGUARD,
	CONF_SITE_KEYS
};

/** Keys of [Interface], as an index of conf_interface.at. */
enum conf_interface_key {
	CONF_INTERFACE_NAME = 0,
	CONF_INTERFACE_PRIVATE_KEY,
	CONF_INTERFACE_PRIVATE_KEY_FILE,
	CONF_INTERFACE_LISTEN_PORT,
	CONF_INTERFACE_ADDRESS,
	CONF_INTERFACE_MTU,
	CONF_INTERFACE_FWMARK,
	CONF_INTERFACE_BANDWIDTH,
	CONF_INTERFACE_TABLE,
	CONF_INTERFACE_DNS,
	CONF_INTERFACE_PRE_UP,
	CONF_INTERFACE_POST_UP,
	CONF_INTERFACE_PRE_DOWN,
	CONF_INTERFACE_POST_DOWN,
	CONF_INTERFACE_PEER_UP,
	CONF_INTERFACE_PEER_DOWN,
	CONF_INTERFACE_SAVE_CONFIG, /* recognised, without effect */
	CONF_INTERFACE_KEYS
};

/** Keys of [Peer], as an index of conf_peer.at. */
enum conf_peer_key {
	CONF_PEER_PUBLIC_KEY = 0,
	CONF_PEER_PRESHARED_KEY,
	CONF_PEER_PRESHARED_KEY_FILE,
	CONF_PEER_ENDPOINT,
	CONF_PEER_ALLOWED_IPS,
	CONF_PEER_KEEPALIVE,
	CONF_PEER_BANDWIDTH,
	CONF_PEER_NAMED,
	CONF_PEER_KEYS
};

/** Keys of [L2TP], as an index of conf_tunnel.at. */
enum conf_tunnel_key {
	CONF_TUNNEL_ID = 0,
	CONF_TUNNEL_PEER_ID,
	CONF_TUNNEL_LOCAL,
	CONF_TUNNEL_REMOTE,
	CONF_TUNNEL_ENCAP,
	CONF_TUNNEL_UDP_SOURCE_PORT,
	CONF_TUNNEL_UDP_DESTINATION_PORT,
	CONF_TUNNEL_UDP_CHECKSUM,
	CONF_TUNNEL_KEYS
};

/** Keys of [L2TPSession], as an index of conf_session.at; for options see
 * l2tp/session_options.h. */
enum conf_session_key {
	CONF_SESSION_NAME = 0,
	CONF_SESSION_ID,
	CONF_SESSION_PEER_ID,
	CONF_SESSION_COOKIE,
	CONF_SESSION_PEER_COOKIE,
	CONF_SESSION_MTU,
	CONF_SESSION_BRIDGE,
	CONF_SESSION_OPTION, /* the first; more follow, by L2TP_OPTION() */
	CONF_SESSION_KEYS = CONF_SESSION_OPTION + L2TP_OPTIONS
};

/** Keys of [Bridge], as an index of conf_bridge.at. */
enum conf_bridge_key {
	CONF_BRIDGE_NAME = 0,
	CONF_BRIDGE_ADDRESS,
	CONF_BRIDGE_MEMBER,
	CONF_BRIDGE_STP,
	CONF_BRIDGE_MULTICAST_SNOOPING,
	CONF_BRIDGE_FORWARD_CONTROL,
	CONF_BRIDGE_ADOPT,
	CONF_BRIDGE_KEYS
};

/** [Interface]: the WireGuard interface of this site. */
struct conf_interface {
	char name[IF_NAMESIZE]; /* default "wg0" */
	bool has_private_key;	/* with PrivateKeyFile: false until it is read */
	uint8_t private_key[KEY_LEN];
	char *private_key_file; /* absolute path, or NULL */
	uint16_t listen_port;	/* 0 = the kernel chooses */
	struct conf_prefixes addresses;
	uint32_t mtu;	    /* bytes; 0 = auto */
	uint32_t fwmark;    /* 0 = off */
	uint64_t bandwidth; /* bits per second of all that is sent; 0 = off */
	enum conf_table table;
	uint32_t table_number;	  /* with CONF_TABLE_NUMBER */
	struct conf_texts dns;	  /* addresses and search domains */
	struct conf_texts pre_up; /* shell commands; %i is replaced by the name */
	struct conf_texts post_up;
	struct conf_texts pre_down;
	struct conf_texts post_down;
	struct conf_texts peer_up; /* run while the site is up; see wirespan.conf(5) */
	struct conf_texts peer_down;
	struct conf_at section;
	struct conf_at at[CONF_INTERFACE_KEYS];
};

/** [Peer]: the WireGuard peer at another site. */
struct conf_peer {
	char name[CONF_PEER_NAME]; /* stands for the key in what people read; "" = none */
	bool has_public_key;	   /* given, and not malformed */
	uint8_t public_key[KEY_LEN];
	bool has_preshared_key; /* with PresharedKeyFile: false until it is read */
	uint8_t preshared_key[KEY_LEN];
	char *preshared_key_file; /* absolute path, or NULL */
	char *endpoint_host;	  /* address or name, without brackets; NULL = none */
	uint16_t endpoint_port;
	struct conf_prefixes allowed_ips; /* host bits cleared */
	uint16_t keepalive_s;		  /* 0 = off */
	uint64_t bandwidth;		  /* bits per second of what is sent to it; 0 = off */
	struct conf_at section;
	struct conf_at at[CONF_PEER_KEYS];
};

/** [L2TPSession]: one Ethernet pseudowire and its interface. */
struct conf_session {
	char name[IF_NAMESIZE]; /* default "l2tpethN", N is the session's number from 0 */
	uint32_t session_id;	/* id in packets from the peer */
	uint32_t peer_session_id;
	uint8_t cookie[CONF_COOKIE_MAX];      /* sent */
	uint8_t cookie_len;		      /* 0, 4 or 8 */
	uint8_t peer_cookie[CONF_COOKIE_MAX]; /* expected */
	uint8_t peer_cookie_len;
	uint32_t mtu; /* of the interface, bytes; 0 = auto, 1500 */
	struct l2tp_options options;
	char bridge[IF_NAMESIZE]; /* the bridge it is a port of; "" = none */
	struct conf_at section;
	struct conf_at at[CONF_SESSION_KEYS];
};

/** [L2TP]: a static L2TPv3 tunnel through the WireGuard interface, with its sessions. */
struct conf_tunnel {
	uint32_t tunnel_id;
	uint32_t peer_tunnel_id;
	struct ip_addr local;
	bool local_auto; /* `local` is chosen: the interface address in the subnet of `remote` */
	struct ip_addr remote;
	enum l2tp_encap encap;
	uint16_t udp_source_port; /* default 1701 */
	uint16_t udp_destination_port;
	bool udp_checksum; /* over IPv4; over IPv6 it is mandatory */
	struct conf_session *sessions;
	size_t n_sessions;
	struct conf_at section;
	struct conf_at at[CONF_TUNNEL_KEYS];
};

/** [Bridge]: this site's bridge of the LAN. */
struct conf_bridge {
	char name[IF_NAMESIZE]; /* default "br-l2tp0" */
	struct conf_prefixes addresses;
	struct conf_texts members; /* interface names */
	bool stp;
	bool multicast_snooping;
	unsigned forward_control; /* CONF_FORWARD_… bits; 0 = none */
	bool adopt;		  /* the bridge exists and is not ours */
	struct conf_at section;
	struct conf_at at[CONF_BRIDGE_KEYS];
};

/** A whole configuration. */
struct conf_site {
	char *name;   /* base name of the file, without ".conf" */
	char **files; /* files read: [0] the site's own, [1] the included WireGuard file if any */
	size_t n_files;
	enum conf_backend backend;
	bool isolation;	 /* the engine runs in a confined process of its own */
	char *user;	 /* of the confined processes; NULL: each has one of its own */
	char *wireguard; /* absolute path of the included wg-quick file, or NULL */
	struct conf_interface interface;
	struct conf_peer *peers;
	size_t n_peers;
	struct conf_tunnel *tunnels;
	size_t n_tunnels;
	struct conf_bridge *bridges;
	size_t n_bridges;
	struct conf_at section; /* of [Site], if there is one */
	struct conf_at at[CONF_SITE_KEYS];
};

/** Initialise `site` with the defaults of [Site] and [Interface]. */
void conf_site_init(struct conf_site *site);

/** Free the site's memory and wipe its secrets; it is empty afterwards. Accepts NULL. */
void conf_site_fini(struct conf_site *site);

/**
 * Wipe the private key and the preshared keys of a configuration after the engine has copied them:
 * a key that is replaced or removed in the engine must not remain here.
 */
void conf_site_forget_keys(struct conf_site *conf);

/** Remove peers[i]; later ones move up. */
void conf_site_drop_peer(struct conf_site *site, size_t i);

/** Append a prefix. Return: 0 or -ENOMEM. */
MUST_CHECK int conf_prefixes_add(
	struct conf_prefixes *list, const struct ip_prefix *prefix, struct conf_at at);

/** Append a copy of a string. Return: 0 or -ENOMEM. */
MUST_CHECK int conf_texts_add(struct conf_texts *list, const char *text, struct conf_at at);

/** Whether a list has the prefix. */
bool conf_prefixes_has(const struct conf_prefixes *list, const struct ip_prefix *prefix);

/** Whether an address is the broadcast address of a subnet, which has one with IPv4 and more than
 * two addresses. */
bool conf_prefix_is_broadcast(const struct ip_prefix *subnet, const struct ip_addr *addr);

/** Whether a list has the string. */
bool conf_texts_has(const struct conf_texts *list, const char *text);

/** Whether two lists of prefixes are equal, in the same order. */
bool conf_prefixes_equal(const struct conf_prefixes *a, const struct conf_prefixes *b);

/** Whether two lists of strings are equal, in the same order. */
bool conf_texts_equal(const struct conf_texts *a, const struct conf_texts *b);

/** The peer whose AllowedIPs contain `addr` with the longest prefix, or NULL. */
const struct conf_peer *conf_peer_for(const struct conf_site *site, const struct ip_addr *addr);

/** The peer with that public key, or NULL. */
const struct conf_peer *conf_peer_find(
	const struct conf_site *site, const uint8_t key[static KEY_LEN]);

/** The bridge with that name, or NULL. */
const struct conf_bridge *conf_bridge_find(const struct conf_site *site, const char *name);

/** Iterates over all sessions of a site in the order of the file. */
struct conf_session_walk {
	const struct conf_site *conf;
	const struct conf_tunnel *of; /* the tunnel of the present session */
	size_t tunnel;
	size_t session;
	size_t i;
};

/** Return: the next session, or NULL. Afterwards `walk->i` is its index plus one. */
const struct conf_session *conf_next_session(struct conf_session_walk *walk);

/** The number of sessions of all tunnels. */
size_t conf_session_count(const struct conf_site *site);

/** The session with that interface, or NULL. */
const struct conf_session *conf_session_find(const struct conf_site *site, const char *name);

/** Whether the tunnel's packets carry a UDP checksum: enabled, or mandatory over IPv6. False for
 * EncapsulationType = ip, which has no UDP header. */
bool conf_tunnel_has_checksum(const struct conf_tunnel *tunnel);
