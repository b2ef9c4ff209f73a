#define _XOPEN_SOURCE_EXTENDED 1
#include <curses.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
#include <wchar.h>

#include "output.h"
#include "top.h"

static volatile sig_atomic_t ended_by;

static void end_note(int number)
{
	ended_by = number;
}

static int look_attributes(enum top_look look)
{
	static const int with_colours[] = { 0, A_BOLD, COLOR_PAIR(1), COLOR_PAIR(2) | A_BOLD,
		COLOR_PAIR(3) | A_BOLD, A_DIM };
	static const int without[] = { 0, A_BOLD, 0, A_BOLD, A_REVERSE, A_DIM };

	return has_colors() && output_has_colours() ? with_colours[look] : without[look];
}

/* addstr would go on in the next line where one ends. */
static void screen_put(void *context, int row, int column, enum top_look look, const char *text)
{
	wchar_t wide[512];
	size_t size = mbstowcs(wide, text, sizeof(wide) / sizeof(wide[0]) - 1);

	(void)context;
	if (size == (size_t)-1)
		return;
	wide[size] = L'\0';
	attrset(look_attributes(look));
	mvaddnwstr(row, column, wide, COLS - column);
	attrset(0);
}

static void screen_draw(const struct top *top)
{
	struct top_canvas canvas = { LINES, COLS, screen_put, NULL };

	erase();
	top_draw(top, &canvas);
	refresh();
}

static void screen_begin(void)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	struct sigaction action = { .sa_handler = end_note };

	/* In place of those of curses, which would end in the middle of a drawing. */
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		sigaction(ends[i], &action, NULL);
	cbreak();
	noecho();
	keypad(stdscr, TRUE);
	curs_set(0);
	if (has_colors()) {
		start_color();
		use_default_colors();
		init_pair(1, COLOR_GREEN, -1);
		init_pair(2, COLOR_YELLOW, -1);
		init_pair(3, COLOR_RED, -1);
	}
}

/* Until the next sample is due. False: it is to end. */
static bool keys_take(const struct top *top)
{
	int64_t left_ms = top->interval_ms;

	while (left_ms > 0 && !ended_by) {
		int step_ms = left_ms < 100 ? (int)left_ms : 100;
		int key;

		timeout(step_ms);
		key = getch();
		if (key == 'q' || key == 'Q' || key == 27)
			return false;
		if (key == KEY_RESIZE || key == 12)
			screen_draw(top);
		else if (key == ' ')
			return true;
		else if (key == ERR)
			left_ms -= step_ms;
	}
	return !ended_by;
}

int top_screen(struct top *top)
{
	SCREEN *screen = newterm(NULL, stdout, stdin);

	if (!screen)
		return -ENOTTY;
	screen_begin();
	do {
		top_sample(top);
		screen_draw(top);
	} while (keys_take(top));
	endwin();
	delscreen(screen);
	return 0;
}
