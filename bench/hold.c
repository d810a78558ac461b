// SPDX-License-Identifier: GPL-2.0-only
/*
 * iotimer_bench - how long a tick holds the softirq, the time from a tick's
 * first call to its last, wake-ups of the CPU, and memory
 */
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/vmalloc.h>
#include <linux/vmstat.h>

#include "bench.h"

/* One device in so many reads the clock, so a hold is known this exactly. */
#define EVERY	16

/* The tick that is under way. */
static struct {
	unsigned long tick;	/* number of the tick */
	unsigned long wakeup;	/* the step of its walk; each step is a hold */
	u64 began;		/* when the step's first routine ran */
	u64 first;		/* when the tick's first routine ran */
} now;

/* For each tick: its longest hold, the sum of its holds, first call to last. */
static u64 longest[BENCH_MAX_SAMPLES + 1], held[BENCH_MAX_SAMPLES + 1],
	spread[BENCH_MAX_SAMPLES + 1];

static unsigned long ticks_seen;	/* the first only warms up the caches */

static u16 *calls;	/* calls of each device's routine, in these ticks */

static bool enough(void)
{
	return ticks_seen > bench.samples + 1;
}

static void count_call(struct device *dev, void *context)
{
	const struct bench_context *c = context;

	if (!enough())
		calls[READ_ONCE(c->index)]++;
}

static void count_and_look(struct device *dev, void *context)
{
	u64 clock = bench_clock();
	struct iotimer_stats stats;
	static u64 before;	/* held in earlier steps of the tick */

	iotimer_get_stats(&stats);
	if (stats.ticks != now.tick) {
		now.tick = stats.ticks;
		now.first = clock;
		before = 0;
		ticks_seen++;
	}
	if (!enough()) {
		u64 *sample = &held[ticks_seen - 1];

		if (stats.wakeups != now.wakeup) {
			now.wakeup = stats.wakeups;
			now.began = clock;
			before = *sample;
		}
		*sample = before + clock - now.began;
		longest[ticks_seen - 1] = max(longest[ticks_seen - 1],
					      clock - now.began);
		spread[ticks_seen - 1] = clock - now.first;
	}
	count_call(dev, context);
}

static void unmake_timers(struct iotimer **timer)
{
	unsigned int i;

	for (i = 0; i < bench.nr; i++)
		iotimer_destroy(timer[i]);
	vfree(timer);
	vfree(calls);
}

static struct iotimer **make_timers(iotimer_fn_t most, iotimer_fn_t some)
{
	struct iotimer **timer = vzalloc(array_size(bench.nr, sizeof(*timer)));
	unsigned int i;
	int err = 0;

	calls = vzalloc(array_size(bench.nr, sizeof(*calls)));
	if (!timer || !calls) {
		vfree(timer);
		vfree(calls);
		return NULL;
	}
	for (i = 0; i < bench.nr && !err; i++) {
		timer[i] = iotimer_create(&bench.device[i],
					  i % EVERY ? most : some,
					  bench.context[i]);
		err = PTR_ERR_OR_ZERO(timer[i]);
		cond_resched();
	}
	if (err) {
		unmake_timers(timer);
		return NULL;
	}
	return timer;
}

/* The number of devices that were not called exactly once a tick. */
static unsigned int miscalled(unsigned int ticks)
{
	unsigned int i, nr = 0;

	for (i = 0; i < bench.nr; i++)
		nr += calls[i] != ticks;
	return nr;
}

/* Start all timers between two ticks. */
static void start_all(struct iotimer **timer)
{
	struct iotimer_stats before, after;
	unsigned int i;

	do {
		for (i = 0; i < bench.nr; i++)
			iotimer_stop(timer[i]);
		msleep(1500);	/* the tick goes idle */
		memset(calls, 0, array_size(bench.nr, sizeof(*calls)));
		memset(longest, 0, sizeof(longest));
		ticks_seen = 0;
		iotimer_get_stats(&before);
		for (i = 0; i < bench.nr; i++)
			iotimer_start(timer[i]);
		iotimer_get_stats(&after);
	} while (after.ticks != before.ticks);
}

