/* SPDX-License-Identifier: MIT */
/* Facts that later lines of the same file replace, as they do where that file is used today.
 *
 * The last value of a key counts. A section on a peer that has one already, by its public key, sets
 * that peer's AllowedIPs anew, and a prefix belongs to the last peer that lists it: so do `wg
 * setconf`, and with it wg-quick(8) and OpenWrt, and the kernel, with networkd. Files have no order
 * among each other, so what they state about one peer adds up.
 */
#pragma once

#include "import/fact.h"

/** Remove the facts that are replaced, with a note on each. */
void import_drop_replaced(struct import *im);
