/* SPDX-License-Identifier: MIT */
/* The engine's UDP port: opened while the interface is up, retried while the port is in use.
 *
 * Theory of operation. A request of wg(8) is tried at once, even while the interface is down, and
 * is answered: it succeeds, or it fails and nothing has changed. Setting the interface up and
 * reloading cannot be refused: there, a port that cannot be opened becomes pending. That is
 * logged, shown in the status, and retried with growing intervals until it succeeds, which is
 * logged, too. Until then an open port stays open; without one, no handshake is started
 * (wg_device_set_up()).
 *
 * Both address families are opened or neither, as in Linux and wireguard-go: if another program
 * uses the port in one family, the port counts as in use.
 */
#pragma once

#include "driver/driver_state.h"

/** First and longest interval between two attempts. */
#define LISTEN_RETRY_MIN (1 * NS_PER_S)
#define LISTEN_RETRY_MAX (8 * NS_PER_S)

/** Size of the text that listen_problem() writes, with its NUL. */
#define LISTEN_TEXT_LEN 80

/** The interface is up: open the stored port; if that fails the port becomes pending. */
void listen_up(struct driver *d);

/** The interface is down: close the port and delete all session keys; the port number stays. */
void listen_down(struct driver *d);

/**
 * Perform a request: change the port (0: any) and the firewall mark (NULL: unchanged). While the
 * interface is down the port is opened for a moment, to test whether it is available.
 * Return: 0; or -errno (-EADDRINUSE, -EACCES, -EPERM) with everything unchanged.
 */
int listen_request(struct driver *d, const uint16_t *port, const uint32_t *fwmark);

/**
 * Change the port and firewall mark of a running engine.
 * Return: 0; or -errno: then the port is pending and the one that was open stays open.
 */
int listen_want(struct driver *d, uint16_t port, uint32_t fwmark);

/** When listen_work() must be called next, or MONO_NEVER. */
struct mono listen_deadline(const struct driver *d);

/** Try to open a pending port again, if that is due. */
void listen_work(struct driver *d);

/** Return: the port that receives messages; while the interface is down, the port that will be
 * opened; 0: none is open, or none was requested. */
uint16_t listen_port(const struct driver *d);

/** Write what could not be opened or set, and why. Return: `ret`. */
const char *listen_problem(
	uint16_t port, uint32_t fwmark, int err, char ret[static LISTEN_TEXT_LEN]);

/** Return: a hint what to do about the error, as a sentence. */
const char *listen_hint(int err);
