/* SPDX-License-Identifier: MIT */
/* Select the back end that carries a site on this host, with the reason. */
#include "backend/select.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "backend/isolated.h"
#include "backend/kernel_site.h"
#include "backend/userspace_site.h"

/* Backend = auto: the engine, which does more; the kernel's modules where it cannot run. */
static int select_auto(
	const struct conf_site *conf, struct choice *ret_choice, struct error *ret_error)
{
	struct error of_kernel;
	int err = backend_userspace.probe(conf, ret_error);

	*ret_choice = (struct choice){ &backend_userspace,
		"Backend = auto: the engine follows the path MTU and counts exactly" };
	if (err != -ENOENT && err != -ENODEV && err != -ENXIO)
		return err;
	if (backend_kernel.probe(conf, &of_kernel) < 0)
		return err; /* the engine's error, which has the simpler remedy */
	*ret_choice = (struct choice){ &backend_kernel,
		"Backend = auto: there is no /dev/net/tun, and the kernel has wireguard and l2tp" };
	return 0;
}

const struct backend *const backend_alone = &backend_kernel;

int backend_select(const struct conf_site *conf, struct choice *ret_choice, struct error *ret_error)
{
	struct choice choice = { 0 };
	int err = -EINVAL;

	switch (conf->backend) {
	case CONF_BACKEND_AUTO:
		err = select_auto(conf, &choice, ret_error);
		break;
	case CONF_BACKEND_USERSPACE:
		choice = (struct choice){ &backend_userspace, "Backend = userspace" };
		err = choice.backend->probe(conf, ret_error);
		break;
	case CONF_BACKEND_KERNEL:
		choice = (struct choice){ &backend_kernel, "Backend = kernel" };
		err = choice.backend->probe(conf, ret_error);
		break;
	}
	if (err == 0)
		*ret_choice = choice;
	return err;
}

int backend_isolate(bool wanted, struct choice *choice, struct error *ret_error)
{
	const char *text = getenv("WIRESPAN_ISOLATION");
	bool is_set = text && *text;

	if (is_set && strcmp(text, "yes") != 0 && strcmp(text, "no") != 0)
		return error_set(ret_error, -EINVAL,
			"WIRESPAN_ISOLATION=%s is neither yes nor no.\n"
			"Set it to yes to confine the engine's process, or to no to run all in one "
			"process.",
			text);
	if (is_set)
		wanted = !strcmp(text, "yes");
	if (wanted && choice->backend == &backend_userspace)
		choice->backend = &backend_isolated;
	return 0;
}
