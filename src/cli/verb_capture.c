/* SPDX-License-Identifier: MIT */
/* capture: writes what passes a running site to a pcapng file. */
#include "cli/verb.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "capture/capture.h"
#include "cli/running.h"
#include "ctl/client.h"

#define ANSWER_MS  10000
#define END_MS	   10000 /* for the rest of the capture, once it was ended */
#define BUFFER_LEN ((size_t)256 << 10)

_Static_assert(BUFFER_LEN > CAPTURE_BLOCK_MAX, "a whole block fits");

/** Options of the command line; 0: no limit. */
struct wish {
	const char *file; /* NULL: standard output */
	uint32_t snap;
	uint64_t packets;
	uint64_t bytes;
	uint64_t seconds;
};

/** A capture as it is being read and written. */
struct reader {
	const char *verb;
	const struct wish *wish;
	int from;
	int to;
	int signals;
	bool ended;	 /* the site was asked to end the capture */
	bool full;	 /* a limit is reached: no more packets are written */
	struct mono due; /* when the capture ends by time, or the wait for its end is over */
	uint64_t packets;
	uint64_t bytes;
	uint64_t dropped;
	size_t len; /* bytes in `buffer` */
	uint8_t buffer[BUFFER_LEN];
};

/* Ask the site to end the capture; it sends what is left and closes. */
static void end_capture(struct reader *r)
{
	if (r->ended)
		return;
	r->ended = true;
	r->due = mono_add(clock_mono(), END_MS * NS_PER_MS);
	shutdown(r->from, SHUT_WR);
}

