/* SPDX-License-Identifier: Apache-2.0 */

/*
 * exec.c - `belayctl exec`, as an operation: the table is the story.
 */

#include "base/id.h"
#include "proto/any.h"
#include "proto/api/task.pb-c.h"
#include "shim/ctl/attach.h"
#include "shim/ctl/commands.h"
#include "shim/ctl/exec_spec.h"
#include "shim/ctl/find.h"
#include "shim/ctl/target.h"

#include <stdio.h>
#include <unistd.h>

/* Where the FIFOs of the streams are, each exec's in a folder of its own. */
#define EXEC_STATE FIND_STATE_BELAY "/exec"

#define SPEC_TYPE "types.containerd.io/opencontainers/runtime-spec/1/Process"

#define SPEC_MAX (1024 * 1024)

struct exec_args {
	struct where where;
	bool terminal, interactive;
	const char *exec_id, *user, *cwd;
	struct option_list env;
	char *const *command;
};

struct exec {
	struct attached a;
	const struct exec_args *args;
	const struct found *found;
	char folder[80]; /* its name: ids are unique in a container only */
	char id[80];
	struct buf spec;
};

static struct exec *from_op(struct op *op)
{
	return container_of(op, struct exec, a.op);
}

static enum op_next make_folder(struct op *op)
{
	struct exec *x = from_op(op);

	if (folder_make(&x->a.folder, EXEC_STATE, x->folder, &op->err) < 0)
		return OP_FAIL;
	if (fchdir(x->a.folder.fd) < 0) { /* where the relays look for the FIFOs */
		err_sys(&op->err, "enter %s", x->a.folder.path);
		return OP_FAIL;
	}
	return OP_DONE;
}

static enum op_next connect_to_shim(struct op *op)
{
	struct exec *x = from_op(op);

	return done_or_fail(shim_connect(&x->a.client, x->found, &op->err));
}

static enum op_next add_exec(struct op *op)
{
	struct exec *x = from_op(op);
	Pb__ExecProcessRequest req = PB__EXEC_PROCESS_REQUEST__INIT;
	struct request_streams stream;
	Pb__Any spec = PB__ANY__INIT;

	if (request_name_streams(x->a.folder.path, &stream, &op->err) < 0)
		return OP_FAIL;
	spec.type_url = SPEC_TYPE;
	spec.value = (ProtobufCBinaryData){ x->spec.len, x->spec.data };
	req.id = x->found->id;
	req.exec_id = x->id;
	req.terminal = x->args->terminal;
	req.stdin = x->a.has_input ? stream.in : "";
	req.stdout = stream.out;
	req.stderr = x->args->terminal ? "" : stream.err;
	req.spec = &spec;
	return attached_ask(&x->a, "Exec", &req.base, 0);
}

/* One that never ran stays in the shim's table otherwise, and its id with it. */
static enum op_next drop_exec(struct op *op)
{
	/* Of an id that is somebody else's nothing is taken away. */
	return op->err.status == STATUS_ALREADY_EXISTS ? OP_DONE : attached_drop_it(op);
}

static const struct op_step steps[] = {
	/* clang-format off */
	{ "make folder",   make_folder,                 attached_remove_folder      },
	{ "start relays",  attached_start_relays,       attached_stop_relays        },
	{ "connect",       connect_to_shim,             NULL                        },
	{ "add exec",      add_exec,                    drop_exec                   },
	{ "take terminal", attached_take_terminal,      attached_give_terminal_back },
	{ "see it die",    NULL,                        attached_see_it_die         }, /* after the row below */
	{ "kill it",       NULL,                        attached_kill_it            },
	{ "start",         attached_start,              NULL                        },
	{ "tell size",     attached_tell_size,          NULL                        },
	{ "await exit",    attached_await_exit,         NULL                        },
	{ "delete",        attached_delete,             NULL                        }, /* which ends the output, even
											  if a child still has it */
	{ "await output",  attached_await_output,       NULL                        },
	{ "give it back",  attached_give_terminal_back, NULL                        },
	{ "stop relays",   attached_stop_relays,        NULL                        },
	{ "remove folder", attached_remove_folder,      NULL                        },
	/* clang-format on */
};

static const struct op_plan plan = { "exec", steps, ARRAY_LEN(steps), attached_finish, NULL };

