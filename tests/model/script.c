/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/model/script.h"

#include "tests/model/sim.h"

#include <stdio.h>

const char *action_name(enum action a)
{
	static const char *const names[N_ACTIONS] = { "Create", "Start", "Exec", "Start exec",
		"Kill", "Kill exec", "Delete", "Delete exec", "Wait", "Wait exec", "State", "Pause",
		"Resume", "Update", "hang up", "Shutdown" };

	return names[a];
}

static uint64_t next(uint64_t *state)
{
	*state += 0x9e3779b97f4a7c15u;
	uint64_t z = *state;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

/* What a container would be by now, had all gone well that was asked of it. */
struct hope {
	bool is_created, is_started, is_paused;
	bool is_added[EXECS];
};

/* @exec is which, if it is asked of one. */
static enum action after(const struct hope *h, unsigned *exec, unsigned r)
{
	if (!h->is_created)
		return CREATE;
	if (!h->is_started)
		return START;
	if (h->is_paused)
		return RESUME;
	for (unsigned i = 0; i < EXECS; i++)
		if (h->is_added[i]) {
			*exec = i;
			return START_EXEC;
		}
	return r % 4 == 0 ? PAUSE : EXEC;
}

static void hope_for(struct hope *h, const struct step *s)
{
	switch (s->action) {
	case CREATE:
		h->is_created = true;
		break;
	case START:
		h->is_started = h->is_created;
		break;
	case EXEC:
	case START_EXEC:
		h->is_added[s->exec] = s->action == EXEC && h->is_created;
		break;
	case PAUSE:
	case RESUME:
		h->is_paused = s->action == PAUSE && h->is_started;
		break;
	case DELETE:
		*h = (struct hope){ 0 };
		break;
	default:
		break;
	}
}

static struct step make_step(struct hope *all, uint64_t r)
{
	static const double gaps[] = { 0, 0, 0.001, 0.002, 0.01, 0.1, 1, 4 };
	struct step s = {
		.after_s = gaps[r % ARRAY_LEN(gaps)],
		.action = (enum action)((r >> 16) % N_ACTIONS),
		.ct = (unsigned)(r >> 24 & 7) % CTS,
		.exec = (unsigned)(r >> 32) % EXECS,
		.how = (unsigned)(r >> 40) & 0xff,
	};

	if (r >> 8 & 3) {
		s.action = after(&all[s.ct], &s.exec, s.how);
		s.after_s = r >> 10 & 3 ? WHEN_ANSWERED : s.after_s;
	}
	hope_for(&all[s.ct], &s);
	return s;
}

struct script script_of(uint64_t seed)
{
	struct script s = { .seed = seed };
	struct hope all[CTS] = { 0 };
	uint64_t x = seed * 2 + 1;

	s.n = 5 + next(&x) % (STEPS_MAX - 5);
	for (size_t i = 0; i < s.n; i++)
		s.step[i] = make_step(all, next(&x));
	return s;
}

void script_print(const struct script *s)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct step *t = &s->step[i];

		if (t->after_s < 0)
			printf("    when all of it is answered");
		else
			printf("    after %.3f s", t->after_s);
		printf("  %s c%u e%u (%u)\n", action_name(t->action), t->ct, t->exec, t->how);
	}
}
