/* SPDX-License-Identifier: MIT */
/* wirespan-wg: a drop-in userspace WireGuard, which wg-quick starts as its
 * WG_QUICK_USERSPACE_IMPLEMENTATION. */
#pragma once

/**
 * `wirespan-wg [-f|--foreground] IFNAME`: create the interface and the socket that wg(8) configures
 * it through, then run in the background unless -f is given. Ends on SIGTERM or SIGINT, or when the
 * socket or the interface is removed. Environment: WG_TUN_FD, WG_UAPI_FD (open descriptors to use),
 * WG_PROCESS_FOREGROUND=1, LOG_LEVEL (verbose, debug, error, silent). Return: the process's exit
 * code. Source: wireguard-go's main.go, for the command line and the environment.
 */
int wg_daemon_main(int argc, char **argv);
