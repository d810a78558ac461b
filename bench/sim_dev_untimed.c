// SPDX-License-Identifier: GPL-2.0-only
/*
 * sim_dev_untimed - sim_dev.ko without time-outs, to see what they cost
 *
 * The same sources, with functions of io_recovery.h that only know which operation
 * is outstanding in which slot. (Else an operation left over from an earlier
 * binding would end a new one.) Nothing times out, and there is no heartbeat. An
 * operation that hangs, hangs for ever. Loaded instead of sim_dev.ko.
 */
#include "../io_recovery.h"
#include "../iotimer.h"

static inline u32 untimed_begin(struct io_recovery *r, unsigned int slot)
{
	r->slot[slot].flags = IO_RECOVERY_BUSY;
	return ++r->slot[slot].generation;
}

static inline bool untimed_op_interrupt(struct io_recovery *r,
					unsigned int slot, u32 generation)
{
	if (slot >= r->nr_slots || r->slot[slot].generation != generation ||
	    !(r->slot[slot].flags & IO_RECOVERY_BUSY))
		return false;
	r->slot[slot].flags = 0;
	return true;
}

static inline bool untimed_abort(struct io_recovery *r, unsigned int slot,
				 u32 generation)
{
	return false;
}

static inline bool untimed_reset(struct io_recovery *r)
{
	return false;
}

#define io_recovery_begin untimed_begin
#define io_recovery_op_interrupt untimed_op_interrupt
#define io_recovery_abort_interrupt untimed_abort
#define io_recovery_reset_interrupt untimed_reset
#define io_recovery_reset_done untimed_reset

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
