# shellcheck shell=bash
# edits.sh - wrong edits to the product, one at a time, and the tests that should mind.
#
#	edit FILE 'what is wrong' 'TEST...' <<'END'
#	exactly what stands in FILE, once
#	==>
#	what stands there instead
#	END
#
# A TEST is a program of tests/unit without its test_, a script of containerd/ or root/, a machine of
# proof/ (its short form), or DIRECTORY/PROGRAM with its arguments after colons. The first that fails ends the edit, so the
# quickest come first. "none: WHY" is for what no test here can see.

# --- base ---

edit base/op.c 'the step that failed does not undo its own half' 'op sweep' <<'END'
		return true; /* the step that failed undoes its own half first */
==>
		return op->at-- > 0;
END

edit base/memory.c 'libev ends us where the kernel refuses it an epoll' 'memory' <<'END'
	ev_set_syserr_cb(on_refusal);
==>
	(void)on_refusal;
END

edit base/op.c 'the deadline of an operation outlives it' 'op' <<'END'
	ev_timer_stop(op->loop, &op->timer);
	list_remove(&op->in);
==>
	list_remove(&op->in);
END

edit base/op.c 'an undo that hangs is waited for without end' 'op' <<'END'
		if (op->unwinding)
			start_grace(op);
		return;
==>
		return;
END

edit base/op.c 'an undo is skipped when the one above it fails' 'op sweep' <<'END'
		if (op->at == 0)
			return false;
==>
		if (op->at == 0 || next == OP_FAIL)
			return false;
END

edit base/list.h 'a removed node still points into its list' 'list' <<'END'
	node->next->prev = node->prev;
	list_init(node);
==>
	node->next->prev = node->prev;
END

edit base/buf.c 'a buffer refuses its last byte' 'buf' <<'END'
	if (n > b->max - b->len)
==>
	if (n >= b->max - b->len)
END

edit base/buf.c 'no room for the NUL of a full buffer' 'buf' <<'END'
	if (b->data && b->len + n < b->room)
==>
	if (b->data && b->len + n <= b->room)
END

edit base/fd.c 'half a file stays behind when it cannot be put in place' 'fd' <<'END'
	if (rc < 0)
		unlinkat(dir, temp, 0); /* nothing better to do than to report the first error */
==>
END

edit base/fd.c 'what is written into a bundle goes where a link leads' 'container' <<'END'
	fd = openat(dir, temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0)
		return -errno;
	rc = fchmod(fd, mode) < 0 ? -errno : fd_write_all(fd, bytes, n);
	if (rc == 0 && renameat(dir, temp, dir, name) < 0)
		rc = -errno;
==>
	fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	if (fd < 0)
		return -errno;
	rc = fchmod(fd, mode) < 0 ? -errno : fd_write_all(fd, bytes, n);
END

edit base/fd.c 'too many descriptors are received and kept' 'fd console handover' <<'END'
	for (int i = 0; i < n; i++)
		close(fds[i]);
==>
END

edit base/fd.c 'descriptors lost on the way count as none' 'fd' <<'END'
	return msg.msg_flags & MSG_CTRUNC ? n + 1
==>
	return msg.msg_flags & MSG_CTRUNC ? n
END

edit base/id.c 'an id may be one byte too long' 'id' <<'END'
		if (n == ID_MAX)
==>
		if (n > ID_MAX)
END

edit base/id.c 'an id may have two dots in a row' 'id' <<'END'
		after_joint = is_joint(id[n]);
==>
		after_joint = false;
END

edit base/log.c 'a newline in a message forges a line' 'log' <<'END'
		if ((unsigned char)*at < ' ')
			*at = ' ';
==>
END

edit base/log.c 'dropped lines are not counted' 'log' <<'END'
		sink.untold++;
==>
END

# --- reaper ---

