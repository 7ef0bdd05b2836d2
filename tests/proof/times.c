/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/proof/times.h"

#include <stdlib.h>

void times_note(struct times *t, const struct ask *a)
{
	if (t->n < TIMES_MAX)
		t->us[t->n++] = (double)(a->ended_ns - a->began_ns) / 1e3;
}

static int by_value(const void *a, const void *b)
{
	double d = *(const double *)a - *(const double *)b;

	return (d > 0) - (d < 0);
}

double times_at(struct times *t, double share)
{
	qsort(t->us, t->n, sizeof(t->us[0]), by_value);
	return t->us[(size_t)((double)(t->n - 1) * share)];
}
