// SPDX-License-Identifier: GPL-2.0-only
/*
 * iotimer_debug - the engine's window in debugfs
 *
 *	/sys/kernel/debug/iotimer/
 *		timers		each timer: device, routine, enabled or not
 *		stats		what the tick has done; and, while measuring,
 *				how long it and the routines took
 *		measure		1: measure, from the next tick on; 0: cease to
 *		long_routine_us	name routines that take longer than this in
 *				the kernel log, while measuring
 *
 * Measuring reads the clock twice a routine. While it is off, a static key
 * keeps it out of the engine's way.
 */
#include <linux/debugfs.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/time64.h>

#include "iotimer.h"
#include "iotimer_debug.h"

DEFINE_STATIC_KEY_FALSE(iotimer_measuring);

/**
 * struct iotimer_measures - what was found since measuring was switched on
 * @ticks: ticks that were measured
 * @calls: routines that those called
 * @long_routines: routines that took longer than long_routine_us
 * @longest_tick_ns: the most ns that a tick took, without its pauses
 * @longest_routine_ns: the most ns that a routine took
 * @longest: which one and its device, or as much of that as there is room for;
 *	a name, since the module that it is in may go
 */
struct iotimer_measures {
	u64 ticks;
	u64 calls;
	u64 long_routines;
	u64 longest_tick_ns;
	u64 longest_routine_ns;
	char longest[128];
};

static struct iotimer_measures measures;

/*
 * Counts how often measuring was switched on or off. What a tick tells counts
 * only if that is as it was when the tick began.
 */
static u32 measurement;

/* Protects both: the tick writes, debugfs reads and clears. */
static DEFINE_SPINLOCK(measures_lock);

/* One writer of the switch at a time, so that on begins anew. */
static DEFINE_MUTEX(measure_mutex);

static u32 long_routine_us = 100;

static struct dentry *iotimer_dir;

u32 iotimer_measurement(void)
{
	return READ_ONCE(measurement);	/* pairs with iotimer_measure_switched() */
}

void iotimer_measured_routine(u32 of, const struct device *dev, iotimer_fn_t fn,
			      u64 ns)
{
	const u32 limit_us = READ_ONCE(long_routine_us); /* debugfs writes it */
	bool is_long = ns > limit_us * (u64)NSEC_PER_USEC;

	spin_lock(&measures_lock);
	if (of != measurement) {
		is_long = false;
	} else {
		measures.long_routines += is_long;
		if (ns > measures.longest_routine_ns) {
			measures.longest_routine_ns = ns;
			scnprintf(measures.longest, sizeof(measures.longest),
				  "%ps %s", fn, dev_name(dev));
		}
	}
	spin_unlock(&measures_lock);
	if (is_long)
		dev_warn_ratelimited(dev, "the once-a-second routine %ps took %llu us, more than %u\n",
				     fn, div_u64(ns, NSEC_PER_USEC), limit_us);
}

void iotimer_measured_tick(u32 of, unsigned long calls, u64 ns)
{
	spin_lock(&measures_lock);
	if (of == measurement) {
		measures.ticks++;
		measures.calls += calls;
		measures.longest_tick_ns = max(measures.longest_tick_ns, ns);
	}
	spin_unlock(&measures_lock);
}

static void iotimer_measure_switched(bool on)
{
	spin_lock_bh(&measures_lock);
	WRITE_ONCE(measurement, measurement + 1);
	if (on)
		memset(&measures, 0, sizeof(measures));
	spin_unlock_bh(&measures_lock);
}

static int iotimer_measure_get(void *unused, u64 *val)
{
	*val = static_key_enabled(&iotimer_measuring);
	return 0;
}

static int iotimer_measure_set(void *unused, u64 val)
{
	if (val > 1)
		return -EINVAL;
	mutex_lock(&measure_mutex);
	/* In these orders, so that no tick in between belongs to what has ended. */
	if (val) {
		iotimer_measure_switched(true);
		static_branch_enable(&iotimer_measuring);
	} else {
		static_branch_disable(&iotimer_measuring);
		iotimer_measure_switched(false);
	}
	mutex_unlock(&measure_mutex);
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(iotimer_measure_fops, iotimer_measure_get,
			 iotimer_measure_set, "%llu\n");

static int iotimer_stats_show(struct seq_file *seq, void *unused)
{
	struct iotimer_measures m;
	struct iotimer_stats stats;

	iotimer_get_stats(&stats);
	spin_lock_bh(&measures_lock);
	m = measures;
	spin_unlock_bh(&measures_lock);

	seq_printf(seq, "ticks: %lu\n", stats.ticks);
	seq_printf(seq, "missed_ticks: %lu\n", stats.missed);
	seq_printf(seq, "wakeups: %lu\n", stats.wakeups);
	seq_printf(seq, "measuring: %d\n", static_key_enabled(&iotimer_measuring));
	seq_printf(seq, "measured_ticks: %llu\n", m.ticks);
	seq_printf(seq, "calls: %llu\n", m.calls);
	seq_printf(seq, "long_routines: %llu\n", m.long_routines);
	seq_printf(seq, "longest_tick_ns: %llu\n", m.longest_tick_ns);
	seq_printf(seq, "longest_routine_ns: %llu\n", m.longest_routine_ns);
	if (m.longest[0])
		seq_printf(seq, "longest_routine: %s\n", m.longest);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(iotimer_stats);

static void *iotimer_timers_start(struct seq_file *seq, loff_t *pos)
{
	u32 id = *pos;
	struct iotimer *timer;

	iotimer_hold();
	timer = iotimer_from(&id);
	*pos = id;
	return timer;
}

static void *iotimer_timers_next(struct seq_file *seq, void *v, loff_t *pos)
{
	u32 id = *pos + 1;
	struct iotimer *timer = iotimer_from(&id);

	*pos = id;
	cond_resched();	/* a reader may skip a million of them in one go */
	return timer;
}

static void iotimer_timers_stop(struct seq_file *seq, void *v)
{
	iotimer_release();
}

static int iotimer_timers_show(struct seq_file *seq, void *timer)
{
	iotimer_show(seq, timer);
	return 0;
}

static const struct seq_operations iotimer_timers_sops = {
	.start = iotimer_timers_start,
	.next = iotimer_timers_next,
	.stop = iotimer_timers_stop,
	.show = iotimer_timers_show,
};
DEFINE_SEQ_ATTRIBUTE(iotimer_timers);

/* As ever with debugfs, the engine does not care whether it is there. */
void iotimer_debug_init(void)
{
	iotimer_dir = debugfs_create_dir("iotimer", NULL);
	debugfs_create_file("timers", 0400, iotimer_dir, NULL,
			    &iotimer_timers_fops);
	debugfs_create_file("stats", 0400, iotimer_dir, NULL,
			    &iotimer_stats_fops);
	debugfs_create_file_unsafe("measure", 0600, iotimer_dir, NULL,
				   &iotimer_measure_fops);
	debugfs_create_u32("long_routine_us", 0600, iotimer_dir,
			   &long_routine_us);
}

void iotimer_debug_exit(void)
{
	debugfs_remove_recursive(iotimer_dir);
}
