// SPDX-License-Identifier: GPL-2.0-only
/*
 * iotimer_debug - the engine's files in debugfs
 *
 *	/sys/kernel/debug/iotimer/
 *		timers		each timer: device, routine, enabled or not
 *		stats		ticks, missed ticks, wakeups; and, as measured, how
 *				long ticks and routines took
 *		measure		1: measure, from the next tick on; 0: stop
 *		long_routine_us	while measuring, log routines that take longer
 *
 * Measuring registers probes on the engine's own trace events. So measuring
 * costs nothing while it is off, and the engine has no code for it.
 */
#include <linux/debugfs.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/ktime.h>
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
#include "iotimer_slots.h"
#include "iotimer_trace.h"

/**
 * struct measures - figures since measuring was switched on
 * @ticks: ticks that were measured
 * @calls: routines called in those ticks
 * @long_routines: calls that took longer than long_routine_us
 * @longest_tick_ns: the longest tick, without its pauses
 * @longest_routine_ns: the longest call of a routine
 * @longest: name of that routine and of its device, truncated if too long. Not a
 *	pointer, since the routine's module may be unloaded
 */
struct measures {
	u64 ticks;
	u64 calls;
	u64 long_routines;
	u64 longest_tick_ns;
	u64 longest_routine_ns;
	char longest[128];
};

/*
 * Protected by measures_lock: the tick writes, debugfs reads and clears. Raw,
 * because 6.1 and 6.12 call probes with preemption off.
 */
static struct measures measures;
static DEFINE_RAW_SPINLOCK(measures_lock);

/* Serialises writes to the file "measure". */
static DEFINE_MUTEX(measure_mutex);

/* True while the probes are registered; written under measure_mutex. */
static bool measuring;

/*
 * Number of the first tick that is measured: the one after the tick that may have
 * been running when measuring was switched on. Protected by measures_lock.
 */
static unsigned long first_measured;

/* When the current routine was called; used only by the probes, which never overlap. */
static u64 routine_began;

static u32 long_routine_us = 100;

static struct dentry *iotimer_dir;

static unsigned long tick_number(void)
{
	struct iotimer_stats stats;

	iotimer_get_stats(&stats);
	return stats.ticks;
}

static bool is_measured(void)
{
	lockdep_assert_held(&measures_lock);
	return (long)(tick_number() - first_measured) >= 0;
}

static void routine_begins(void *unused, const struct device *dev,
			   iotimer_fn_t fn)
{
	routine_began = ktime_get_ns();
}

static void routine_ends(void *unused, const struct device *dev,
			 iotimer_fn_t fn)
{
	const u32 limit_us = READ_ONCE(long_routine_us); /* debugfs writes it */
	const u64 ns = ktime_get_ns() - routine_began;
	bool is_long = ns > limit_us * (u64)NSEC_PER_USEC;

	char name[sizeof(measures.longest)] = "";

	/*
	 * Look the name up before taking the lock. If begin_measurement()
	 * clears the figures in between, the name may be missing. Then this
	 * tick is not measured, or begin_measurement() clears the figures
	 * again.
	 */
	if (ns > READ_ONCE(measures.longest_routine_ns))
		scnprintf(name, sizeof(name), "%ps %s", fn, dev_name(dev));
	raw_spin_lock(&measures_lock);
	if (!is_measured()) {
		is_long = false;
	} else {
		measures.long_routines += is_long;
		if (ns > measures.longest_routine_ns) {
			WRITE_ONCE(measures.longest_routine_ns, ns);
			strscpy(measures.longest, name, sizeof(measures.longest));
		}
	}
	raw_spin_unlock(&measures_lock);
	if (is_long)
		dev_warn_ratelimited(dev, "the once-a-second routine %ps took %llu us, more than %u\n",
				     fn, div_u64(ns, NSEC_PER_USEC), limit_us);
}

static void tick_ends(void *unused, unsigned long calls, u64 ns,
		      unsigned int steps, unsigned long late,
		      unsigned long missed)
{
	raw_spin_lock(&measures_lock);
	if (is_measured()) {
		measures.ticks++;
		measures.calls += calls;
		measures.longest_tick_ns = max(measures.longest_tick_ns, ns);
	}
	raw_spin_unlock(&measures_lock);
}

