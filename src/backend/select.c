/* SPDX-License-Identifier: MIT */
/* Select the back end that carries a site on this host, with the reason. */
#include "backend/select.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define TUN "/dev/net/tun"

/** Check that TUN and TAP interfaces can be opened from userspace. */
static int probe_tun(struct error *ret_error)
{
	int fd = open(TUN, O_RDWR | O_CLOEXEC);

	if (fd >= 0) {
		close(fd);
		return 0;
	}
	if (errno == ENOENT || errno == ENODEV || errno == ENXIO)
		return error_set(ret_error, -errno,
			"The userspace engine needs " TUN ", which this host does not have\n"
			"Load the module (modprobe tun); in a container, pass the device on.");
	return error_set(ret_error, -errno,
		"Cannot open " TUN ":\nRun it as root; in a container, pass the device on.");
}

int backend_select(enum conf_backend wanted, struct choice *ret_choice, struct error *ret_error)
{
	struct choice choice = { .backend = "userspace" };
	int err;

	switch (wanted) {
	case CONF_BACKEND_AUTO:
		choice.reason = "Backend = auto: this version has no kernel back end";
		break;
	case CONF_BACKEND_USERSPACE:
		choice.reason = "Backend = userspace";
		break;
	case CONF_BACKEND_KERNEL:
		return error_set(ret_error, -EOPNOTSUPP,
			"Backend = kernel, but this version has no kernel back end\n"
			"Set Backend = auto: the userspace engine understands the same peers.");
	}
	err = probe_tun(ret_error);
	if (err == 0)
		*ret_choice = choice;
	return err;
}
