/* SPDX-License-Identifier: MIT */
/* The descriptors that a monitor holds for its engine: if the engine ends, its interfaces and its
 * port stay, and the next one continues with them. */
#include "backend/held_ports.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/userspace_site.h"
#include "base/array.h"
#include "driver/apply_sessions.h"

int held_ports_init(struct held_ports *h, struct error *ret_error)
{
	const char *text = getenv("WIRESPAN_OPTIONS");
	int err = 0;

	*h = (struct held_ports){ .udp = { .fd4 = -1, .fd6 = -1 } };
	if (text) {
		h->options_text = strdup(text);
		err = h->options_text ? 0 : -ENOMEM;
	}
	if (!err)
		err = driver_options_from(h->options_text, &h->options);
	if (err < 0)
		error_set(ret_error, err,
			"Cannot read WIRESPAN_OPTIONS:\nSee wirespan(8), ENVIRONMENT.");
	return err;
}

static struct tap *find(const struct held_ports *h, const char *name)
{
	for (size_t i = 0; i < h->n; i++)
		if (!strcmp(h->taps[i].name, name))
			return &h->taps[i];
	return NULL;
}

/* Return: 0 or -errno. */
static int open_one(struct held_ports *h, const char *name, enum tap_kind kind)
{
	struct tap tap;
	struct tap *slot;
	int err = find(h, name) ? 0 : tap_open(name, kind, h->options.tap, &tap);

	if (err < 0 || find(h, name))
		return err;
	slot = array_grow(&h->taps, &h->n, sizeof(*h->taps));
	if (!slot) {
		tap_close(&tap);
		return -ENOMEM;
	}
	*slot = tap;
	return 0;
}

int held_ports_open(struct held_ports *h, const struct conf_site *conf, size_t *ret_first,
	struct error *ret_error)
{
	struct conf_session_walk walk = { .conf = conf };
	const struct conf_session *session;
	size_t first = h->n;
	int err = open_one(h, conf->interface.name, TAP_IP);

	if (err < 0)
		userspace_site_tun_error(err, ret_error);
	while (!err && (session = conf_next_session(&walk))) {
		err = open_one(h, session->name, TAP_ETHERNET);
		if (err < 0)
			apply_session_error(session->name, err, ret_error);
	}
	if (err < 0) {
		for (; h->n > first; h->n--)
			tap_close(&h->taps[h->n - 1]);
		return err;
	}
	*ret_first = first;
	return 0;
}

bool held_ports_is_deleted(const struct held_ports *h, const char *name)
{
	const struct tap *tap = find(h, name);
	char is[IFNAMSIZ];

	return tap && (tap->fd < 0 || tap_name(tap, is) == -EBADFD);
}

int held_ports_make_again(struct held_ports *h, const char *name, int *ret_fd)
{
	struct tap *tap = find(h, name);
	struct tap again;
	int err;

	if (!tap)
		return -ENOENT;
	err = tap_open(name, tap->kind, h->options.tap, &again);
	if (err < 0)
		return err;
	tap_close(tap);
	*tap = again;
	*ret_fd = again.fd;
	return 0;
}

void held_ports_sweep(struct held_ports *h, const struct conf_site *conf)
{
	size_t n = 0;

	for (size_t i = 0; i < h->n; i++) {
		const char *name = h->taps[i].name;

		if (!strcmp(conf->interface.name, name) || conf_session_find(conf, name))
			h->taps[n++] = h->taps[i];
		else
			tap_close(&h->taps[i]);
	}
	h->n = n;
}

int *held_ports_fds(const struct held_ports *h, size_t first)
{
	int *fds = calloc(h->n - first + 1, sizeof(*fds));

	for (size_t i = first; fds && i < h->n; i++)
		fds[i - first] = h->taps[i].fd;
	return fds;
}

int held_ports_open_udp(struct held_ports *h, uint16_t port, uint32_t fwmark)
{
	struct udp udp;
	int err = udp_open(port, fwmark, h->options.udp, &udp);

	if (err < 0)
		return err;
	udp_close(&h->udp);
	h->udp = udp;
	return 0;
}

void held_ports_save(const struct held_ports *h, struct saved_state *state)
{
	for (size_t i = 0; i < h->n; i++)
		saved_put_fd(state, "tap", h->taps[i].fd);
	saved_put_fd(state, "udp4", h->udp.fd4);
	saved_put_fd(state, "udp6", h->udp.fd6);
}

int held_ports_copy(int fd)
{
	return fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

/* Hold a copy of a saved TAP. Return: 0 or -errno. */
static int adopt_tap(struct held_ports *h, int saved)
{
	int fd = held_ports_copy(saved);
	struct tap tap;
	struct tap *slot;
	int err = fd < 0 ? -errno : tap_adopt(fd, h->options.tap, &tap);

	slot = err < 0 ? NULL : array_grow(&h->taps, &h->n, sizeof(*h->taps));
	if (slot)
		*slot = tap;
	else if (fd >= 0)
		close(fd);
	return err < 0 ? err : slot ? 0 : -ENOMEM;
}

int held_ports_open_tun(struct held_ports *h, const char *name, int fd)
{
	int err = fd < 0 ? open_one(h, name, TAP_IP) : adopt_tap(h, fd);

	if (!err && h->taps[0].kind != TAP_IP)
		err = -EPROTOTYPE;
	return err;
}

int held_ports_adopt(struct held_ports *h, const struct saved_state *saved, struct error *ret_error)
{
	int fd4 = held_ports_copy(saved_fd(saved, "udp4", 0));
	int fd6 = held_ports_copy(saved_fd(saved, "udp6", 0));
	int err = fd4 < 0 && fd6 < 0 ? 0 : udp_adopt(fd4, fd6, h->options.udp, &h->udp);
	int fd;

	if (err < 0) {
		close(fd4);
		close(fd6);
	}
	for (size_t i = 0; !err && (fd = saved_fd(saved, "tap", i)) >= 0; i++)
		err = adopt_tap(h, fd);
	return err < 0 ? error_set(ret_error, err, "Cannot use the descriptors of the site:\n") : 0;
}

void held_ports_close(struct held_ports *h)
{
	for (size_t i = 0; i < h->n; i++)
		tap_close(&h->taps[i]);
	free(h->taps);
	udp_close(&h->udp);
	free(h->options_text);
	*h = (struct held_ports){ .udp = { .fd4 = -1, .fd6 = -1 } };
}
