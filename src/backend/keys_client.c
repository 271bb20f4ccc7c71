/* SPDX-License-Identifier: MIT */
/* The engine's end of the socket to the process that holds the keys. */
#include "backend/keys_client.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"

/** Room for an answer, and for more than is allowed. */
struct packet {
	uint8_t bytes[sizeof(struct wg_key_answer) + 1];
};

/* Answers to others that are skipped before the time is looked at again. */
#define SKIPPED_MAX 1024

/* Read answers up to that of `request`. Return: 0; -EAGAIN if it is not there yet; or -errno. */
static int receive(const struct keys_client *c, const struct wg_key_request *request,
	struct wg_key_answer *ret)
{
	struct packet p = { { 0 } };
	int err = -EAGAIN;
	ssize_t n;

	for (unsigned i = 0; err == -EAGAIN && i < SKIPPED_MAX; i++) {
		n = recv(c->fd, p.bytes, sizeof(p.bytes), MSG_DONTWAIT);
		if (n < 0) {
			err = errno == EINTR ? -EAGAIN : -errno;
			break;
		}
		/* a former engine may have left answers */
		err = wg_key_answer_decode(p.bytes, (size_t)n, request, ret);
	}
	secret_wipe(&p, sizeof(p));
	return err;
}

/* Wait for the answer. Return: 0 or -errno. */
static int await_answer(const struct keys_client *c, const struct wg_key_request *request,
	struct wg_key_answer *ret)
{
	struct pollfd p = { .fd = c->fd, .events = POLLIN };
	struct mono until = mono_add(clock_mono(), KEYS_PATIENCE);
	struct mono now;
	int err = receive(c, request, ret);

	while (err == -EAGAIN) {
		now = clock_mono();
		if (mono_reached(until, now))
			return -ETIMEDOUT;
		if (poll(&p, 1, (int)(mono_between(now, until) / NS_PER_MS) + 1) < 0 &&
			errno != EINTR)
			return -errno;
		err = receive(c, request, ret);
	}
	return err;
}

static int exchange(void *ctx, const struct wg_key_request *request, struct wg_key_answer *ret)
{
	struct keys_client *c = ctx;
	bool paused = mono_is_set(c->again) && !mono_reached(c->again, clock_mono());
	bool answered = wg_key_is_answered(request->type);
	int err = 0;

	if (answered && paused)
		return -ETIMEDOUT;
	if (send(c->fd, request, sizeof(*request), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		err = errno == EAGAIN ? -ETIMEDOUT : -errno;
	if (!answered)
		return err;
	if (!err)
		err = await_answer(c, request, ret);
	if (!err) {
		c->again = MONO_NEVER;
		return 0;
	}
	if (!mono_is_set(c->again))
		log_warning("The process that holds the keys does not answer: no handshake until "
			    "it does. Sessions go on.");
	c->again = mono_add(clock_mono(), KEYS_PAUSE);
	return err;
}

void keys_client_open(struct keys_client *c, int fd)
{
	*c = (struct keys_client){ .fd = fd };
	/* the clock is ahead of the requests of any former engine, as none makes one in each ns */
	wg_key_client_init(&c->client, clock_mono().ns, exchange, c);
}
