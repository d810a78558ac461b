/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * iotimer - a routine called once a second for each device
 *
 * Windows gives every device object such a heartbeat (IoInitializeTimer);
 * this is the same for Linux drivers:
 *
 *	timer = devm_iotimer_create(dev, my_second, my_context);
 *	if (IS_ERR(timer))
 *		return PTR_ERR(timer);
 *	iotimer_start(timer);
 *
 * From then on my_second(dev, my_context) is called once a second from the
 * timer softirq (the softirq thread on PREEMPT_RT) until the timer is stopped.
 * All timers share one tick. A timer costs 32 bytes and some ten nanoseconds
 * a second; while none is started, nothing runs at all, but for one tick after
 * the last stop, which finds that out.
 *
 * Use it for coarse time-outs that must cost nothing per I/O: the I/O path
 * stores a number of seconds in a counter, the routine counts it down; see
 * io_timeout.h.
 *
 * The one thing people get wrong: iotimer_stop() does not wait. A call may be
 * under way on another CPU when it returns. Before freeing what the routine
 * uses, call iotimer_stop_sync() or iotimer_destroy(), and not under a lock
 * that the routine takes.
 */
#ifndef _IOTIMER_H
#define _IOTIMER_H

#include <linux/types.h>

struct device;
struct iotimer;

/**
 * typedef iotimer_fn_t - a device's once-a-second routine (IoTimer routine)
 * @dev: the device that the timer was created for
 * @context: the pointer given to iotimer_create()
 *
 * Keep it short: the routines of all devices run one after the other. It may
 * call iotimer_start(), iotimer_stop() and iotimer_stop_sync() on any timer,
 * its own included.
 *
 * Context: timer softirq, under rcu_read_lock() and a spinlock: must not
 * sleep. On PREEMPT_RT a softirq thread, where spinlocks may be taken.
 */
typedef void (*iotimer_fn_t)(struct device *dev, void *context);

/**
 * struct iotimer_stats - what the tick has done since the module was loaded
 * @ticks: ticks that were run, those that found no timer enabled included
 * @missed: ticks that were skipped because the one before, or the CPU, was
 *	more than a second late
 * @wakeups: times that its timer expired; more than @ticks, because it goes
 *	to a tick in two or three steps, and a tick that uses up its budget
 *	goes on after a pause
 */
struct iotimer_stats {
	unsigned long ticks;
	unsigned long missed;
	unsigned long wakeups;
};

struct iotimer *iotimer_create(struct device *dev, iotimer_fn_t fn,
			       void *context);
struct iotimer *devm_iotimer_create(struct device *dev, iotimer_fn_t fn,
				    void *context);
void iotimer_destroy(struct iotimer *timer);

bool iotimer_start(struct iotimer *timer);
bool iotimer_stop(struct iotimer *timer);
bool iotimer_stop_sync(struct iotimer *timer);
bool iotimer_enabled(const struct iotimer *timer);

void iotimer_get_stats(struct iotimer_stats *stats);

#endif /* _IOTIMER_H */
