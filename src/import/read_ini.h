/* SPDX-License-Identifier: MIT */
/* Reads files of sections with KEY = VALUE: wg-quick, systemd.netdev and .network, NetworkManager
 * keyfiles. */
#pragma once

#include "import/fact.h"

/** Read the text of wg-quick's `name`, whose base name is the interface's. The text is modified. */
void import_wg_quick(struct import *im, const char *name, char *text);

/** Read a .netdev or .network file of systemd-networkd. The text is modified. */
void import_networkd(struct import *im, char *text);

/** Read a keyfile of NetworkManager. The text is modified. */
void import_keyfile(struct import *im, char *text);
