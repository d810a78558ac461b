// SPDX-License-Identifier: GPL-2.0-only
/*
 * sim_dev_timer_list - sim_dev.ko with timer_lists, to see what they cost
 *
 * The same sources, with functions of io_recovery.h that do what drivers do
 * without a heartbeat: arm the slot's timer for each operation, delete it in the
 * interrupt handler. A timer that expires only sets a flag, and the next tick acts
 * on it, since time-outs are not what is measured. Loaded instead of sim_dev.ko.
 */
#include <linux/jiffies.h>
#include <linux/timer.h>

#include "../io_recovery.h"

/*
 * The timers lie behind the rest. A timer sets @expired without the caller's lock,
 * so the flag may be about the slot's previous operation: timed_is_up() looks at
 * the time as well.
 */
struct timed {
	struct timer_list timer;
	bool expired;
};

static inline struct timed *timed(const struct io_recovery *r, unsigned int slot)
{
	return (struct timed *)&r->slot[r->nr_slots] + slot;
}

static void timed_expire(struct timer_list *timer)
{
	struct timed *t = container_of(timer, struct timed, timer);

	WRITE_ONCE(t->expired, true);	/* pairs with timed_is_up() */
}

static bool timed_is_up(const struct timed *t)
{
	return READ_ONCE(t->expired) && !time_before(jiffies, t->timer.expires);
}

static inline size_t timed_size(unsigned int slots)
{
	return io_recovery_size(slots) + slots * sizeof(struct timed);
}

static inline void timed_init(struct io_recovery *r, unsigned int slots,
			      unsigned int limit, unsigned int abort_limit,
			      unsigned int reset_limit)
{
	unsigned int i;

	io_recovery_init(r, slots, limit, abort_limit, reset_limit);
	for (i = 0; i < slots; i++)
		timer_setup(&timed(r, i)->timer, timed_expire, TIMER_IRQSAFE);
}

/* As io_recovery_begin(), but no tick is due before timed_look() says so. */
static inline u32 timed_begin(struct io_recovery *r, unsigned int slot)
{
	if (WARN_ONCE(r->state != IO_RECOVERY_RUNNING ||
		      r->slot[slot].flags & IO_RECOVERY_BUSY,
		      "io_recovery: begin in a slot that is busy, or during a reset\n"))
		return r->slot[slot].generation;
	r->slot[slot].flags = IO_RECOVERY_BUSY;
	r->slot[slot].due = r->now + IO_RECOVERY_MAX_LIMIT + 1;
	WRITE_ONCE(timed(r, slot)->expired, false);
	mod_timer(&timed(r, slot)->timer, jiffies + r->limit * HZ);
	return ++r->slot[slot].generation;
}

static inline bool timed_op_interrupt(struct io_recovery *r, unsigned int slot,
				      u32 generation)
{
	if (!io_recovery_op_interrupt(r, slot, generation))
		return false;
	timer_delete(&timed(r, slot)->timer);
	return true;
}

/* Under the caller's lock; a timer takes none, so it can be waited for. */
static inline void timed_cancel(struct io_recovery *r)
{
	unsigned int i;

	io_recovery_cancel(r);
	for (i = 0; i < r->nr_slots; i++)
		timer_delete_sync(&timed(r, i)->timer);
}

/* What timers have expired for is due at the next tick. */
static inline void timed_look(struct io_recovery *r)
{
	unsigned int slot;

	if (r->state != IO_RECOVERY_RUNNING)
		return;
	io_recovery_for_each_busy(r, slot) {
		if (!timed_is_up(timed(r, slot)))
			continue;
		WRITE_ONCE(timed(r, slot)->expired, false);
		r->slot[slot].due = r->now + 1;
		r->next = r->now + 1;
	}
}

static inline bool timed_due(struct io_recovery *r)
{
	timed_look(r);
	return io_recovery_due(r);
}

#define io_recovery_size timed_size
#define io_recovery_init timed_init
#define io_recovery_begin timed_begin
#define io_recovery_op_interrupt timed_op_interrupt
#define io_recovery_cancel timed_cancel
#define io_recovery_due timed_due

#include "../kunit/sim_dev_sources.h"