/* Write all of bytes[len]. Return: 0 or -errno. */
static int write_all(int fd, const uint8_t *bytes, size_t len)
{
	while (len) {
		ssize_t n = write(fd, bytes, len);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			bytes += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

/* Add up the packets that an interface has dropped. The block has its options from byte 20 on. */
static void read_statistics(struct reader *r, const uint8_t *block, size_t len)
{
	for (size_t at = 20; at + 8 <= len;) {
		uint16_t code = load_le16(block + at);
		size_t value = load_le16(block + at + 2);

		if (!code)
			return;
		if (code == PCAPNG_OPT_DROPPED && value == 8 && at + 12 <= len)
			r->dropped += load_le64(block + at + 4);
		at += 4 + size_align(value, 4);
	}
}

/* Write one block, unless a limit is reached. Return: 0 or -errno. */
static int take_block(struct reader *r, const uint8_t *block, size_t len)
{
	uint32_t type = load_le32(block);

	if (type == PCAPNG_STATISTICS)
		read_statistics(r, block, len);
	if (type == PCAPNG_PACKET) {
		r->full |= r->wish->bytes && r->bytes + len > r->wish->bytes;
		if (r->full) {
			end_capture(r);
			return 0;
		}
		r->packets++;
		r->full = r->packets == r->wish->packets;
		if (r->full)
			end_capture(r);
	}
	r->bytes += len;
	return write_all(r->to, block, len);
}

/* Write all whole blocks in the buffer. Return: 0 or -errno. */
static int take_blocks(struct reader *r)
{
	size_t at = 0;
	int err = 0;

	while (!err && r->len - at >= PCAPNG_BLOCK_MIN) {
		size_t len = load_le32(r->buffer + at + 4);

		if (len < PCAPNG_BLOCK_MIN || len % 4 || len > CAPTURE_BLOCK_MAX)
			return -EBADMSG;
		if (len > r->len - at)
			break;
		err = take_block(r, r->buffer + at, len);
		at += len;
	}
	r->len -= at;
	memmove(r->buffer, r->buffer + at, r->len);
	return err;
}

/* Read from the site what there is. Return: 1, 0 at its end, or -errno. */
static int read_some(struct reader *r)
{
	ssize_t n = recv(r->from, r->buffer + r->len, sizeof(r->buffer) - r->len, MSG_DONTWAIT);
	int err;

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 1 : -errno;
	if (n == 0)
		return 0;
	r->len += (size_t)n;
	err = take_blocks(r);
	return err < 0 ? err : 1;
}

/* Milliseconds until the deadline, for poll(2). */
static int time_left(const struct reader *r)
{
	uint64_t ms = mono_between(clock_mono(), r->due) / NS_PER_MS + 1;

	if (!mono_is_set(r->due))
		return -1;
	return ms > 3600000 ? 3600000 : (int)ms;
}

/* Read and write until the capture has ended. Return: 0 or -errno. */
static int run(struct reader *r)
{
	int more = 1;

	while (more > 0) {
		struct pollfd p[] = { { .fd = r->from, .events = POLLIN },
			{ .fd = r->ended ? -1 : r->signals, .events = POLLIN }, { .fd = r->to } };

		if (poll(p, ARRAY_LEN(p), time_left(r)) < 0 && errno != EINTR)
			return -errno;
		if (p[2].revents & POLLERR)
			return -EPIPE; /* no process reads the pipe any more */
		if (p[1].revents || (!r->ended && mono_reached(r->due, clock_mono())))
			end_capture(r);
		else if (r->ended && mono_reached(r->due, clock_mono()))
			return -ETIMEDOUT;
		if (p[0].revents)
			more = read_some(r);
	}
	return more;
}

/* A descriptor that is readable after SIGINT or SIGTERM, which have no other effect any more. */
static int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

static enum verb_exit report(const struct reader *r, const struct running *site, int err)
{
	if (err == -ETIMEDOUT)
		fprintf(stderr, "%s: %s did not end the capture within %u s\n", r->verb, site->name,
			END_MS / 1000);
	else if (err == -EBADMSG)
		fprintf(stderr, "%s: %s sends what is no capture: restart it\n", r->verb,
			site->name);
	else if (err < 0)
		fprintf(stderr, "%s: the capture was interrupted: %s\n", r->verb, strerror(-err));
	fprintf(stderr, "%s: %" PRIu64 " packet%s captured", r->verb, r->packets,
		r->packets == 1 ? "" : "s");
	if (r->dropped)
		fprintf(stderr, ", %" PRIu64 " dropped: the reader was too slow", r->dropped);
	fputc('\n', stderr);
	if (!err && !r->ended)
		fprintf(stderr, "%s: %s has ended the capture\n", r->verb, site->name);
	return err < 0 ? VERB_FAILED : VERB_DONE;
}

/* Read the capture from the connection `from` and write it to `to`. */
static enum verb_exit copy(
	const char *verb, const struct wish *wish, const struct running *site, int from, int to)
{
	struct reader *r = calloc(1, sizeof(*r));
	enum verb_exit result = VERB_FAILED;

	if (!r) {
		fprintf(stderr, "%s: out of memory\n", verb);
		return result;
	}
	r->verb = verb;
	r->wish = wish;
	r->from = from;
	r->to = to;
	if (wish->seconds)
		r->due = mono_add(clock_mono(), wish->seconds * NS_PER_S);
	r->signals = open_signals();
	if (r->signals < 0)
		fprintf(stderr, "%s: cannot wait for signals: %s\n", verb, strerror(errno));
	else
		result = report(r, site, run(r));
	if (r->signals >= 0)
		close(r->signals);
	free(r);
	return result;
}

/* Whether the output can be used: a terminal cannot. */
static bool is_usable(const char *verb, const char *file)
{
	if (file || !isatty(STDOUT_FILENO))
		return true;
	fprintf(stderr, "%s: not to a terminal: name a file with -w, or pipe to `tshark -r -`\n",
		verb);
	return false;
}

static bool is_trusted(uid_t owner)
{
	return owner == 0 || owner == geteuid();
}

/* Open the file. A link is followed if it is of root or our user: one that another user has placed
 * would lead the capture to a file of that user's choice. Return: a descriptor or -1 with errno. */
static int open_file(const char *file)
{
	const int flags = O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY;
	int fd = open(file, flags | O_NOFOLLOW, 0600);
	struct stat st;

	if (fd >= 0 || errno != ELOOP || lstat(file, &st) < 0)
		return fd;
	if (S_ISLNK(st.st_mode) && is_trusted(st.st_uid))
		return open(file, flags, 0600);
	errno = EPERM;
	return -1;
}

/* Empty a file that exists, unless another user can read the capture there, or has it written over
 * a file of another name. Return: false with errno if not. */
static bool empty_file(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return false;
	if (!S_ISREG(st.st_mode))
		return true;
	if (!is_trusted(st.st_uid) || st.st_nlink > 1) {
		errno = EPERM;
		return false;
	}
	return ftruncate(fd, 0) == 0;
}

/* Open the output. Return: its descriptor; or -1, and stderr has the reason. */
static int open_output(const char *verb, const char *file)
{
	int err;
	int fd;

	if (!file)
		return STDOUT_FILENO;
	fd = open_file(file);
	if (fd >= 0 && !empty_file(fd)) {
		err = errno;
		close(fd);
		errno = err;
		fd = -1;
	}
	if (fd < 0 && errno == EPERM)
		fprintf(stderr,
			"%s: cannot write %s: it belongs to another user, or has another name; "
			"name a new file\n",
			verb, file);
	else if (fd < 0)
		fprintf(stderr, "%s: cannot write %s: %s\n", verb, file, strerror(errno));
	return fd;
}

/* Write the capture that comes from `from`. */
static enum verb_exit write_capture(
	const char *verb, const struct wish *wish, const struct running *site, int from)
{
	int to = open_output(verb, wish->file);
	enum verb_exit result;

	if (to < 0)
		return VERB_FAILED;
	result = copy(verb, wish, site, from, to);
	if (close(to) < 0 && result == VERB_DONE) {
		fprintf(stderr, "%s: cannot write: %s\n", verb, strerror(errno));
		result = VERB_FAILED;
	}
	return result;
}

static enum verb_exit capture(const char *verb, const char *name, const struct wish *wish)
{
	const struct ctl_request request = { .verb = CTL_CAPTURE, .snap = wish->snap };
	enum verb_exit result = VERB_FAILED;
	struct ctl_reply reply;
	struct running site;
	int from;
	int err;

	if (!is_usable(verb, wish->file) || !running_find(verb, name, &site))
		return VERB_FAILED;
	err = ctl_client_stream(site.path, &request, ANSWER_MS, &reply, &from);
	if (err < 0) {
		running_explain(verb, &site, err);
		return VERB_FAILED;
	}
	if (reply.ok) {
		result = write_capture(verb, wish, &site, from);
		close(from);
	} else {
		fprintf(stderr, "%s: %s: %s\n", verb, site.name, reply.text);
	}
	ctl_reply_fini(&reply);
	return result;
}

/* Parse a number from 1 to `most`, with a suffix K, M or G if `units`. Return: false if it is
 * none. */
static bool parse_number(const char *text, uint64_t most, bool units, uint64_t *ret)
{
	char *end;
	unsigned shift = 0;
	unsigned long long v;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	v = strtoull(text, &end, 10);
	if (units && *end)
		shift = *end == 'K' ? 10 : *end == 'M' ? 20 : *end == 'G' ? 30 : 0;
	if (shift)
		end++;
	if (errno || *end || !v || v > most >> shift)
		return false;
	*ret = (uint64_t)v << shift;
	return true;
}

/* Apply the option `c`. Return: NULL, or what its value must be. */
static const char *apply_option(int c, const char *value, struct wish *wish)
{
	uint64_t snap;

	switch (c) {
	case 'w':
		wish->file = strcmp(value, "-") != 0 ? value : NULL;
		return NULL;
	case 'c':
		return parse_number(value, UINT64_MAX, false, &wish->packets)
			       ? NULL
			       : "--count needs a number of packets";
	case 'C':
		return parse_number(value, UINT64_MAX >> 1, true, &wish->bytes)
			       ? NULL
			       : "--size needs a number of bytes, such as 100M";
	case 't':
		return parse_number(value, 1000000000, false, &wish->seconds)
			       ? NULL
			       : "--time needs a number of seconds";
	default:
		if (!parse_number(value, CTL_SNAP_MAX, false, &snap))
			return "--snap needs a number of bytes, from 1 to 65535";
		wish->snap = (uint32_t)snap;
		return NULL;
	}
}

static enum verb_exit run_capture(int argc, char **argv)
{
	static const struct option options[] = {
		{ "write", required_argument, NULL, 'w' },
		{ "count", required_argument, NULL, 'c' },
		{ "size", required_argument, NULL, 'C' },
		{ "time", required_argument, NULL, 't' },
		{ "snap", required_argument, NULL, 's' },
		{ NULL, 0, NULL, 0 },
	};
	struct wish wish = { .snap = CTL_SNAP_MAX };
	int c;

	while ((c = verb_option(argc, argv, "w:c:C:t:s:", options)) >= 0) {
		const char *wrong;

		if (c == '?')
			return verb_bad_option(argv[0]);
		wrong = apply_option(c, optarg, &wish);
		if (wrong)
			return verb_usage(argv[0], "%s", wrong);
	}
	if (argc - optind != 1)
		return verb_usage(argv[0], "name one site");
	return capture(argv[0], argv[optind], &wish);
}

const struct verb verb_capture = {
	.name = "capture",
	.usage = "[-w FILE] [-c N] [--size BYTES] [--time S] NAME|FILE",
	.summary = "write what passes a site, decrypted, to a pcapng file",
	.help = "Writes the datagrams on the underlay, the packets inside the tunnel and the\n"
		"members' frames of the running site NAME, each on an interface of its own,\n"
		"for tshark(1) and Wireshark. Ends with Ctrl-C, or at the first limit.\n"
		"Packets that the reader is too slow for are dropped from the capture alone,\n"
		"and counted in it.\n"
		"\n"
		"  -w, --write FILE   write to FILE, mode 0600; -: standard output, the default\n"
		"  -c, --count N      end after N packets\n"
		"  -C, --size BYTES   end before the file is larger, for instance 100M\n"
		"  -t, --time S       end after S seconds\n"
		"  -s, --snap BYTES   capture only the first bytes of each packet\n",
	.run = run_capture,
};
