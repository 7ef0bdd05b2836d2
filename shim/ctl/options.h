/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_CTL_OPTIONS_H
#define SHIM_CTL_OPTIONS_H

/*
 * options.h - the command line of one command, as a table: it is what is
 * parsed, what --help prints, and what a test holds against the man page and the
 * completions.
 *
 *	static const struct option_row rows[] = {
 *		OPTIONS_WHERE(struct ps_args, where),
 *		{ "json", 0, OPTION_FLAG, offsetof(struct ps_args, json), NULL, "print JSON" },
 *		OPTIONS_END,
 *	};
 */

#include <stdbool.h>
#include <stddef.h>

/* belayctl's own failure, as with docker: the status of a container can be anything else. */
#define EXIT_CTL_FAILED 125

/* The command did what it was asked to, and what it found is bad: `doctor`, `ps`. */
#define EXIT_CTL_BAD_NEWS 1

/* How often an option that may be repeated is taken. */
#define OPTION_LIST_MAX 64

struct option_list {
	const char *word[OPTION_LIST_MAX]; /* borrowed from argv */
	size_t n;
};

enum option_kind {
	OPTION_FLAG, /* bool */
	OPTION_TEXT, /* const char * */
	OPTION_LIST  /* struct option_list */
};

struct option_row {
	const char *name; /* without its dashes */
	char letter;      /* 0: none */
	enum option_kind kind;
	size_t at;         /* of the variable, in the struct of arguments */
	const char *value; /* what --help calls it; NULL for a flag */
	const char *help;
};

#define OPTIONS_END                                                                                \
	{                                                                                          \
		NULL, 0, OPTION_FLAG, 0, NULL, NULL                                                \
	}

/* Which shims: shared by every command that asks one. */
struct where {
	struct option_list states; /* empty: the default */
	const char *ns;            /* NULL: all */
};

#define OPTIONS_WHERE(type, member)                                                                \
	{ "namespace", 'n', OPTION_TEXT, offsetof(type, member.ns), "NS",                          \
		"only containers of this namespace" },                                             \
	{                                                                                          \
		"state", 0, OPTION_LIST, offsetof(type, member.states), "DIR",                     \
			"containerd's state directory, or that of belayctl run; may\n"             \
			"be repeated (default /run/containerd and /run/belay)"                     \
	}

struct command {
	const char *name;
	const char *summary;     /* one line, in the list of commands */
	const char *synopsis[3]; /* behind "belayctl NAME", up to NULL */
	const char *about;       /* paragraphs, each ending in a newline */
	const struct option_row *rows;
	int least, most;       /* operands; most < 0: any number */
	bool stops_at_operand; /* what follows the first operand is not ours */
	int (*run)(const struct command *c, int argc, char **argv);
};

/*
 * argv[0] is the command's name. 0: *@args is filled in, and argv holds operands
 * from *ret_first on. 1: only help was asked for, and given. -1, with a line on
 * stderr that says what to do.
 */
int options_parse(const struct command *c, int argc, char **argv, void *args, int *ret_first);

/* A line on stderr in the name of the command, and where help is. Returns -1. */
int options_complain(const struct command *c, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

void options_help(const struct command *c);

#endif
