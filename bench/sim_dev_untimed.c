// SPDX-License-Identifier: GPL-2.0-only
/*
 * sim_dev_untimed - sim_dev.ko without time-outs, to see what they cost
 *
 * The same sources, with an io_timeout.h that only knows whether an operation is
 * outstanding: without that, one left over from an earlier binding would end
 * another one's. Nothing is counted down, and there is no heartbeat. What
 * hangs, hangs for ever. Loaded instead of sim_dev.ko.
 */
#include <linux/types.h>

/* In place of io_timeout.h */
#define _IO_TIMEOUT_H
#define IO_TIMEOUT_IDLE (-1)

/* @counter is 0 while an operation is outstanding; the rest is for sim_ctl.c. */
struct io_timeout {
	int counter;
	int limit;
	int reset_limit;
	bool reset_expected;
};

enum io_timeout_verdict {
	IO_TIMEOUT_OK,
	IO_TIMEOUT_RESET,
	IO_TIMEOUT_FAILED,
};

static inline void io_timeout_init(struct io_timeout *t, int limit,
				   int reset_limit)
{
	t->counter = IO_TIMEOUT_IDLE;
	t->limit = limit;
	t->reset_limit = reset_limit;
}

static inline void io_timeout_begin(struct io_timeout *t)
{
	t->counter = 0;
}

static inline bool io_timeout_op_interrupt(struct io_timeout *t)
{
	if (t->counter == IO_TIMEOUT_IDLE)
		return false;
	t->counter = IO_TIMEOUT_IDLE;
	return true;
}

static inline bool io_timeout_reset_interrupt(struct io_timeout *t)
{
	return false;
}

static inline bool io_timeout_take_reset(struct io_timeout *t)
{
	return false;
}

static inline enum io_timeout_verdict io_timeout_tick(struct io_timeout *t)
{
	return IO_TIMEOUT_OK;
}

#include "../iotimer.h"

static inline struct iotimer *untimed_create(struct device *dev, iotimer_fn_t fn,
					     void *context)
{
	return NULL;
}

static inline bool untimed_start(struct iotimer *timer)
{
	return true;
}

#define devm_iotimer_create untimed_create
#define iotimer_start untimed_start

#include "../sim_hw.c"
#include "../sim_ctl.c"
#include "../sim_dev.c"
