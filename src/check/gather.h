/* SPDX-License-Identifier: MIT */
/* Runs a check: the order of the probes, and the addresses that they go to. */
#ifndef CHECK_GATHER_H
#define CHECK_GATHER_H

#include "base/mono.h"
#include "judge/observations.h"

/** Options of a check. */
struct check_options {
	struct ip_addr target; /* host to probe on the segment; family 0: any that answers */
	bool throughput;       /* measure throughput: one second of full load on the segment */
	struct mono end;       /* time limit of the whole check */
};

/** Check the running site whose control socket is at `socket_path`. The facts record which
 * observations failed. Return: 0, and the facts are to be released; -ENOENT or -ECONNREFUSED if it
 * does not run; or -errno. */
int check_gather(
	const char *socket_path, const struct check_options *options, struct observations *ret);

#endif
