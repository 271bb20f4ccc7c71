/* SPDX-License-Identifier: MIT */
/* Findings about the host: bridges and their ports, settings, the underlay, dropped packets. */
#pragma once

#include "judge/finding.h"
#include "judge/observations.h"

/** Append the findings about bridges, ports and settings. */
void judge_host(const struct observations *f, struct findings *ret);

/** Append the findings about the underlay. */
void judge_underlay(const struct observations *f, struct findings *ret);

/** Append the drops during the check, and recent ones. */
void judge_drops(const struct observations *f, struct findings *ret);
