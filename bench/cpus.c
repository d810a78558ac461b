// SPDX-License-Identifier: GPL-2.0-only
/*
 * iotimer_bench - several CPUs that start and stop timers at the same time
 *
 * Each CPU has a timer of its own, far from the others'. With one CPU at work
 * and with all: what they lose to each other is the difference.
 */
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/slab.h>

#include "bench.h"

#define ROUNDS	100000
#define APART	256	/* timers between two CPUs' */

static struct iotimer *iotimers[8 * APART];
static struct {
	struct timer_list timer;
} ____cacheline_aligned_in_smp timers[8];
static atomic_t waiting;	/* threads that are not at the start yet */
static u64 ticks[8];		/* of the clock, by thread */
static struct completion done;
static bool with_timer_list;

static int start_and_stop(void *data)
{
	unsigned int nr = (unsigned long)data, i;
	struct iotimer *iotimer = iotimers[nr * APART];
	struct timer_list *timer = &timers[nr].timer;
	u64 begin;

	timer_setup(timer, bench_function, 0);
	atomic_dec(&waiting);
	while (atomic_read(&waiting))
		cpu_relax();
	begin = bench_clock();
	for (i = 0; i < ROUNDS; i++) {
		if (with_timer_list) {
			timer->expires = jiffies + HZ;
			add_timer(timer);
			timer_delete(timer);
		} else {
			iotimer_start(iotimer);
			iotimer_stop(iotimer);
		}
	}
	ticks[nr] = bench_clock() - begin;
	timer_delete_sync(timer);
	complete(&done);
	return 0;
}

static int run_on(unsigned int nr)
{
	unsigned int i;

	init_completion(&done);
	atomic_set(&waiting, nr);
	for (i = 0; i < nr; i++) {
		struct task_struct *task;

		task = kthread_create_on_node(start_and_stop,
					      (void *)(unsigned long)i,
					      NUMA_NO_NODE, "bench/%u", i);
		if (IS_ERR(task))
			return PTR_ERR(task);	/* an end is near: no memory */
		kthread_bind(task, i);
		wake_up_process(task);
	}
	for (i = 0; i < nr; i++)
		wait_for_completion(&done);
	return 0;
}

static int measure_on(unsigned int nr)
{
	u64 sample[BENCH_MAX_SAMPLES];
	char name[64];
	unsigned int s, i;
	int err;

	for (s = 0; s < bench.samples; s++) {
		err = run_on(nr);
		if (err)
			return err;
		sample[s] = 0;
		for (i = 0; i < nr; i++)
			sample[s] = max(sample[s], ticks[i]);
	}
	snprintf(name, sizeof(name), "cpus/%u/%s", nr,
		 with_timer_list ? "timer_list" : "iotimer");
	bench_say_ns(name, sample, ROUNDS);
	return 0;
}

int bench_cpus(void)
{
	unsigned int nr = min(num_online_cpus(), 8U), i;
	int err = 0;

	if (bench.nr + BENCH_SPARE < nr * APART)
		return -EINVAL;
	for (i = 0; i < nr * APART && !err; i++) {
		iotimers[i] = iotimer_create(&bench.device[i], bench_routine, NULL);
		err = PTR_ERR_OR_ZERO(iotimers[i]);
	}
	for (with_timer_list = false; !err; with_timer_list = true) {
		err = measure_on(1);
		if (!err && nr > 1)
			err = measure_on(nr);
		if (with_timer_list)
			break;
	}
	while (i--)
		iotimer_destroy(iotimers[i]);
	return err;
}
