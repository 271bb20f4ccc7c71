/* SPDX-License-Identifier: MIT */
/* top: running sites, live in the terminal. */
#include "cli/verb.h"

#include <fcntl.h>
#include <inttypes.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <curses.h>

#include "base/clock.h"
#include "cli/running.h"
#include "pkt/drop.h"
#include "base/format.h"

#define PERIOD_TENTHS 10 /* tenths of a second, between two samples */

/** The screen's data: the current sample, and the previous one to compute rates. */
struct view {
	const char *verb;
	const char *name; /* NULL: all sites */
	struct running_reports now;
	struct running_reports before;
	struct mono taken;    /* when `now` was */
	uint64_t interval_ms; /* between the two samples */
	bool answered;	      /* all requested sites answered */
	int row;
};

/** The same site in the current and the previous sample. */
struct span {
	const struct status_report *now;
	const struct status_report *before; /* NULL: no previous sample */
	uint64_t ms;
};

/* A counter's difference between two samples, as a rate. */
static double per_second(const struct span *s, uint64_t before, uint64_t now)
{
	return s->before && s->ms && now >= before ? (double)(now - before) * 1000 / (double)s->ms
						   : 0;
}

static struct span find_span(const struct view *v, const struct status_report *now)
{
	struct span s = { .now = now };

	for (size_t i = 0; i < v->before.len; i++) {
		const struct status_report *before = &v->before.v[i];

		/* a restarted process counts from zero */
		if (strcmp(before->site, now->site) != 0 || before->pid != now->pid)
			continue;
		if (!now->pid) {
			s.before = before; /* the kernel's counters, without a process */
			s.ms = v->interval_ms;
		} else if (before->uptime_ms < now->uptime_ms) {
			s.before = before;
			s.ms = now->uptime_ms - before->uptime_ms;
		}
	}
	return s;
}

static void heading(struct view *v, const char *text)
{
	attron(A_REVERSE);
	mvprintw(v->row, 0, "%-*s", COLS, text);
	attroff(A_REVERSE);
	v->row++;
}

static void draw_site(struct view *v, const struct status_report *r)
{
	char uptime[FORMAT_LEN];

	attron(A_BOLD);
	mvprintw(v->row, 0, "%s", r->site);
	attroff(A_BOLD);
	if (r->stopped)
		printw("  not running");
	else if (!r->pid)
		printw("  without a process");
	else
		printw("  up %s", format_span(r->uptime_ms, uptime));
	printw(", %s, %s, MTU %u", r->backend, r->aead,
		r->budget.inner_ip ? r->budget.inner_ip : r->budget.wg_mtu);
	v->row++;
	attron(A_BOLD);
	for (size_t i = 0; i < r->warnings_len; i++)
		mvprintw(v->row++, 2, "%s", r->warnings[i].text);
	for (size_t i = 0; i < r->differences_len; i++)
		mvprintw(v->row++, 2, "%s", r->differences[i].text);
	attroff(A_BOLD);
}

static const struct status_session *session_before(
	const struct span *s, const struct status_session *now)
{
	const struct status_session *before =
		s->before ? status_session_find(s->before, now->name) : NULL;

	return before ? before : now;
}

/** Columns shown for the WireGuard interface and for sessions. */
struct port {
	struct status_traffic tx;
	struct status_traffic rx;
	uint64_t fragments;
	uint64_t drops;
};

static struct port port_of_wg(const struct status_wg *wg)
{
	return (struct port){ wg->tun_tx, wg->tun_rx, STATUS_ABSENT,
		status_sum(wg->dropped_tx, wg->dropped_rx) };
}

static struct port port_of_session(const struct status_session *s)
{
	return (struct port){ s->tx, s->rx, status_sum(s->fragments_tx, s->fragments_rx),
		status_sum(s->dropped_tx, s->dropped_rx) };
}

/* A rate in a column, times `unit`; a dash if the back end does not have the counter. */
static void draw_rate(
	const struct span *s, int width, int digits, double unit, uint64_t before, uint64_t now)
{
	if (now == STATUS_ABSENT)
		printw(" %*s", width, "-");
	else
		printw(" %*.*f", width, digits, per_second(s, before, now) * unit);
}

static void draw_port(struct view *v, const struct span *s, const char *name,
	const struct port *before, const struct port *now)
{
	mvprintw(v->row++, 0, "%-15s", name);
	draw_rate(s, 16, 1, 8e-6, before->tx.bytes, now->tx.bytes);
	draw_rate(s, 10, 1, 1e-3, before->tx.packets, now->tx.packets);
	draw_rate(s, 17, 1, 8e-6, before->rx.bytes, now->rx.bytes);
	draw_rate(s, 10, 1, 1e-3, before->rx.packets, now->rx.packets);
	draw_rate(s, 12, 0, 1, before->fragments, now->fragments);
	draw_rate(s, 8, 0, 1, before->drops, now->drops);
}

