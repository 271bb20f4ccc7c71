/* SPDX-License-Identifier: MIT */
/* Reads a site from the files of other programs: wg-quick, shell scripts, systemd-networkd,
 * NetworkManager, VyOS, OpenWrt, RouterOS. */
#pragma once

#include "base/must_check.h"
#include "import/fact.h"

/** The largest file, in bytes. */
#define IMPORT_FILE_MAX (1U << 24)

/**
 * Read one file: its format is recognised by its text, which may be arbitrary bytes. Facts and
 * notes go to `im`.
 * Return: 0 and the name of the format; -EINVAL with the reason instead of the name; or -ENOMEM.
 */
MUST_CHECK int import_read(struct import *im, const char *name, const void *bytes, size_t len,
	const char **ret_format);

/** The notes as text, one a line, "FILE:LINE: imported: …", by file and line. Return: a string to
 * free(), or NULL if out of memory. */
char *import_notes_text(struct import *im);
