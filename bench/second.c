// SPDX-License-Identifier: GPL-2.0-only
/*
 * iotimer_bench - the cost of one device's second
 *
 * Each contender calls a routine for each enabled device once a second. The
 * measured time begins before the first routine and ends after the last one. It
 * lies between two fences: timers of the contender's own kind that run first and
 * last, and read the clock. Costs that do not depend on the number of devices,
 * such as the wake-up of the CPU, are outside; see bench_wakeups().
 *
 * All timers of a contender expire in the same jiffy. That is the best case for
 * contenders with one timer a device: in a running system these would expire in
 * up to HZ different jiffies. A timer lies within its context, so a routine that
 * reads the context finds it in the cache.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/vmalloc.h>

#include "../compat.h"
#include "bench.h"

/**
 * struct fence - the time between the first and the last of many calls
 * @open: the first fence has run, the second has not
 * @begin: when the first ran, in ticks of bench_clock()
 * @jiffies: when the first ran
 * @nr: samples taken; one more than bench.samples, since the first is dropped
 * @sample: ticks of bench_clock()
 * @done: completed when there are enough samples
 */
struct fence {
	bool open;
	u64 begin;
	unsigned long jiffies;
	unsigned int nr;
	u64 sample[BENCH_MAX_SAMPLES + 1];
	struct completion done;
};

/* Around the routines. A delayed_work has two: around its timers, and its works. */
static struct fence calls, works;

static bool reads;		/* the routine reads its context */
static unsigned long at;	/* when all timers expire next, in jiffies */
static unsigned long period;	/* jiffies from one expiry to the next */

static void fence_init(struct fence *fence)
{
	memset(fence, 0, sizeof(*fence));
	init_completion(&fence->done);
}

static void fence_pass(struct fence *fence)
{
	u64 now = bench_clock();

	fence->open = !fence->open;
	if (fence->open) {
		fence->begin = now;
		fence->jiffies = jiffies;
	} else if (fence->nr <= bench.samples) {
		fence->sample[fence->nr++] = now - fence->begin;
		if (fence->nr > bench.samples)
			complete(&fence->done);
	}
}

static void read_context(struct bench_context *context)
{
	WARN_ON_ONCE(io_timeout_tick(&context->timeout) != IO_TIMEOUT_OK);
}

/* The fences: one before and one after the timers, or the contender's only timer. */
static struct timer_list fence_timer[2];

static void fence_timers_arm(void (*function)(struct timer_list *timer),
			     unsigned int i)
{
	timer_setup(&fence_timer[i], function, 0);
	mod_timer(&fence_timer[i], at);
}

static void fence_timers_disarm(void)
{
	timer_delete_sync(&fence_timer[0]);
	timer_delete_sync(&fence_timer[1]);
}

/*
 * iotimer. When a routine is called, the walk has already found the timers of up
 * to two batches, and prefetched their slots and contexts. So two batches of timers
 * whose routine does nothing lie between the first fence and the devices' timers.
 * The measured time then includes all the work for the devices, and the work for
 * these timers too.
 */

#define BATCH	32
#define FRONT	(1 + 2 * BATCH)	/* timers in front of the devices' */

static struct iotimer **iotimers;

static void iotimer_reads(struct device *dev, void *context)
{
	read_context(context);
}

static void iotimer_fence(struct device *dev, void *context)
{
	fence_pass(&calls);
}

static void disarm_iotimers(void)
{
	unsigned int i;

	for (i = 0; i < bench.nr + FRONT + 1; i++) {
		iotimer_destroy(iotimers[i]);
		cond_resched();
	}
	vfree(iotimers);
}

static int arm_iotimers_with(bool contexts)
{
	iotimer_fn_t fn = reads ? iotimer_reads : bench_routine;
	unsigned int i, nr = bench.nr + FRONT + 1;

	iotimers = vzalloc(array_size(nr, sizeof(*iotimers)));
	if (!iotimers)
		return -ENOMEM;
	for (i = 0; i < nr; i++) {
		bool is_device = i >= FRONT && i < nr - 1;
		bool is_fence = i == 0 || i == nr - 1;
		void *context = is_device && contexts ? bench.context[i - FRONT] :
							NULL;

		iotimers[i] = iotimer_create(&bench.device[i], is_device ? fn :
					     is_fence ? iotimer_fence : bench_routine,
					     context);
		if (IS_ERR(iotimers[i])) {
			disarm_iotimers();
			return -ENOMEM;
		}
		if (is_device && bench.context[i - FRONT]->enabled)
			iotimer_start(iotimers[i]);
		cond_resched();
	}
	local_bh_disable();	/* no tick may come between these starts */
	for (i = 0; i < FRONT; i++)
		iotimer_start(iotimers[i]);
	iotimer_start(iotimers[nr - 1]);
	local_bh_enable();
	return 0;
}

