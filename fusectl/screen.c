// SPDX-License-Identifier: GPL-2.0
/*
 * What `fusectl top` shows: a line a connection, on the screen with
 * keys, or as text.  Not for where the figures come from, see sampling.c.
 */
#include <ctype.h>
#include <ncurses.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fusectl.h"
#include "live.h"
#include "screen.h"
#include "text.h"

#define FIELD		24
#define DIGITS		8

/* Lines at the top of the screen before the first connection. */
#define FIRST_ROW	3
/* The kinds of requests take so many lines, their headings included. */
#define DETAIL_ROWS	(KIND_COUNT + 2)

enum order {
	ORDER_NUMBER,
	ORDER_RATE,
	ORDER_MEAN,
	ORDER_P99,
	ORDER_WAITING,
};

static SCREEN *terminal;
static enum order order;
static unsigned int selected;	/* a connection */
static bool help;
static bool asking;		/* for a delay, of which these are the digits */
static char digits[DIGITS + 1];

static void format_rate(char field[FIELD], double rate)
{
	if (rate >= 99999.5)
		snprintf(field, FIELD, "%.0fk", rate / 1000);
	else if (rate < 10 && rate > 0)
		snprintf(field, FIELD, "%.1f", rate);
	else
		snprintf(field, FIELD, "%.0f", rate);
}

static void format_wait(char field[FIELD], uint64_t wait)
{
	if (wait < 999500)
		snprintf(field, FIELD, "%.0fus", wait / 1e3);
	else if (wait < 99950000)
		snprintf(field, FIELD, "%.1fms", wait / 1e6);
	else if (wait < 999500000)
		snprintf(field, FIELD, "%.0fms", wait / 1e6);
	else
		snprintf(field, FIELD, "%.1fs", wait / 1e9);
}

static void format_mean(char field[FIELD], const struct sample *sample,
			const struct request_figures *figures)
{
	if (figures->count && sample_has_answers(sample))
		format_wait(field, figures->wait / figures->count);
	else
		strcpy(field, "-");
}

struct fields {
	char rate[FIELD], read[FIELD], write[FIELD], other[FIELD];
	char background[FIELD], waiting[FIELD], mean[FIELD], p99[FIELD];
	char flush[FIELD], release[FIELD];
};

static void format_requests(const struct sample *sample, struct fields *to)
{
	struct request_figures total = requests_total(&sample->between);
	struct request_figures reads, writes, flush, release;

	reads = requests_kind(&sample->between, KIND_READ);
	writes = requests_kind(&sample->between, KIND_WRITE);
	flush = requests_kind(&sample->between, KIND_FLUSH);
	release = requests_kind(&sample->between, KIND_RELEASE);
	format_rate(to->rate, sample_rate(sample, total.count));
	format_rate(to->read, sample_rate(sample, reads.count));
	format_rate(to->write, sample_rate(sample, writes.count));
	format_rate(to->other, sample_rate(sample, total.count - reads.count -
					   writes.count));
	if (total.count && sample->source == SOURCE_COUNTERS)
		snprintf(to->background, FIELD, "%.0f",
			 100.0 * total.background / total.count);
	format_mean(to->mean, sample, &total);
	if (total.count && sample_has_answers(sample))
		format_wait(to->p99, requests_quantile(&sample->between, 0.99));
	format_mean(to->flush, sample, &flush);
	format_mean(to->release, sample, &release);
}

static char *format_line(const char *number, const struct fields *fields,
			 const char *source, const char *target)
{
	return text_format("%7s %6s %6s %6s %6s %4s %7s %6s %6s %6s %7s %-11s %s",
			   number, fields->rate, fields->read, fields->write,
			   fields->other, fields->background, fields->waiting,
			   fields->mean, fields->p99, fields->flush,
			   fields->release, source, target);
}

char *screen_headings(void)
{
	const struct fields fields = {
		"REQ/S", "READ", "WRITE", "META", "BG%", "WAITING", "MEAN",
		"P99", "FLUSH", "RELEASE",
	};

	return format_line("CONN", &fields, "SOURCE", "TARGET");
}

