/* SPDX-License-Identifier: MIT */
/* top: running sites, live in the terminal. */
#include "cli/verb.h"

#include <fcntl.h>
#include <inttypes.h>
#include <locale.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <curses.h>
#include <term.h>

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
	bool help;	      /* the keys are shown instead */
	int first;	      /* the first row that is shown: those above have been scrolled away */
	int row;	      /* to be drawn next, from 0, whether it is shown or not */
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

/* Rows of the screen for the sites; the last one is for the keys. */
static int rows_shown(void)
{
	return LINES > 1 ? LINES - 1 : 1;
}

/* Draw a row with these attributes, unless it is scrolled away or does not fit. What is wider than
 * the screen is cut off. */
static void __attribute__((format(printf, 3, 4)))
put(struct view *v, attr_t attributes, const char *format, ...)
{
	int at = v->row++ - v->first;
	char text[512];
	va_list args;

	if (at < 0 || at >= rows_shown())
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	attron(attributes);
	mvaddnstr(at, 0, text, COLS);
	attroff(attributes);
}

/* The title of a table, as wide as the screen. */
static void heading(struct view *v, const char *text)
{
	put(v, A_REVERSE, "%-*s", COLS < 500 ? COLS : 500, text);
}

static void draw_site(struct view *v, const struct status_report *r)
{
	char uptime[FORMAT_LEN];

	put(v, A_BOLD, "%s  %s%s, %s, %s, MTU %u", r->site,
		r->stopped ? "not running"
		: r->pid   ? "up "
			   : "without a process",
		r->stopped || !r->pid ? "" : format_span(r->uptime_ms, uptime), r->backend, r->aead,
		r->budget.inner_ip ? r->budget.inner_ip : r->budget.wg_mtu);
	for (size_t i = 0; i < r->warnings_len; i++)
		put(v, A_BOLD, "  %s", r->warnings[i].text);
	for (size_t i = 0; i < r->differences_len; i++)
		put(v, A_BOLD, "  %s", r->differences[i].text);
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

#define CELL_LEN 32

/* A rate in a column, times `unit`; a dash if the back end does not have the counter. */
static const char *rate(const struct span *s, int digits, double unit, uint64_t before,
	uint64_t now, char ret[static CELL_LEN])
{
	if (now == STATUS_ABSENT)
		snprintf(ret, CELL_LEN, "-");
	else
		snprintf(ret, CELL_LEN, "%.*f", digits, per_second(s, before, now) * unit);
	return ret;
}

static void draw_port(struct view *v, const struct span *s, const char *name,
	const struct port *before, const struct port *now)
{
	char cell[6][CELL_LEN];

	put(v, 0, "%-15s %11s %8s %13s %8s %9s %7s", name,
		rate(s, 1, 8e-6, before->tx.bytes, now->tx.bytes, cell[0]),
		rate(s, 1, 1e-3, before->tx.packets, now->tx.packets, cell[1]),
		rate(s, 1, 8e-6, before->rx.bytes, now->rx.bytes, cell[2]),
		rate(s, 1, 1e-3, before->rx.packets, now->rx.packets, cell[3]),
		rate(s, 0, 1, before->fragments, now->fragments, cell[4]),
		rate(s, 0, 1, before->drops, now->drops, cell[5]));
}

static void draw_ports(struct view *v, const struct span *s)
{
	const struct status_wg *wg = &s->now->wg;

	heading(v, "interface       sent Mbit/s   kpkt/s   recv Mbit/s   kpkt/s    frag/s  drop/s");
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

/* A screen of 80 columns has room for short words and an endpoint of IPv4; a wider one for all. */
#define WIDE 110

static void draw_peer(struct view *v, const struct span *s, const struct status_peer *n)
{
	static const char *const states[][2] = { [STATUS_PEER_IDLE] = { "none", "no session" },
		[STATUS_PEER_HANDSHAKE] = { "calling", "calling" },
		[STATUS_PEER_ESTABLISHED] = { "up", "session up" } };
	const struct status_peer *b = peer_before(s, n);
	bool wide = COLS >= WIDE;
	char name[LABEL_LEN];
	char endpoint[ENDPOINT_TEXT_LEN];
	char age[FORMAT_LEN];
	char mtu[16];

	_Static_assert(sizeof(states) / sizeof(*states) == STATUS_PEER_STATE_COUNT,
		"every state has its words");
	endpoint_text(&n->endpoint, endpoint);
	snprintf(mtu, sizeof(mtu), "%u", n->path.mtu);
	put(v, 0, "%-15s %*.1f %*.1f %5s %-*s %-*s %s", short_label(n, name), wide ? 11 : 8,
		per_second(s, b->tx_bytes, n->tx_bytes) * 8e-6, wide ? 13 : 8,
		per_second(s, b->rx_bytes, n->rx_bytes) * 8e-6, n->path.mtu ? mtu : "-",
		wide ? 10 : 7, states[n->state][wide], wide ? 13 : 10,
		n->last_handshake.sec ? format_span(n->handshake_age_ms, age) : "none yet",
		!n->endpoint.addr.family && *n->endpoint_name ? n->endpoint_name : endpoint);
}

static void draw_peers(struct view *v, const struct span *s)
{
	if (!s->now->peers_len)
		return;
	heading(v, COLS >= WIDE ? "peer            sent Mbit/s   recv Mbit/s   MTU state      "
				  "handshake     endpoint"
				: "peer            sent Mb/s   recv   MTU state   handshake  "
				  "endpoint");
	for (size_t i = 0; i < s->now->peers_len; i++)
		draw_peer(v, s, &s->now->peers[i]);
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
			heading(v, "arrivals          lost %    lost/s  reord./s   late/s    "
				   "rtt ms  jitter ms");
		any = true;
		put(v, 0, "%-15s %8.4f %9.1f %9.1f %8.1f %9.2f %10.2f", short_label(peer, name),
			(double)status_loss_ppm(n) * 1e-4, per_second(s, b->lost, n->lost),
			per_second(s, b->reordered, n->reordered), per_second(s, b->late, n->late),
			(double)peer->path.rtt_us * 1e-3, (double)peer->path.jitter_us * 1e-3);
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
			heading(v, "queue for peer  sent Mbit/s  waiting KiB  p50 ms  p99 ms  "
				   "drop/s  mark/s");
		any = true;
		put(v, 0, "%-15s %11.1f %12.1f %7.1f %7.1f %7.0f %7.0f",
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
	put(v, 0,
		"engine  %.0f datagram/s sent, %.1f a call; %.0f recv, %.1f a call; %.0f wakeup/s",
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
			heading(v, "dropped             total   drop/s   reason");
		first = false;
		put(v, 0, "%-15s %9" PRIu64 " %8.0f   %s", drop_name((enum drop)d), n,
			per_second(s, b, n), drop_meaning((enum drop)d));
	}
}

static void draw_sites(struct view *v)
{
	for (size_t i = 0; i < v->now.len; i++) {
		struct span s = find_span(v, &v->now.v[i]);

		draw_site(v, s.now);
		draw_ports(v, &s);
		draw_peers(v, &s);
		draw_arrivals(v, &s);
		draw_queues(v, &s);
		draw_engine(v, &s);
		draw_drops(v, &s);
		put(v, 0, "%s", "");
	}
	if (v->answered && v->now.len == 0)
		put(v, 0, "no site is running");
}

static void draw_help(struct view *v)
{
	static const char *const text[] = {
		"Keys",
		"  q              end",
		"  ?, h           this help, and back from it",
		"  up, down, k, j scroll by a row",
		"  page up, down  scroll by a screen",
		"",
		"Words",
		"  sent, recv     to peers, from peers; of interfaces: from members, to members",
		"  kpkt/s, frag/s thousands of packets, and fragments, in a second",
		"  MTU            of the path to a peer; above: of the segment",
		"  handshake      how long ago the last one was",
		"  arrivals       of a peer's messages: lost on the path, out of order, too late",
		"  a call         datagrams that one system call sends or receives",
		"  p50, p99       what half and 99 percent of the frames have waited at most",
		"",
		"wirespan(8) and `wirespan status` have more.",
	};

	for (size_t i = 0; i < sizeof(text) / sizeof(*text); i++)
		put(v, 0, "%s", text[i]);
}

static void draw(struct view *v)
{
	int below;

	erase();
	v->row = 0;
	if (v->help)
		draw_help(v);
	else
		draw_sites(v);
	below = v->row - v->first - rows_shown();
	mvprintw(LINES - 1, 0, "q: quit  ?: help");
	if (!v->answered)
		printw("   %.40s does not answer", v->name ? v->name : "a site");
	if (below > 0)
		printw("   %d more lines do not fit", below);
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

/* Scroll by so many rows, as far as there are some. */
static void scroll_by(struct view *v, int rows)
{
	int last = v->row - rows_shown();

	v->first += rows;
	if (v->first > last)
		v->first = last;
	if (v->first < 0)
		v->first = 0;
}

static void on_key(struct view *v, int key)
{
	switch (key) {
	case ERR:
		look(v);
		break;
	case '?':
	case 'h':
		v->help = !v->help;
		v->first = 0;
		break;
	case KEY_DOWN:
	case 'j':
		scroll_by(v, 1);
		break;
	case KEY_UP:
	case 'k':
		scroll_by(v, -1);
		break;
	case KEY_NPAGE:
	case ' ':
		scroll_by(v, rows_shown());
		break;
	case KEY_PPAGE:
		scroll_by(v, -rows_shown());
		break;
	}
}

/* Run until the user quits. Messages on stderr would spoil the screen, which shows the same
 * information. Return: whether there was memory for a screen. */
static bool watch(struct view *v)
{
	SCREEN *screen = newterm(NULL, stdout, stdin);
	int complaints;
	int key = 0;

	if (!screen)
		return false;
	complaints = turn_stderr(open("/dev/null", O_WRONLY | O_CLOEXEC));
	cbreak();
	noecho();
	curs_set(0);
	keypad(stdscr, TRUE);
	halfdelay(PERIOD_TENTHS);
	while (key != 'q' && key != 'Q') {
		draw(v);
		key = getch();
		on_key(v, key);
	}
	endwin();
	delscreen(screen);
	close(turn_stderr(complaints));
	return true;
}

/* Whether the terminal can place text anywhere on its screen, and erase it. */
static bool can_draw(void)
{
	int err;
	bool can;

	if (setupterm(NULL, STDOUT_FILENO, &err) != OK)
		return false;
	can = cursor_address && clear_screen;
	del_curterm(cur_term);
	return can;
}

static enum verb_exit run(int argc, char **argv)
{
	static const struct option options[] = { { NULL, 0, NULL, 0 } };
	struct view v = { .verb = argv[0] };
	bool ok;

	if (verb_option(argc, argv, "", options) >= 0)
		return verb_bad_option(argv[0]);
	if (argc - optind > 1)
		return verb_usage(argv[0], "name one site, or none for all that run");
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		fprintf(stderr, "%s: needs a terminal; `wirespan status` does not\n", argv[0]);
		return VERB_FAILED;
	}
	if (!can_draw()) {
		const char *terminal = getenv("TERM");

		fprintf(stderr,
			"%s: this terminal (TERM=%s) cannot place text on its screen: use "
			"`wirespan "
			"status`, or set TERM to what the terminal is\n",
			argv[0], terminal ? terminal : "");
		return VERB_FAILED;
	}
	v.name = argv[optind];
	setlocale(LC_CTYPE, "");
	look(&v);
	ok = v.answered;
	if (ok && !watch(&v)) {
		fprintf(stderr, "%s: there is no memory for a screen: free some\n", argv[0]);
		ok = false;
	}
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
		"in that second. q ends it, ? explains the keys and words; up and down scroll.\n"
		"It fits a terminal of 80 columns.\n",
	.run = run,
};
