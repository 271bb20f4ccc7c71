/* SPDX-License-Identifier: MIT */
/* The loop of the process that holds the keys. */
#include "backend/keys_server.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/secret.h"

/* Make the changes that have arrived. Return: whether to go on. */
static bool take_changes(struct wg_key_table *table, int monitor)
{
	struct wg_key_change change;
	uint8_t packet[sizeof(change) + 1];
	ssize_t n;

	while ((n = read(monitor, packet, sizeof(packet))) > 0)
		if (wg_key_change_decode(packet, (size_t)n, &change) < 0 ||
			wg_key_table_change(table, &change) < 0)
			return false;
	return n < 0 && (errno == EAGAIN || errno == EINTR);
}

/* Answer one request. Changes that were sent before it come first: the monitor informs the engine
 * of a change after it has sent it here. Return: whether to go on. */
static bool take_request(struct wg_key_table *table, int monitor, int engine)
{
	struct wg_key_request request;
	struct wg_key_answer answer;
	uint8_t packet[sizeof(request) + 1];
	ssize_t n = read(engine, packet, sizeof(packet));

	if (!take_changes(table, monitor))
		return false;
	if (n <= 0 || wg_key_request_decode(packet, (size_t)n, &request) < 0)
		return true;
	if (!wg_key_table_request(table, &request, clock_wall(), &answer))
		return true;
	/* an engine that does not read loses the answer */
	return write(engine, &answer, sizeof(answer)) >= 0 || errno == EAGAIN || errno == EINTR;
}

void keys_serve(struct wg_key_table *table, int monitor, int engine)
{
	struct pollfd fds[2] = { { .fd = monitor, .events = POLLIN },
		{ .fd = engine, .events = POLLIN } };
	bool goes_on = true;

	while (goes_on) {
		if (poll(fds, 2, -1) < 0) {
			goes_on = errno == EINTR;
			continue;
		}
		goes_on = fds[1].revents ? take_request(table, monitor, engine)
					 : take_changes(table, monitor);
		wg_key_table_tidy(table);
		secret_wipe_stack();
	}
	wg_key_table_fini(table);
}