static int prepare(struct exec *x, struct err *e)
{
	const struct exec_args *a = x->args;
	const struct exec_wish wish = { a->command, a->terminal, a->user, a->cwd, &a->env };
	int rc = attached_make_up_id("exec", x->folder, sizeof(x->folder));

	if (rc < 0)
		return err_rc(e, rc, "make up an id");
	snprintf(x->id, sizeof(x->id), "%s", a->exec_id ? a->exec_id : x->folder);
	x->spec = BUF_INIT(SPEC_MAX);
	if (exec_spec(x->found->bundle, &wish, &x->spec, e) < 0)
		return -1;
	x->a.ns = x->found->ns;
	x->a.about = (struct request_about){ NULL, task_service(x->found), x->found->id, x->id };
	x->a.has_terminal = a->terminal;
	x->a.has_input = a->interactive || a->terminal;
	return attached_init(&x->a, e);
}

static int run_exec(const struct found *f, const struct exec_args *args, struct err *e)
{
	struct exec x = { .args = args, .found = f };
	int rc = prepare(&x, e);

	if (rc == 0) {
		attached_run(&x.a, &plan);
		attached_fini(&x.a);
		*e = x.a.op.err;
		rc = err_is_set(e) ? -1 : (int)x.a.exit_status;
	}
	buf_fini(&x.spec);
	return rc;
}

/* Options may stand before and behind the container; behind the command they are its own. */
static int parse(const struct command *c, int argc, char **argv, struct exec_args *a,
	const char **ret_container)
{
	int first, second;
	int rc = options_parse(c, argc, argv, a, &first);

	if (rc != 0)
		return rc;
	*ret_container = argv[first];
	rc = options_parse(c, argc - first, argv + first, a, &second);
	if (rc != 0)
		return rc;
	a->command = argv + first + second;
	if (a->exec_id && !id_is_valid(a->exec_id))
		return options_complain(
			c, "--exec-id: letters and digits, joined by single '.', '_' or '-'");
	if (a->terminal && !isatty(STDIN_FILENO))
		return options_complain(c, "-t needs a terminal on standard input");
	return 0;
}

static int exec_run(const struct command *c, int argc, char **argv)
{
	struct exec_args args = { 0 };
	struct target t = { 0 };
	struct err e = ERR_INIT;
	const char *container;
	int rc = parse(c, argc, argv, &args, &container);

	if (rc != 0)
		return rc < 0 ? EXIT_CTL_FAILED : 0;
	rc = target_find(&t, &args.where, container, &e);
	if (rc == 0)
		rc = run_exec(t.found, &args, &e);
	target_close(&t);
	return rc < 0 ? target_failed(c->name, &e) : rc;
}

#define AT(member) offsetof(struct exec_args, member)

static const struct option_row rows[] = {
	OPTIONS_WHERE(struct exec_args, where),
	{ "interactive", 'i', OPTION_FLAG, AT(interactive), NULL, "give it our standard input" },
	{ "tty", 't', OPTION_FLAG, AT(terminal), NULL,
		"give it a terminal: ours, in raw mode meanwhile; implies -i" },
	{ "exec-id", 0, OPTION_TEXT, AT(exec_id), "ID", "its id; one is made up by default" },
	{ "env", 'e', OPTION_LIST, AT(env), "NAME=VALUE",
		"in its environment; NAME alone is as with us;\nmay be repeated" },
	{ "user", 'u', OPTION_TEXT, AT(user), "USER[:GROUP]",
		"names in the container's root filesystem, or numbers (default its own)" },
	{ "cwd", 0, OPTION_TEXT, AT(cwd), "DIR",
		"its working directory (default the container's)" },
	OPTIONS_END,
};

const struct command command_exec = {
	.name = "exec",
	.summary = "run one more process in a container",
	.synopsis = { "[OPTIONS] CONTAINER [OPTIONS] [--] COMMAND [ARG...]" },
	.about = "Runs COMMAND in CONTAINER, as its init runs but for what options say, carries "
		 "its\n"
		 "output and with -i our input, passes on SIGINT, SIGTERM, SIGHUP, SIGQUIT and\n"
		 "SIGUSR1, and exits with its status. containerd has no part in it.\n"
		 "CONTAINER is an id, the beginning of only one, or NAMESPACE/ID.\n"
		 "\n"
		 "Exit status: that of COMMAND, 128 + N if signal N ended it; 125 if belayctl "
		 "itself\n"
		 "failed.\n",
	.rows = rows,
	.least = 1,
	.most = -1,
	.stops_at_operand = true,
	.run = exec_run,
};
