/* SPDX-License-Identifier: MIT */
/* The descriptors that a monitor holds for its engine: if the engine ends, its interfaces and its
 * port stay, and the next one continues with them. */
#pragma once

#include "base/error.h"
#include "base/must_check.h"
#include "conf/model.h"
#include "ctlproto/saved_state.h"
#include "driver/driver.h"

/** Held TAPs, TUN and sockets. After held_ports_init() there are none. */
struct held_ports {
	struct driver_options options; /* which offloads to use */
	char *options_text;	       /* `options` points into it */
	struct tap *taps;	       /* `n` of them, the TUN among them */
	size_t n;
	struct udp udp;
};

/** Prepare, with the options in WIRESPAN_OPTIONS. Return: 0, or -errno with `ret_error` filled. */
MUST_CHECK int held_ports_init(struct held_ports *h, struct error *ret_error);

/**
 * Open the TUN and the TAPs of `conf` that are not held yet. Return: 0, and those from `*ret_first`
 * on are new; or -errno with `ret_error` filled and nothing changed.
 */
MUST_CHECK int held_ports_open(struct held_ports *h, const struct conf_site *conf,
	size_t *ret_first, struct error *ret_error);

/** Open the TUN of wirespan-wg, or hold a copy of `fd`, an open one, if it is not negative. Return:
 * 0 or -errno. */
MUST_CHECK int held_ports_open_tun(struct held_ports *h, const char *name, int fd);

/** Whether another process has deleted an interface that is held. */
bool held_ports_is_deleted(const struct held_ports *h, const char *name);

/** Open a deleted interface again, in place of its descriptor. Return: 0 and the new descriptor,
 * which stays held; or -errno. */
MUST_CHECK int held_ports_make_again(struct held_ports *h, const char *name, int *ret_fd);

/** Close the TAPs of sessions that `conf` does not contain. */
void held_ports_sweep(struct held_ports *h, const struct conf_site *conf);

/** Copy the descriptors of the TAPs from `first` on. Return: an array of `h->n - first` elements to
 * free; or NULL if out of memory. */
int *held_ports_fds(const struct held_ports *h, size_t first);

/** Open sockets, which replace those held. Return: 0; or -errno and nothing has changed. */
MUST_CHECK int held_ports_open_udp(struct held_ports *h, uint16_t port, uint32_t fwmark);

/** Copy a descriptor that was saved, since the program before may still need it. Return: the copy,
 * or -1. */
int held_ports_copy(int fd);

/** Write the descriptors for another program in this process. */
void held_ports_save(const struct held_ports *h, struct saved_state *state);

/** Hold copies of the descriptors that were saved. Return: 0, or -errno with `ret_error` filled. */
MUST_CHECK int held_ports_adopt(
	struct held_ports *h, const struct saved_state *saved, struct error *ret_error);

/** Close all; the kernel removes the interfaces. */
void held_ports_close(struct held_ports *h);
