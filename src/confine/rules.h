/* SPDX-License-Identifier: MIT */
/* The system calls that each confined process may make, with the reason for each. */
#pragma once

#include "confine/filter.h"

/** A list of rules. */
struct filter_rules {
	const struct filter_rule *v;
	size_t n;
};

/**
 * The rules of the engine: packets on descriptors that it has already, memory that is not
 * executable, time, random bytes, and queries of rtnetlink. It cannot open a file or a socket of
 * another kind, connect, start a program or a process, or signal another one.
 */
extern const struct filter_rules filter_rules_engine;

/** The rules of the process that holds the keys: reading and writing what is open, waiting, random
 * bytes, and the end. */
extern const struct filter_rules filter_rules_keys;

/** The rules of the resolver: what getaddrinfo(3) and the modules of nsswitch.conf need: reading
 * files, sockets, threads. It cannot start a program, or write to a file system. */
extern const struct filter_rules filter_rules_resolver;
