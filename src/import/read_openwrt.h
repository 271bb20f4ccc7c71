/* SPDX-License-Identifier: MIT */
/* Reads the network configuration of OpenWrt. */
#pragma once

#include "import/fact.h"

/** Read /etc/config/network of OpenWrt, in the syntax of uci(8). The text is modified. */
void import_openwrt(struct import *im, char *text);
