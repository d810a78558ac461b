// SPDX-License-Identifier: GPL-2.0-only
/*
 * iotimer_bench - the cost of an I/O's time-out, and of starting, stopping,
 * creating and destroying a timer
 *
 * Each loop repeats one operation on a few timers that stay in the cache. The
 * other devices' timers exist, and are enabled or armed. The names with "cold"
 * are of one pass over all timers, in another order than that of memory.
 */
#include <linux/jiffies.h>
#include <linux/spinlock.h>
#include <linux/vmalloc.h>

#include "bench.h"

#define ROUNDS	100000
#define HOT	16	/* timers of a loop, or one if there are fewer */

#define measure(name, ...)	bench_measure(name, ROUNDS, __VA_ARGS__)

/* The index of the timer for this round of a loop. */
#define turn	(r_ & (hot - 1))

static unsigned int hot;

static struct iotimer **iotimers;

/* The cost of one I/O's time-out to a driver. */
static void measure_io(void)
{
	static struct io_timeout timeout;
	static struct timer_list timer, shared;
	static unsigned long deadline;
	static DEFINE_SPINLOCK(lock);	/* the driver's, protects timeout */
	unsigned long flags;

	io_timeout_init(&timeout, 3, 2);
	timer_setup(&timer, bench_function, 0);
	timer_setup(&shared, bench_function, 0);
	mod_timer(&shared, jiffies + HZ);

	measure("io/io_timeout",
		io_timeout_begin(&timeout);
		barrier();
		io_timeout_op_interrupt(&timeout);
		barrier());
	measure("io/io_timeout_locked",
		spin_lock_irqsave(&lock, flags);
		io_timeout_begin(&timeout);
		spin_unlock_irqrestore(&lock, flags);
		spin_lock_irqsave(&lock, flags);
		io_timeout_op_interrupt(&timeout);
		spin_unlock_irqrestore(&lock, flags));
	measure("io/lock_alone",
		spin_lock_irqsave(&lock, flags);
		spin_unlock_irqrestore(&lock, flags);
		spin_lock_irqsave(&lock, flags);
		spin_unlock_irqrestore(&lock, flags));
	measure("io/timer_list",
		mod_timer(&timer, jiffies + 3 * HZ);
		timer_delete(&timer));
	measure("io/timer_list_locked",
		spin_lock_irqsave(&lock, flags);
		mod_timer(&timer, jiffies + 3 * HZ);
		spin_unlock_irqrestore(&lock, flags);
		spin_lock_irqsave(&lock, flags);
		timer_delete(&timer);
		spin_unlock_irqrestore(&lock, flags));
	/* As blk_add_timer() does. The shared timer mostly expires before the deadline. */
	measure("io/block_layer",
		WRITE_ONCE(deadline, jiffies + 3 * HZ);
		if (!timer_pending(&shared) ||
		    time_before(deadline, shared.expires))
			mod_timer(&shared, deadline);
		WRITE_ONCE(deadline, 0));
	timer_delete_sync(&timer);
	timer_delete_sync(&shared);
}

/* Time one pass over all devices, as one sample. */
#define over_all(sample, i, ...) do {					\
	cond_resched();							\
	sample = bench_clock();						\
	for (i = 0; i < bench.nr; i++) {				\
		__VA_ARGS__;						\
	}								\
	sample = bench_clock() - sample;				\
} while (0)

static u64 create[BENCH_MAX_SAMPLES], destroy[BENCH_MAX_SAMPLES],
	start[BENCH_MAX_SAMPLES], stop[BENCH_MAX_SAMPLES];

static int measure_iotimers(void)
{
	unsigned int s, i;
	int err = 0;

	iotimers = vzalloc(array_size(bench.nr, sizeof(*iotimers)));
	if (!iotimers)
		return -ENOMEM;
	for (s = 0; s < bench.samples; s++) {
		over_all(create[s], i,
			 iotimers[i] = iotimer_create(&bench.device[i],
						      bench_routine,
						      bench.context[i]));
		for (i = 0; i < bench.nr && !err; i++)
			err = PTR_ERR_OR_ZERO(iotimers[i]);
		if (err)
			goto destroy;
		bench_shuffle((void **)iotimers, bench.nr);
		over_all(start[s], i, iotimer_start(iotimers[i]));
		over_all(stop[s], i, iotimer_stop(iotimers[i]));
		if (s == bench.samples - 1) {
			over_all(start[s], i, iotimer_start(iotimers[i]));
			measure("start_stop/iotimer",
				iotimer_stop(iotimers[turn]);
				iotimer_start(iotimers[turn]));
			measure("start_stop_sync/iotimer",
				iotimer_stop_sync(iotimers[turn]);
				iotimer_start(iotimers[turn]));
			measure("start_again/iotimer",
				iotimer_start(iotimers[turn]));
			over_all(stop[s], i, iotimer_stop(iotimers[i]));
		}
destroy:
		over_all(destroy[s], i, iotimer_destroy(iotimers[i]));
		if (err)
			break;
	}
	if (!err) {
		bench_print_ns("cold_start/iotimer", start, bench.nr);
		bench_print_ns("cold_stop/iotimer", stop, bench.nr);
		bench_print_ns("create/iotimer", create, bench.nr);
		bench_print_ns("destroy/iotimer", destroy, bench.nr);
	}
	vfree(iotimers);
	return err;
}

static void measure_timers(void)
{
	struct bench_context **context = bench.context;
	unsigned int s, i;

	for (s = 0; s < bench.samples; s++) {
		over_all(create[s], i,
			 timer_setup(&context[i]->timer, bench_function, 0));
		over_all(start[s], i, context[i]->timer.expires = jiffies + HZ;
			 add_timer(&context[i]->timer));
		over_all(stop[s], i, timer_delete(&context[i]->timer));
		if (s == bench.samples - 1) {
			unsigned long far = jiffies + 1000 * HZ;

			over_all(start[s], i,
				 mod_timer(&context[i]->timer, far));
			measure("start_stop/timer_list",
				timer_delete(&context[turn]->timer);
				context[turn]->timer.expires = jiffies + HZ;
				add_timer(&context[turn]->timer));
			measure("start_stop_sync/timer_list",
				timer_delete_sync(&context[turn]->timer);
				context[turn]->timer.expires = jiffies + HZ;
				add_timer(&context[turn]->timer));
			measure("start_again/timer_list",
				mod_timer(&context[turn]->timer,
					  jiffies + HZ + (r_ / HOT) % 2));
			over_all(stop[s], i, timer_delete(&context[i]->timer));
		}
		over_all(destroy[s], i,
			 timer_shutdown_sync(&context[i]->timer));
	}
	bench_print_ns("cold_start/timer_list", start, bench.nr);
	bench_print_ns("cold_stop/timer_list", stop, bench.nr);
	bench_print_ns("create/timer_list", create, bench.nr);
	bench_print_ns("destroy/timer_list", destroy, bench.nr);
}

int bench_ops(void)
{
	int err;

	hot = bench.nr < HOT ? 1 : HOT;
	measure_io();
	err = measure_iotimers();
	if (!err)
		measure_timers();
	return err;
}