static void unregister_probes(void)
{
	/*
	 * tick_ends() first, so that no tick is counted of which only some routines
	 * were measured.
	 */
	unregister_trace_iotimer_tick(tick_ends, NULL);
	unregister_trace_iotimer_expire_exit(routine_ends, NULL);
	unregister_trace_iotimer_expire_entry(routine_begins, NULL);
	tracepoint_synchronize_unregister();
}

static int register_probes(void)
{
	int err = register_trace_iotimer_expire_entry(routine_begins, NULL);

	if (err)
		return err;
	err = register_trace_iotimer_expire_exit(routine_ends, NULL);
	if (err)
		goto no_exit;
	err = register_trace_iotimer_tick(tick_ends, NULL);
	if (err)
		goto no_tick;
	return 0;

no_tick:
	unregister_trace_iotimer_expire_exit(routine_ends, NULL);
no_exit:
	unregister_trace_iotimer_expire_entry(routine_begins, NULL);
	tracepoint_synchronize_unregister();
	return err;
}

/* Clear the figures, and measure from the next tick on. The probes are registered. */
static void begin_measurement(void)
{
	unsigned long now;

	do {
		now = tick_number();
		raw_spin_lock_irq(&measures_lock);
		memset(&measures, 0, sizeof(measures));
		first_measured = now + 1;
		raw_spin_unlock_irq(&measures_lock);
	} while (tick_number() != now);	/* a tick began meanwhile */
}

static int iotimer_measure_get(void *unused, u64 *val)
{
	*val = READ_ONCE(measuring);	/* pairs with iotimer_measure_set() */
	return 0;
}

static int iotimer_measure_set(void *unused, u64 val)
{
	int err = 0;

	if (val > 1)
		return -EINVAL;
	mutex_lock(&measure_mutex);
	if (val && !measuring)
		err = register_probes();
	if (!val && measuring)
		unregister_probes();
	if (!err)
		WRITE_ONCE(measuring, val);
	if (measuring)
		begin_measurement();
	mutex_unlock(&measure_mutex);
	return err;
}
DEFINE_DEBUGFS_ATTRIBUTE(iotimer_measure_fops, iotimer_measure_get,
			 iotimer_measure_set, "%llu\n");

static int iotimer_stats_show(struct seq_file *seq, void *unused)
{
	struct measures m;
	struct iotimer_stats stats;

	iotimer_get_stats(&stats);
	raw_spin_lock_irq(&measures_lock);
	m = measures;
	raw_spin_unlock_irq(&measures_lock);

	seq_printf(seq, "ticks: %lu\n", stats.ticks);
	seq_printf(seq, "missed_ticks: %lu\n", stats.missed);
	seq_printf(seq, "wakeups: %lu\n", stats.wakeups);
	seq_printf(seq, "measuring: %d\n", READ_ONCE(measuring));
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

	iotimer_list_lock();
	timer = iotimer_list_next(&id);
	*pos = id;
	return timer;
}

static void *iotimer_timers_next(struct seq_file *seq, void *v, loff_t *pos)
{
	u32 id = *pos + 1;
	struct iotimer *timer = id ? iotimer_list_next(&id) : NULL;

	*pos = id;
	cond_resched();	/* one read() with an offset may skip a million timers */
	return timer;
}

static void iotimer_timers_stop(struct seq_file *seq, void *v)
{
	iotimer_list_unlock();
}

static int iotimer_timers_show(struct seq_file *seq, void *timer)
{
	iotimer_list_show(seq, timer);
	return 0;
}

static const struct seq_operations iotimer_timers_sops = {
	.start = iotimer_timers_start,
	.next = iotimer_timers_next,
	.stop = iotimer_timers_stop,
	.show = iotimer_timers_show,
};
DEFINE_SEQ_ATTRIBUTE(iotimer_timers);

/* Errors are ignored, as usual with debugfs. */
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
	if (measuring)
		unregister_probes();
}
