/* SPDX-License-Identifier: MIT */
/* wirespan-wg: a drop-in userspace WireGuard, as wg-quick's WG_QUICK_USERSPACE_IMPLEMENTATION
 * starts it. */
#ifndef DAEMON_WG_DAEMON_H
#define DAEMON_WG_DAEMON_H

/**
 * `wirespan-wg [-f|--foreground] IFNAME`: make the interface and the socket that wg(8) configures
 * it through, then go to the background unless told otherwise. Ends with SIGTERM or SIGINT, or when
 * the socket or the interface is removed. Environment: WG_TUN_FD, WG_UAPI_FD (descriptors to take
 * over), WG_PROCESS_FOREGROUND=1, LOG_LEVEL (verbose, debug, error, silent). Return: the process's
 * exit code. Source: wireguard-go's main.go, for the command line and the environment.
 */
int wg_daemon_main(int argc, char **argv);

#endif
