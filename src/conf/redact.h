/* SPDX-License-Identifier: MIT */
/* Remove the secrets of a site from texts: its own files, even wrong ones, and what programs print
 * about it. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "conf/model.h"

/*
 * Theory of operation
 *
 * A file may be wrong, so a secret cannot be found by parsing alone: the key's name may be
 * mistyped, or the = may be missing. redact_conf() therefore shows only what is known to be
 * harmless: the values of known keys that hold no secret. Comments and hooks may contain passwords,
 * and are removed, too. What was removed is remembered, and redact_text() overwrites it wherever it
 * stands, also the beginning of it in a message that shows only that, in any case of letters. It
 * also overwrites everything in the form of a key, in base64 or hex, unless it is a PublicKey of
 * the files.
 */

/** What was removed. Zeroed: nothing. */
struct redaction {
	char **secrets;
	size_t n_secrets;
	char **public_keys; /* as base64 */
	size_t n_public_keys;
	bool out_of_memory; /* something is missing: the text must not be shown */
};

/** Remember a key, in base64 and hex. */
void redact_add_key(struct redaction *r, const uint8_t key[static KEY_LEN]);

/** Remember the keys and cookies of a site, as far as its files could be read. */
void redact_add_site(struct redaction *r, const struct conf_site *site);

/** Add a public key (base64), which redact_text() leaves. */
void redact_add_public(struct redaction *r, const char *key);

/** Append the text of a configuration file to `ret` without its secrets, and remember these. */
void redact_conf(struct redaction *r, const char *text, size_t len, struct text *ret);

/** Overwrite by x all that was remembered, and what has the form of a key, in text[len]. */
void redact_text(const struct redaction *r, char *text, size_t len);

/** Wipe and free. */
void redact_fini(struct redaction *r);