/* A routine that reads nothing has no use for a context. */
static int arm_iotimers(void)
{
	return arm_iotimers_with(reads);
}

static int arm_iotimers_unread(void)
{
	return arm_iotimers_with(true);
}

/* One timer_list for each device. */

static void timer_reads(struct timer_list *timer)
{
	read_context(container_of(timer, struct bench_context, timer));
	mod_timer(timer, timer->expires + HZ);
}

static void timer_reads_nothing(struct timer_list *timer)
{
	mod_timer(timer, timer->expires + HZ);
}

static void timer_fence(struct timer_list *timer)
{
	fence_pass(&calls);
	mod_timer(timer, timer->expires + HZ);
}

static int arm_timers(void)
{
	unsigned int i;

	fence_timers_arm(timer_fence, 0);
	for (i = 0; i < bench.nr; i++) {
		struct bench_context *context = bench.context[i];

		timer_setup(&context->timer,
			    reads ? timer_reads : timer_reads_nothing, 0);
		if (context->enabled)
			mod_timer(&context->timer, at);
	}
	fence_timers_arm(timer_fence, 1);
	return 0;
}

static void disarm_timers(void)
{
	unsigned int i;

	fence_timers_disarm();
	for (i = 0; i < bench.nr; i++)
		timer_delete_sync(&bench.context[i]->timer);
}

/* One hrtimer for each device, in softirq context like the others. */

static struct hrtimer fence_hrtimer[2];

/* hrtimers ignore jump(). In a hurry they have a shorter period, if it is long enough. */
static u64 hrtimer_period(void)
{
	return bench.hurry && bench.nr <= 100000 ? NSEC_PER_SEC / 10 : NSEC_PER_SEC;
}

static enum hrtimer_restart hrtimer_next(struct hrtimer *timer)
{
	hrtimer_add_expires_ns(timer, hrtimer_period());
	return HRTIMER_RESTART;
}

static enum hrtimer_restart hrtimer_reads(struct hrtimer *timer)
{
	read_context(container_of(timer, struct bench_context, hrtimer));
	return hrtimer_next(timer);
}

static enum hrtimer_restart hrtimer_fence(struct hrtimer *timer)
{
	fence_pass(&calls);
	return hrtimer_next(timer);
}

static int arm_hrtimers(void)
{
	ktime_t when = ktime_add_ms(ktime_get(), 2000);
	unsigned int i;

	for (i = 0; i < 2; i++)
		hrtimer_setup(&fence_hrtimer[i], hrtimer_fence, CLOCK_MONOTONIC,
			      HRTIMER_MODE_ABS_SOFT);
	hrtimer_start(&fence_hrtimer[0], when, HRTIMER_MODE_ABS_SOFT);
	for (i = 0; i < bench.nr; i++) {
		struct bench_context *context = bench.context[i];

		hrtimer_setup(&context->hrtimer,
			      reads ? hrtimer_reads : hrtimer_next,
			      CLOCK_MONOTONIC, HRTIMER_MODE_ABS_SOFT);
		if (context->enabled)
			hrtimer_start(&context->hrtimer, when,
				      HRTIMER_MODE_ABS_SOFT);
	}
	hrtimer_start(&fence_hrtimer[1], when, HRTIMER_MODE_ABS_SOFT);
	return 0;
}

static void disarm_hrtimers(void)
{
	unsigned int i;

	for (i = 0; i < 2; i++)
		hrtimer_cancel(&fence_hrtimer[i]);
	for (i = 0; i < bench.nr; i++)
		hrtimer_cancel(&bench.context[i]->hrtimer);
}

/* One delayed_work for each device: the timers' softirq, then the works. */

static struct workqueue_struct *queue;
static struct delayed_work fence_work[2];

static void delayed_fence(struct timer_list *timer)
{
	fence_pass(&calls);
}

static void delayed_again(struct delayed_work *work)
{
	queue_delayed_work(queue, work, at - jiffies);
}

