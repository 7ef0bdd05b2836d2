/* SPDX-License-Identifier: Apache-2.0 */

/*
 * service.pml - one container with one exec, and who may be told what when.
 *
 * What process/ does in its operations, without bytes and without time: the kernel, a runtime that may
 * fail or hang half way, a client that asks in any order, and the loop, which takes one event at a
 * time. spin walks every interleaving (tests/model/spin.sh). The names are those of the code: hold
 * (reaper.h), news (process.h), running_execs (container.h).
 */

mtype = { none, alive, zombie, reaped }                              /* a process, as the kernel has it */
mtype = { absent, created, running, paused, stopped, deleted }       /* state.h */
mtype = { idle, asked, forked, done, failed }                        /* a runtime call */

mtype init_proc = none, exec_proc = none;
mtype init_state = absent, exec_state = absent;
mtype creating = idle, starting = idle, execing = idle, deleting = idle, pausing = idle;

byte hold = 0;          /* orphans are not swept while it is taken */
bool init_tracked = false, exec_tracked = false;
bool init_pid = false, exec_pid = false;       /* the pid file is written */
bool init_seen = false, exec_seen = false;     /* its exit is known, perhaps not told */
byte init_news = 0, exec_news = 0;             /* holds its telling */
byte running_execs = 0;
bool init_exited = false;                      /* no exec starts any more */

/* What may be asked again and again is, so many times: else the loop could do that for ever. */
#define PATIENCE 3
byte asked_again = 0;

/* What the client has been told. */
bool told_create = false, told_start = false, told_exit = false, told_delete = false;
bool told_started = false, told_exec_exit = false;

inline tell_exit() {
	if
	:: init_exited && !told_exit && running_execs == 0 ->
		assert(told_create);
		assert(!told_started || told_exec_exit); /* the last exit of the container */
		told_exit = true;
		init_state = stopped
	:: else
	fi
}

inline news_of_init() {
	if
	:: init_seen && init_news == 0 && !init_exited -> init_exited = true; tell_exit()
	:: else
	fi
}

inline news_of_exec() {
	if
	:: exec_seen && exec_news == 0 && exec_state == running ->
		assert(told_started && !told_exec_exit && !told_exit);
		told_exec_exit = true;
		exec_state = stopped;
		running_execs--;
		tell_exit()
	:: else
	fi
}

/* The end of a hold: what nobody tracks is collected. */
inline release() {
	hold--;
	if
	:: hold == 0 && init_proc == zombie && !init_tracked -> init_proc = reaped
	:: else
	fi;
	if
	:: hold == 0 && exec_proc == zombie && !exec_tracked -> exec_proc = reaped
	:: else
	fi
}

/* The kernel: processes end when they like, and those of a pid namespace with their init. */
active proctype kernel() {
end:	do
	:: atomic { init_proc == alive ->
		init_proc = zombie;
		if
		:: exec_proc == alive -> exec_proc = zombie
		:: else
		fi }
	:: atomic { exec_proc == alive -> exec_proc = zombie }
	:: atomic { init_proc == zombie && !init_tracked && hold == 0 -> init_proc = reaped } /* the sweep */
	:: atomic { exec_proc == zombie && !exec_tracked && hold == 0 -> exec_proc = reaped }
	od
}

/* The runtime: forks, writes the pid, exits; or fails anywhere on the way. */
active proctype runtime() {
end:	do
	:: atomic { creating == asked -> init_proc = alive; creating = forked }
	:: atomic { creating == forked -> init_pid = true; creating = done }
	:: atomic { creating == asked || creating == forked -> creating = failed }
	:: atomic { starting == asked -> starting = (init_proc == alive -> done : failed) }
	:: atomic { starting == asked -> starting = failed }
	:: atomic { execing == asked && init_proc == alive -> exec_proc = alive; execing = forked }
	:: atomic { execing == forked -> exec_pid = true; execing = done }
	:: atomic { execing == asked || execing == forked -> execing = failed }
	:: atomic { pausing == asked -> pausing = done }
	:: atomic { pausing == asked -> pausing = failed }
	:: atomic { deleting == asked -> deleting = done }
	:: atomic { deleting == asked -> deleting = failed }
	od
}