static void draw_ports(struct view *v, const struct span *s)
{
	const struct status_wg *wg = &s->now->wg;

	heading(v, "interface            sent Mbit/s  kpacket/s   received Mbit/s  kpacket/s   "
		   "fragment/s   drop/s");
	if (*wg->name) {
		struct port before = port_of_wg(s->before ? &s->before->wg : wg);
		struct port now = port_of_wg(wg);

		draw_port(v, s, wg->name, &before, &now);
	}
	for (size_t i = 0; i < s->now->sessions_len; i++) {
		const struct status_session *n = &s->now->sessions[i];
		struct port before = port_of_session(session_before(s, n));
		struct port now = port_of_session(n);

		draw_port(v, s, n->name, &before, &now);
	}
}

static const struct status_peer *peer_before(const struct span *s, const struct status_peer *now)
{
	for (size_t i = 0; s->before && i < s->before->peers_len; i++) {
		if (memcmp(s->before->peers[i].public_key, now->public_key, KEY_LEN) == 0)
			return &s->before->peers[i];
	}
	return now;
}

/* The peer's name, or the start of its key. */
#define LABEL_LEN 16
static const char *short_label(const struct status_peer *peer, char ret[static LABEL_LEN])
{
	char key[KEY_BASE64_LEN + 1];

	if (*peer->name) {
		snprintf(ret, LABEL_LEN, "%.*s", LABEL_LEN - 1, peer->name);
	} else {
		key_to_base64(peer->public_key, key);
		snprintf(ret, LABEL_LEN, "%.12s...", key);
	}
	return ret;
}

static void draw_peers(struct view *v, const struct span *s)
{
	static const char *const states[] = { [STATUS_PEER_IDLE] = "no session",
		[STATUS_PEER_HANDSHAKE] = "calling",
		[STATUS_PEER_ESTABLISHED] = "session up" };
	char name[LABEL_LEN];
	char endpoint[ENDPOINT_TEXT_LEN];
	char age[FORMAT_LEN];
	char mtu[16];

	_Static_assert(sizeof(states) / sizeof(*states) == STATUS_PEER_STATE_COUNT,
		"every state has its words");
	if (!s->now->peers_len)
		return;
	heading(v, "peer                 sent Mbit/s   received Mbit/s  path MTU   state        "
		   "handshake       endpoint");
	for (size_t i = 0; i < s->now->peers_len; i++) {
		const struct status_peer *n = &s->now->peers[i];
		const struct status_peer *b = peer_before(s, n);

		endpoint_text(&n->endpoint, endpoint);
		snprintf(mtu, sizeof(mtu), "%u", n->path.mtu);
		mvprintw(v->row++, 0, "%-15s %16.1f %17.1f %9s   %-12s %-15s %s",
			short_label(n, name), per_second(s, b->tx_bytes, n->tx_bytes) * 8e-6,
			per_second(s, b->rx_bytes, n->rx_bytes) * 8e-6, n->path.mtu ? mtu : "-",
			states[n->state],
			n->last_handshake.sec ? format_span(n->handshake_age_ms, age) : "none yet",
			!n->endpoint.addr.family && *n->endpoint_name ? n->endpoint_name
								      : endpoint);
	}
}

/* How the peers' messages arrive; only of peers from which some have. */
static void draw_arrivals(struct view *v, const struct span *s)
{
	char name[LABEL_LEN];
	bool any = false;

	for (size_t i = 0; i < s->now->peers_len; i++) {
		const struct status_peer *peer = &s->now->peers[i];
		const struct status_arrivals *n = &peer->arrivals;
		const struct status_arrivals *b = &peer_before(s, peer)->arrivals;

		if (!status_counted(n->received))
			continue;
		if (!any)
			heading(v, "arrivals from peer     lost %     lost/s  reord./s   late/s    "
				   "rtt ms  jitter ms");
		any = true;
		mvprintw(v->row++, 0, "%-15s %14.4f %10.1f %9.1f %8.1f %9.2f %10.2f",
			short_label(peer, name), (double)status_loss_ppm(n) * 1e-4,
			per_second(s, b->lost, n->lost), per_second(s, b->reordered, n->reordered),
			per_second(s, b->late, n->late), (double)peer->path.rtt_us * 1e-3,
			(double)peer->path.jitter_us * 1e-3);
	}
}

/* Frames that wait for peers; only while there are some. */
static void draw_queues(struct view *v, const struct span *s)
{
	char name[LABEL_LEN];
	bool any = false;

	for (size_t i = 0; i < s->now->peers_len; i++) {
		const struct status_queue *n = &s->now->peers[i].queue;
		const struct status_queue *b = &peer_before(s, &s->now->peers[i])->queue;

		if (!status_counted(n->rate) && !status_counted(n->backlog))
			continue;
		if (!any)
			heading(v, "queue for peer       sent Mbit/s   waiting KiB    delay p50 ms "
				   "   p99 ms    "
				   "drop/s   mark/s");
		any = true;
		mvprintw(v->row++, 0, "%-15s %16.1f %13.1f %15.1f %9.1f %9.0f %8.0f",
			short_label(&s->now->peers[i], name), (double)n->rate * 1e-6,
			(double)n->backlog / 1024, (double)n->delay_p50_us * 1e-3,
			(double)n->delay_p99_us * 1e-3, per_second(s, b->dropped, n->dropped),
			per_second(s, b->marked, n->marked));
	}
}

