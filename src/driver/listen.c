/* SPDX-License-Identifier: MIT */
/* The engine's UDP port: opened while the interface is up, tried again while it is taken. */
#include "driver/listen.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "driver/driver.h"

const char *listen_problem(
	uint16_t port, uint32_t fwmark, int err, char ret[static LISTEN_TEXT_LEN])
{
	if (err == -EPERM && fwmark)
		snprintf(ret, LISTEN_TEXT_LEN, "Cannot set the firewall mark 0x%x: %s", fwmark,
			strerror(-err));
	else if (port)
		snprintf(ret, LISTEN_TEXT_LEN, "Cannot listen on UDP port %u: %s", port,
			strerror(-err));
	else
		snprintf(ret, LISTEN_TEXT_LEN, "Cannot open a UDP port: %s", strerror(-err));
	return ret;
}

const char *listen_hint(int err)
{
	switch (err) {
	case -EADDRINUSE:
		return "Another program has it (ss -ulpn shows which): end that, or choose another "
		       "ListenPort.";
	case -EACCES:
		return "Ports below net.ipv4.ip_unprivileged_port_start need CAP_NET_BIND_SERVICE.";
	case -EPERM:
		return "A firewall mark needs CAP_NET_ADMIN.";
	default:
		return "Is there memory, and are there descriptors (ulimit -n)?";
	}
}

static void clear_pending(struct userspace *u)
{
	u->listen = (struct listen){ .any = u->listen.any };
}

/* Note a port that could not be opened, and log that once. */
static void set_pending(struct userspace *u, uint16_t port, uint32_t fwmark, int err)
{
	struct listen *l = &u->listen;
	bool known = l->error == err && l->port == port;
	char text[LISTEN_TEXT_LEN];
	char still[32] = "";

	l->wait_ns = known ? 2 * l->wait_ns : LISTEN_RETRY_MIN;
	if (l->wait_ns > LISTEN_RETRY_MAX)
		l->wait_ns = LISTEN_RETRY_MAX;
	l->due = mono_add(clock_mono(), l->wait_ns);
	l->port = port;
	l->fwmark = fwmark;
	l->error = err;
	if (known)
		return;
	if (u->running)
		snprintf(still, sizeof(still), " Still on port %u.", u->udp.port);
	log_error("%s: %s.%s Trying again until it succeeds. %s", u->tun.tap.name,
		listen_problem(port, fwmark, err, text), still, listen_hint(err));
}

/* Open the port of an interface that is up and has none. Return: 0 or -errno. */
static int start(struct userspace *u, uint16_t port, uint32_t fwmark)
{
	int err;

	u->listen.any |= !port;
	err = userspace_start(u, port, fwmark);
	if (err == -EADDRINUSE && u->listen.any && port)
		err = userspace_start(u, 0, fwmark);
	return err;
}

void listen_up(struct userspace *u)
{
	int err = start(u, u->udp.port, u->fwmark);

	if (err < 0)
		set_pending(u, u->udp.port, u->fwmark, err);
	else
		clear_pending(u);
}

void listen_down(struct userspace *u)
{
	clear_pending(u);
	userspace_stop(u);
}

/* Return: 0, or -errno if the port (0: any) cannot be opened with this mark now. */
static int try_port(const struct userspace *u, uint16_t port, uint32_t fwmark)
{
	struct udp udp;
	int err = udp_open(port, fwmark, u->options.udp, &udp);

	if (!err)
		udp_close(&udp);
	return err;
}

/* A request while the interface is down; or for a firewall mark while the port is pending. */
static int request_later(struct userspace *u, const uint16_t *port, uint32_t fwmark)
{
	int err = try_port(u, port ? *port : 0, fwmark);

	if (err < 0)
		return err;
	if (port)
		u->udp.port = *port;
	u->fwmark = fwmark;
	if (!u->listen.error)
		return 0;
	u->listen.fwmark = fwmark;
	u->listen.due = clock_mono();
	return 0;
}

int listen_request(struct userspace *u, const uint16_t *port, const uint32_t *fwmark)
{
	uint32_t mark = fwmark ? *fwmark : u->fwmark;
	int err;

	if (!port && !fwmark)
		return 0;
	if (!u->wanted || (!u->running && !port))
		err = request_later(u, port, mark);
	else
		err = userspace_rebind(u, port ? *port : u->udp.port, mark);
	if (err < 0)
		return err;
	if (port) {
		clear_pending(u);
		u->listen.any = !*port;
	} else if (u->listen.error) {
		u->listen.fwmark = mark;
	}
	return 0;
}

int listen_want(struct userspace *u, uint16_t port, uint32_t fwmark)
{
	int err = userspace_rebind(u, port, fwmark);

	if (err < 0)
		set_pending(u, port, fwmark, err);
	else
		clear_pending(u);
	return err;
}

struct mono listen_deadline(const struct userspace *u)
{
	return u->listen.due;
}

void listen_work(struct userspace *u)
{
	const struct listen *l = &u->listen;
	int err;

	if (!mono_reached(l->due, clock_mono()))
		return;
	err = u->running ? userspace_rebind(u, l->port, l->fwmark) : start(u, l->port, l->fwmark);
	if (err < 0) {
		set_pending(u, l->port, l->fwmark, err);
		return;
	}
	clear_pending(u);
	log_info("%s: UDP port %u is open", u->tun.tap.name, u->udp.port);
	userspace_work(u);
}

uint16_t listen_port(const struct userspace *u)
{
	return u->running || !u->wanted ? u->udp.port : 0;
}
