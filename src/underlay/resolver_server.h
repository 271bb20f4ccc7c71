/* SPDX-License-Identifier: MIT */
/* The main loop of a process that resolves names for another one. */
#pragma once

/** Answer the queries that arrive on the socket `fd` (see resolver_client.h). Return: -errno when
 * the socket fails; 0 when it is closed. */
int resolver_serve(int fd);
