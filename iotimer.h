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

#include <linux/lockdep.h>
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
 * Context: timer softirq, under rcu_read_lock(): must not sleep. On PREEMPT_RT
 * a softirq thread, also under a spinlock of this timer's own; spinlocks may be
 * taken.
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

struct iotimer *__iotimer_create(struct device *dev, iotimer_fn_t fn,
				 void *context, const char *name,
				 struct lock_class_key *key);
struct iotimer *__devm_iotimer_create(struct device *dev, iotimer_fn_t fn,
				      void *context, const char *name,
				      struct lock_class_key *key);

/**
 * iotimer_create - give a device its timer (IoInitializeTimer)
 * @dev: the device; a reference to it is held until iotimer_destroy()
 * @fn: the routine to call once a second
 * @context: passed to @fn; may be NULL
 *
 * The timer is created stopped. A device has one at most, and keeps its name
 * (no device_rename()) meanwhile: trace events and debugfs tell it.
 *
 * Give it the device whose driver data the routine uses, and which is
 * initialised: a platform or PCI device that has one timer; the class device
 * where one such device has several hosts or ports; an MFD's function; of a net
 * device the parent, or &netdev->dev once register_netdev() has returned.
 *
 * A macro, so that for lockdep all timers that one place in the source creates
 * are of one class, as with timer_setup().
 *
 * Context: process, may sleep. Never waits for routines. In an atomic context it
 * warns once.
 * Return: the timer, or an ERR_PTR: -EINVAL if @dev or @fn is NULL, @dev is not
 * initialised (device_initialize(), device_register()), or the context is
 * atomic; -EEXIST if the device has a timer already; -ENOMEM.
 */
#define iotimer_create(dev, fn, context) \
	__iotimer_create(dev, fn, context, #fn, IOTIMER_LOCK_CLASS())

/**
 * devm_iotimer_create - iotimer_create(), undone when the driver lets go
 * @dev: the device, bound to the calling driver
 * @fn: the routine to call once a second
 * @context: passed to @fn; may be NULL
 *
 * iotimer_destroy() is called when the driver is detached from the device, in
 * the reverse order of the driver's other managed resources. So acquire what the
 * routine uses before.
 *
 * Context: process, may sleep; from the driver's probe.
 * Return: as iotimer_create().
 */
#define devm_iotimer_create(dev, fn, context) \
	__devm_iotimer_create(dev, fn, context, #fn, IOTIMER_LOCK_CLASS())

#ifdef CONFIG_LOCKDEP
#define IOTIMER_LOCK_CLASS()	({ static struct lock_class_key __key; &__key; })
#else
#define IOTIMER_LOCK_CLASS()	NULL
#endif

void iotimer_destroy(struct iotimer *timer);

bool iotimer_start(struct iotimer *timer);
bool iotimer_stop(struct iotimer *timer);
bool iotimer_stop_sync(struct iotimer *timer);
bool iotimer_enabled(const struct iotimer *timer);

void iotimer_get_stats(struct iotimer_stats *stats);

#endif /* _IOTIMER_H */
