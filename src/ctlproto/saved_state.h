/* SPDX-License-Identifier: MIT */
/* What a daemon passes on to the program that replaces it in the same process: an upgrade. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must_check.h"

/*
 * Theory of operation. The daemon writes items, each with a key, and the new program reads those
 * that it knows: so versions that have other items understand each other. An item is a line "KEY
 * LENGTH", the value, and a newline. Values of numbers and descriptors are decimal text. A key may
 * occur several times. The text contains keys of WireGuard.
 */

/** Longest text of a key, with its NUL. */
#define SAVED_KEY_LEN 24

/** A text that is being written, or was read. Zero-initialised, it is empty. */
struct saved_state {
	uint8_t *bytes;
	size_t len;
	size_t room;
	bool failed; /* there was no memory */
};

/** One item. */
struct saved_item {
	char key[SAVED_KEY_LEN];
	const uint8_t *value; /* in the text; not terminated */
	size_t len;
};

/** Add an item. Without memory, `failed` is set. */
void saved_put(struct saved_state *s, const char *key, const void *value, size_t len);

/** Add a text, without its NUL; NULL adds nothing. */
void saved_put_text(struct saved_state *s, const char *key, const char *value);

/** Add a number. */
void saved_put_number(struct saved_state *s, const char *key, uint64_t value);

/** Add a descriptor: its key is "fd-" and `key`. A negative one is left out. */
void saved_put_fd(struct saved_state *s, const char *key, int fd);

/** Wipe and free the text. */
void saved_fini(struct saved_state *s);

/**
 * Read the item at `*at`, at first 0, and move `*at` behind it.
 * Return: 1; 0: there are no more; or -EBADMSG.
 */
MUST_CHECK int saved_next(const struct saved_state *s, size_t *at, struct saved_item *ret);

/** Find the item `n`, from 0, with that key. Return: whether there is one. */
bool saved_find(const struct saved_state *s, const char *key, size_t n, struct saved_item *ret);

/** The number with that key; `missing` if there is none up to `max`. */
uint64_t saved_number(const struct saved_state *s, const char *key, uint64_t max, uint64_t missing);

/** The descriptor `n`, from 0, with that key (without "fd-"). Return: it, or -1. */
int saved_fd(const struct saved_state *s, const char *key, size_t n);

/** A copy of the text with that key, to be freed. Return: NULL if there is none, or no memory. */
char *saved_text(const struct saved_state *s, const char *key);

/** Whether an item is a descriptor. Return: it, or -1. */
int saved_item_fd(const struct saved_item *item);
