/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/parity/record.h"

#include "tests/parity/parity.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_MAX 128

void record_add(struct record *r, const char *step, const char *text)
{
	r->lines = realloc(r->lines, (r->n + 1) * sizeof(*r->lines));
	r->lines[r->n].step = strdup(step);
	r->lines[r->n].text = strdup(text);
	r->n++;
}

void record_fini(struct record *r)
{
	for (size_t i = 0; i < r->n; i++) {
		free(r->lines[i].step);
		free(r->lines[i].text);
	}
	free(r->lines);
	*r = (struct record){ 0 };
}

void record_print(const struct record *r)
{
	for (size_t i = 0; i < r->n; i++)
		printf("%s\n\t%s\n", r->lines[i].step, r->lines[i].text);
}

enum cell {
	CELL_STEP,
	CELL_WITH,
	CELL_STOCK,
	CELL_BELAY,
	CELL_WHY,
	N_CELLS
};

struct row {
	char *line; /* owned; the cells point into it */
	char *cell[N_CELLS];
	bool used;
};

struct table {
	struct row row[ROWS_MAX];
	size_t n;
};

/* Without the blanks and the backquotes around it. */
static char *trim(char *s)
{
	size_t n;

	s += strspn(s, " `");
	n = strlen(s);
	while (n > 0 && strchr(" `\n", s[n - 1]))
		s[--n] = '\0';
	return s;
}

static bool split(char *line, struct row *row)
{
	char *rest = line + 1;

	for (size_t i = 0; i < N_CELLS; i++) {
		char *cell = strsep(&rest, "|");

		if (!cell || !rest)
			return false;
		row->cell[i] = trim(cell);
	}
	return true;
}

/* Every table row that is neither a heading nor the line below one. */
static void read_table(const char *path, struct table *t)
{
	FILE *f = fopen(path, "re");
	size_t size = 0;
	char *line = NULL;

	if (!f)
		give_up("%s: %s", path, strerror(errno));
	while (getline(&line, &size, f) > 0) {
		struct row row = { .line = line };

		if (line[0] != '|' || strncmp(line, "|-", 2) == 0 ||
			strncmp(line, "| step", 6) == 0)
			continue;
		if (!split(line, &row) || !row.cell[CELL_WHY][0] || t->n == ROWS_MAX)
			give_up("%s: not a row of five cells: %s", path, line);
		t->row[t->n++] = row;
		line = NULL;
		size = 0;
	}
	free(line);
	fclose(f);
}

static void drop_table(struct table *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->row[i].line);
}

static bool matches(const char *pattern, const char *text)
{
	return fnmatch(pattern, text, 0) == 0;
}

static struct row *find_row(
	struct table *t, const char *with, const struct line *stock, const struct line *belay)
{
	for (size_t i = 0; i < t->n; i++) {
		char **cell = t->row[i].cell;

		if (matches(cell[CELL_STEP], stock->step) && matches(cell[CELL_WITH], with) &&
			matches(cell[CELL_STOCK], stock->text) &&
			matches(cell[CELL_BELAY], belay->text))
			return &t->row[i];
	}
	return NULL;
}

static void compare_line(
	struct comparison *c, struct table *t, const struct line *stock, const struct line *belay)
{
	struct row *row;

	if (strcmp(stock->step, belay->step) != 0)
		give_up("the shims were asked different things: '%s' and '%s'", stock->step,
			belay->step);
	if (strcmp(stock->text, belay->text) == 0) {
		c->n_same++;
		return;
	}
	row = find_row(t, c->with, stock, belay);
	if (row) {
		row->used = true;
		c->n_known++;
		return;
	}
	c->n_bad++;
	printf("DIFFERENT %s (%s)\n\tstock: %s\n\tbelay: %s\n", stock->step, c->with, stock->text,
		belay->text);
}

/* One of these shims and of a scene that was played; "*: ..." is of all of them. */
static bool is_due(const struct comparison *c, const struct row *row, const struct record *r)
{
	if (!matches(row->cell[CELL_WITH], c->with) ||
		(row->cell[CELL_STEP][0] == '*' && !c->is_whole))
		return false;
	for (size_t i = 0; i < r->n; i++)
		if (matches(row->cell[CELL_STEP], r->lines[i].step))
			return true;
	return false;
}

void record_compare(const struct record *stock, const struct record *belay, struct comparison *c)
{
	struct table t = { 0 };

	read_table(c->path, &t);
	if (stock->n != belay->n)
		give_up("the records have %zu and %zu lines", stock->n, belay->n);
	for (size_t i = 0; i < stock->n; i++)
		compare_line(c, &t, &stock->lines[i], &belay->lines[i]);
	for (size_t i = 0; i < t.n; i++)
		if (!t.row[i].used && is_due(c, &t.row[i], stock)) {
			printf("UNUSED ROW for %s: %s differs no more from: %s\n", c->with,
				t.row[i].cell[CELL_STEP], t.row[i].cell[CELL_STOCK]);
			c->n_bad++;
		}
	drop_table(&t);
}
