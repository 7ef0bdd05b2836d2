/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/ctl/options.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define ROWS_MAX 24

/* Beyond what any letter is. */
#define NUMBERED   256
#define HELP_INDEX (NUMBERED + ROWS_MAX)

int options_complain(const struct command *c, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "belayctl %s: ", c->name);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\nTry 'belayctl %s --help'.\n", c->name);
	return -1;
}

static void print_row(const struct option_row *r)
{
	char left[64];
	const char *line = r->help;
	int n;

	if (r->letter)
		n = snprintf(left, sizeof(left), "-%c, --%s", r->letter, r->name);
	else
		n = snprintf(left, sizeof(left), "--%s", r->name);
	if (r->value)
		snprintf(left + n, sizeof(left) - (size_t)n, " %s", r->value);
	for (const char *rest; line; line = rest) {
		const char *end = strchr(line, '\n');
		int len = end ? (int)(end - line) : (int)strlen(line);

		printf("  %-20s  %.*s\n", line == r->help ? left : "", len, line);
		rest = end ? end + 1 : NULL;
	}
}

void options_help(const struct command *c)
{
	static const struct option_row help = { "help", 0, OPTION_FLAG, 0, NULL, "print this" };

	for (size_t i = 0; i < sizeof(c->synopsis) / sizeof(*c->synopsis) && c->synopsis[i]; i++)
		printf("%s belayctl %s %s\n", i ? "      " : "Usage:", c->name, c->synopsis[i]);
	printf("\n%s\nOptions:\n", c->about);
	for (const struct option_row *r = c->rows; r->name; r++)
		print_row(r);
	print_row(&help);
}

static void fill_getopt(const struct command *c, struct option *longs, char *letters)
{
	size_t n = 0;

	if (c->stops_at_operand)
		*letters++ = '+';
	*letters++ = ':'; /* a missing value is told from an unknown option */
	for (const struct option_row *r = c->rows; r->name; r++, n++) {
		longs[n] = (struct option){ r->name,
			r->kind == OPTION_FLAG ? no_argument : required_argument, NULL,
			NUMBERED + (int)n };
		if (!r->letter)
			continue;
		*letters++ = r->letter;
		if (r->kind != OPTION_FLAG)
			*letters++ = ':';
	}
	longs[n++] = (struct option){ "help", no_argument, NULL, HELP_INDEX };
	longs[n] = (struct option){ NULL, 0, NULL, 0 };
	*letters = '\0';
}

static const struct option_row *row_of(const struct command *c, int opt)
{
	if (opt >= NUMBERED)
		return &c->rows[opt - NUMBERED];
	for (const struct option_row *r = c->rows; r->name; r++)
		if (r->letter == opt)
			return r;
	return NULL;
}

static int store(const struct command *c, const struct option_row *r, void *args, const char *value)
{
	char *at = (char *)args + r->at;
	struct option_list *list;

	switch (r->kind) {
	case OPTION_FLAG:
		*(bool *)at = true;
		return 0;
	case OPTION_TEXT:
		memcpy(at, &value, sizeof(value));
		return 0;
	case OPTION_LIST:
		break;
	}
	list = (struct option_list *)(void *)at;
	if (list->n == OPTION_LIST_MAX)
		return options_complain(
			c, "--%s may be given at most %d times", r->name, OPTION_LIST_MAX);
	list->word[list->n++] = value;
	return 0;
}

static int check_operands(const struct command *c, int n)
{
	if (n < c->least)
		return options_complain(
			c, "something is missing: belayctl %s %s", c->name, c->synopsis[0]);
	if (c->most >= 0 && n > c->most)
		return options_complain(
			c, "too much is given: belayctl %s %s", c->name, c->synopsis[0]);
	return 0;
}

int options_parse(const struct command *c, int argc, char **argv, void *args, int *ret_first)
{
	struct option longs[ROWS_MAX + 2];
	char letters[2 * ROWS_MAX + 3];
	int opt;

	fill_getopt(c, longs, letters);
	opterr = 0;
	optind = 0; /* GNU: begin anew, for a command line that is parsed in two parts */
	while ((opt = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		const struct option_row *r;

		if (opt == HELP_INDEX) {
			options_help(c);
			return 1;
		}
		if (opt == ':')
			return options_complain(c, "%s needs a value", argv[optind - 1]);
		r = opt == '?' ? NULL : row_of(c, opt);
		if (!r && optopt > 0 && optopt < NUMBERED)
			return options_complain(c, "there is no option -%c", optopt);
		if (!r)
			return options_complain(
				c, "there is no option %s, or it takes no value", argv[optind - 1]);
		if (store(c, r, args, optarg) < 0)
			return -1;
	}
	*ret_first = optind;
	return check_operands(c, argc - optind);
}
