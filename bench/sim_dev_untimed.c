// SPDX-License-Identifier: GPL-2.0-only
/*
 * sim_dev_untimed - sim_dev.ko without time-outs, to see what they cost
 *
 * The same sources, with functions of io_timeout.h that only know whether an
 * operation is outstanding. (Else an operation left over from an earlier binding
 * would end a new one.) Nothing is counted down, and there is no heartbeat. An
 * operation that hangs, hangs for ever. Loaded instead of sim_dev.ko.
 */
#include "../io_timeout.h"
#include "../iotimer.h"

/* Only running or not: no tick comes. */
static inline void untimed_begin(struct io_timeout *t)
{
	t->countdown.left = 0;
}

static inline bool untimed_op_interrupt(struct io_timeout *t)
{
	return io_countdown_clear(&t->countdown);
}

static inline bool untimed_reset(struct io_timeout *t)
{
	return false;
}

#define io_timeout_begin untimed_begin
#define io_timeout_op_interrupt untimed_op_interrupt
#define io_timeout_reset_interrupt untimed_reset
#define io_timeout_reset_done untimed_reset

static inline struct iotimer *untimed_create(struct device *dev, iotimer_fn_t fn,
					     void *context)
{
	return NULL;
}

static inline bool untimed_switch(struct iotimer *timer)
{
	return true;
}

#undef devm_iotimer_create
#define devm_iotimer_create untimed_create
#define iotimer_enabled untimed_switch
#define iotimer_start untimed_switch
#define iotimer_stop untimed_switch
#define iotimer_stop_sync untimed_switch

#include "../kunit/sim_dev_sources.h"
