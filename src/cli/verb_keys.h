/* SPDX-License-Identifier: MIT */
/* genkey, pubkey and genpsk: keys on standard input and output, in the format of wg(8). */
#ifndef CLI_VERB_KEYS_H
#define CLI_VERB_KEYS_H

#include "cli/verb.h"

/** `wirespan genkey`: a new private key. */
extern const struct verb verb_genkey;

/** `wirespan genpsk`: a new preshared key. */
extern const struct verb verb_genpsk;

/** `wirespan pubkey`: the public key of the private key on standard input. */
extern const struct verb verb_pubkey;

#endif
