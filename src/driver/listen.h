/* SPDX-License-Identifier: MIT */
/* The engine's UDP port: opened while the interface is up, tried again while it is taken.
 *
 * Theory of operation. What wg(8) asks for is tried at once, also while the interface is down, and
 * answered: it is done, or refused and nothing has changed. An interface that is set up and a
 * reload cannot be refused: there a port that cannot be opened is pending. That is logged, shown in
 * the status, and tried again with growing intervals until it succeeds, which is logged, too. Until
 * then an open port stays open, and without one no handshake is begun (wg_device_set_up()).
 *
 * Both families are opened or none, as in Linux and wireguard-go: a port of which another program
 * has one family is taken.
 */
#ifndef DRIVER_LISTEN_H
#define DRIVER_LISTEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mono.h"

/** First and longest time between two attempts. */
#define LISTEN_RETRY_MIN (1 * NS_PER_S)
#define LISTEN_RETRY_MAX (8 * NS_PER_S)

/** Room for what listen_problem() writes, with its NUL. */
#define LISTEN_TEXT_LEN 80

struct driver;

/** A port that is wanted and could not be opened yet. Zero: none. */
struct listen {
	uint16_t port;	 /* 0: any */
	uint32_t fwmark; /* wanted with it */
	int error;	 /* -errno of the last attempt; 0: none is pending */
	uint64_t wait_ns;
	struct mono due; /* the next attempt */
	bool any;	 /* the port in `udp.port` was the kernel's choice: another will do */
};

/** The interface is up: open the port that was noted; if that fails it is pending. */
void listen_up(struct driver *d);

/** The interface is down: close the port and forget all sessions; its number stays. */
void listen_down(struct driver *d);

/**
 * Carry out a request: change the port (0: any) and the firewall mark; NULL: as it is. While the
 * interface is down the port is opened for a moment, to see whether it can be had.
 * Return: 0; or -errno (-EADDRINUSE, -EACCES, -EPERM), and everything is as it was.
 */
int listen_request(struct driver *d, const uint16_t *port, const uint32_t *fwmark);

/**
 * Have this port and firewall mark, of an engine that runs.
 * Return: 0; or -errno, and then the port is pending, and the one that was open stays.
 */
int listen_want(struct driver *d, uint16_t port, uint32_t fwmark);

/** When listen_work() has to be called next, or MONO_NEVER. */
struct mono listen_deadline(const struct driver *d);

/** Try again, if it is time. */
void listen_work(struct driver *d);

/** Return: the port that messages come in by; while the interface is down, the one that will be
 * opened; 0: none is open, or none was asked for. */
uint16_t listen_port(const struct driver *d);

/** Write what cannot be had, and why. Return: `ret`. */
const char *listen_problem(
	uint16_t port, uint32_t fwmark, int err, char ret[static LISTEN_TEXT_LEN]);

/** Return: what to do about it, as a sentence. */
const char *listen_hint(int err);

#endif