char *screen_line(const struct sample *sample)
{
	const char *source = sample_source_name(sample);
	struct fields fields = {
		"-", "-", "-", "-", "-", "-", "-", "-", "-", "-",
	};
	char *target = text_printable(sample->target ? sample->target : "-",
				      false);
	char number[FIELD], *line;

	snprintf(number, FIELD, "%u", sample->connection);
	if (sample_has_requests(sample))
		format_requests(sample, &fields);
	if (sample->waiting >= 0)
		snprintf(fields.waiting, FIELD, "%lld",
			 (long long)sample->waiting);
	line = format_line(number, &fields, source ? source : "-", target);
	free(target);
	return line;
}

bool screen_begin(void)
{
	if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO))
		terminal = newterm(NULL, stdout, stdin);
	if (!terminal) {
		complain("top: this is no terminal that a screen can be drawn on");
		complain_more("for lines of text: fusectl top -b; for JSON: fusectl top -j");
		return false;
	}
	cbreak();
	noecho();
	nodelay(stdscr, TRUE);
	keypad(stdscr, TRUE);
	curs_set(0);
	return true;
}

void screen_end(void)
{
	endwin();
	delscreen(terminal);
	terminal = NULL;
}

static double order_value(const struct sample *sample)
{
	struct request_figures total = requests_total(&sample->between);

	switch (order) {
	case ORDER_RATE:
		return sample_rate(sample, total.count);
	case ORDER_MEAN:
		return total.count ? (double)total.wait / total.count : 0;
	case ORDER_P99:
		return requests_quantile(&sample->between, 0.99);
	case ORDER_WAITING:
		return sample->waiting;
	default:
		return -(double)sample->connection;
	}
}

static int compare(const void *a, const void *b)
{
	const struct sample *const *left = a, *const *right = b;
	double one = order_value(*left), other = order_value(*right);

	if (one != other)
		return one > other ? -1 : 1;
	return (*left)->connection < (*right)->connection ? -1 : 1;
}

/* In the order that is shown; to be freed. */
static const struct sample **sorted(const struct sampling *sampling)
{
	const struct sample **samples = memory(sampling->count,
					       sizeof(*samples));
	size_t i;

	for (i = 0; i < sampling->count; i++)
		samples[i] = sampling->sample[i];
	qsort(samples, sampling->count, sizeof(*samples), compare);
	return samples;
}

static size_t selected_index(const struct sample **samples, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (samples[i]->connection == selected)
			return i;
	}
	return 0;
}

static void put_line(int row, const char *text, int attributes)
{
	if (row >= LINES)
		return;
	attron(attributes);
	mvaddnstr(row, 0, text, COLS);
	attroff(attributes);
}

static void draw_kind(int row, const struct sample *sample,
		      enum request_kind kind)
{
	struct request_figures figures = requests_kind(&sample->between, kind);
	char rate[FIELD], mean[FIELD], errors[FIELD] = "-";
	char background[FIELD] = "-", *line;

	format_rate(rate, sample_rate(sample, figures.count));
	if (sample_has_answers(sample))
		format_rate(errors, sample_rate(sample, figures.errors));
	format_mean(mean, sample, &figures);
	if (figures.count && sample->source == SOURCE_COUNTERS)
		snprintf(background, FIELD, "%.0f",
			 100.0 * figures.background / figures.count);
	line = text_format("  %-8s %6s %8s %4s %6s", kind_names[kind], rate,
			   errors, background, mean);
	put_line(row, line, A_NORMAL);
	free(line);
}

static void draw_detail(int row, const struct sample *sample)
{
	char *title;
	int kind;

	if (!sample_has_requests(sample))
		return;
	title = text_format("  %-8s %6s %8s %4s %6s   connection %u", "KIND",
			    "REQ/S", "ERRORS/S", "BG%", "MEAN",
			    sample->connection);
	put_line(row++, title, A_BOLD);
	free(title);
	for (kind = 0; kind < KIND_COUNT; kind++)
		draw_kind(row++, sample, kind);
}

static void draw_help(void)
{
	static const char *const lines[] = {
		"  q        end",
		"  h, ?     this, and back",
		"  space    new figures now",
		"  d, s     set the delay between two intervals, in seconds",
		"  up, down another connection, of which the kinds are shown",
		"  P        order by requests a second",
		"  M        order by mean wait",
		"  L        order by the wait that 99 % don't exceed",
		"  W        order by requests that wait now",
		"  N        order by number of the connection",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lines); i++)
		put_line(FIRST_ROW - 1 + i, lines[i], A_NORMAL);
}

