/* SPDX-License-Identifier: MIT */
/* The program with a fault in an upgrade: it is tried with success, but cannot take over. */
#include <errno.h>

#include "host/host.h"

int __wrap_host_adopt(const struct conf_site *conf, struct conf_site *running, int lock_fd,
	struct host **ret, struct error *ret_error);

int __wrap_host_adopt(const struct conf_site *conf, struct conf_site *running, int lock_fd,
	struct host **ret, struct error *ret_error)
{
	return error_set(ret_error, -EIO, "A test lets this fail.\nBuild it without the test.");
}
