/* SPDX-License-Identifier: MIT */
/* The order of a check: what is looked at, who is asked, and when. */
#ifndef CHECK_GATHER_H
#define CHECK_GATHER_H

#include "judge/observations.h"

/** What to do, and with whom. */
struct check_options {
	struct ip_addr target; /* whom to ask on the segment; family 0: whoever answers */
	bool quick;	       /* without the throughput */
};

/** Check the running site whose control socket is at `socket_path`. What could not be found out is
 * in the facts. Return: 0, and the facts are to be released; -ENOENT or -ECONNREFUSED if it does
 * not run; or -errno. */
int check_gather(
	const char *socket_path, const struct check_options *options, struct observations *ret);

#endif