/* Packets per call: the current effect of offloads and batches. */
static void draw_engine(struct view *v, const struct span *s)
{
	const struct status_engine *n = &s->now->engine;
	const struct status_engine *b = s->before ? &s->before->engine : n;
	double tx_calls = per_second(s, b->trains_tx, n->trains_tx);
	double rx_calls = per_second(s, b->trains_rx, n->trains_rx);
	double tx = per_second(s, b->datagrams_tx, n->datagrams_tx);
	double rx = per_second(s, b->segments_rx, n->segments_rx);

	if (n->trains_tx == STATUS_ABSENT)
		return;
	mvprintw(v->row++, 0,
		"engine  %.0f datagrams/s sent, %.1f a call; %.0f received, %.1f a call; %.0f "
		"wake-ups/s",
		tx, tx_calls > 0 ? tx / tx_calls : 0, rx, rx_calls > 0 ? rx / rx_calls : 0,
		per_second(s, b->wakeups, n->wakeups));
}

static void draw_drops(struct view *v, const struct span *s)
{
	bool first = true;

	for (int d = DROP_NONE + 1; d < DROP_COUNT; d++) {
		uint64_t n = s->now->drops.n[d];
		uint64_t b = s->before ? s->before->drops.n[d] : n;

		if (!status_counted(n))
			continue;
		if (first)
			heading(v, "dropped                  total   each second");
		first = false;
		mvprintw(v->row++, 0, "%-20s %9" PRIu64 " %13.0f   %s", drop_name((enum drop)d), n,
			per_second(s, b, n), drop_meaning((enum drop)d));
	}
}

static void draw(struct view *v)
{
	erase();
	v->row = 0;
	for (size_t i = 0; i < v->now.len; i++) {
		struct span s = find_span(v, &v->now.v[i]);

		draw_site(v, s.now);
		draw_ports(v, &s);
		draw_peers(v, &s);
		draw_arrivals(v, &s);
		draw_queues(v, &s);
		draw_engine(v, &s);
		draw_drops(v, &s);
		v->row++;
	}
	if (v->answered && v->now.len == 0)
		mvprintw(0, 0, "no site is running");
	mvprintw(LINES - 1, 0, "q: quit");
	if (!v->answered)
		printw("   %s does not answer", v->name ? v->name : "a site");
	if (v->row > LINES)
		printw("   %d more lines do not fit", v->row - LINES);
	clrtoeol();
	refresh();
}

/* Take a new sample; a site that does not answer may answer next time. */
static void look(struct view *v)
{
	struct mono now = clock_mono();

	running_free_reports(&v->before);
	v->before = v->now;
	v->interval_ms = mono_between(v->taken, now) / NS_PER_MS;
	v->taken = now;
	v->answered = running_status(v->verb, v->name, &v->now);
}

/* Redirect standard error to `fd`. Return: a copy of the previous one. */
static int turn_stderr(int fd)
{
	int before = dup(STDERR_FILENO);

	fflush(stderr);
	dup2(fd, STDERR_FILENO);
	close(fd);
	return before;
}

/* Run until the user quits. Messages on stderr would spoil the screen, which shows the same
 * information. */
static void watch(struct view *v)
{
	int complaints = turn_stderr(open("/dev/null", O_WRONLY | O_CLOEXEC));
	int key = ERR;

	initscr();
	cbreak();
	noecho();
	curs_set(0);
	keypad(stdscr, TRUE);
	halfdelay(PERIOD_TENTHS);
	while (key != 'q' && key != 'Q') {
		draw(v);
		key = getch();
		if (key == ERR)
			look(v);
	}
	endwin();
	close(turn_stderr(complaints));
}

static enum verb_exit run(int argc, char **argv)
{
	static const struct option options[] = { { NULL, 0, NULL, 0 } };
	struct view v = { .verb = argv[0] };
	bool ok;

	if (getopt_long(argc, argv, "", options, NULL) >= 0)
		return verb_bad_option(argv[0]);
	if (argc - optind > 1)
		return verb_usage(argv[0], "name one site, or none for all that run");
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		fprintf(stderr, "%s: needs a terminal; `wirespan status` does not\n", argv[0]);
		return VERB_FAILED;
	}
	v.name = argv[optind];
	setlocale(LC_CTYPE, "");
	look(&v);
	ok = v.answered;
	if (ok)
		watch(&v);
	running_free_reports(&v.now);
	running_free_reports(&v.before);
	return ok ? VERB_DONE : VERB_FAILED;
}

const struct verb verb_top = {
	.name = "top",
	.usage = "[NAME|FILE]",
	.summary = "traffic, handshakes and drops, live in the terminal",
	.help = "Asks the running site NAME, or all that run, once a second, and shows what "
		"passed\n"
		"in that second. q ends it.\n",
	.run = run,
};
