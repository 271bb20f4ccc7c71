/* SPDX-License-Identifier: MIT */
/* Intel's libipsec-mb, where it is installed: vector code for whole texts. */
#pragma once

#include "crypto/aead_provider.h"

/** "ipsec-mb"; only in builds with the library's header (WITH_IPSEC_MB). Its open_state() returns
 * -ELIBACC too, if the library is not installed, and -ELIBBAD if it is of another version than the
 * header. */
extern const struct aead_provider aead_ipsec_mb;
