// SPDX-License-Identifier: GPL-2.0
/*
 * The code of the trace events in trace.h, and nothing else: what the kernel's
 * macros make isn't ours to warn about.
 */
#include <linux/module.h>

#define CREATE_TRACE_POINTS
#include "trace.h"
