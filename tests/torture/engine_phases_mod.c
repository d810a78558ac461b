// SPDX-License-Identifier: GPL-2.0-only
/* The phases of the torture: storm, pulse, alone, idle */
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched.h>

#include "engine_mod.h"

/* Destroy all timers, or all but one. */
static void destroy_all(const struct subject *but)
{
	unsigned int i;

	for (i = 0; i < NR_SUBJECTS; i++) {
		struct subject *s = &subjects[i];

		if (s == but)
			continue;
		mutex_lock(&s->mutex);
		if (s->timer)
			destroy(s);
		WRITE_ONCE(s->steady, false);
		mutex_unlock(&s->mutex);
		cond_resched();
	}
}

/* Destroy all timers, in the middle of a walk if a tick comes. */
static void destroy_under_way(void)
{
	unsigned int i;

	WRITE_ONCE(last_one, NULL);
	WRITE_ONCE(ending, true);	/* these pair with outlast_others() */
	for (i = 0; i < 300 && !READ_ONCE(last_one); i++)
		usleep_range(4000, 5000);
	destroy_all(READ_ONCE(last_one));
	destroy_all(NULL);
	WRITE_ONCE(ending, false);
}

/* On return no worker is at work, and no interrupt of a worker is pending. */
static void stand_still(void)
{
	unsigned int i;

	gate_close(&work);
	for (i = 0; i < nr_workers; i++) {
		hrtimer_cancel(&workers[i].timer);
		irq_work_sync(&workers[i].irq);
	}
}

static void sleep_seconds(unsigned int s)
{
	schedule_timeout_uninterruptible(s * HZ);
}

/* P2: steady timers that were called once were called in each tick to the end. */
static void check_steady(void)
{
	struct iotimer_stats stats;
	unsigned long tick;
	unsigned int i;

	iotimer_get_stats(&stats);
	for (i = 0; i < NR_SUBJECTS; i++) {
		struct subject *s = &subjects[i];

		tick = READ_ONCE(s->tick);
		/* The walk of the last tick may be under way. */
		if (READ_ONCE(s->steady) && s->timer && tick)
			expect(tick + 1 >= stats.ticks, CHECK_MISSED);
	}
}

void storm(unsigned int length)
{
	unsigned int i;

	/* Steady timers first, in the first chunks, so that other chunks can become empty. */
	for (i = 0; i < NR_SUBJECTS; i += STEADY_EVERY) {
		WRITE_ONCE(subjects[i].steady, true);
		create_at_last(&subjects[i]);
	}
	WRITE_ONCE(nr_subjects, NR_SUBJECTS);
	gate_open(&work);
	sleep_seconds(length);
	stand_still();
	check_steady();
	destroy_under_way();
}

/* A few timers, mostly stopped: the tick often goes idle and is kicked again. */
void pulse(unsigned int length)
{
	WRITE_ONCE(nr_subjects, NR_PULSED);
	gate_open(&work);
	sleep_seconds(length);
	stand_still();
	destroy_under_way();
}

/*
 * A timer has stopped itself, and no other is enabled. Move to another CPU and wait
 * for the next tick to begin. Returns false if that is not possible.
 */
static bool wait_for_empty_tick(struct subject *s)
{
	unsigned int cpu = cpumask_any_but(cpu_online_mask, READ_ONCE(s->cpu));
	unsigned long give_up = jiffies + 5 * HZ;
	struct iotimer_stats stats;

	/* There may be no other CPU, and it may go offline at any time. */
	if (cpu >= nr_cpu_ids || set_cpus_allowed_ptr(current, cpumask_of(cpu)))
		return false;
	do {
		cond_resched();
		iotimer_get_stats(&stats);
	} while (stats.ticks == READ_ONCE(s->tick) && time_before(jiffies, give_up));
	return raw_smp_processor_id() == cpu;
}

