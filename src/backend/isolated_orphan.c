/* SPDX-License-Identifier: MIT */
/* An engine whose monitor was killed goes on alone, and the next monitor adopts it.
 *
 * Theory of operation. When the site is ready, the monitor notes its engine (host/orphan.h), and
 * gives it a socket (rendezvous.h). If the channel to the monitor ends without a farewell, the
 * engine goes on for ENGINE_ALONE_NS, and waits at that socket. The next monitor, of an `up`,
 * passes a channel on, and gets the descriptors of the interfaces, the sockets and the store. From
 * there on it is an upgrade (isolated_upgrade.h): another engine is started with them, and
 * continues for the orphan. What is passed on is checked: an attacker may have had control of the
 * orphan.
 */
#include "backend/isolated_orphan.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/engine_store.h"
#include "backend/rendezvous.h"
#include "base/array.h"
#include "base/clock.h"
#include "base/log.h"
#include "host/orphan.h"

/* The mode's x bits cannot change. Source: Linux include/uapi/linux/fcntl.h, since 6.3. */
#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x0020
#endif

/* How long an orphan may take to pass its descriptors on. */
#define LEND_PATIENCE (5 * NS_PER_S)

/* Longest store that is taken from an orphan. */
#define STORE_MAX ((off_t)1 << 30)

/* ---- before the monitor ends ---- */

/* Give the engine a socket. Return: 0 or -errno. */
static int give_rendezvous(struct isolated_site *u)
{
	struct engine_message m = { .head = { .type = ENGINE_OUTLIVE } };
	char path[PATH_MAX];
	struct error e;
	int err = orphan_socket(u->conf->name, path);
	int fd = err < 0 ? err : rendezvous_open(path);

	if (fd < 0)
		return fd;
	m.fds = &fd;
	err = isolated_engine_call(u, &m, 0, 1, &e);
	close(fd);
	return err;
}

void isolated_note_engine(struct isolated_site *u)
{
	const char *name = u->conf->name;
	int err;

	if (!u->outlives || !u->engine.pid || u->failed)
		return;
	err = orphan_note(name, u->engine.pid, ENGINE_PROTOCOL);
	if (!err && u->engine.guardian) /* which ends it; `down` waits for that */
		return;
	if (!err)
		err = give_rendezvous(u);
	if (!err)
		return;
	orphan_forget(name);
	log_warning("If this process is killed, the engine ends with it, as it cannot be noted in "
		    "the run folder: %s.%s",
		strerror(-err), error_limit_tail(err));
}

void isolated_outlive(struct backend_site *s, bool on)
{
	struct isolated_site *u = isolated_of(s);
	struct engine_message m = { .head = { .type = ENGINE_OUTLIVE } };
	struct error ignored;

	if (u->outlives && !on) /* if this is not done, the next monitor needs the note */
		(void)isolated_engine_call(u, &m, 0, 0, &ignored);
	u->outlives = on;
	isolated_note_engine(u);
}

/* ---- what an orphan passes on ---- */

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Whether a TUN, a TAP or a socket is in our network namespace; `request`: how to ask for its
 * own. */
static bool is_here(int fd, unsigned long request)
{
	struct stat own;
	struct stat other;
	int ns = ioctl(fd, request);
	bool here = ns >= 0 && stat("/proc/thread-self/ns/net", &own) == 0 &&
		    fstat(ns, &other) == 0 && same_file(&own, &other);

	if (ns >= 0)
		close(ns);
	return here;
}

/* The kind that an interface of that name has at the site; -1: there is none. */
static int kind_of(const struct conf_site *conf, const char *name)
{
	if (!strcmp(conf->interface.name, name))
		return TAP_IP;
	return conf_session_find(conf, name) ? TAP_ETHERNET : -1;
}

/* Hold a TUN or TAP. One that the site does not have (any more) is closed. */
static int hold_tap(struct held_ports *h, const struct conf_site *conf, int fd)
{
	struct tap tap;
	struct tap *slot;
	int err = is_here(fd, TUNGETDEVNETNS) ? tap_adopt(fd, h->options.tap, &tap) : -EPROTO;
	int kind = err < 0 ? -1 : kind_of(conf, tap.name);

	for (size_t i = 0; i < h->n && !err; i++)
		err = strcmp(h->taps[i].name, tap.name) ? 0 : -EPROTO;
	if (!err && kind >= 0 && kind != (int)tap.kind)
		err = -EPROTO;
	if (err < 0 || kind < 0) {
		close(fd);
		return err;
	}
	slot = array_grow(&h->taps, &h->n, sizeof(*h->taps));
	if (slot)
		*slot = tap;
	else
		close(fd);
	return slot ? 0 : -ENOMEM;
}

/* An option of a socket; -1: it has none. */
static int option(int fd, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, name, &value, &len) < 0 ? -1 : value;
}

/* Hold one of the two sockets, in `fds` by family. */
static int hold_socket(int fds[static 2], int fd)
{
	int domain = option(fd, SO_DOMAIN);
	int *slot = domain == AF_INET ? &fds[0] : &fds[1];

	if ((domain != AF_INET && domain != AF_INET6) || option(fd, SO_TYPE) != SOCK_DGRAM ||
		option(fd, SO_PROTOCOL) != IPPROTO_UDP || !is_here(fd, SIOCGSKNS) || *slot >= 0) {
		close(fd);
		return -EPROTO;
	}
	*slot = fd;
	return 0;
}

