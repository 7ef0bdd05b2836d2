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
	bool is_due; /* for these shims, and one of the scenes that were played */
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

static bool matches(const char *pattern, const char *text)
{
	return fnmatch(pattern, text, 0) == 0;
}

static struct row *find_row(
	const struct comparison *c, const struct line *stock, const struct line *belay)
{
	for (size_t i = 0; i < c->table->n; i++) {
		char **cell = c->table->row[i].cell;

		if (matches(cell[CELL_STEP], stock->step) && matches(cell[CELL_WITH], c->with) &&
			matches(cell[CELL_STOCK], stock->text) &&
			matches(cell[CELL_BELAY], belay->text))
			return &c->table->row[i];
	}
	return NULL;
}

void comparison_init(struct comparison *c, const char *path, const char *with, bool is_whole)
{
	*c = (struct comparison){
		.with = with,
		.is_whole = is_whole,
		.table = calloc(1, sizeof(*c->table)),
	};
	if (!c->table)
		give_up("no memory");
	read_table(path, c->table);
}

static void check_steps(const struct record *stock, const struct record *belay)
{
	if (stock->n != belay->n)
		give_up("the records have %zu and %zu lines", stock->n, belay->n);
	for (size_t i = 0; i < stock->n; i++)
		if (strcmp(stock->lines[i].step, belay->lines[i].step) != 0)
			give_up("the shims were asked different things: '%s' and '%s'",
				stock->lines[i].step, belay->lines[i].step);
}

static bool is_alike(const struct line *stock, const struct line *belay)
{
	return strcmp(stock->text, belay->text) == 0;
}

bool record_is_as_known(
	const struct comparison *c, const struct record *stock, const struct record *belay)
{
	check_steps(stock, belay);
	for (size_t i = 0; i < stock->n; i++)
		if (!is_alike(&stock->lines[i], &belay->lines[i]) &&
			!find_row(c, &stock->lines[i], &belay->lines[i]))
			return false;
	return true;
}

static void compare_line(struct comparison *c, const struct line *stock, const struct line *belay)
{
	struct row *row;

	if (is_alike(stock, belay)) {
		c->n_same++;
	} else if ((row = find_row(c, stock, belay))) {
		row->used = true;
		c->n_known++;
	} else {
		c->n_bad++;
		printf("DIFFERENT %s (%s)\n\tstock: %s\n\tbelay: %s\n", stock->step, c->with,
			stock->text, belay->text);
	}
}

/* "*: ..." is of all scenes. */
static void note_due(const struct comparison *c, const struct line *line)
{
	for (size_t i = 0; i < c->table->n; i++) {
		struct row *row = &c->table->row[i];

		if (matches(row->cell[CELL_WITH], c->with) &&
			matches(row->cell[CELL_STEP], line->step) &&
			(row->cell[CELL_STEP][0] != '*' || c->is_whole))
			row->is_due = true;
	}
}

void record_compare(struct comparison *c, const struct record *stock, const struct record *belay)
{
	check_steps(stock, belay);
	for (size_t i = 0; i < stock->n; i++) {
		compare_line(c, &stock->lines[i], &belay->lines[i]);
		note_due(c, &stock->lines[i]);
	}
}

void comparison_end(struct comparison *c)
{
	for (size_t i = 0; i < c->table->n; i++) {
		struct row *row = &c->table->row[i];

		if (row->is_due && !row->used) {
			printf("UNUSED ROW for %s: %s differs no more from: %s\n", c->with,
				row->cell[CELL_STEP], row->cell[CELL_STOCK]);
			c->n_bad++;
		}
		free(row->line);
	}
	free(c->table);
	c->table = NULL;
}
