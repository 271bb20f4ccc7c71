/* SPDX-License-Identifier: MIT */
/* The WireGuard interface of wirespan-wg: an engine in confined processes, or in this one. */
#include "backend/wg_interface.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/isolated.h"
#include "backend/isolated_wg.h"
#include "backend/select.h"
#include "backend/userspace_site.h"
#include "base/log.h"

/* ---- open and close ---- */

/* Run the engine in this process. Return: 0, or -errno with `ret_error` filled. */
static int open_here(struct wg_interface *w, const char *name, int tun_fd, struct error *ret_error)
{
	int err = userspace_open(w->loop, &userspace_drop_in_sizes, &w->userspace, ret_error);

	if (err < 0)
		return err;
	err = userspace_open_tun(&w->userspace, name, tun_fd);
	return err < 0 ? userspace_drop_in_tun_error(tun_fd, err, ret_error) : 0;
}

/* Run it in confined processes. `ret_alone`: this host allows none. Return: 0, or -errno with
 * `ret_error` filled. */
static int open_confined(struct wg_interface *w, const char *name, int tun_fd, bool *ret_alone,
	struct error *ret_error)
{
	int err;

	*ret_alone = false;
	conf_site_init(&w->conf);
	w->conf.name = strdup(name);
	w->conf.interface.mtu = WG_INTERFACE_MTU;
	if (!w->conf.name)
		return error_set(ret_error, -ENOMEM, "Cannot start the engine:\nFree some memory.");
	snprintf(w->conf.interface.name, sizeof(w->conf.interface.name), "%s", name);
	err = isolated_open_drop_in(w->loop, &w->conf, tun_fd, ret_alone, &w->confined, ret_error);
	if (!err && tun_fd >= 0)
		close(tun_fd); /* the processes have copies */
	return err;
}

int wg_interface_open(struct wg_interface *w, struct loop *loop, const char *name, int tun_fd,
	struct error *ret_error)
{
	struct choice choice = { .backend = &backend_userspace };
	bool alone;
	int err = backend_isolate(true, &choice, ret_error);

	*w = (struct wg_interface){ .loop = loop };
	if (err < 0)
		return err;
	if (choice.backend == &backend_userspace) {
		log_info("WIRESPAN_ISOLATION=no: the engine runs in this process, with all "
			 "privileges");
		return open_here(w, name, tun_fd, ret_error);
	}
	err = open_confined(w, name, tun_fd, &alone, ret_error);
	if (err < 0 && alone) {
		log_warning("%s The engine runs in this process, with all privileges, as this "
			    "host allows no confined one.",
			ret_error->problem);
		err = open_here(w, name, tun_fd, ret_error);
	}
	return err;
}

void wg_interface_close(struct wg_interface *w)
{
	wgsock_close(&w->sock);
	if (w->confined)
		w->confined->backend->close(w->confined);
	if (w->conf.name)
		conf_site_fini(&w->conf);
	userspace_close(&w->userspace);
	*w = (struct wg_interface){ 0 };
}

/* ---- wg(8) ---- */

static void on_socket_removed(void *ctx)
{
	struct wg_interface *w = ctx;

	w->ended = true;
	loop_stop(w->loop);
}

int wg_interface_serve(struct wg_interface *w, int listen_fd)
{
	if (w->confined)
		return isolated_wg_serve(isolated_of(w->confined), listen_fd);
	return wgsock_open(&w->sock, w->loop, &w->userspace, wg_interface_name(w), listen_fd,
		on_socket_removed, w);
}

/* ---- the interface ---- */

static const struct held_ports *held(const struct wg_interface *w)
{
	return &isolated_of(w->confined)->held;
}

const char *wg_interface_name(const struct wg_interface *w)
{
	return w->confined ? w->conf.interface.name : userspace_tun_name(&w->userspace);
}

uint16_t wg_interface_port(const struct wg_interface *w)
{
	if (!w->confined)
		return userspace_open_port(&w->userspace);
	return held(w)->udp.fd4 >= 0 || held(w)->udp.fd6 >= 0 ? held(w)->udp.port : 0;
}

int wg_interface_query(const struct wg_interface *w, struct link_info *ret)
{
	return w->confined ? userspace_query_tap(&held(w)->taps[0], ret)
			   : userspace_query_tun(&w->userspace, ret);
}

void wg_interface_moved(struct wg_interface *w)
{
	w->moved = true;
	if (!w->confined)
		userspace_tun_moved(&w->userspace);
}

/* Inform the engine's process. If it has ended, the next one gets the state. */
static void follow_confined(struct wg_interface *w, bool up, unsigned mtu)
{
	struct isolated_site *u = isolated_of(w->confined);
	uint32_t link = (mtu & ENGINE_LINK_MTU) | (up ? ENGINE_LINK_UP : 0U) |
			(w->moved ? ENGINE_LINK_MOVED : 0U);
	struct error ignored;

	if (link == u->link)
		return;
	u->link = link;
	(void)isolated_engine_link(u, &ignored);
}

void wg_interface_follow(struct wg_interface *w, bool up, unsigned mtu)
{
	if (w->confined) {
		follow_confined(w, up, mtu);
		return;
	}
	(void)userspace_set_mtu(&w->userspace, mtu);
	(void)userspace_set_up(&w->userspace, up);
}

void wg_interface_read_monitor(
	struct wg_interface *w, struct monitor *m, uint32_t ifindex, struct changes *ret)
{
	if (!w->confined) {
		userspace_read_monitor(&w->userspace, m, ifindex, ret);
		return;
	}
	changes_init(ret, ifindex); /* the engine's process reads what concerns routes itself */
	if (monitor_read(m, ret) < 0)
		changes_lost(ret);
}

/* ---- work ---- */

struct mono wg_interface_deadline(const struct wg_interface *w)
{
	return w->confined ? w->confined->backend->deadline(w->confined)
			   : userspace_deadline(&w->userspace);
}

bool wg_interface_work(struct wg_interface *w)
{
	if (w->confined)
		return !(w->confined->backend->work(w->confined) &
			 (BACKEND_INTERFACE_LOST | BACKEND_END_REQUESTED));
	return !(userspace_work(&w->userspace) & ENGINE_PORT_LOST) && !w->ended;
}