/* The kinds are shown where they leave room for a connection at least. */
static size_t rows_for_table(void)
{
	int rows = LINES - FIRST_ROW;

	if (rows > DETAIL_ROWS + 1)
		rows -= DETAIL_ROWS;
	return rows > 0 ? rows : 0;
}

static void draw_table(const struct sampling *sampling)
{
	const struct sample **samples = sorted(sampling);
	size_t i, at, first = 0, room;
	char *line;

	at = selected_index(samples, sampling->count);
	line = screen_headings();
	put_line(FIRST_ROW - 1, line, A_REVERSE);
	free(line);
	room = rows_for_table();
	/* the selected one is always among those that are shown */
	if (at >= room)
		first = at - room + 1;
	for (i = first; i < sampling->count && i - first < room; i++) {
		line = screen_line(samples[i]);
		put_line(FIRST_ROW + i - first, line,
			 i == at ? A_BOLD : A_NORMAL);
		free(line);
	}
	if (sampling->count)
		draw_detail(FIRST_ROW + 1 + i - first, samples[at]);
	free(samples);
}

void screen_draw(const struct sampling *sampling, int delay)
{
	char time[LIVE_TIME_SIZE], *line;

	live_time(live_realtime(), 3, time);
	line = text_format("fusectl top  %.8s  every %.2f s  %zu connections%s%s",
			   time, delay / 1e3, sampling->count,
			   sampling->loaded ? "" : "  fuse_ext isn't loaded",
			   sampling->lost ? "  events were lost" : "");
	erase();
	put_line(0, line, A_NORMAL);
	free(line);
	if (asking) {
		line = text_format("Delay in seconds: %s", digits);
		put_line(1, line, A_BOLD);
		free(line);
	}
	if (help)
		draw_help();
	else
		draw_table(sampling);
	refresh();
}

static void move_selection(const struct sampling *sampling, int by)
{
	const struct sample **samples = sorted(sampling);
	size_t at = selected_index(samples, sampling->count);

	if (by < 0 && at)
		at--;
	else if (by > 0 && at + 1 < sampling->count)
		at++;
	if (sampling->count)
		selected = samples[at]->connection;
	free(samples);
}

static void take_digit(int key, int *delay)
{
	size_t length = strlen(digits);
	double seconds;

	if ((isdigit(key) || key == '.') && key < 0x80 && length < DIGITS) {
		digits[length] = key;
		digits[length + 1] = '\0';
	} else if ((key == KEY_BACKSPACE || key == 0x7f || key == '\b') &&
		   length) {
		digits[length - 1] = '\0';
	} else if (key == '\n' || key == KEY_ENTER || key == '\r') {
		asking = false;
		if (live_parse_seconds(digits, &seconds))
			*delay = seconds * 1000 + 0.5;
	} else if (key == 27 || key == 'q') {
		asking = false;
	}
}

static enum screen_action take_key(const struct sampling *sampling, int key)
{
	switch (key) {
	case 'q':
		return SCREEN_QUIT;
	case ' ':
		return SCREEN_REFRESH;
	case 'h':
	case '?':
		help = !help;
		break;
	case 'd':
	case 's':
		asking = true;
		digits[0] = '\0';
		break;
	case 'P':
		order = ORDER_RATE;
		break;
	case 'M':
		order = ORDER_MEAN;
		break;
	case 'L':
		order = ORDER_P99;
		break;
	case 'W':
		order = ORDER_WAITING;
		break;
	case 'N':
		order = ORDER_NUMBER;
		break;
	case KEY_UP:
		move_selection(sampling, -1);
		break;
	case KEY_DOWN:
		move_selection(sampling, 1);
		break;
	}
	return SCREEN_STAY;
}

enum screen_action screen_keys(const struct sampling *sampling, int *delay)
{
	enum screen_action action = SCREEN_STAY;
	int key;

	while (action == SCREEN_STAY && (key = getch()) != ERR) {
		if (asking)
			take_digit(key, delay);
		else
			action = take_key(sampling, key);
	}
	if (action == SCREEN_STAY)
		screen_draw(sampling, *delay);
	return action;
}
