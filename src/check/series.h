/* SPDX-License-Identifier: MIT */
/* Echo requests of many sizes between members: which are lost by chance, and which sizes always. */
#pragma once

#include "check/segment.h"

/** Send them through each crossing that echo requests pass, by the program of inject.h. */
void series_ask(struct segment *segment, int program);

/** Follow such a request, or the answer, at a port. */
void series_follow(struct observations *f, size_t port, bool outgoing, enum wire_kind kind,
	const struct wire_read *r);