/* The client: asks whatever may be asked, at any moment. */
active proctype client() {
end:	do
	:: atomic { init_state == absent && creating == idle -> hold++; init_news++; creating = asked }
	:: atomic { init_state == created && starting == idle && deleting == idle && pausing == idle &&
		asked_again < PATIENCE -> asked_again++; init_news++; starting = asked }
	:: atomic { (init_state == running || init_state == created) && exec_state == absent ->
		exec_state = created }
	:: atomic { exec_state == created && execing == idle && init_state == running && !init_exited ->
		hold++; exec_news++; running_execs++; execing = asked }
	:: atomic { init_tracked && init_proc == alive -> /* Kill(9), in any state */
		init_proc = zombie;
		if
		:: exec_proc == alive -> exec_proc = zombie
		:: else
		fi }
	:: atomic { init_state == running && pausing == idle && deleting == idle && starting == idle &&
		asked_again < PATIENCE -> asked_again++; pausing = asked }
	:: atomic { init_state == paused && pausing == idle -> init_state = running } /* Resume */
	:: atomic { init_state == stopped && deleting == idle && starting == idle && pausing == idle &&
		asked_again < 2 * PATIENCE -> asked_again++; deleting = asked }
	od
}

/* The loop: one event at a time, and whoever waits is not in its way. */
active proctype loop() {
end:	do
	:: atomic { creating == done ->
		assert(hold > 0);
		assert(init_proc == alive || init_proc == zombie); /* or its status would be lost */
		init_tracked = true; release();
		init_state = created; told_create = true;
		creating = idle; init_news--; news_of_init() }
	:: atomic { creating == failed ->
		if
		:: init_proc == alive -> init_proc = zombie /* kill stray; then `delete --force` */
		:: else
		fi;
		release(); init_news--;
		creating = idle; init_state = deleted }
	:: atomic { starting == done ->
		assert(!told_exit); /* a start is told before the exit */
		if
		:: init_state == created -> init_state = running
		:: else
		fi;
		told_start = true; starting = idle; init_news--; news_of_init() }
	:: atomic { starting == failed -> starting = idle; init_news--; news_of_init() }
	:: atomic { execing == done ->
		assert(hold > 0);
		assert(exec_proc == alive || exec_proc == zombie);
		exec_tracked = true; release();
		assert(!told_exit);
		exec_state = running; told_started = true;
		execing = idle; exec_news--; news_of_exec() }
	:: atomic { execing == failed ->
		if
		:: exec_proc == alive -> exec_proc = zombie
		:: else
		fi;
		release(); exec_news--; running_execs--;
		execing = idle; exec_state = deleted; tell_exit() }
	:: atomic { init_tracked && init_proc == zombie -> /* its pidfd is readable */
		init_proc = reaped; init_tracked = false; init_seen = true; news_of_init() }
	:: atomic { exec_tracked && exec_proc == zombie ->
		exec_proc = reaped; exec_tracked = false; exec_seen = true; news_of_exec() }
	:: atomic { pausing == done ->
		if
		:: init_state == running -> init_state = paused
		:: else /* it has exited meanwhile, and that was told */
		fi;
		pausing = idle }
	:: atomic { pausing == failed -> pausing = idle }
	:: atomic { deleting == done ->
		assert(told_exit && !told_delete);
		told_delete = true; init_state = deleted; deleting = idle }
	:: atomic { deleting == failed -> deleting = idle } /* to be repeated */
	od
}

/* Whatever is asked of the runtime is answered: nothing gets stuck. Every process may end in its loop
 * (`end:`), so that spin itself minds no call that waits for ever. */
ltl creates_are_answered { [] ((creating == asked) -> <> (creating == idle)) }
ltl starts_are_answered { [] ((starting == asked) -> <> (starting == idle)) }
ltl execs_are_answered { [] ((execing == asked) -> <> (execing == idle)) }
ltl pauses_are_answered { [] ((pausing == asked) -> <> (pausing == idle)) }
ltl deletes_are_answered { [] ((deleting == asked) -> <> (deleting == idle)) }

/* A process that was told of is told the end of, once it has one; and nobody waits for ever. */
ltl exits_are_told { [] ((told_create && init_proc == reaped) -> <> told_exit) }
ltl execs_are_told { [] ((told_started && exec_proc == reaped) -> <> told_exec_exit) }
ltl holds_end { [] ((hold > 0) -> <> (hold == 0)) }
ltl nothing_after_delete { [] (told_delete -> (told_exit && init_proc == reaped)) }