/* Whether this is a memory as of engine_store_make(): it cannot become shorter, which would end a
 * process that uses it. Where vm.memfd_noexec is set, it has F_SEAL_EXEC too. */
static bool is_store(int fd)
{
	const int wanted = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat stat;

	return seals >= 0 && (seals & ~F_SEAL_EXEC) == wanted && fstat(fd, &stat) == 0 &&
	       S_ISREG(stat.st_mode) && stat.st_size >= (off_t)wg_store_memory(1) &&
	       stat.st_size <= STORE_MAX;
}

/* Hold one descriptor. Return: 0 or -errno, and it is closed. */
static int hold(struct held_ports *h, const struct conf_site *conf, int sockets[static 2],
	int *store, int fd)
{
	struct ifreq ifr = { 0 };

	if (ioctl(fd, TUNGETIFF, &ifr) == 0)
		return hold_tap(h, conf, fd);
	if (option(fd, SO_TYPE) >= 0)
		return hold_socket(sockets, fd);
	if (*store < 0 && is_store(fd)) {
		*store = fd;
		return 0;
	}
	close(fd);
	return -EPROTO;
}

/* Use the sockets, if they are of the site's port; else others are opened. */
static int use_sockets(struct held_ports *h, const struct conf_site *conf, const int fds[static 2])
{
	uint16_t port = conf->interface.listen_port;
	int err = 0;

	if (fds[0] >= 0 || fds[1] >= 0)
		err = udp_adopt(fds[0], fds[1], h->options.udp, &h->udp);
	if (err < 0)
		for (int i = 0; i < 2; i++)
			if (fds[i] >= 0)
				close(fds[i]);
	if (!err && port && h->udp.port != port) {
		udp_close(&h->udp);
		h->udp = (struct udp){ .fd4 = -1, .fd6 = -1 };
	}
	return err;
}

int isolated_hold_lent(struct held_ports *h, const struct conf_site *conf, const struct lent *lent,
	int *ret_store, struct error *ret_error)
{
	int sockets[2] = { -1, -1 };
	int err = 0;

	*ret_store = -1;
	for (size_t i = 0; i < lent->n; i++) {
		int of_this = hold(h, conf, sockets, ret_store, lent->fds[i]);

		err = err ? err : of_this;
	}
	if (!err)
		err = use_sockets(h, conf, sockets);
	else
		for (int i = 0; i < 2; i++)
			if (sockets[i] >= 0)
				close(sockets[i]);
	return err < 0 ? error_set(ret_error, err == -ENOMEM ? err : -EPROTO,
				 "A descriptor of that engine is not of this site\n")
		       : 0;
}

/* ---- adopting ---- */

static int no_answer(int err, struct error *ret_error)
{
	return error_set(ret_error, err, "That engine does not answer:\n");
}

/* Get a channel to the orphan, and its descriptors. */
static int call(struct isolated_site *u, struct engine_message *reply, struct error *ret_error)
{
	struct engine_message m = { .head = { .type = ENGINE_LEND } };
	struct isolated_old *old = &u->old;
	char path[PATH_MAX];
	int err = orphan_socket(u->conf->name, path);
	int fd = err < 0 ? err : rendezvous_connect(path);

	if (fd < 0)
		return no_answer(fd, ret_error);
	engine_channel_open(&old->engine.channel, fd, ENGINE_FROM_ENGINE);
	old->channel = fd;
	old->engine.leaves = true;
	old->engine.channel.takes_fds = true;
	err = engine_proxy_call(
		&old->engine, &m, 0, 0, -1, mono_add(clock_mono(), LEND_PATIENCE), reply);
	old->engine.channel.takes_fds = false;
	if (!err && reply->head.type != ENGINE_LENT)
		err = -EBADMSG;
	return err < 0 ? no_answer(err, ret_error) : 0;
}

/* Hold what the orphan passes on, and make what the site did not have before. */
static int borrow(struct isolated_site *u, struct error *ret_error)
{
	struct engine_message reply;
	struct lent lent;
	size_t first;
	int err = call(u, &reply, ret_error);

	if (err < 0)
		return err;
	lent = (struct lent){ reply.fds, reply.head.fds };
	err = isolated_hold_lent(&u->held, u->conf, &lent, &u->engine.store, ret_error);
	if (!err)
		err = held_ports_open(&u->held, u->conf, &first, ret_error);
	if (!err && u->engine.store < 0)
		u->engine.store = engine_store_make(u->conf->n_peers);
	return err;
}

int isolated_adopt_orphan(struct isolated_site *u, struct error *ret_error)
{
	uint32_t protocol = 0;
	int err;

	u->old.process = orphan_open(u->conf->name, &protocol);
	if (u->old.process < 0)
		return error_set(ret_error, -ESRCH, "That engine has ended just now\n");
	if (protocol != ENGINE_PROTOCOL)
		return error_set(
			ret_error, -EPROTO, "That engine is of a version with other messages\n");
	err = borrow(u, ret_error);
	if (!err)
		err = isolated_engine_start(u, true, ret_error);
	if (err < 0)
		return err;
	u->old.saved = true;
	return 0;
}
