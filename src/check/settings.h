/* SPDX-License-Identifier: MIT */
/* Host settings that affect bridged traffic: values below /proc/sys, states of bridge ports. */
#pragma once

#include "check/prober.h"

/** Read settings and port states into the facts. Return: 0 or -errno. */
int settings_look(struct prober *p);
