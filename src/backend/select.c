/* SPDX-License-Identifier: MIT */
/* Select the back end that carries a site on this host, with the reason. */
#include "backend/select.h"

#include <errno.h>

#include "backend/userspace_site.h"

int backend_select(enum conf_backend wanted, struct choice *ret_choice, struct error *ret_error)
{
	struct choice choice = { .backend = &backend_userspace };
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
	err = choice.backend->probe(ret_error);
	if (err == 0)
		*ret_choice = choice;
	return err;
}
