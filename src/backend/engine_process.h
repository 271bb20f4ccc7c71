/* SPDX-License-Identifier: MIT */
/* The engine's process: runs the userspace engine on descriptors that the monitor has opened. */
#pragma once

#include <sys/types.h>

#include "backend/userspace_site.h"
#include "confine/confine.h"

/** What a new engine process needs; inherited by fork. */
struct engine_process_config {
	struct conf_site *conf; /* with marks in place of keys: see key_ring.h */
	int channel;		/* to the monitor */
	const struct userspace_adopted *adopted;
	int keys;	   /* to the process that holds the keys */
	int store;	   /* see engine_store_make(); -1: none */
	bool waits;	   /* another engine uses the store until ENGINE_TAKE_OVER */
	unsigned measures; /* namespaces it is in: set of enum confine_measure */
	struct confined_user user;
};

/** How long an engine goes on when its monitor was killed: no session of WireGuard is used for
 * longer (whitepaper, section 6.1, Reject-After-Time). */
#define ENGINE_ALONE_NS (180 * NS_PER_S)

/** Parse a configuration that the monitor has printed, with its keys or marks. Return: 0; or
 * -errno with `ret_error` filled and nothing to free. */
MUST_CHECK int engine_process_read_conf(
	const void *text, size_t len, struct conf_site *ret, struct error *ret_error);

/**
 * Open the site, confine this process, report the result to the monitor, and serve its requests
 * until the channel is closed. After ENGINE_OUTLIVE it then goes on for ENGINE_ALONE_NS, unless
 * another monitor adopts it. It does not return.
 */
void engine_process_run(const struct engine_process_config *config) __attribute__((noreturn));
