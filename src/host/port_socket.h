/* SPDX-License-Identifier: MIT */
/* Packet sockets on members' ports, opened by this process, or by another one that may.
 *
 * Theory of operation. The supplied unit allows the monitor no packet socket. There, systemd starts
 * a process for it, which has that privilege alone (wirespan-packets@.service): it opens the
 * sockets that are asked for, each bound to a port and a protocol and with the filter for that, and
 * passes them on. Such a process serves one connection to PORT_SOCKET_OPENER, which systemd
 * accepts, and ends with it. Connections are short: members and MTUs seldom change.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/must_check.h"

/** The socket of wirespan-packets.socket, which only root may use. */
#define PORT_SOCKET_OPENER "/run/wirespan-packets.sock"

/** A packet socket. */
struct port_socket_key {
	uint32_t ifindex;
	uint32_t limit; /* bytes, with the Ethernet header; of ETH_P_ALL: shorter frames pass by */
	uint16_t protocol; /* Ethernet type */
};

/** Open a socket, non-blocking. Return: a descriptor; -EAFNOSUPPORT or -EPERM if this process may
 * not; or another -errno. */
MUST_CHECK int port_socket_open(const struct port_socket_key *key);

/** Let the process that may, to which `opener` is connected, open a socket. Return: as
 * port_socket_open(); or -EXDEV if it is in another network namespace. */
MUST_CHECK int port_socket_ask(int opener, const struct port_socket_key *key);

/** Serve a connection until it ends. Return: 0; -EPERM if its other end is not root's; or -EBADMSG
 * for a request that it must not send. */
int port_socket_serve(int fd);
