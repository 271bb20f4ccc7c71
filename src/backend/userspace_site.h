/* SPDX-License-Identifier: MIT */
/* The userspace engine as the back end of a site. */
#pragma once

#include <stddef.h>

#include "backend/backend.h"
#include "base/must_check.h"
#include "driver/driver_state.h"

/** The back end `userspace`: one engine in this process, driven by its event loop. */
extern const struct backend backend_userspace;

/** Descriptors that another process has opened for the engine of this one, which owns them
 * afterwards. */
struct userspace_adopted {
	const int *ports; /* `n_ports` TAPs, and the TUN */
	size_t n_ports;
	int fd4; /* sockets for the UDP port; both -1: none */
	int fd6;
	const struct driver_opener *opener; /* opens further sockets */
	int resolver_fd; /* connected to a process that resolves names; 0: threads do */
	const struct wg_key_service
		*keys;		      /* holds the keys, in place of this process; NULL: none */
	const struct wg_store *store; /* sessions to continue with, and to be stored; NULL: none */
	bool drop_in;		      /* an interface of wirespan-wg: `ports` is its TUN, and
			 userspace_site_follow() opens and closes the port */
};

/** Check that TUN and TAP interfaces can be opened. Return: 0, or -errno with `ret_error`
 * filled. */
int userspace_site_probe(const struct conf_site *conf, struct error *ret_error);

/** As `open` of struct backend, with adopted descriptors, or NULL. Then the site does not serve
 * wg(8) itself. */
int userspace_site_open(struct loop *loop, struct conf_site *conf,
	const struct userspace_adopted *adopted, struct backend_site **ret,
	struct error *ret_error);

/** The state of an interface of wirespan-wg after its start: whether it is up, its MTU, and whether
 * it is in another network namespace than the sockets. */
void userspace_site_follow(struct backend_site *s, bool up, unsigned mtu, bool moved);

/** The port of an interface of wirespan-wg was chosen by the kernel: if it is in use when it is to
 * be opened, another one is. */
void userspace_site_accept_any_port(struct backend_site *s);

/** Take ownership of a TAP for a session that apply() is about to add. Return: 0; or -errno with
 * `fd` still the caller's. */
int userspace_site_offer(struct backend_site *s, int fd);

/** Close the TAPs that were offered and not used. */
void userspace_site_discard_offered(struct backend_site *s);

/**
 * As `report` of struct backend, in parts, so that packets are processed meanwhile: with the first
 * `max` peers, or (`after` is the public key of a peer) only the next `max` peers after that one.
 * Return: 0; -ENOENT if there is no such peer; or -ENOMEM.
 */
MUST_CHECK int userspace_site_report(
	struct backend_site *s, const uint8_t *after, size_t max, struct status_report *r);

/** Perform a set request of wg(8), as text. Return: 0 or -errno. */
int userspace_site_wg(struct backend_site *s, const char *request);

/** Print a part of the reply to a get request of wg(8), as uapi_get() does. */
MUST_CHECK int userspace_site_show(
	struct backend_site *s, const uint8_t *after, size_t max, char **ret_text, size_t *ret_len);

/** All peers of the last engine have been added: wipe stored sessions of others. */
void userspace_site_discard_stored(struct backend_site *s);

/** With adopted descriptors, a capture that was started sends nothing before this. */
void userspace_site_release_capture(struct backend_site *s);

/**
 * Continue, before the start, with the sessions that another engine has stored in `store`, and with
 * what it has written when it ended: `text`, `len` 0 if it ended otherwise.
 */
void userspace_site_take_over(
	struct backend_site *s, const struct wg_store *store, const void *text, size_t len);

/** List the descriptors of the TUN, the TAPs and the sockets: an array to be freed, with room for
 * one more. Return: 0 or -ENOMEM. */
MUST_CHECK int userspace_site_descriptors(struct backend_site *s, int **ret, size_t *ret_n);

/** Process what was read from the ports, and see whether nothing would be lost now if another
 * engine continued: see engine_is_quiet(). */
bool userspace_site_is_quiet(struct backend_site *s);

/** Write what another engine needs to continue. No packet may be sent or received afterwards.
 * Return: 0 and a text to be freed; or -ENOMEM. */
MUST_CHECK int userspace_site_hand_over(struct backend_site *s, void **ret_text, size_t *ret_len);

/** Fill in the error of an interface that cannot be made again. Return: `err`. */
int userspace_site_again_error(const char *name, int err, struct error *ret_error);

/** Fill in the error of a TUN that cannot be made. Return: `err`. */
int userspace_site_tun_error(int err, struct error *ret_error);