/* P3: wait for the routine, which stops the timer. A starved guest gets a minute. */
static void wait_for_once(struct subject *s)
{
	unsigned long give_up = jiffies + 60 * HZ;

	while (!READ_ONCE(s->tick) || iotimer_enabled(s->timer)) {
		if (!expect(time_before(jiffies, give_up), CHECK_NOT_CALLED))
			break;
		cond_resched();
	}
}

#if IS_ENABLED(CONFIG_KUNIT) && IS_ENABLED(CONFIG_TRACEPOINTS)	/* else not exported */
/*
 * The walk is over, and the tick is not idle yet. Wait here for a start to begin:
 * the CPU that starts may be starved.
 */
static void keep_from_idle(void *unused, unsigned long calls, u64 ns,
			   unsigned int steps, unsigned long late,
			   unsigned long missed)
{
	struct subject *s = &subjects[0];
	int starts = atomic_read(&s->starts);
	unsigned int us;

	for (us = 0; us < 5000 && !calls; us++) {
		if (atomic_read(&s->starting) || atomic_read(&s->starts) != starts)
			break;
		udelay(1);
	}
}

static bool lengthen_ticks(void)
{
	return !register_trace_iotimer_tick(keep_from_idle, NULL);
}

static void shorten_ticks(void)
{
	unregister_trace_iotimer_tick(keep_from_idle, NULL);
	tracepoint_synchronize_unregister();
}
#else
static bool lengthen_ticks(void)
{
	return false;
}

static void shorten_ticks(void) {}
#endif

/*
 * P3: a start while the tick goes idle must not be lost. The routine stops its own
 * timer, the only one that is enabled. The next walk finds none, and in the middle
 * of it this thread starts the timer again.
 *
 * The middle is found by trial: the start comes ns after the walk begins. If it was
 * too early, this walk calls the routine; if it was too late, the tick was idle, and
 * the start armed it on this thread's CPU. After a hit the next start comes a little
 * earlier, towards the walk's look at the bit.
 */
void alone(void)
{
	static unsigned int ns = 20 * NSEC_PER_USEC;
	bool lengthened = lengthen_ticks();
	struct subject *s = &subjects[0];
	unsigned int i, round;

	/* Many timers, so that the walk takes some time. */
	for (i = 0; i < NR_SUBJECTS; i++)
		create_at_last(&subjects[i]);
	WRITE_ONCE(s->once, true);
	for (round = 0; round < 8; round++) {
		unsigned long empty = READ_ONCE(s->tick) + 1;
		bool other = round && wait_for_empty_tick(s);
		unsigned int cpu = raw_smp_processor_id();
		u64 until = ktime_get_ns() + ns;

		while (other && ktime_get_ns() < until)
			cpu_relax();
		WRITE_ONCE(s->tick, 0);
		start_timer(s);
		wait_for_once(s);
		if (!other)
			continue;
		if (READ_ONCE(s->tick) == empty) {
			ns = min_t(unsigned int, ns + ns / 4, NSEC_PER_MSEC);
		} else if (READ_ONCE(s->cpu) == cpu) {
			ns = max(ns - ns / 4, 100u);
		} else {
			ns = max(ns - ns / 8, 100u);
			did(OP_ALONE);
		}
	}
	if (lengthened)
		shorten_ticks();
	set_cpus_allowed_ptr(current, cpu_possible_mask);
	WRITE_ONCE(s->once, false);
	destroy_all(NULL);
}

/* P8: no timer is enabled, so one tick may come, which finds that out. */
void idle(void)
{
	struct iotimer_stats before, after;

	iotimer_get_stats(&before);
	sleep_seconds(6);
	iotimer_get_stats(&after);
	/* The timer expires at most twice on the way to a tick. */
	expect(after.wakeups - before.wakeups <= 3 &&
	       after.ticks - before.ticks <= 1, CHECK_NOT_IDLE);
	did(OP_IDLE);
}