static void delayed_reads(struct work_struct *work)
{
	struct bench_context *context;

	context = container_of(work, struct bench_context, work.work);
	read_context(context);
	delayed_again(&context->work);
}

static void delayed_reads_nothing(struct work_struct *work)
{
	delayed_again(to_delayed_work(work));
}

/*
 * The first and the last work also arm the fences of the next second's timers,
 * around all works' timers. (These expire in the order in which they were armed,
 * or in the reverse order. The fences hold in both.)
 */
static void delayed_work_fence(struct work_struct *work)
{
	fence_pass(&works);
	if (works.open) {
		at += period;
		mod_timer(&fence_timer[0], at);
	}
	delayed_again(to_delayed_work(work));
	if (!works.open)
		mod_timer(&fence_timer[1], at);
}

static void disarm_delayed_works(void)
{
	unsigned int i;

	for (i = 0; i < 2; i++)
		cancel_delayed_work_sync(&fence_work[i]);
	fence_timers_disarm();
	for (i = 0; i < bench.nr; i++)
		cancel_delayed_work_sync(&bench.context[i]->work);
	destroy_workqueue(queue);
}

static int arm_delayed_works(void)
{
	unsigned int i;

	queue = alloc_workqueue("iotimer_bench", WQ_PERCPU, 0);
	if (!queue)
		return -ENOMEM;
	fence_timers_arm(delayed_fence, 0);
	for (i = 0; i < 2; i++)
		INIT_DELAYED_WORK(&fence_work[i], delayed_work_fence);
	delayed_again(&fence_work[0]);
	for (i = 0; i < bench.nr; i++) {
		struct bench_context *context = bench.context[i];

		INIT_DELAYED_WORK(&context->work, reads ? delayed_reads :
							  delayed_reads_nothing);
		if (context->enabled)
			delayed_again(&context->work);
	}
	delayed_again(&fence_work[1]);
	fence_timers_arm(delayed_fence, 1);
	return 0;
}

/*
 * One lock and one list of all timers, enabled or not, as in ReactOS' I/O
 * manager. The entries lie in memory as the contexts do, in another order.
 */
struct listed {
	struct list_head list;
	bool enabled;
	iotimer_fn_t fn;
	struct device *dev;
	void *context;
};

static DEFINE_SPINLOCK(listed_lock);	/* protects listed_timers */
static LIST_HEAD(listed_timers);

static void list_tick(struct timer_list *timer)
{
	struct listed *entry;

	fence_pass(&calls);
	spin_lock(&listed_lock);
	list_for_each_entry(entry, &listed_timers, list)
		if (entry->enabled)
			entry->fn(entry->dev, entry->context);
	spin_unlock(&listed_lock);
	fence_pass(&calls);
	mod_timer(timer, timer->expires + HZ);
}

static void free_list(void)
{
	struct listed *entry, *next;

	list_for_each_entry_safe(entry, next, &listed_timers, list)
		kfree(entry);
	INIT_LIST_HEAD(&listed_timers);
}

static void disarm_list(void)
{
	timer_delete_sync(&fence_timer[0]);
	free_list();
}

static int arm_list(void)
{
	struct listed **entry = vzalloc(array_size(bench.nr, sizeof(*entry)));
	unsigned int i;
	int err = 0;

	if (!entry)
		return -ENOMEM;
	for (i = 0; i < bench.nr; i++) {
		entry[i] = kzalloc(sizeof(*entry[i]), GFP_KERNEL);
		if (!entry[i]) {
			err = -ENOMEM;
			break;
		}
	}
	bench_shuffle((void **)entry, i);
	while (i--) {
		entry[i]->enabled = bench.context[i]->enabled;
		entry[i]->fn = reads ? iotimer_reads : bench_routine;
		entry[i]->dev = &bench.device[i];
		entry[i]->context = bench.context[i];
		list_add(&entry[i]->list, &listed_timers);
	}
	vfree(entry);
	if (err)
		free_list();
	else
		fence_timers_arm(list_tick, 0);
	return err;
}

/* A dense array of the enabled devices: the least work that can be done. */

static struct {
	iotimer_fn_t fn;
	void *context;
} *bare;
static unsigned int nr_bare;

static void bare_tick(struct timer_list *timer)
{
	unsigned int i;

	fence_pass(&calls);
	for (i = 0; i < nr_bare; i++)
		bare[i].fn(NULL, bare[i].context);
	fence_pass(&calls);
	mod_timer(timer, timer->expires + HZ);
}

