/* SPDX-License-Identifier: MIT */
/* Addresses of Unix sockets that have a path. */
#pragma once

#include <errno.h>
#include <string.h>
#include <sys/un.h>

#include "base/must_check.h"

/** Fill in the address of the socket at `path`. Return: 0; or -ENAMETOOLONG. Source: unix(7). */
MUST_CHECK static inline int unix_address(const char *path, struct sockaddr_un *ret)
{
	size_t len = strlen(path);

	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (len >= sizeof(ret->sun_path))
		return -ENAMETOOLONG;
	memcpy(ret->sun_path, path, len);
	return 0;
}
