/* SPDX-License-Identifier: MIT */
/* The engine's UDP port: opened while the interface is up, retried while the port is in use. */
#include "driver/listen.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "driver/driver.h"
#include "driver/sockets.h"

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
	const char *limit = error_limit_hint(err);

	switch (err) {
	case -EADDRINUSE:
		return "Another program has it (ss -ulpn shows which): end that, or choose another "
		       "ListenPort.";
	case -EACCES:
		return "Ports below net.ipv4.ip_unprivileged_port_start need CAP_NET_BIND_SERVICE.";
	case -EPERM:
		return "A firewall mark needs CAP_NET_ADMIN.";
	default:
		return limit ? limit : "Is the network of this host up?";
	}
}

static void clear_pending(struct driver *d)
{
	d->listen = (struct listen){ .any = d->listen.any };
}

/* Mark a port that could not be opened as pending, and log that once. */
static void set_pending(struct driver *d, uint16_t port, uint32_t fwmark, int err)
{
	struct listen *l = &d->listen;
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
	if (d->running)
		snprintf(still, sizeof(still), " Still on port %u.", d->udp.port);
	log_error("%s: %s.%s Trying again until it succeeds. %s", d->tun.tap.name,
		listen_problem(port, fwmark, err, text), still, listen_hint(err));
}

/* Open the port of an interface that is up and has none open. Return: 0 or -errno. */
static int start(struct driver *d, uint16_t port, uint32_t fwmark)
{
	int err;

	d->listen.any |= !port;
	err = driver_start(d, port, fwmark);
	if (err == -EADDRINUSE && d->listen.any && port)
		err = driver_start(d, 0, fwmark);
	return err;
}

void listen_up(struct driver *d)
{
	int err = start(d, d->udp.port, d->fwmark);

	if (err < 0)
		set_pending(d, d->udp.port, d->fwmark, err);
	else
		clear_pending(d);
}

void listen_down(struct driver *d)
{
	clear_pending(d);
	driver_stop(d);
}

/* Handle a request while the interface is down, or for a firewall mark while the port is
 * pending. */
static int request_later(struct driver *d, const uint16_t *port, uint32_t fwmark)
{
	uint16_t wanted = port ? *port : 0;
	bool offered = wanted && wanted == d->offered_udp.port;
	int err = offered ? 0 : sockets_try(d, wanted, fwmark);

	if (err < 0)
		return err;
	if (port)
		d->udp.port = *port;
	d->fwmark = fwmark;
	if (!d->listen.error)
		return 0;
	d->listen.fwmark = fwmark;
	d->listen.due = clock_mono();
	return 0;
}

int listen_request(struct driver *d, const uint16_t *port, const uint32_t *fwmark)
{
	uint32_t mark = fwmark ? *fwmark : d->fwmark;
	int err;

	if (!port && !fwmark)
		return 0;
	if (!d->wanted || (!d->running && !port))
		err = request_later(d, port, mark);
	else
		err = driver_rebind(d, port ? *port : d->udp.port, mark);
	if (err < 0)
		return err;
	sockets_end_retired(d); /* as the kernel does: another interface may be given the port */
	if (port) {
		clear_pending(d);
		d->listen.any = !*port;
	} else if (d->listen.error) {
		d->listen.fwmark = mark;
	}
	return 0;
}

int listen_want(struct driver *d, uint16_t port, uint32_t fwmark)
{
	int err = driver_rebind(d, port, fwmark);

	if (err < 0)
		set_pending(d, port, fwmark, err);
	else
		clear_pending(d);
	return err;
}

struct mono listen_deadline(const struct driver *d)
{
	return d->listen.due;
}

void listen_work(struct driver *d)
{
	const struct listen *l = &d->listen;
	int err;

	if (!mono_reached(l->due, clock_mono()))
		return;
	err = d->running ? driver_rebind(d, l->port, l->fwmark) : start(d, l->port, l->fwmark);
	if (err < 0) {
		set_pending(d, l->port, l->fwmark, err);
		return;
	}
	clear_pending(d);
	log_info("%s: UDP port %u is open", d->tun.tap.name, d->udp.port);
	driver_work(d);
}

uint16_t listen_port(const struct driver *d)
{
	return d->running || !d->wanted ? d->udp.port : 0;
}