static int arm_bare(void)
{
	unsigned int i;

	bare = vzalloc(array_size(bench.nr, sizeof(*bare)));
	if (!bare)
		return -ENOMEM;
	nr_bare = 0;
	for (i = 0; i < bench.nr; i++) {
		if (!bench.context[i]->enabled)
			continue;
		bare[nr_bare].fn = reads ? iotimer_reads : bench_routine;
		bare[nr_bare++].context = bench.context[i];
	}
	fence_timers_arm(bare_tick, 0);
	return 0;
}

static void disarm_bare(void)
{
	timer_delete_sync(&fence_timer[0]);
	vfree(bare);
}

/**
 * struct contender - a way to call a routine once a second
 * @name: its name in the output
 * @arm: starts it for the enabled devices
 * @disarm: stops it
 * @last: the fence that closes last
 * @period: its period in jiffies; 0 if it does not use jiffies
 */
struct contender {
	const char *name;
	int (*arm)(void);
	void (*disarm)(void);
	struct fence *last;
	unsigned long period;
};

static const struct contender contenders[] = {
	{ "iotimer", arm_iotimers, disarm_iotimers, &calls, HZ },
	{ "iotimer_unread", arm_iotimers_unread, disarm_iotimers, &calls, HZ },
	{ "timer_list", arm_timers, disarm_timers, &calls, HZ },
	{ "hrtimer", arm_hrtimers, disarm_hrtimers, &calls, 0 },
	/*
	 * A million works take most of a second. With a period of one second, a
	 * timer armed late in it would be in the timer wheel's first level, and
	 * expire before the others.
	 */
	{ "delayed_work", arm_delayed_works, disarm_delayed_works, &works, 2 * HZ },
	{ "list", arm_list, disarm_list, &calls, HZ },
	{ "bare", arm_bare, disarm_bare, &calls, HZ },
};

/* Advance jiffies to just before the next expiry. Only for one CPU. */
static void jump(unsigned long second)
{
	unsigned long to = second + period - 6;

	local_irq_disable();
	if (time_before(jiffies, to))
		jiffies_64 += to - jiffies;
	local_irq_enable();
}

/*
 * Wait for the samples. In a hurry, jiffies jump as soon as a second's calls are
 * over, so the caches stay warm. Otherwise the CPU sleeps until the next second, and
 * the caches are cold.
 */
static bool wait_for_samples(struct fence *last)
{
	time64_t end = ktime_get_seconds() + bench.samples + 60;
	unsigned int seen = 0;

	while (!completion_done(&last->done)) {
		if (ktime_get_seconds() > end)
			return false;
		if (!bench.hurry)
			msleep(100);
		if (bench.hurry && period && last->nr != seen) {
			seen = last->nr;
			jump(calls.jiffies);
		}
		cond_resched();
	}
	return true;
}

static int measure(const struct contender *contender, unsigned int nr,
		   const char *name)
{
	unsigned int i;
	u64 sample[BENCH_MAX_SAMPLES];
	bool done;
	int err;

	fence_init(&calls);
	fence_init(&works);
	at = jiffies + 2 * HZ;
	period = contender->period;
	err = contender->arm();
	if (err)
		return err;
	done = wait_for_samples(contender->last);
	contender->disarm();
	if (!done) {
		pr_err("bench: no end of %s\n", name);
		return -ETIMEDOUT;
	}
	for (i = 0; i < bench.samples; i++)
		sample[i] = calls.sample[i + 1] + works.sample[i + 1];
	bench_print_ns(name, sample, max(nr, 1U));
	return 0;
}

int bench_seconds(void)
{
	static const char *const which[] = { "all", "half", "percent" };
	unsigned int c, e, r, nr;
	char name[64];
	int err;

	if (num_online_cpus() > 1)
		return -EINVAL;
	for (e = 0; e < BENCH_NR_ENABLED; e++) {
		nr = bench_enable(e);
		for (r = 0; r < 2; r++) {
			reads = r;
			for (c = 0; c < ARRAY_SIZE(contenders); c++) {
				snprintf(name, sizeof(name), "%s/%s/%s/%s",
					 bench.hurry ? "second" : "cold",
					 reads ? "reads" : "nothing", which[e],
					 contenders[c].name);
				if (!bench_wanted(name) ||
				    (reads && contenders[c].arm == arm_iotimers_unread))
					continue;
				err = measure(&contenders[c], nr, name);
				if (err)
					return err;
			}
		}
	}
	return 0;
}
