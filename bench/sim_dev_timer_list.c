// SPDX-License-Identifier: GPL-2.0-only
/*
 * sim_dev_timer_list - sim_dev.ko with a timer_list, to see what that costs
 *
 * The same sources, with an io_timeout.h that does what drivers do without a
 * heartbeat: arm a timer for each operation, delete it in the interrupt
 * handler. A timer that expires only sets a flag, and the next tick acts on it,
 * since time-outs are not what is measured. Loaded instead of sim_dev.ko.
 */
#include <linux/bug.h>
#include <linux/jiffies.h>
#include <linux/timer.h>
#include <linux/types.h>

/* In place of io_timeout.h */
#define _IO_TIMEOUT_H
#define IO_TIMEOUT_IDLE (-1)

/*
 * @counter only tells whether something is outstanding. The timer sets @expired
 * without the caller's lock, so it may be about the previous operation:
 * io_timeout_due() compares @deadline as well.
 */
struct io_timeout {
	int counter;
	int limit;
	int reset_limit;
	bool resetting;
	bool expired;
	unsigned long deadline;
	struct timer_list timer;
};

enum io_timeout_verdict {
	IO_TIMEOUT_OK,
	IO_TIMEOUT_RESET,
	IO_TIMEOUT_FAILED,
};

static void io_timeout_expire(struct timer_list *timer)
{
	struct io_timeout *t = container_of(timer, struct io_timeout, timer);

	WRITE_ONCE(t->expired, true);	/* pairs with io_timeout_due() */
}

static inline void io_timeout_arm(struct io_timeout *t, int seconds)
{
	t->counter = seconds;
	WRITE_ONCE(t->expired, false);
	t->deadline = jiffies + seconds * HZ;
	mod_timer(&t->timer, t->deadline);
}

static inline void io_timeout_init(struct io_timeout *t, int limit,
				   int reset_limit)
{
	timer_setup(&t->timer, io_timeout_expire, TIMER_IRQSAFE);
	t->counter = IO_TIMEOUT_IDLE;
	t->limit = limit;
	t->reset_limit = reset_limit;
	t->resetting = false;
}

/* Under the caller's lock; the timer takes none, so it can be waited for. */
static inline void io_timeout_cancel(struct io_timeout *t)
{
	timer_delete_sync(&t->timer);
	t->counter = IO_TIMEOUT_IDLE;
	t->resetting = false;
}

static inline bool io_timeout_resetting(const struct io_timeout *t)
{
	return t->resetting;
}

static inline void io_timeout_begin(struct io_timeout *t)
{
	if (WARN_ONCE(t->counter != IO_TIMEOUT_IDLE || t->resetting,
		      "io_timeout: begin while an operation is outstanding\n"))
		return;
	io_timeout_arm(t, t->limit);
}

static inline bool io_timeout_op_interrupt(struct io_timeout *t)
{
	if (t->counter == IO_TIMEOUT_IDLE || t->resetting)
		return false;
	t->counter = IO_TIMEOUT_IDLE;
	timer_delete(&t->timer);
	return true;
}

static inline bool io_timeout_reset_interrupt(struct io_timeout *t)
{
	if (t->counter == IO_TIMEOUT_IDLE || !t->resetting)
		return false;
	t->counter = IO_TIMEOUT_IDLE;
	timer_delete(&t->timer);
	return true;
}

static inline bool io_timeout_reset_done(struct io_timeout *t)
{
	if (t->counter != IO_TIMEOUT_IDLE || !t->resetting)
		return false;
	t->resetting = false;
	return true;
}

static inline void io_timeout_begin_reset(struct io_timeout *t)
{
	io_timeout_arm(t, t->reset_limit);
	t->resetting = true;
}

static inline bool io_timeout_due(const struct io_timeout *t)
{
	return t->counter != IO_TIMEOUT_IDLE && READ_ONCE(t->expired) &&
	       !time_before(jiffies, t->deadline);
}

static inline enum io_timeout_verdict io_timeout_tick(struct io_timeout *t)
{
	if (!io_timeout_due(t))
		return IO_TIMEOUT_OK;

	if (t->resetting) {
		t->counter = IO_TIMEOUT_IDLE;
		t->resetting = false;
		return IO_TIMEOUT_FAILED;
	}
	io_timeout_arm(t, t->reset_limit);
	t->resetting = true;
	return IO_TIMEOUT_RESET;
}

#include "../kunit/sim_dev_sources.h"
