/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * iotimer - a routine called once a second for each device
 *
 * Windows offers such a heartbeat to the driver of each device object
 * (IoInitializeTimer). This header offers the same to Linux drivers:
 *
 *	timer = devm_iotimer_create(dev, my_watchdog, my_context);
 *	if (IS_ERR(timer))
 *		return PTR_ERR(timer);
 *	iotimer_start(timer);
 *
 * From then on my_watchdog(dev, my_context) is called once a second from the
 * timer softirq (the softirq thread on PREEMPT_RT) until the timer is stopped.
 * All timers share one tick. A timer costs 32 bytes and some ten nanoseconds a
 * second. While no timer is enabled, nothing runs.
 *
 * Use a timer for coarse time-outs that must cost almost nothing per I/O: the
 * I/O path stores a number of seconds in a counter, and the routine counts
 * down; see io_timeout.h, and io_recovery.h for many operations at a time.
 *
 * The one thing people get wrong: iotimer_stop() does not wait. When it
 * returns, a call may be under way on another CPU. Before freeing what the
 * routine uses, call iotimer_stop_sync() or iotimer_destroy(), without holding
 * a lock that the routine takes.
 *
 * The section "Promises" below is the contract.
 */
#ifndef _IOTIMER_H
#define _IOTIMER_H

#include <linux/lockdep.h>
#include <linux/types.h>

struct device;
struct iotimer;

/**
 * DOC: Promises
 *
 * ``scripts/check-promises`` prints where each promise is tested.
 *
 * P1: After a synchronous stop the routine is quiet.
 *	When iotimer_stop_sync() or iotimer_destroy() returns, the routine is not
 *	running, and it is not called again before the next iotimer_start(). The
 *	caller sees everything that the routine wrote. The only exception is a
 *	call by the routine itself, which returns at once.
 *
 * P2: One call a tick, on a fixed grid.
 *	Each tick calls the routine of every timer that is enabled throughout the
 *	tick exactly once, and no routine twice. Ticks lie on a grid of HZ jiffies
 *	and do not drift. A late tick causes no burst: ticks that were missed are
 *	skipped, and counted in &struct iotimer_stats.
 *
 * P3: The first call comes within one second of the start.
 *	A tick that pauses (P7) may add its pauses.
 *
 * P4: iotimer_start() and iotimer_stop() work in any context but NMI.
 *	They take constant time, allocate nothing, and take no lock that is held
 *	while a routine runs. While starts or stops are traced, they serialize on
 *	a raw spinlock.
 *
 * P5: A routine may start and stop any timer, its own included.
 *	It may call iotimer_start(), iotimer_stop() and iotimer_stop_sync(). In a
 *	routine, iotimer_stop_sync() does not wait.
 *
 * P6: Nothing waits for another timer's routine.
 *	iotimer_create(), iotimer_start() and iotimer_stop() never wait for a
 *	routine. iotimer_stop_sync() and iotimer_destroy() wait only while their
 *	own timer's routine runs. So a routine of another driver delays nobody,
 *	even if it is slow or waits for a lock that the caller holds. (Unloading a
 *	module waits for RCU, and so for the softirq, as always.)
 *
 * P7: A tick does not hold the softirq for long.
 *	After ``budget_us`` microseconds (a parameter of iotimer.ko, 200 by default)
 *	it calls at most 64 more routines. Then it pauses for as long as it held
 *	the softirq, but for one jiffy at most. Without CONFIG_HIGH_RES_TIMERS it
 *	continues in the next jiffy.
 *
 * P8: No enabled timer, no tick.
 *	After the last stop at most one more tick begins. It finds no enabled timer
 *	and goes idle. From then on no timer of the module expires.
 *
 * P9: A timer holds a reference to its device.
 *	iotimer_create() takes the reference, and iotimer_destroy() puts it.
 *
 * P10: Two mistakes warn once and do no harm.
 *	iotimer_stop_sync() with interrupts off warns and behaves like
 *	iotimer_stop(). iotimer_start() of a destroyed timer warns and does nothing,
 *	as long as the memory is neither freed nor another timer's.
 *
 * P11: All this holds on PREEMPT_RT, with CPU hotplug, and across suspend.
 *	On PREEMPT_RT, iotimer_stop_sync() lends its priority to the routine that
 *	it waits for, and to no other. If jiffies advance during suspend to idle,
 *	the ticks continue: before its device loses power, a driver must stop its
 *	timer, unless the routine then does not touch the device.
 *
 * P12: Isolated CPUs are left alone.
 *	The tick runs on housekeeping CPUs. A start on an isolated CPU
 *	(``isolcpus=domain``, ``nohz_full``) does not make routines run there.
 */

/**
 * typedef iotimer_fn_t - a device's once-a-second routine (IoTimer routine)
 * @dev: the device that the timer was created for
 * @context: the pointer given to iotimer_create()
 *
 * Keep it short: the routines of all devices run one after the other. It may
 * call iotimer_start(), iotimer_stop() and iotimer_stop_sync() on any timer,
 * its own included.
 *
 * Context: softirq (TIMER_SOFTIRQ, or HRTIMER_SOFTIRQ after a pause), under
 * rcu_read_lock(): must not sleep. On PREEMPT_RT a softirq thread, which also
 * holds a spinlock of this timer; the routine may take spinlocks.
 */
typedef void (*iotimer_fn_t)(struct device *dev, void *context);

/**
 * struct iotimer_stats - what the tick has done since the module was loaded
 * @ticks: ticks that were run, including those that found no timer enabled
 * @missed: ticks that were skipped because the previous tick took too long, or
 *	the CPU was late; seconds in which the tick was idle do not count
 * @wakeups: how often the tick's timers expired. Higher than @ticks: the
 *	timer is armed two or three times for each tick, and after each pause of
 *	a tick a second timer expires
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
 * The timer is created stopped. A device has at most one. Do not rename the
 * device while it has a timer: trace events and debugfs show its name.
 *
 * Use the device whose driver data the routine uses. Normally this is the
 * platform or PCI device. If such a device has several hosts or ports, use the
 * class device of each. For an MFD use the function's device, not the parent.
 * For a net device use the parent device, or after register_netdev()
 * ``netdev->dev``.
 *
 * This is a macro, so that each place in the source that creates timers has its
 * own lockdep class, as with timer_setup().
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
 * devm_iotimer_create - iotimer_create(), destroyed when the driver is detached
 * @dev: the device, bound to the calling driver
 * @fn: the routine to call once a second
 * @context: passed to @fn; may be NULL
 *
 * Managed resources are released in reverse order. So create the timer after
 * everything that its routine uses. Do not call iotimer_destroy() on this
 * timer: it would be destroyed twice.
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
