/* SPDX-License-Identifier: MIT */
/* An isolated engine continues in another process, with another program: an upgrade. */
#pragma once

#include "backend/isolated_engine.h"
#include "ctlproto/saved_state.h"

/** As `save` of struct backend. */
int isolated_save(struct backend_site *s, struct saved_state *state, struct error *ret_error);

/**
 * Open the site as it was saved: its descriptors, the changes of wg(8), and another engine, which
 * waits while the one that was saved carries packets. Return: 0, or -errno with `ret_error` filled.
 */
MUST_CHECK int isolated_adopt(
	struct isolated_site *u, const struct saved_state *saved, struct error *ret_error);

/** Let the old engine stop, and the new one continue with its sessions and start. Return: 0, or
 * -errno with `ret_error` filled. */
MUST_CHECK int isolated_take_over(struct isolated_site *u, struct error *ret_error);

/** As `adopted` of struct backend. */
const char *isolated_adopted(struct backend_site *s);

/** End the processes of the program before. */
void isolated_end_old(struct isolated_site *u);

/** Leave the processes of the program before, which are not ours to end, as they are; an orphan is
 * ended. */
void isolated_forget_old(struct isolated_site *u);
