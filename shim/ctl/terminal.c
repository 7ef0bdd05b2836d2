/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/ctl/terminal.h"

#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

static void on_signal(struct ev_loop *loop, ev_signal *w, int revents)
{
	struct terminal *t = container_of(w, struct terminal, resized);

	(void)loop;
	(void)revents;
	t->on_resize(t);
}

int terminal_begin(struct terminal *t, struct ev_loop *loop, void (*on_resize)(struct terminal *t),
	struct err *e)
{
	struct termios raw;

	if (tcgetattr(STDIN_FILENO, &t->before) < 0)
		return err_sys(e, "read the terminal's settings");
	raw = t->before;
	cfmakeraw(&raw);
	if (tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) < 0)
		return err_sys(e, "make the terminal raw");
	t->loop = loop;
	t->on_resize = on_resize;
	ev_signal_init(&t->resized, on_signal, SIGWINCH);
	ev_signal_start(loop, &t->resized);
	return 0;
}

void terminal_end(struct terminal *t)
{
	if (!t->loop)
		return;
	ev_signal_stop(t->loop, &t->resized);
	(void)tcsetattr(
		STDIN_FILENO, TCSADRAIN, &t->before); /* a terminal that is gone needs nothing */
	t->loop = NULL;
}

void terminal_size(uint32_t *ret_width, uint32_t *ret_height)
{
	struct winsize size = { .ws_col = 80, .ws_row = 24 };

	(void)ioctl(STDIN_FILENO, TIOCGWINSZ,
		&size); /* then it stays at what terminals are born with */
	*ret_width = size.ws_col;
	*ret_height = size.ws_row;
}
