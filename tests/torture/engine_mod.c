// SPDX-License-Identifier: GPL-2.0-only
/*
 * iotimer_torture - try to break the promises of iotimer.h
 *
 * Workers on all CPUs create, start, stop and destroy timers at random. Hard
 * interrupts and the routines start and stop them at the same time. Allocations
 * fail if failslab is set up, and engine.sh takes CPUs offline and changes the
 * budget. A tick comes only once a second, so the workers prefer the timer whose
 * routine is running, and the routine waits for them for a moment.
 *
 * What is checked, through the public interface alone:
 *
 *	quiet	P1: no call once iotimer_stop_sync() has returned, until a start
 *	dead	P1: no call once iotimer_destroy() has returned
 *	twice	P2: no timer called twice in a tick, or on two CPUs at once
 *	missed	P2: no timer that stayed enabled left out of a tick
 *	called	P3: a timer started while the tick goes idle is called
 *	context	P4, P5: starts and stops come from interrupts and routines; the
 *		routines are called in softirq context, interrupts on
 *	alone	P6: stop_sync waits for its own timer's routine only
 *	idle	P8: no wake-up while no timer is enabled
 *	refs	P9: a timer holds exactly one reference to its device
 *	foreign	no call with another's device or context
 *	exists	a device never gets two timers
 *
 * The budget changes all the time, so that walks pause everywhere. iotimer_days checks
 * whether walks keep the budget.
 *
 * Gates keep the torture within the interface's rules: a timer that does not exist
 * is not used, and a timer that is claimed to be quiet is not started.
 *
 * The phases, in turn: "storm", on all timers; "pulse", on a few, in which the tick
 * goes idle all the time; "alone", starts at the moment when the tick goes idle; and
 * "idle". In storm and pulse there are times in which timers are only destroyed, so
 * that chunks, and in a pulse the group, go while walks are under way. Both phases
 * end with a routine that outlasts all other timers, so that the group goes before
 * the walk ends.
 */
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/prandom.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "engine_mod.h"

static unsigned int seconds = 60;
module_param(seconds, uint, 0444);
MODULE_PARM_DESC(seconds, "how long (default 60)");

static unsigned int seed = 1;
module_param(seed, uint, 0444);
MODULE_PARM_DESC(seed, "of the random numbers (default 1)");

bool failslab;
module_param(failslab, bool, 0444);
MODULE_PARM_DESC(failslab, "failslab is set up: allocations must fail");

static bool running;
module_param(running, bool, 0444);
MODULE_PARM_DESC(running, "Y until the torture has ended (read only)");

static int director(void *unused)
{
	unsigned long end = began + seconds * HZ;

	while (!kthread_should_stop() &&
	       (time_before(jiffies, end) ||
		(!did_all() && time_before(jiffies, end + 300 * HZ)))) {
		storm(20);
		pulse(5);
		alone();
		idle();
		report();
	}
	WRITE_ONCE(running, false);
	while (!kthread_should_stop())
		msleep(20);
	return 0;
}

static struct task_struct *director_task;

static void subject_release(struct device *dev)
{
}

static void init_subject(struct subject *s)
{
	device_initialize(&s->dev);
	s->dev.release = subject_release;
	mutex_init(&s->mutex);
	atomic_set(&s->users.inside, GATE_CLOSED);
	atomic_set(&s->starters.inside, GATE_CLOSED);
}

/* Undoes as much of torture_init() as has been done. */
static void end_torture(void)
{
	unsigned int i;

	if (director_task)
		kthread_stop(director_task);
	for (i = 0; i < nr_workers; i++)
		kthread_stop(workers[i].task);
	for (i = 0; i < NR_SUBJECTS; i++) {
		expect(!subjects[i].timer, CHECK_DEAD);
		has_refs(&subjects[i], 1);
		put_device(&subjects[i].dev);
	}
	kfree(workers);
	kvfree(subjects);
}

static int __init torture_init(void)
{
	struct task_struct *task;
	unsigned int i;
	int err = 0;

	subjects = kvcalloc(NR_SUBJECTS, sizeof(*subjects), GFP_KERNEL);
	workers = kcalloc(2 * num_online_cpus(), sizeof(*workers), GFP_KERNEL);
	if (!subjects || !workers) {
		kvfree(subjects);
		kfree(workers);
		return -ENOMEM;
	}
	prandom_seed_state(&walk_rnd, seed);
	for (i = 0; i < NR_SUBJECTS; i++)
		init_subject(&subjects[i]);
	nr_subjects = NR_SUBJECTS;
	atomic_set(&work.inside, GATE_CLOSED);
	began = jiffies;

	for (i = 0; i < 2 * num_online_cpus() && !err; i++) {
		err = start_worker(i, seed);
		if (!err)
			nr_workers++;
	}
	if (!err) {
		running = true;
		task = kthread_run(director, NULL, "iotimer_torture");
		err = PTR_ERR_OR_ZERO(task);
		if (!err)
			director_task = task;
	}
	if (err)
		end_torture();
	return err;
}

static void __exit torture_exit(void)
{
	end_torture();
	report();
	print_checks();
}

module_init(torture_init);
module_exit(torture_exit);

MODULE_DESCRIPTION("Torture test of iotimer");
MODULE_AUTHOR("The iotimer developers");
MODULE_LICENSE("GPL");
