/* SPDX-License-Identifier: MIT */
/* What the machine itself may put in the way: settings below /proc/sys, states of bridge ports. */
#ifndef CHECK_SETTINGS_H
#define CHECK_SETTINGS_H

#include "check/prober.h"

/** Look at settings and ports, and note them in the facts. Return: 0 or -errno. */
int settings_look(struct prober *p);

#endif
