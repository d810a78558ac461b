// SPDX-License-Identifier: GPL-2.0-only
/*
 * iotimer_bench - several CPUs that start and stop timers at the same time
 *
 * Each CPU has a timer of its own, far from the others' in memory or next to
 * them. Each measurement is made with one CPU at work and with all. The
 * difference is what the CPUs cost each other.
 */
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/slab.h>

#include "bench.h"

#define ROUNDS	100000
#define APART	256	/* distance of two CPUs' timers that are far apart */

static struct iotimer *iotimers[8 * APART];
static struct {
	struct timer_list timer;
} ____cacheline_aligned_in_smp timers[8];

/* Each CPU repeats one of these with its timer. */

static void start_and_stop(unsigned int nr)
{
	iotimer_start(iotimers[nr]);
	iotimer_stop(iotimers[nr]);
}

static void add_and_delete(unsigned int nr)
{
	struct timer_list *timer = &timers[nr / APART].timer;

	timer->expires = jiffies + HZ;
	add_timer(timer);
	timer_delete(timer);
}

/* The timer is enabled already, as in a driver that starts it at each operation. */
static void start_again(unsigned int nr)
{
	iotimer_start(iotimers[nr]);
}

static void start_on_demand(unsigned int nr)
{
	if (!iotimer_enabled(iotimers[nr]))
		iotimer_start(iotimers[nr]);
}

static const struct measured {
	const char *name;
	void (*work)(unsigned int nr);
	unsigned int apart;
} measured[] = {
	{ "iotimer", start_and_stop, APART },
	{ "timer_list", add_and_delete, APART },
	{ "neighbours", start_and_stop, 1 },
	{ "neighbours_again", start_again, 1 },
	{ "neighbours_demand", start_on_demand, 1 },
};

static const struct measured *now;
static atomic_t waiting;	/* threads that are not ready to start yet */
static u64 ticks[8];		/* ticks of the clock, by thread */
static struct completion done;

static int work(void *data)
{
	unsigned int nr = (unsigned long)data, i;
	u64 begin;

	atomic_dec(&waiting);
	while (atomic_read(&waiting))
		cpu_relax();
	begin = bench_clock();
	for (i = 0; i < ROUNDS; i++)
		now->work(nr * now->apart);
	ticks[nr] = bench_clock() - begin;
	iotimer_stop(iotimers[nr * now->apart]);
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

		task = kthread_create_on_node(work, (void *)(unsigned long)i,
					      NUMA_NO_NODE, "bench/%u", i);
		if (IS_ERR(task))
			return PTR_ERR(task);	/* no memory: give up the whole run */
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
	snprintf(name, sizeof(name), "cpus/%u/%s", nr, now->name);
	bench_print_ns(name, sample, ROUNDS);
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
	for (unsigned int t = 0; t < 8; t++)
		timer_setup(&timers[t].timer, bench_function, 0);
	for (unsigned int m = 0; m < ARRAY_SIZE(measured) && !err; m++) {
		now = &measured[m];
		err = measure_on(1);
		if (!err && nr > 1)
			err = measure_on(nr);
	}
	while (i--)
		iotimer_destroy(iotimers[i]);
	return err;
}
