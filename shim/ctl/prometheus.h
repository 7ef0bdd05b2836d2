/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_CTL_PROMETHEUS_H
#define SHIM_CTL_PROMETHEUS_H

/*
 * prometheus.h - a survey in Prometheus' text format, version 0.0.4.
 */

#include "shim/ctl/survey.h"

#include <stdio.h>

void prometheus_print(const struct seen *seen, size_t n, FILE *to);

#endif