int bench_hold(void)
{
	struct iotimer **timer = make_timers(count_call, count_and_look);
	struct iotimer_stats before, after;
	unsigned int i;

	if (!timer)
		return -ENOMEM;
	start_all(timer);
	iotimer_get_stats(&before);
	while (!enough())
		msleep(100);
	for (i = 0; i < bench.nr; i++)
		iotimer_stop(timer[i]);
	iotimer_get_stats(&after);

	bench_print_ns("hold", &longest[1], 1);
	bench_print_ns("held", &held[1], bench.nr);
	bench_print_ns("spread", &spread[1], 1);
	bench_print_one("missed", "ticks", 1000ULL * (after.missed - before.missed));
	bench_print_one("miscalled", "devices", 1000ULL * miscalled(bench.samples + 1));
	unmake_timers(timer);
	return 0;
}

/*
 * Wake-ups by the tick, and by timer_lists that were started at random times.
 */

static unsigned long list_wakeups, last_wakeup;

static void timer_again(struct timer_list *timer)
{
	unsigned long jiffy = jiffies;

	if (last_wakeup != jiffy) {
		last_wakeup = jiffy;
		WRITE_ONCE(list_wakeups, list_wakeups + 1);
	}
	mod_timer(timer, timer->expires + HZ);
}

static unsigned long tick_wakeups(void)
{
	struct iotimer_stats stats;

	iotimer_get_stats(&stats);
	return stats.wakeups;
}

static unsigned long timer_wakeups(void)
{
	return READ_ONCE(list_wakeups);
}

static void print_wakeups(const char *name, unsigned long (*wakeups)(void))
{
	u64 sample[BENCH_MAX_SAMPLES];
	unsigned int s;

	msleep(2 * MSEC_PER_SEC);
	for (s = 0; s < bench.samples; s++) {
		unsigned long before = wakeups();

		msleep(MSEC_PER_SEC);
		sample[s] = 1000 * (wakeups() - before);
	}
	bench_print(name, "per-second", sample);
}

int bench_wakeups(void)
{
	struct iotimer **timer = make_timers(count_call, count_call);
	unsigned int i;

	if (!timer)
		return -ENOMEM;
	print_wakeups("wakeups/iotimer_stopped", tick_wakeups);
	for (i = 0; i < bench.nr; i++)
		iotimer_start(timer[i]);
	print_wakeups("wakeups/iotimer", tick_wakeups);
	unmake_timers(timer);

	for (i = 0; i < bench.nr; i++) {
		struct timer_list *list = &bench.context[i]->timer;

		timer_setup(list, timer_again, 0);
		mod_timer(list, jiffies + 1 + bench_random(HZ));
	}
	print_wakeups("wakeups/timer_list", timer_wakeups);
	for (i = 0; i < bench.nr; i++)
		timer_delete_sync(&bench.context[i]->timer);
	return 0;
}

/* Pages of the slab allocator; exact with one CPU. */
static long slab_pages(void)
{
	return global_node_page_state_pages(NR_SLAB_RECLAIMABLE_B) +
	       global_node_page_state_pages(NR_SLAB_UNRECLAIMABLE_B);
}

/*
 * The memory that all timers take from the system. Run it in a fresh guest:
 * memory that earlier timers freed would be used again, and not be counted.
 */
int bench_memory(void)
{
	long pages = slab_pages();
	struct iotimer **timer = make_timers(count_call, count_call);

	if (!timer)
		return -ENOMEM;
	pages = slab_pages() - pages;
	bench_print_one("memory/iotimer", "bytes",
			div_u64(pages * PAGE_SIZE * 1000ULL, max(bench.nr, 1U)));
	unmake_timers(timer);
	return 0;
}