edit reaper/reaper.c 'orphans are reaped although held' 'reaper create' <<'END'
	while (r->holds == 0) {
==>
	for (;;) {
END

edit reaper/reaper.c 'the sweep takes the status of a tracked child' 'reaper' <<'END'
		if (reaper_tracks(r, si.si_pid))
			return;
==>
END

edit reaper/reaper.c 'what died during a hold stays a zombie' 'reaper' <<'END'
	r->holds--;
	reaper_sweep(r);
==>
	r->holds--;
END

edit reaper/child.c 'the pidfd of a child that ended stays open' 'child' <<'END'
	fd_drop(&c->pidfd);
	c->reaper->n_blind -= c->is_blind;
==>
	c->pidfd = -1;
	c->reaper->n_blind -= c->is_blind;
END

edit reaper/child.c 'a signal is told as an exit code' 'child' <<'END'
	ret->code = exited ? si->si_status : 128 + si->si_status;
==>
	ret->code = si->si_status;
END

edit reaper/child.c 'a status nobody knows is success' 'child' <<'END'
		*ret = (struct exit_status){ .code = EXIT_CODE_UNKNOWN, .at = clock_wall() };
==>
		*ret = (struct exit_status){ .at = clock_wall() };
END

edit reaper/child.c 'an orphan hidden by a tracked child stays a zombie' 'reaper' <<'END'
	/* c may be gone. It may have hidden orphans from the sweep: see reaper.c. */
	reaper_sweep(r);
==>
	(void)r;
END

edit reaper/child.c 'somebody else'"'"'s child is adopted' 'child create' <<'END'
	if (waitid((idtype_t)P_PIDFD, (id_t)pidfd, &si, WEXITED | WNOHANG | WNOWAIT) < 0)
		return -errno;
==>
	(void)si;
END

edit reaper/child.c 'a child the kernel will not watch is never looked at again' 'child' <<'END'
		go_blind(c, revents & EV_ERROR ? "cannot be watched" : "its tracer holds it");
		return;
==>
		(void)revents;
		(void)go_blind;
		return;
END

edit reaper/spawn.c 'what is blocked in the shim is blocked in a container' 'spawn' <<'END'
	sigprocmask(SIG_SETMASK, &none, NULL);
}
==>
}
END

edit reaper/spawn.c 'a descriptor that was not marked leaks into a runtime' 'spawn' <<'END'
	return syscall(SYS_close_range, n, ~0U, 0) < 0 ? -errno : 0;
==>
	return 0;
END

edit reaper/spawn.c 'descriptors overwrite each other on their way' 'spawn' <<'END'
		parked[i] = from >= 0 ? fcntl(from, F_DUPFD, PARKING) : open("/dev/null", O_RDWR);
==>
		parked[i] = from >= 0 ? from : open("/dev/null", O_RDWR);
END

