// SPDX-License-Identifier: GPL-2.0-only
/*
 * iotimer_bench - what an I/O's time-out costs, and what starting, stopping,
 * creating and destroying a timer cost
 *
 * Loops over the operation alone, many times over a few timers that stay in
 * the cache, while the other devices' timers exist (and are enabled, or
 * armed); "cold" is all of them once, in an order that is not that of memory.
 */
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/spinlock.h>
#include <linux/vmalloc.h>

#include "bench.h"

#define ROUNDS	100000
#define HOT	16	/* timers that a loop goes over, if there are */

/*
 * Time a loop of ROUNDS: ns for each time through. That is over in a millisecond;
 * the samples lie apart, so that what disturbs us does not find most of them.
 */
#define measure(name, ...) do {						\
	u64 sample_[BENCH_MAX_SAMPLES], begin_;				\
	unsigned int s_, r_;						\
									\
	if (!bench_wanted(name))					\
		break;							\
	for (s_ = 0; s_ < bench.samples; s_++) {			\
		msleep(20);						\
		begin_ = bench_clock();					\
		for (r_ = 0; r_ < ROUNDS; r_++) {			\
			__VA_ARGS__;					\
		}							\
		sample_[s_] = bench_clock() - begin_;			\
	}								\
	bench_say_ns(name, sample_, ROUNDS);				\
} while (0)

/* In such a loop: which of the timers in the cache. */
#define turn	(r_ & (hot - 1))

static unsigned int hot;

static struct iotimer **iotimers;

/* What it costs a driver to guard one I/O. */
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
	/* As blk_add_timer(): the shared timer is mostly due sooner. */
	measure("io/block_layer",
		WRITE_ONCE(deadline, jiffies + 3 * HZ);
		if (!timer_pending(&shared) ||
		    time_before(deadline, shared.expires))
			mod_timer(&shared, deadline);
		WRITE_ONCE(deadline, 0));
	timer_delete_sync(&timer);
	timer_delete_sync(&shared);
}

/* Time a loop over all devices, once: a sample of it. */
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
		bench_say_ns("cold_start/iotimer", start, bench.nr);
		bench_say_ns("cold_stop/iotimer", stop, bench.nr);
		bench_say_ns("create/iotimer", create, bench.nr);
		bench_say_ns("destroy/iotimer", destroy, bench.nr);
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
	bench_say_ns("cold_start/timer_list", start, bench.nr);
	bench_say_ns("cold_stop/timer_list", stop, bench.nr);
	bench_say_ns("create/timer_list", create, bench.nr);
	bench_say_ns("destroy/timer_list", destroy, bench.nr);
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
