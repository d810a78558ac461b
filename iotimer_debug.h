/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * iotimer_debug - what the engine (iotimer_core.c) and its window in debugfs
 * (iotimer_debug.c) know of each other
 */
#ifndef _IOTIMER_DEBUG_H
#define _IOTIMER_DEBUG_H

#include <linux/jump_label.h>
#include <linux/types.h>

#include "iotimer.h"

struct seq_file;

/* On while routines and ticks are measured. */
DECLARE_STATIC_KEY_FALSE(iotimer_measuring);

/*
 * To iotimer_debug.c, from the tick: which measurement is going on; a routine
 * of it has returned, a tick of it is over.
 */
u32 iotimer_measurement(void);
void iotimer_measured_routine(u32 measurement, const struct device *dev,
			      iotimer_fn_t fn, u64 ns);
void iotimer_measured_tick(u32 measurement, unsigned long calls, u64 ns);

void iotimer_debug_init(void);
void iotimer_debug_exit(void);

/*
 * To iotimer_core.c: walk over all timers, in the order of their ids, which
 * are not 0. Between hold and release none is created or destroyed.
 */
void iotimer_hold(void);
void iotimer_release(void);
struct iotimer *iotimer_from(u32 *id);
void iotimer_show(struct seq_file *seq, const struct iotimer *timer);

#endif /* _IOTIMER_DEBUG_H */