edit reaper/spawn.c 'a program that cannot be run is left a zombie' 'spawn' <<'END'
	if (pid > 0 && v.failed) {
==>
	if (pid > 0 && v.failed == ENOSYS) {
END

# --- proto ---

edit proto/frame.c 'the bytes of a length change places' 'frame' <<'END'
	at[1] = (uint8_t)(v >> 16);
	at[2] = (uint8_t)(v >> 8);
==>
	at[2] = (uint8_t)(v >> 16);
	at[1] = (uint8_t)(v >> 8);
END

edit proto/conn.c 'one byte too few of a frame that is too long is passed over' 'conn' <<'END'
	c->skip = f.len;
==>
	c->skip = f.len - 1;
END

edit proto/conn.c 'a client that does not read makes us keep everything' 'conn' <<'END'
	if (conn_queued(c) + total - sent > CONN_QUEUE_MAX)
		return -ENOBUFS;
==>
END

edit proto/conn.c 'a client that does not read is read from' 'conn' <<'END'
	if (c->ops->answers && conn_queued(c) > CONN_QUEUE_PAUSE)
		pause_reading(c);
==>
	(void)pause_reading;
END

edit proto/conn.c 'a connection that a frame closed is used on' 'conn' <<'END'
		if (gone)
			return;
==>
END

edit proto/conn.c 'after a pause nobody reads' 'conn' <<'END'
	if (c->paused)
		resume_reading(c);
==>
	(void)resume_reading;
END

edit proto/server.c 'a number of a stream may be used twice' 'server' <<'END'
	if (f->stream <= p->last_stream) {
==>
	if (f->stream < p->last_stream) {
END

edit proto/server.c 'anybody may connect' 'server' <<'END'
	return who.uid == geteuid() && who.gid == getegid();
==>
	return true;
END

edit proto/server.c 'one connection too many' 'server' <<'END'
	if (s->n_peers >= SERVER_CONNS_MAX) {
==>
	if (s->n_peers > SERVER_CONNS_MAX) {
END

edit proto/server.c 'out of descriptors, it spins' 'server' <<'END'
		pause_accepting(s, errno); /* EMFILE: the client stays in the backlog, readable */
==>
		return true;
END

edit proto/call.c 'an owner is not told that its call is too late' 'call' <<'END'
	c->on_gone(c); /* the owner has forgotten c, which is still ours */
	too_late(&e);
==>
	too_late(&e);
END

edit proto/call.c 'one call too many' 'call server' <<'END'
	else if (p->n_calls >= SERVER_CALLS_MAX - p->server->n_calls)
==>
	else if (p->n_calls > SERVER_CALLS_MAX - p->server->n_calls)
END

edit proto/call.c 'a client may take what is left for others' 'server' <<'END'
	else if (p->n_calls >= SERVER_CALLS_MAX - p->server->n_calls)
==>
	else if (p->server->n_calls >= SERVER_CALLS_MAX)
END

edit proto/call.c 'calls that ended are counted for ever' 'call' <<'END'
		c->server->n_calls--;
==>
		(void)c->server->n_calls;
END

edit proto/message.c 'tiny blocks cost nothing' 'message' <<'END'
	b->left -= size + BLOCK_COST;
==>
	b->left -= size;
END

# --- process ---

edit process/container.c 'the exit of an init is told before those of its execs' 'exec service model/order:2000' <<'END'
	if (ct->init_exited && !ct->init.exit.is_set && ct->running_execs == 0)
==>
	if (ct->init_exited && !ct->init.exit.is_set)
END

edit process/container.c 'how a container ended is not kept for delete' 'containerd/shim_killed.sh' <<'END'
		keep_exit(p);
==>
		(void)keep_exit;
END

edit process/container.c 'out of memory is told while a create or start runs' 'start container' <<'END'
	if (!ct->oom_is_due || ct->init.news_held > 0)
==>
	if (!ct->oom_is_due)
END

edit process/container.c 'out of memory that waited for the start is lost' 'start' <<'END'
	if (!ct->oom_is_due || ct->init.news_held > 0)
		return;
	ct->oom_is_due = false;
==>
	if (!ct->oom_is_due)
		return;
	ct->oom_is_due = false;
	if (ct->init.news_held > 0)
		return;
END

edit process/process.c 'out of memory that waited is told after the exit' 'start' <<'END'
	if (!p->exec_id)
		container_tell_oom(p->ct); /* first the cause, then the exit */
	tell_container(p);
==>
	tell_container(p);
	if (!p->exec_id)
		container_tell_oom(p->ct);
END

edit process/container.c 'the exit is told before its cause' 'none: it takes control groups with memory: vm/, containerd/oom.sh' <<'END'
	oom_check(&ct->oom); /* first the cause, then the exit */
==>
END

edit process/container.c 'operations queue without end' 'container' <<'END'
	if (ct->queued == CONTAINER_QUEUE_MAX)
==>
	if (ct->queued > CONTAINER_QUEUE_MAX)
END

edit process/container.c 'what was queued is forgotten with the container' 'container delete' <<'END'
		list_remove(first);
		j->drop(j, &gone);
==>
		list_remove(first);
		(void)j;
END

edit process/container.c 'without a pid namespace the rest is left running' 'kill' <<'END'
		if (!ct->own_pidns)
			kill_the_rest(ct);
==>
		(void)kill_the_rest;
END

edit process/process.c 'an exit is told before its start' 'start exec model/order:2000' <<'END'
	if (p->news_held > 0 || !p->seen.is_set || p->is_told)
==>
	if (!p->seen.is_set || p->is_told)
END

edit process/process.c 'an exit is told twice' 'start exec model/order:2000' <<'END'
	if (p->news_held > 0 || !p->seen.is_set || p->is_told)
==>
	if (p->news_held > 0 || !p->seen.is_set)
END

edit process/process.c 'Wait is answered before the event' 'service model/order:2000' <<'END'
	o->exited(o, p);
	process_release_waiters(p);
==>
	process_release_waiters(p);
	o->exited(o, p);
END

edit process/process.c 'a pidfd of somebody else is believed' 'handover create' <<'END'
	if (other != pid) {
==>
	if (other != pid && other < 0) {
END

edit process/create.c 'what a failed runtime leaves is left' 'create sweep' <<'END'
	{ "safety net",      NULL,                   launch_delete_container }, /* for what the runtime may leave; runs
==>
	{ "safety net",      NULL,                   NULL                    }, /* for what the runtime may leave; runs
END

edit process/create.c 'a rootfs stays mounted after a failed Create' 'create sweep' <<'END'
	{ "check features",  check_features,         stop_asking             }, /* waits, once for each runtime and boot */
	{ "write options",   write_options,          NULL                    },
	{ "mount rootfs",    mount_rootfs,           unmount_rootfs          }, /* waits for a child */
==>
	{ "check features",  check_features,         stop_asking             }, /* waits, once for each runtime and boot */
	{ "write options",   write_options,          NULL                    },
	{ "mount rootfs",    mount_rootfs,           NULL                    }, /* waits for a child */
END

edit process/create.c 'orphans are not held while init is one' 'create misdeeds' <<'END'
	{ "hold orphans",    launch_hold_orphans,    launch_release_orphans  }, /* init may die before we know its pid */
==>
	{ "hold orphans",    NULL,                   launch_release_orphans  }, /* init may die before we know its pid */
END

edit process/create.c 'orphans are held for ever' 'create' <<'END'
	{ "release orphans", launch_release_orphans, NULL                    },
==>
	{ "release orphans", NULL,                   NULL                    },
END

edit process/create.c 'an exit is told before its create' 'create service model/order:2000' <<'END'
	process_hold_news(&ct->init); /* until Create is answered: finish() */
==>
	process_hold_news(&ct->init);
	process_release_news(&ct->init);
	ct->init.news_held++;
	process_hold_news(&ct->init);
	ct->init.news_held -= 2;
END

edit process/launch.c 'an init of a failed Create lives on' 'none: the runtime, which deletes it then, kills it too' <<'END'
	(void)child_signal(&init->child, SIGKILL); /* gone already is as good */
==>
END

edit process/launch.c 'a pid of the last time is believed' 'create exec checkpoint' <<'END'
	return runtime_forget_pid(launch_of(op)->ct->bundle_fd, "init.pid", &op->err) < 0 ? OP_FAIL
==>
	return false ? OP_FAIL
END

edit process/exec.c 'who waits for an exec that did not start waits for ever' 'exec' <<'END'
	if (p->start_failed)
		process_release_waiters(p);
==>
END

edit process/exec.c 'an exec starts in a container whose init has ended' 'exec model/order:2000' <<'END'
	if (p->ct->init_exited) {
==>
	if (p->ct->init_exited && p->ct->init.exit.is_set) {
END

edit process/exec.c 'the number of running execs never goes down' 'exec model/order:2000' <<'END'
	if (failed)
		container_exec_failed(ct);
==>
	(void)ct;
END

edit process/exec.c 'the spec of an exec stays in the bundle' 'exec' <<'END'
	{ "remove process",  remove_process,  NULL            },
==>
END

edit process/kill.c 'a paused container does not die' 'pause' <<'END'
		(void)freezer_let_die(&p->ct->cgroup); /* if it is paused; gone is as good */
==>
END

edit process/kill.c 'a signal for all reaches init alone' 'kill' <<'END'
	rc = all && !is_exec ? signal_all(p->ct, signo) : child_signal(&p->child, signo);
==>
	(void)signal_all;
	(void)all;
	rc = child_signal(&p->child, signo);
END

edit process/delete.c 'a Delete cannot be repeated' 'delete' <<'END'
	if (err_is_set(&d->first) && says_it_is_gone(d->first.msg, &d->ct->runtime))
		d->first = ERR_INIT; /* somebody was faster, or we were interrupted here before */
==>
END

edit process/delete.c 'a Delete that ran out of time is still called back' 'delete sweep' <<'END'
	{ "end init",       end_init,       cancel_wait  }, /* waits, if it was never started */
==>
	{ "end init",       end_init,       NULL         }, /* waits, if it was never started */
END

edit process/delete.c 'a Delete that waited for its execs in vain is still called back' 'execs' <<'END'
	from_op(op)->ct->exec_deletes_awaited_by = NULL;
==>
END

edit process/exec_delete.c 'who else wants to delete an exec waits for ever' 'execs' <<'END'
		refuse_others(p);
==>
END

edit process/exec_delete.c 'a second Delete of an exec does not wait for the first' 'execs' <<'END'
	if (is_first)
		begin(d);
==>
	(void)is_first;
	begin(d);
END

edit process/delete.c 'output still in the pipe is thrown away' 'delete service service_more' <<'END'
	{ "drain stdio",    drain_stdio,    stop_drain   }, /* waits for a slow client */
==>
END

edit process/bundle.c 'an exit status of 256 is believed' 'bundle' <<'END'
	if (!is_between(pid, 0, INT32_MAX) || !is_between(status, 0, 255) ||
==>
	if (!is_between(pid, 0, INT32_MAX) || !is_between(status, 0, 256) ||
END

edit process/state.c 'a running container may be deleted' 'state' <<'END'
		[VERB_DELETE] = "cannot delete a running process",
==>
END

edit process/io/pump.c 'a stream of a terminal ends when memory is short' 'pump' <<'END'
		return MOVED_LATER;
==>
		return MOVED_TO_END;
END

edit process/io/pump.c 'a full pipe is watched for reading: it spins' 'pump' <<'END'
			return is_readable(p->from) ? MOVED_UNTIL_FULL : MOVED_ALL;
==>
			return MOVED_ALL;
END

edit process/io/pump.c 'a chunk half written is written again from its start' 'pump' <<'END'
		p->chunk_at += (size_t)n;
==>
		p->chunk_at += (size_t)n == p->chunk_len ? (size_t)n : 0;
END

edit process/io/fifo.c 'a client that goes away kills by SIGPIPE' 'fifo stdio' <<'END'
	keep = open_end(path_fd, O_RDONLY);
	if (keep < 0)
		return keep;
	if (fd < 0)
==>
	if (fd < 0)
END

edit process/io/console.c 'anything may be sent as a console' 'console' <<'END'
	if (ioctl(fd, TIOCGPTN, &number) < 0)
		return err_set(e, STATUS_UNKNOWN, "the runtime sent something that is no pty");
==>
	(void)number;
END

edit process/io/logger.c 'a logger anybody can write is run' 'containerd/log_uri.sh' <<'END'
	if (!S_ISREG(st.st_mode) || st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
==>
	if (!S_ISREG(st.st_mode) || st.st_uid != 0)
END

edit process/rootfs/target.c 'a link in a rootfs leads out of it' 'rootfs root/mount' <<'END'
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
==>
		.resolve = RESOLVE_NO_MAGICLINKS,
END

edit process/rootfs/target.c 'a rootfs may be a link to anywhere' 'rootfs' <<'END'
	auto_fd int root = open(rootfs, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
==>
	auto_fd int root = open(rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC);
END

edit process/rootfs/unmount.c 'of stacked mounts only one comes off' 'rootfs root/mount' <<'END'
		if (points.n == 0)
			return 0;
		rc = unmount_pass(&points, &path);
==>
		if (points.n == 0 || tries < 0)
			return 0;
		tries = -1;
		rc = unmount_pass(&points, &path);
END

edit process/cgroup/procs.c 'a child group is not counted' 'cgroup' <<'END'
			rc = walk(sub, l, depth + 1);
==>
			(void)walk;
END

# --- shim ---

edit shim/task_lifecycle.c 'Create is answered before its event' 'service model/order:2000' <<'END'
		push_create(d, ct, k->req);
		reply.pid = (uint32_t)ct->init.pid;
		log_info(
			"create", "id=%s pid=%d runtime=%s", ct->id, (int)ct->init.pid, ct->binary);
		call_reply(k->call, &reply.base);
==>
		reply.pid = (uint32_t)ct->init.pid;
		log_info(
			"create", "id=%s pid=%d runtime=%s", ct->id, (int)ct->init.pid, ct->binary);
		call_reply(k->call, &reply.base);
		push_create(d, ct, k->req);
END

edit shim/task_lifecycle.c 'Start is answered before its event' 'service start model/order:2000' <<'END'
	push_started(p);
	log_info("start", "id=%s exec=%s pid=%d", p->ct->id, p->exec_id ? p->exec_id : "",
		(int)p->pid);
	reply.pid = (uint32_t)p->pid;
	call_reply(c, &reply.base);
==>
	reply.pid = (uint32_t)p->pid;
	call_reply(c, &reply.base);
	push_started(p);
END

edit shim/task_lifecycle.c 'a failed Start is told as a start' 'service service_more model/order:2000' <<'END'
	if (err_is_set(e)) {
		call_fail(c, e);
		return;
	}
	push_started(p);
==>
	push_started(p);
	if (err_is_set(e)) {
		call_fail(c, e);
		return;
	}
END

edit shim/events.c 'an event is dropped while containerd restarts' 'events' <<'END'
	return err->status != STATUS_UNAVAILABLE && err->status != STATUS_DEADLINE_EXCEEDED;
==>
	(void)err;
	return true;
END

edit shim/events.c 'events overtake one that is retried' 'events' <<'END'
	list_append(&ev->queue, &e->link);
==>
	list_prepend(&ev->queue, &e->link);
END

edit shim/events.c 'one event too many' 'events' <<'END'
	if (ev->n == EVENTS_MAX)
==>
	if (ev->n > EVENTS_MAX)
END

edit shim/socket.c 'anybody may open the socket' 'socket' <<'END'
	mode_t before = umask(0177);
==>
	mode_t before = umask(0);
END

edit shim/socket.c 'the socket of a shim that lives is taken away' 'socket' <<'END'
	rc = probe(path);
	if (rc != 0)
		return rc;
==>
END

edit shim/socket.c 'a path that nobody serves on and that cannot be replaced is a shim that serves' 'socket' <<'END'
	return bind_private(fd, sa);
}
==>
	return bind_private(fd, sa) == 0 ? 0 : 1;
}
END

edit shim/delete.c 'delete keeps silent about a socket that it leaves' 'proof/faults' <<'END'
	warn("failed to remove the socket", &e);
==>
END

edit shim/delete.c 'delete keeps silent about options that it cannot read' 'proof/faults' <<'END'
		warn("options", &damaged);
==>
		damaged = (struct err)ERR_INIT;
END

edit shim/socket.c 'delete removes the socket that others of the group use' 'socket' <<'END'
	int rc = lock < 0 ? lock : probe(path);
==>
	int rc = lock < 0 ? lock : 0;
END

edit shim/start.c 'what containerd had open stays open in the daemon' 'root/birth.sh' <<'END'
	if (dup3(listening, LISTEN_FD, O_CLOEXEC) < 0 || dup3(ready, READY_FD, O_CLOEXEC) < 0 ||
		syscall(SYS_close_range, READY_FD + 1, ~0U, 0) < 0)
==>
	if (dup3(listening, LISTEN_FD, O_CLOEXEC) < 0 || dup3(ready, READY_FD, O_CLOEXEC) < 0)
END

edit shim/delete.c 'a container whose shim died has succeeded' 'containerd/shim_killed.sh' <<'END'
#define EXIT_CODE_KILLED 137
==>
#define EXIT_CODE_KILLED 0
END

edit shim/service.c 'a shim shuts down under its containers' 'service service_more' <<'END'
	if (list_is_empty(&d->containers.all))
		daemon_shutdown(d);
==>
	daemon_shutdown(d);
END

edit shim/daemon.c 'a shim that leaves is still found by a start' 'service socket' <<'END'
	if (d->socket_path[0])
		(void)unlink(d->socket_path); /* gone already is as good */
==>
END

edit shim/daemon.c 'a shim that hears no signals serves' 'proof/faults' <<'END'
	if (signals_are_heard(&d->signals) && reaper_hears(&d->reaper))
==>
	if (reaper_hears(&d->reaper))
END

edit shim/task_lifecycle.c 'a Shutdown gives up nothing that is being created for somebody' 'service' <<'END'
		if (!k->is_given_up && (d->ends_with_creates || strcmp(k->req->id, id) == 0))
==>
		if (!k->is_given_up && d->ends_with_creates)
END

edit base/op.c 'what an undo that was given up has armed resumes the next one' 'op' <<'END'
			op->plan->name, op_step_name(op), OP_UNDO_GRACE_S);
		op_let_go(op);
==>
			op->plan->name, op_step_name(op), OP_UNDO_GRACE_S);
END

edit process/container.c 'who died while it was paused stays frozen' 'pause' <<'END'
		if (p->state == STATE_PAUSED || ct->is_pausing)
==>
		if (ct->is_pausing)
END

edit reaper/child.c 'a zombie whose tracer does not wait spins the loop' 'child' <<'END'
	ev_io_stop(c->reaper->loop, &c->watcher);
	if (!c->is_blind)
==>
	if (!c->is_blind)
END

edit shim/ctl/run.c 'a run that failed leaves its container to a shim nobody knows' 'root/failures.sh' <<'END'
	{ "drop it",          NULL,                        attached_drop_it            }, /* once there is a container, */
==>
END

edit shim/ctl/events_listen.c 'what listens for events takes a new containerd its socket' 'containerd/ctl_events.sh' <<'END'
	(void)socket_remove_dead(path);
==>
	(void)unlink(path);
END

edit shim/info.c 'options as TOML name no runtime to -info' 'root/info.sh' <<'END'
	if (convert_options(&c, any, &unread) == 0)
==>
	if (any_is(any, "containerd.runc.v1.Options") && convert_options(&c, any, &unread) == 0)
END

edit shim/start.c 'a daemon that nobody will know of serves on' 'root/birth.sh' <<'END'
		(void)kill(pid, SIGKILL);
==>
		(void)kill(pid, 0);
END

edit shim/start.c 'a daemon that was killed before it served is announced' 'root/birth.sh' <<'END'
	if (n > 0 && !why[0])
==>
	if (!why[0])
END

edit shim/toml.c 'a name may have parts without end' 'toml' <<'END'
	for (int depth = t->depth; depth < TOML_DEPTH_MAX; depth++) {
==>
	for (int depth = t->depth; depth < 2000; depth++) {
END

edit process/io/pump.c 'a page that is refused ends the stream' 'pump' <<'END'
			return MOVED_LATER; /* of our control group, for a page of a pipe */
==>
			return MOVED_TO_END;
END

edit shim/toml.c 'values in values have no bottom' 'toml' <<'END'
	if (t->depth == TOML_DEPTH_MAX)
==>
	if (t->depth < 0)
END

edit shim/ctl/run.c 'a relative path to a shim is one in the new bundle' 'root/options.sh' <<'END'
	if (strchr(path, '/') && path[0] != '/' && !getcwd(here, sizeof(here)))
==>
	if (path[0] == '/' && path[0] != '/' && !getcwd(here, sizeof(here)))
END

edit shim/ctl/inspect.c 'a container speaks to the terminal of who looks at it' 'root/inspect.sh' <<'END'
	format_tame_json(out);
==>
END

edit shim/delete.c 'a runtime that hangs costs delete the unmount' 'root/late_delete' <<'END'
	ev_timer_start(c->loop, &c->runtime_late);
==>
END

edit shim/delete.c 'an unmount that hangs costs delete its answer' 'root/late_delete' <<'END'
	ev_timer_start(c.loop, &c.late);
==>
END

edit shim/ctl/attach.c 'a container writes on to a reader that has gone' 'root/broken_pipe.sh' <<'END'
	} else if (failed && !a->has_exited && !a->op.unwinding) {
==>
	} else if (failed && a->has_exited && !a->op.unwinding) {
END

edit shim/ctl/events_watch.c 'events goes on when nobody reads them' 'root/broken_pipe.sh' <<'END'
	if (err_is_set(&w->err) || w->is_unread || !events_are_read())
==>
	if (err_is_set(&w->err))
END

edit reaper/signals.c 'what nohup started dies of a hang-up' 'signals root/signals.sh' <<'END'
	if (!is_ignored(SIGHUP))
		sigaddset(&wanted, SIGHUP);
==>
	sigaddset(&wanted, SIGHUP);
END

edit shim/ctl/top.c 'a stopped top keeps the terminal' 'root/top.sh' <<'END'
	static const int wanted[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH };
==>
	static const int wanted[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH };
END

edit shim/stats_v1.c 'a block device has the name of another' 'stats' <<'END'
		if (l->entry.major == major && l->entry.minor == minor && !l->device[0])
==>
		if (!l->device[0])
END

edit shim/ctl/survey.c 'the answer to the question before is taken for one to the next' 'root/ps.sh' <<'END'
		b->ask[i].call.service = NULL;
==>
END

edit proto/server.c 'a client that was alone is looked for fifteen times more' 'server' <<'END'
	else if (errno == EAGAIN)
		return false;
==>
	else if (errno == EAGAIN)
		return true;
END

edit shim/ctl/user.c 'a link in a rootfs leads out of it' 'root/options.sh' <<'END'
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
==>
		.resolve = RESOLVE_NO_MAGICLINKS };
END

edit shim/daemon.c 'an open umask leaves files that anybody may write' 'root/inherit.sh' <<'END'
	(void)umask(umask(077) | 022);
==>
END
