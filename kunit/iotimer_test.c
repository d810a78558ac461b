// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the engine, through its public interface alone (and what is known of
 * where timers lie): each of its promises, by what would break it.
 *
 * In virtual time (virtual=1) timing must be exact to the jiffy, and seconds
 * cost nothing. In real time the guest's CPUs may stand still at any moment, so
 * there a call may be late, never early.
 */
#include <kunit/test.h>
#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/fs.h>
#include <linux/hrtimer.h>
#include <linux/irq_work.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "../compat.h"
#include "../iotimer.h"
#include "../iotimer_slots.h"
#include "../iotimer_trace.h"
#include "expect_warning.h"

static bool virtual;
module_param(virtual, bool, 0444);
MODULE_PARM_DESC(virtual, "time is virtual: demand exact times");

static unsigned int seconds = 4;
module_param(seconds, uint, 0444);
MODULE_PARM_DESC(seconds, "length of the test for drift");

/* How late a call may come, in jiffies. */
static unsigned long slack(void)
{
	return virtual ? 0 : HZ * 3 / 4;
}

static atomic_t released;

/*
 * A device with its timer and what its routine saw; freed when the last
 * reference to the device goes.
 */
struct subject {
	struct device dev;
	struct iotimer *timer;
	unsigned int calls;
	unsigned int foreign;		/* calls with a wrong device */
	unsigned int off_grid;		/* calls not a multiple of HZ after the first */
	unsigned long first;		/* jiffies of the first call */
	unsigned long last;
	unsigned int cpu;		/* of the last call */
	bool inside;
	bool entered;			/* was inside once */
	void (*action)(struct subject *s);
	struct subject *other;
	unsigned int us;		/* for the action */
	bool result;
	struct work_struct work;	/* starts it on another CPU */
};

static void subject_release(struct device *dev)
{
	atomic_inc(&released);
	kfree(container_of(dev, struct subject, dev));
}

static struct iotimer_stats stats(void)
{
	struct iotimer_stats now;

	iotimer_get_stats(&now);
	return now;
}

static void second(struct device *dev, void *context)
{
	struct subject *s = context;
	void (*action)(struct subject *s);

	WRITE_ONCE(s->inside, true);
	WRITE_ONCE(s->entered, true);
	if (dev != &s->dev)
		s->foreign++;
	if (!s->calls)
		s->first = jiffies;
	else if ((jiffies - s->first) % HZ)
		s->off_grid++;
	s->last = jiffies;
	s->cpu = raw_smp_processor_id();
	WRITE_ONCE(s->calls, s->calls + 1);
	action = READ_ONCE(s->action);
	if (action)
		action(s);
	WRITE_ONCE(s->inside, false);
}

/* Start it on this CPU, and keep the CPU busy so that its tick stays here. */
static void start_here(struct work_struct *work)
{
	struct subject *s = container_of(work, struct subject, work);
	unsigned long give_up = jiffies + 4 * HZ;

	iotimer_start(s->timer);
	while (!READ_ONCE(s->calls) && time_before(jiffies, give_up))
		cpu_relax();
}

static struct subject *alloc_device(void)
{
	struct subject *s = kzalloc(sizeof(*s), GFP_KERNEL);

	if (!s)
		return NULL;
	device_initialize(&s->dev);
	s->dev.release = subject_release;
	INIT_WORK(&s->work, start_here);
	return s;
}

static struct subject *new_device(struct kunit *test)
{
	struct subject *s = alloc_device();

	KUNIT_ASSERT_NOT_NULL(test, s);
	return s;
}

static struct subject *new_timer(struct kunit *test)
{
	struct subject *s = new_device(test);

	s->timer = iotimer_create(&s->dev, second, s);
	KUNIT_ASSERT_FALSE(test, IS_ERR(s->timer));
	return s;
}

/* The device, whose timer has gone. */
static void end_device(struct subject *s)
{
	flush_work(&s->work);
	put_device(&s->dev);
}

static void end(struct subject *s)
{
	iotimer_destroy(s->timer);
	end_device(s);
}

static unsigned int calls(const struct subject *s)
{
	return READ_ONCE(s->calls);
}

static void wait_for_call(struct subject *s)
{
	unsigned int was = calls(s);
	unsigned long give_up = jiffies + 5 * HZ;

	while (calls(s) == was && time_before(jiffies, give_up))
		schedule_timeout_uninterruptible(1);
}

/* Sleep exactly, so as to wake between two ticks; msleep() may be 12 % late. */
static void sleep_ms(unsigned int ms)
{
	usleep_range(ms * 1000, ms * 1000 + 1000);
}

/* Arguments and lifetimes */

static void refuses_bad_arguments(struct kunit *test)
{
	struct subject *s = new_device(test);

	KUNIT_EXPECT_PTR_EQ(test, iotimer_create(NULL, second, s),
			    (struct iotimer *)ERR_PTR(-EINVAL));
	KUNIT_EXPECT_PTR_EQ(test, iotimer_create(&s->dev, NULL, s),
			    (struct iotimer *)ERR_PTR(-EINVAL));
	KUNIT_EXPECT_PTR_EQ(test, devm_iotimer_create(NULL, second, s),
			    (struct iotimer *)ERR_PTR(-EINVAL));
	iotimer_destroy(NULL);
	iotimer_destroy(ERR_PTR(-ENOMEM));
	put_device(&s->dev);
}

/* As a driver has it before device_initialize(), or register_netdev(). */
static void refuses_a_device_that_is_not_initialised(struct kunit *test)
{
	struct device *dev = kunit_kzalloc(test, sizeof(*dev), GFP_KERNEL);
	struct device *was = kunit_kzalloc(test, sizeof(*dev), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, dev);
	KUNIT_ASSERT_NOT_NULL(test, was);
	KUNIT_EXPECT_PTR_EQ(test, iotimer_create(dev, second, NULL),
			    (struct iotimer *)ERR_PTR(-EINVAL));
	KUNIT_EXPECT_PTR_EQ(test, devm_iotimer_create(dev, second, NULL),
			    (struct iotimer *)ERR_PTR(-EINVAL));
	KUNIT_EXPECT_EQ(test, memcmp(dev, was, sizeof(*dev)), 0);
}

static void one_timer_a_device(struct kunit *test)
{
	struct subject *s = new_timer(test);

	KUNIT_EXPECT_PTR_EQ(test, iotimer_create(&s->dev, second, s),
			    (struct iotimer *)ERR_PTR(-EEXIST));
	iotimer_destroy(s->timer);
	s->timer = iotimer_create(&s->dev, second, s);
	KUNIT_EXPECT_FALSE(test, IS_ERR(s->timer));
	end(s);
}

static void holds_its_device(struct kunit *test)
{
	struct subject *s = new_timer(test);
	struct iotimer *timer = s->timer;
	int before = atomic_read(&released);

	put_device(&s->dev);
	KUNIT_EXPECT_EQ(test, atomic_read(&released), before);
	iotimer_destroy(timer);
	KUNIT_EXPECT_EQ(test, atomic_read(&released), before + 1);
}

static void devm_destroys_on_detach(struct kunit *test)
{
	struct subject *s = new_device(test);
	void *group = devres_open_group(&s->dev, NULL, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, group);
	s->timer = devm_iotimer_create(&s->dev, second, s);
	KUNIT_ASSERT_FALSE(test, IS_ERR(s->timer));
	iotimer_start(s->timer);
	ssleep(2);
	KUNIT_EXPECT_GE(test, calls(s), 1u);
	devres_release_group(&s->dev, group);

	s->calls = 0;
	ssleep(2);
	KUNIT_EXPECT_EQ(test, calls(s), 0u);
	s->timer = iotimer_create(&s->dev, second, s);
	KUNIT_EXPECT_FALSE(test, IS_ERR(s->timer));
	end(s);
}

/*
 * Devices come and go at random; each knows at any time whether it has a timer
 * already, and at the end none is left behind.
 */
static void devices_come_and_go(struct kunit *test)
{
	enum { NR = 1000, ROUNDS = 20 };
	int before = atomic_read(&released);
	struct subject **s = kunit_kcalloc(test, NR, sizeof(*s), GFP_KERNEL);
	unsigned int foreign = 0, wrong = 0, i, round;
	u32 random = 1;

	KUNIT_ASSERT_NOT_NULL(test, s);
	for (i = 0; i < NR; i++)
		s[i] = new_device(test);
	for (round = 0; round < ROUNDS; round++) {
		for (i = 0; i < NR; i++) {
			struct iotimer *timer;

			random = random * 1664525 + 1013904223;
			if (random >> 31) {
				timer = iotimer_create(&s[i]->dev, second, s[i]);
				if (s[i]->timer) {
					wrong += timer != ERR_PTR(-EEXIST);
					continue;
				}
				KUNIT_ASSERT_FALSE(test, IS_ERR(timer));
				s[i]->timer = timer;
				iotimer_start(timer);
			} else {
				iotimer_destroy(s[i]->timer);
				s[i]->timer = NULL;
			}
		}
		if (virtual || round % 10 == 0)
			msleep(1100);
	}
	for (i = 0; i < NR; i++) {
		foreign += s[i]->foreign;
		end(s[i]);
	}
	KUNIT_EXPECT_EQ(test, wrong, 0u);
	KUNIT_EXPECT_EQ(test, foreign, 0u);
	KUNIT_EXPECT_EQ(test, atomic_read(&released), before + NR);
}

/* Without memory */

#ifdef CONFIG_FAULT_INJECTION
/*
 * Try with the n-th allocation failing, and with @all those after it, by the
 * knobs that tests/kunit.sh sets.
 */
static struct iotimer *create_failing(struct subject *s, bool devm,
				      unsigned int n, bool all, bool *failed)
{
	struct iotimer *timer;

	WRITE_ONCE(current->fail_nth, n);
	current->make_it_fail = all;
	timer = devm ? devm_iotimer_create(&s->dev, second, s) :
		       iotimer_create(&s->dev, second, s);
	current->make_it_fail = false;
	*failed = !READ_ONCE(current->fail_nth);
	WRITE_ONCE(current->fail_nth, 0);
	return timer;
}

/*
 * Fail each allocation in turn. No timer exists yet, so that each success has
 * added the first chunk, and destroying has to free it. In rounds, because the
 * slab allocator's own allocations come and go between ours.
 */
static void fail_in_turn(struct kunit *test, bool devm, bool all)
{
	struct subject *s = new_device(test);
	unsigned int refs = kref_read(&s->dev.kobj.kref);
	unsigned int n, failures = 0, errors = 0, rounds = 20;
	bool failed;

	for (n = 1; rounds; rounds -= !failed, n = failed ? n + 1 : 1) {
		void *group = devres_open_group(&s->dev, NULL, GFP_KERNEL);

		KUNIT_ASSERT_NOT_NULL(test, group);
		s->timer = create_failing(s, devm, n, all, &failed);
		failures += failed;
		if (IS_ERR(s->timer)) {
			errors++;
			KUNIT_EXPECT_TRUE(test, failed);
			KUNIT_EXPECT_EQ(test, PTR_ERR(s->timer), -ENOMEM + 0l);
			KUNIT_EXPECT_EQ(test, kref_read(&s->dev.kobj.kref), refs);
			s->timer = iotimer_create(&s->dev, second, s);
			KUNIT_ASSERT_FALSE(test, IS_ERR(s->timer));
			iotimer_destroy(s->timer);
		} else if (!devm) {
			iotimer_destroy(s->timer);
		}
		devres_release_group(&s->dev, group);
		KUNIT_EXPECT_EQ(test, kref_read(&s->dev.kobj.kref), refs);
	}
	kunit_info(test, "%u allocations failed, %u of them as an error",
		   failures, errors);
	put_device(&s->dev);
	if (!failures)
		kunit_skip(test, "needs failslab's ignore-gfp-wait=N");
	/* The chunk, its entry (which has a second try), the devm action. */
	KUNIT_EXPECT_GE(test, errors, 20u * (1 + all + devm) / 2);
}
#else
static void fail_in_turn(struct kunit *test, bool devm, bool all)
{
	kunit_skip(test, "needs CONFIG_FAULT_INJECTION");
}
#endif

static void create_survives_one_failing_allocation(struct kunit *test)
{
	fail_in_turn(test, false, false);
}

static void create_survives_all_failing_from_then_on(struct kunit *test)
{
	fail_in_turn(test, false, true);
}

static void devm_create_survives_one_failing_allocation(struct kunit *test)
{
	fail_in_turn(test, true, false);
}

static void devm_create_survives_all_failing_from_then_on(struct kunit *test)
{
	fail_in_turn(test, true, true);
}

/* Ticks */

/*
 * The long run, perhaps a day, happens before the first case, because KUnit
 * gives a case no more than 300 seconds.
 */
static struct {
	struct subject *s;
	struct iotimer_stats from, to;
	unsigned long until;
} run;

static bool not_alone;		/* somebody else's timers run */

static int run_for_seconds(struct kunit_suite *suite)
{
	unsigned long before;

	run.s = alloc_device();
	if (!run.s)
		return -ENOMEM;
	run.s->timer = iotimer_create(&run.s->dev, second, run.s);
	if (IS_ERR(run.s->timer))
		return PTR_ERR(run.s->timer);
	run.from = stats();
	iotimer_start(run.s->timer);
	ssleep(seconds);
	run.until = jiffies;
	iotimer_stop_sync(run.s->timer);
	run.to = stats();
	iotimer_destroy(run.s->timer);

	/* Alone, there is at most the tick that finds no timer enabled. */
	before = stats().ticks;
	ssleep(4);
	not_alone = stats().ticks - before > 1;
	return 0;
}

/* For tests that count all ticks, or know where each timer lies. */
static void needs_to_be_alone(struct kunit *test)
{
	if (not_alone)
		kunit_skip(test, "needs that no other timers run");
}

static void called_once_a_second_without_drift(struct kunit *test)
{
	struct subject *s = run.s;
	unsigned long missed = run.to.missed - run.from.missed;

	KUNIT_EXPECT_EQ(test, calls(s) + 0ul, run.to.ticks - run.from.ticks);
	KUNIT_EXPECT_EQ(test, calls(s) + missed,
			DIV_ROUND_CLOSEST(s->last - s->first, HZ) + 1);
	KUNIT_EXPECT_GE(test, calls(s) + missed + 1, seconds);
	if (virtual) {
		KUNIT_EXPECT_EQ(test, s->off_grid, 0u);
		KUNIT_EXPECT_EQ(test, missed, 0ul);
		KUNIT_EXPECT_EQ(test, calls(s) + 0ul,
				(run.until - s->first) / HZ + 1);
	}
	put_device(&s->dev);
}

/*
 * Started 1 to HZ jiffies after a tick: after each number of them at HZ=100. More
 * would take too long at a higher rate, as each takes a second.
 */
static void first_call_comes_within_a_second(struct kunit *test)
{
	struct subject *s = new_timer(test);
	unsigned int phase, last = virtual ? 99 : 3;

	for (phase = 0; phase <= last; phase++) {
		unsigned long started;

		schedule_timeout_uninterruptible(1 + phase * (HZ - 1) / last);
		s->calls = 0;
		started = jiffies;
		iotimer_start(s->timer);
		wait_for_call(s);
		iotimer_stop_sync(s->timer);
		KUNIT_EXPECT_EQ(test, calls(s), 1u);
		KUNIT_EXPECT_LE(test, s->first - started, HZ + slack());
	}
	end(s);
}

/* In real time a call may be late, but not each time by much. */
static void keeps_the_grid_over_a_rest(struct kunit *test)
{
	struct subject *s = new_timer(test);
	unsigned long first, off, least = HZ;
	unsigned int rest, rests = virtual ? 1 : 4;

	iotimer_start(s->timer);
	wait_for_call(s);
	first = s->first;
	iotimer_stop_sync(s->timer);
	for (rest = 0; rest < rests; rest++) {
		msleep(3333);
		s->calls = 0;
		iotimer_start(s->timer);
		wait_for_call(s);
		iotimer_stop_sync(s->timer);
		off = (s->first - first) % HZ;
		least = min3(least, off, HZ - off);
	}
	KUNIT_EXPECT_LE(test, least, virtual ? 0ul : HZ / 8);
	end(s);
}

/* At most the tick that finds no timer enabled, and two steps on its way. */
static void expect_rest(struct kunit *test)
{
	struct iotimer_stats from = stats(), to;

	ssleep(3);
	to = stats();
	KUNIT_EXPECT_LE(test, to.ticks - from.ticks, 1ul);
	KUNIT_EXPECT_LE(test, to.wakeups - from.wakeups, 3ul);
	from = to;
	ssleep(virtual ? 100 : 3);
	to = stats();
	KUNIT_EXPECT_EQ(test, to.ticks, from.ticks);
	KUNIT_EXPECT_EQ(test, to.wakeups, from.wakeups);
}

static void no_enabled_timer_no_tick(struct kunit *test)
{
	struct subject *s;

	needs_to_be_alone(test);
	s = new_timer(test);
	iotimer_start(s->timer);
	ssleep(2);
	iotimer_stop(s->timer);
	expect_rest(test);
	iotimer_start(s->timer);
	iotimer_stop(s->timer);
	expect_rest(test);
	end(s);
}

/* By the clock, since an emulator's mdelay() may be off by a third. */
static void hold_up_once(struct subject *s)
{
	ktime_t until = ktime_add_us(ktime_get(), s->us);

	while (ktime_before(ktime_get(), until))
		mdelay(1);
	s->us = 0;
}

static void a_late_tick_makes_no_burst(struct kunit *test)
{
	struct subject *slow = new_timer(test), *s = new_timer(test);
	struct iotimer_stats from, to;
	unsigned int was;

	iotimer_start(slow->timer);
	iotimer_start(s->timer);
	wait_for_call(s);
	from = stats();
	was = calls(s);

	/* Hold up the tick for two and a half seconds. */
	slow->us = 2500000;
	WRITE_ONCE(slow->action, hold_up_once);
	sleep_ms(6500);
	iotimer_stop_sync(s->timer);
	iotimer_stop_sync(slow->timer);
	to = stats();
	KUNIT_EXPECT_EQ(test, slow->us, 0u);
	KUNIT_EXPECT_GE(test, to.missed - from.missed, 1ul);
	KUNIT_EXPECT_EQ(test, calls(s) - was + 0ul, to.ticks - from.ticks);
	if (virtual) {
		/* 6 ticks, of which one was skipped */
		KUNIT_EXPECT_EQ(test, to.missed - from.missed, 1ul);
		KUNIT_EXPECT_EQ(test, calls(s) - was, 5u);
		KUNIT_EXPECT_EQ(test, (s->last - s->first) % HZ, 0ul);
	}
	end(slow);
	end(s);
}

static unsigned int most_in_wakeup;

static void delay_and_count(struct subject *s)
{
	static unsigned long wakeup;
	static unsigned int in_wakeup;
	unsigned long now = stats().wakeups;

	in_wakeup = now == wakeup ? in_wakeup + 1 : 1;
	wakeup = now;
	most_in_wakeup = max(most_in_wakeup, in_wakeup);
	udelay(s->us);
}

static void set_budget(struct kunit *test, const char *us)
{
	struct file *file;
	loff_t pos = 0;

	file = filp_open("/sys/module/iotimer/parameters/budget_us", O_WRONLY, 0);
	if (!__is_defined(MODULE) && file == ERR_PTR(-ENOENT))
		kunit_skip(test, "needs /sys, not mounted yet when built in");
	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	KUNIT_EXPECT_GT(test, kernel_write(file, us, strlen(us), &pos), 0);
	filp_close(file, NULL);
}

/* Run 1000 routines of so many us for some ticks; each is called once a tick. */
static struct iotimer_stats run_many(struct kunit *test, unsigned int us)
{
	enum { NR = 1000 };
	struct subject **s = kunit_kcalloc(test, NR, sizeof(*s), GFP_KERNEL);
	unsigned int i, few = UINT_MAX, many = 0;
	struct iotimer_stats from, to;

	KUNIT_ASSERT_NOT_NULL(test, s);
	for (i = 0; i < NR; i++) {
		s[i] = new_timer(test);
		s[i]->us = us;
		s[i]->action = delay_and_count;
	}
	most_in_wakeup = 0;
	for (i = 0; i < NR; i++)
		iotimer_start(s[i]->timer);
	wait_for_call(s[NR - 1]);	/* may be a part of a tick */
	for (i = 0; i < NR; i++)
		s[i]->calls = 0;
	from = stats();
	sleep_ms(3500);
	for (i = 0; i < NR; i++)
		iotimer_stop_sync(s[i]->timer);
	to = stats();

	for (i = 0; i < NR; i++) {
		few = min(few, calls(s[i]));
		many = max(many, calls(s[i]));
		end(s[i]);
	}
	KUNIT_EXPECT_GE(test, few + 1ul, to.ticks - from.ticks);
	KUNIT_EXPECT_LE(test, many + 0ul, to.ticks - from.ticks + 1);
	KUNIT_EXPECT_LE(test, many - few, 1u);
	to.ticks -= from.ticks;
	to.wakeups -= from.wakeups;
	return to;
}

/*
 * A batch of 32 or more routines of 10 us overruns 200 us: one batch a wake-up. A
 * walk that meets the starts may have a smaller one before it, which does not.
 */
static void a_small_budget_splits_the_tick(struct kunit *test)
{
	struct iotimer_stats ran = run_many(test, 10);

	KUNIT_EXPECT_LE(test, most_in_wakeup, 200u / 10 + BITS_PER_LONG);
	/* The last tick may have been stopped half way. */
	KUNIT_EXPECT_GE(test, ran.wakeups, (ran.ticks - 1) * (1000 / BITS_PER_LONG));
}

/* A second is enough for all of them: one wake-up, and two on the way. */
static void a_large_budget_does_not(struct kunit *test)
{
	struct iotimer_stats ran;

	set_budget(test, "1000000");
	ran = run_many(test, 10);
	set_budget(test, "200");
	KUNIT_EXPECT_EQ(test, most_in_wakeup, 1000u);
	KUNIT_EXPECT_LE(test, ran.wakeups, (ran.ticks + 1) * 3);
}

/*
 * The walk's ways through the chunks. Timers that are created one after the other
 * fill chunk after chunk. In a chunk's bitmap words the first bit, and perhaps
 * some at the end, are no timer's.
 */

enum { CHUNK = IOTIMER_CHUNK_SLOTS - 1 };

static struct subject **new_chunks(struct kunit *test, unsigned int nr)
{
	struct subject **s;
	unsigned int i, astray = 0;

	needs_to_be_alone(test);
	s = kunit_kcalloc(test, nr * CHUNK, sizeof(*s), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, s);
	for (i = 0; i < nr * CHUNK; i++) {
		s[i] = new_timer(test);
		astray += (unsigned long)s[i]->timer / PAGE_SIZE !=
			  (unsigned long)s[i - i % CHUNK]->timer / PAGE_SIZE;
	}
	KUNIT_EXPECT_EQ(test, astray, 0u);
	return s;
}

static void end_chunks(struct subject **s, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr * CHUNK; i++)
		end(s[i]);
}

/* Which timers of a word are enabled. */
enum pattern {
	NONE, ALL, FIRST, LAST, ALL_BUT_FIRST, ALL_BUT_LAST, HOLES, NR_PATTERNS
};

/* Is the so many-th timer of a chunk enabled? */
static bool is_in(enum pattern pattern, unsigned int timer)
{
	unsigned int slot = timer + 1;
	bool first = slot == 1 || slot % BITS_PER_LONG == 0;
	bool last = slot == CHUNK || (slot + 1) % BITS_PER_LONG == 0;

	switch (pattern) {
	case NONE:
		return false;
	case ALL:
		return true;
	case FIRST:
		return first;
	case LAST:
		return last;
	case ALL_BUT_FIRST:
		return !first;
	case ALL_BUT_LAST:
		return !last;
	default:
		return slot % 3 == 1;
	}
}

/* A row of patterns in which each comes after each, itself too; how many. */
static unsigned int all_pairs(enum pattern *row)
{
	unsigned int a, b, nr = 0;

	for (a = 0; a < NR_PATTERNS; a++) {
		row[nr++] = a;
		for (b = a + 1; b < NR_PATTERNS; b++) {
			row[nr++] = a;
			row[nr++] = b;
		}
	}
	row[nr++] = 0;
	return nr;
}

/* Start them between two ticks, after which no walk is under way. */
static struct iotimer_stats start_chunks(struct subject **s, unsigned int nr,
					 const enum pattern *row)
{
	struct iotimer_stats from;
	unsigned int i;

	do {
		for (i = 0; i < nr * CHUNK; i++)
			iotimer_stop_sync(s[i]->timer);
		ssleep(2);
		for (i = 0; i < nr * CHUNK; i++)
			s[i]->calls = 0;
		from = stats();
		for (i = 0; i < nr * CHUNK; i++)
			if (is_in(row[i / CHUNK], i % CHUNK))
				iotimer_start(s[i]->timer);
	} while (stats().ticks != from.ticks);
	return from;
}

/**
 * struct expected - how often a timer is called that runs for some time
 * @least: once a tick; but in real time the last one may be stopped half way
 * @most: and others may begin while the timers are being stopped
 */
struct expected {
	unsigned long least, most;
};

/* Stop those that there are. */
static struct expected stop_chunks(struct kunit *test, struct subject **s,
				   unsigned int nr, struct iotimer_stats from)
{
	struct expected expected;
	unsigned int i;

	expected.least = stats().ticks - from.ticks;
	KUNIT_EXPECT_GE(test, expected.least, 2ul);
	expected.least -= !virtual;
	for (i = 0; i < nr * CHUNK; i++)
		if (s[i]->timer)
			iotimer_stop_sync(s[i]->timer);
	expected.most = stats().ticks - from.ticks;
	return expected;
}

static bool is_as(const struct subject *s, struct expected expected)
{
	return calls(s) >= expected.least && calls(s) <= expected.most;
}

static void calls_all_that_are_enabled_however_they_lie(struct kunit *test)
{
	enum pattern row[NR_PATTERNS * NR_PATTERNS + 1];
	unsigned int nr = all_pairs(row), i;
	struct subject **s = new_chunks(test, nr);
	struct iotimer_stats from = start_chunks(s, nr, row);
	unsigned int wrong = 0, at = 0;
	struct expected expected;

	KUNIT_EXPECT_EQ(test, nr + 0ul, ARRAY_SIZE(row));
	sleep_ms(3500);
	expected = stop_chunks(test, s, nr, from);
	for (i = 0; i < nr * CHUNK; i++) {
		if (is_in(row[i / CHUNK], i % CHUNK) ? is_as(s[i], expected) :
						       !calls(s[i]))
			continue;
		if (!wrong++)
			at = i;
	}
	KUNIT_EXPECT_EQ_MSG(test, wrong, 0u,
			    "the first: timer %u of chunk %u, pattern %u, has %u calls in %lu ticks",
			    at % CHUNK, at / CHUNK, row[at / CHUNK], calls(s[at]),
			    expected.most);
	end_chunks(s, nr);
}

/* Destroy the timers of those chunks; their devices stay, to see that none is called. */
static void let_go(struct subject **s, unsigned int nr, unsigned int go)
{
	unsigned int i;

	for (i = 0; i < nr * CHUNK; i++) {
		if (!(go & BIT(i / CHUNK)))
			continue;
		iotimer_destroy(s[i]->timer);
		s[i]->timer = NULL;
		s[i]->calls = 0;
	}
}

/*
 * Let a chunk come, and run for a while; how many of its timers are called too
 * often, or too rarely.
 */
static unsigned int let_come(struct kunit *test)
{
	struct subject **s = new_chunks(test, 1);
	struct iotimer_stats before = stats(), from;
	struct expected expected;
	unsigned int i, wrong = 0;

	for (i = 0; i < CHUNK; i++)
		iotimer_start(s[i]->timer);
	from = stats();
	sleep_ms(2500);
	expected = stop_chunks(test, s, 1, from);
	/* Perhaps in the tick that was under way, too. */
	expected.most += from.ticks - before.ticks + 1;
	for (i = 0; i < CHUNK; i++)
		wrong += !is_as(s[i], expected);
	end_chunks(s, 1);
	return wrong;
}

/* Cut a walk in the first chunk of four; then some go, and perhaps one comes. */
static void cut_a_walk(struct kunit *test, unsigned int go, bool come)
{
	enum { NR = 4 };
	static const enum pattern all[NR] = { ALL, ALL, ALL, ALL };
	struct subject **s = new_chunks(test, NR);
	unsigned int i, wrong = 0;
	struct iotimer_stats from;
	struct expected expected;

	s[0]->us = 20000;	/* then it pauses for a jiffy, as long as it can */
	s[0]->action = hold_up_once;
	from = start_chunks(s, NR, all);
	for (i = 0; i < 5 * HZ && !calls(s[0]); i++)
		schedule_timeout_uninterruptible(1);
	if (virtual) {
		/* The first word is more than half a batch, and one. */
		unsigned int first = min(CHUNK, BITS_PER_LONG - 1);

		KUNIT_EXPECT_EQ(test, calls(s[first - 1]), 1u);
		KUNIT_EXPECT_EQ(test, calls(s[first]), 0u);
	}
	let_go(s, NR, go);
	if (come)
		KUNIT_EXPECT_EQ_MSG(test, let_come(test), 0u, "after chunks %x went", go);
	else
		sleep_ms(2500);
	expected = stop_chunks(test, s, NR, from);
	for (i = 0; i < NR * CHUNK; i++)
		wrong += s[i]->timer ? !is_as(s[i], expected) : calls(s[i]) != 0;
	KUNIT_EXPECT_EQ_MSG(test, wrong, 0u, "chunks %x went", go);
	end_chunks(s, NR);
}

static void chunks_go_between_two_steps(struct kunit *test)
{
	unsigned int go;

	for (go = virtual ? 0 : 7; go < 8; go++)
		cut_a_walk(test, go, false);
}

static void chunks_come_and_go_between_two_steps(struct kunit *test)
{
	unsigned int go;

	for (go = virtual ? 0 : 7; go < 8; go++)
		cut_a_walk(test, go, true);
}

/* More timers than one group has, with few enabled, here and there. */
static void calls_the_timers_of_a_second_group(struct kunit *test)
{
	enum { NR = IOTIMER_GROUP_CHUNKS * CHUNK + CHUNK / 2, EVERY = 97 };
	struct subject **s;
	unsigned int i, wrong = 0;
	struct iotimer_stats from;
	struct expected expected;

	needs_to_be_alone(test);
	s = kvcalloc(NR, sizeof(*s), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, s);
	for (i = 0; i < NR; i++)
		s[i] = new_timer(test);
	KUNIT_EXPECT_PTR_NE(test, chunk_of(s[0]->timer)->group,
			    chunk_of(s[NR - 1]->timer)->group);
	do {
		for (i = 0; i < NR; i++) {
			iotimer_stop_sync(s[i]->timer);
			s[i]->calls = 0;
		}
		sleep_ms(100);	/* a walk under way ends */
		from = stats();
		for (i = EVERY - 1; i < NR; i += EVERY)
			iotimer_start(s[i]->timer);
	} while (stats().ticks != from.ticks);
	sleep_ms(2500);
	expected.least = stats().ticks - from.ticks - !virtual;
	for (i = 0; i < NR; i++)
		iotimer_stop_sync(s[i]->timer);
	expected.most = stats().ticks - from.ticks;
	KUNIT_EXPECT_GE(test, expected.most, 2ul);
	for (i = 0; i < NR; i++) {
		wrong += (i + 1) % EVERY ? calls(s[i]) != 0 : !is_as(s[i], expected);
		end(s[i]);
	}
	KUNIT_EXPECT_EQ(test, wrong, 0u);
	kvfree(s);
}

/* Start and stop */

static void start_and_stop_tell_what_was(struct kunit *test)
{
	struct subject *s = new_timer(test);

	KUNIT_EXPECT_FALSE(test, iotimer_enabled(s->timer));
	KUNIT_EXPECT_FALSE(test, iotimer_stop(s->timer));
	KUNIT_EXPECT_TRUE(test, iotimer_start(s->timer));
	KUNIT_EXPECT_TRUE(test, iotimer_enabled(s->timer));
	KUNIT_EXPECT_FALSE(test, iotimer_start(s->timer));
	KUNIT_EXPECT_TRUE(test, iotimer_stop(s->timer));
	KUNIT_EXPECT_FALSE(test, iotimer_stop(s->timer));
	KUNIT_EXPECT_FALSE(test, iotimer_stop_sync(s->timer));
	iotimer_start(s->timer);
	KUNIT_EXPECT_TRUE(test, iotimer_stop_sync(s->timer));
	KUNIT_EXPECT_FALSE(test, iotimer_enabled(s->timer));
	end(s);
}

static void stopped_is_not_called(struct kunit *test)
{
	struct subject *s = new_timer(test);
	unsigned int was;

	iotimer_start(s->timer);
	wait_for_call(s);
	iotimer_stop_sync(s->timer);
	was = calls(s);
	ssleep(3);
	KUNIT_EXPECT_EQ(test, calls(s), was);
	end(s);
}

static void stop_self(struct subject *s)
{
	s->result = iotimer_stop(s->timer);
}

static void stop_sync_self(struct subject *s)
{
	s->result = iotimer_stop_sync(s->timer);
}

static void stop_other(struct subject *s)
{
	s->result = iotimer_stop(s->other->timer);
}

static void stop_sync_other(struct subject *s)
{
	s->result = iotimer_stop_sync(s->other->timer);
}

static void start_other(struct subject *s)
{
	s->result = iotimer_start(s->other->timer);
}

static void stop_and_start_self(struct subject *s)
{
	s->result = iotimer_stop(s->timer) && iotimer_start(s->timer);
}

/* Run one timer with an action for 2.5 seconds. */
static void run_action(struct subject *s, void (*action)(struct subject *s))
{
	s->action = action;
	iotimer_start(s->timer);
	sleep_ms(2500);
}

static void routine_stops_itself(struct kunit *test)
{
	struct subject *s = new_timer(test);

	run_action(s, stop_self);
	KUNIT_EXPECT_EQ(test, calls(s), 1u);
	KUNIT_EXPECT_TRUE(test, s->result);
	end(s);
}

static void routine_stop_syncs_itself(struct kunit *test)
{
	struct subject *s = new_timer(test);

	run_action(s, stop_sync_self);
	KUNIT_EXPECT_EQ(test, calls(s), 1u);
	KUNIT_EXPECT_TRUE(test, s->result);
	end(s);
}

static void routine_restarts_itself(struct kunit *test)
{
	struct subject *s = new_timer(test);
	unsigned long ticks = stats().ticks;

	run_action(s, stop_and_start_self);
	iotimer_stop_sync(s->timer);
	KUNIT_EXPECT_TRUE(test, s->result);
	KUNIT_EXPECT_EQ(test, calls(s) + 0ul, stats().ticks - ticks);
	KUNIT_EXPECT_GE(test, calls(s), 2u);
	end(s);
}

static void routine_starts_another(struct kunit *test)
{
	struct subject *s = new_timer(test), *other = new_timer(test);

	s->other = other;
	run_action(s, start_other);
	KUNIT_EXPECT_GE(test, calls(other), 1u);
	end(s);
	end(other);
}

/*
 * Both timers are in one bitmap word and were enabled when the walk looked at
 * it; the first routine stops the second timer, which must not be called.
 */
static void routine_stops_another_in_the_same_tick(struct kunit *test)
{
	struct subject *s = new_timer(test), *other = new_timer(test);

	/* From just after a tick to between the next two. */
	iotimer_start(other->timer);
	wait_for_call(other);
	iotimer_stop_sync(other->timer);
	other->calls = 0;
	s->other = other;
	s->action = stop_other;
	iotimer_start(s->timer);
	iotimer_start(other->timer);
	sleep_ms(1500);
	KUNIT_EXPECT_EQ(test, calls(s), 1u);
	KUNIT_EXPECT_EQ(test, calls(other), 0u);
	end(s);
	end(other);
}

/* The same, with a timer between them that is stopped. */
static void routine_stops_another_past_a_hole(struct kunit *test)
{
	struct subject *s = new_timer(test), *hole = new_timer(test);
	struct subject *other = new_timer(test);

	s->other = other;
	s->action = stop_other;
	iotimer_start(s->timer);
	iotimer_start(other->timer);
	sleep_ms(2500);
	iotimer_stop_sync(s->timer);
	KUNIT_EXPECT_GE(test, calls(s), 1u);
	KUNIT_EXPECT_EQ(test, calls(other), 0u);
	KUNIT_EXPECT_EQ(test, calls(hole), 0u);
	end(s);
	end(hole);
	end(other);
}

static void restart_other(struct subject *s)
{
	s->result = iotimer_stop(s->other->timer) && iotimer_start(s->other->timer);
}

/*
 * In two full chunks, each seventh routine does something to the timer that is
 * so many after it, or before it.
 */
static void act_on_others(struct kunit *test, void (*action)(struct subject *s),
			  int distance, bool others_are_called)
{
	enum { NR = 2, EVERY = 7 };
	static const enum pattern all[NR] = { ALL, ALL };
	struct subject **s = new_chunks(test, NR);
	unsigned int i, wrong = 0;
	struct iotimer_stats from;
	struct expected expected;

	for (i = EVERY; i < (NR * CHUNK) - EVERY; i += EVERY) {
		s[i]->other = s[i + distance];
		s[i]->action = action;
	}
	from = start_chunks(s, NR, all);
	sleep_ms(2500);
	expected = stop_chunks(test, s, NR, from);
	for (i = 0; i < NR * CHUNK; i++) {
		unsigned int actor = i - distance;

		if (others_are_called || actor % EVERY || actor < EVERY ||
		    actor >= (NR * CHUNK) - EVERY)
			wrong += !is_as(s[i], expected);
		else
			wrong += calls(s[i]) != 0;
	}
	KUNIT_EXPECT_EQ(test, wrong, 0u);
	end_chunks(s, NR);
}

static void routines_stop_others_of_full_words(struct kunit *test)
{
	act_on_others(test, stop_other, 3, false);
}

static void routines_restart_others_to_be_called(struct kunit *test)
{
	act_on_others(test, restart_other, 3, true);
}

static void routines_restart_others_that_were_called(struct kunit *test)
{
	act_on_others(test, restart_other, -3, true);
}

static void routine_stop_syncs_another(struct kunit *test)
{
	struct subject *s = new_timer(test), *other = new_timer(test);

	s->other = other;
	iotimer_start(other->timer);
	run_action(s, stop_sync_other);
	KUNIT_EXPECT_FALSE(test, iotimer_enabled(other->timer));
	end(s);
	end(other);
}

/* From hard interrupts */

struct from_irq {
	struct irq_work work;
	struct iotimer *timer;
	bool start;
	bool result;
	bool in_hardirq;
};

static void from_irq(struct irq_work *work)
{
	struct from_irq *f = container_of(work, struct from_irq, work);

	f->in_hardirq = in_hardirq();
	f->result = f->start ? iotimer_start(f->timer) : iotimer_stop(f->timer);
}

static void started_and_stopped_by_a_hard_interrupt(struct kunit *test)
{
	struct subject *s = new_timer(test);
	struct from_irq f = {
		.work = IRQ_WORK_INIT_HARD(from_irq),
		.timer = s->timer,
		.start = true,
	};
	unsigned int was;

	ssleep(2);	/* the tick rests, so that start has to arm it */
	irq_work_queue(&f.work);
	irq_work_sync(&f.work);
	KUNIT_EXPECT_TRUE(test, f.in_hardirq);
	KUNIT_EXPECT_TRUE(test, f.result);
	msleep(2500);
	KUNIT_EXPECT_GE(test, calls(s), 2u);

	f.start = false;
	irq_work_queue(&f.work);
	irq_work_sync(&f.work);
	KUNIT_EXPECT_TRUE(test, f.result);
	was = calls(s);
	ssleep(2);
	KUNIT_EXPECT_EQ(test, calls(s), was);
	end(s);
}

/* Misuse */

static void stop_sync_with_interrupts_off_is_stop(struct kunit *test)
{
	struct subject *s = new_timer(test);
	unsigned long flags;
	bool was;

	iotimer_start(s->timer);
	expect_warning("iotimer: stop_sync with interrupts off cannot wait");
	local_irq_save(flags);
	was = iotimer_stop_sync(s->timer);
	local_irq_restore(flags);
	KUNIT_EXPECT_TRUE(test, was);
	KUNIT_EXPECT_FALSE(test, iotimer_enabled(s->timer));
	end(s);
}

static void create_in_atomic_context_is_refused(struct kunit *test)
{
	struct subject *s = new_device(test);
	unsigned int refs = kref_read(&s->dev.kobj.kref);
	struct iotimer *timer;

	expect_warning("iotimer: create in atomic context");
	local_irq_disable();
	timer = iotimer_create(&s->dev, second, s);
	local_irq_enable();
	KUNIT_EXPECT_PTR_EQ(test, timer, (struct iotimer *)ERR_PTR(-EINVAL));
	KUNIT_EXPECT_EQ(test, kref_read(&s->dev.kobj.kref), refs);
	s->timer = iotimer_create(&s->dev, second, s);
	KUNIT_EXPECT_FALSE(test, IS_ERR(s->timer));
	end(s);
}

static void destroy_self(struct subject *s)
{
	expect_warning("iotimer: destroy in atomic context");
	iotimer_destroy(s->timer);
	WRITE_ONCE(s->action, NULL);
}

/* It is stopped, and the same as before when it is started again. */
static void destroy_inside_a_routine_is_stop(struct kunit *test)
{
	struct subject *s = new_timer(test);

	s->action = destroy_self;
	iotimer_start(s->timer);
	sleep_ms(2500);
	KUNIT_EXPECT_EQ(test, calls(s), 1u);
	KUNIT_EXPECT_FALSE(test, iotimer_enabled(s->timer));
	KUNIT_EXPECT_PTR_EQ(test, iotimer_create(&s->dev, second, s),
			    (struct iotimer *)ERR_PTR(-EEXIST));
	KUNIT_EXPECT_TRUE(test, iotimer_start(s->timer));
	wait_for_call(s);
	KUNIT_EXPECT_EQ(test, calls(s), 2u);
	end(s);
}

static void start_of_a_destroyed_timer_does_nothing(struct kunit *test)
{
	struct subject *keeps_chunk, *s;
	struct iotimer_stats from, to;

	needs_to_be_alone(test);
	keeps_chunk = new_timer(test);
	s = new_timer(test);
	iotimer_destroy(s->timer);
	ssleep(2);	/* the tick rests */
	from = stats();
	expect_warning("iotimer: start of a destroyed timer");
	KUNIT_EXPECT_FALSE(test, iotimer_start(s->timer));
	KUNIT_EXPECT_FALSE(test, iotimer_enabled(s->timer));
	ssleep(2);
	to = stats();
	KUNIT_EXPECT_EQ(test, calls(s), 0u);
	KUNIT_EXPECT_EQ(test, to.wakeups, from.wakeups);	/* and goes on to */
	put_device(&s->dev);
	end(keeps_chunk);
}

/* Against a routine that is running on another CPU */

static void needs_two_cpus(struct kunit *test)
{
	if (num_online_cpus() < 2)
		kunit_skip(test, "needs two CPUs");
}

/* Busily, since a test may hold a lock; not for ever, should it fail. */
static void wait_until(bool *flag)
{
	unsigned long give_up = jiffies + 5 * HZ;

	while (!READ_ONCE(*flag) && time_before(jiffies, give_up))
		cpu_relax();
}

/* What the routine waits for, before it goes on for another 100 ms. */
static bool release_routine;

static void wait_for_release(struct subject *s)
{
	unsigned int ms;

	for (ms = 0; ms < 5000 && !READ_ONCE(release_routine); ms++)
		mdelay(1);
}

static void slow_routine(struct subject *s)
{
	wait_for_release(s);
	mdelay(100);
}

static void slow_restart(struct subject *s)
{
	wait_for_release(s);
	mdelay(100);
	iotimer_start(s->timer);
}

/*
 * Keep a CPU busy, so that what expires there is not taken over by another, as
 * an idle CPU's timers are since 6.9. Not for ever, should a test fail.
 */
static int keep_busy(void *unused)
{
	unsigned long give_up = jiffies + 60 * HZ;

	while (!kthread_should_stop()) {
		if (time_before(jiffies, give_up))
			cond_resched();
		else
			schedule_timeout_uninterruptible(1);
	}
	return 0;
}

static struct task_struct *occupy(struct kunit *test, unsigned int cpu)
{
	struct task_struct *task = kthread_create(keep_busy, NULL, "occupier");

	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	kthread_bind(task, cpu);
	wake_up_process(task);
	return task;
}

/*
 * Have a routine run on another CPU; on return it has been entered, and is
 * still inside if it waits for the release. The tick runs where its timer was
 * armed, so the timer is started there.
 */
static void enter_routine(struct kunit *test, struct subject *s,
			  void (*action)(struct subject *s))
{
	unsigned long give_up = jiffies + 6 * HZ;
	bool entered;
	int cpu;

	ssleep(2);	/* the tick rests */
	set_cpus_allowed_ptr(current, cpumask_of(0));
	cpu = cpumask_next(0, cpu_online_mask);
	WRITE_ONCE(release_routine, false);
	s->action = action;
	schedule_work_on(cpu, &s->work);
	do {
		cpu_relax();
		entered = READ_ONCE(s->entered);
	} while (!entered && time_before(jiffies, give_up));
	if (!entered)
		end(s);
	KUNIT_ASSERT_TRUE(test, entered);
}

static void stop_sync_waits_for_the_routine(struct kunit *test)
{
	struct subject *s;

	needs_two_cpus(test);
	s = new_timer(test);
	enter_routine(test, s, slow_routine);
	WRITE_ONCE(release_routine, true);
	KUNIT_EXPECT_TRUE(test, iotimer_stop_sync(s->timer));
	KUNIT_EXPECT_FALSE(test, READ_ONCE(s->inside));
	KUNIT_EXPECT_EQ(test, calls(s), 1u);
	end(s);
}

static void stop_sync_undoes_the_routines_restart(struct kunit *test)
{
	struct subject *s;

	needs_two_cpus(test);
	s = new_timer(test);
	enter_routine(test, s, slow_restart);
	WRITE_ONCE(release_routine, true);
	KUNIT_EXPECT_TRUE(test, iotimer_stop_sync(s->timer));
	KUNIT_EXPECT_FALSE(test, READ_ONCE(s->inside));
	KUNIT_EXPECT_FALSE(test, iotimer_enabled(s->timer));
	ssleep(2);
	KUNIT_EXPECT_EQ(test, calls(s), 1u);
	end(s);
}

static void destroy_waits_for_the_routine(struct kunit *test)
{
	struct subject *s, *keeps_chunk;

	needs_two_cpus(test);
	s = new_timer(test);
	enter_routine(test, s, slow_restart);
	keeps_chunk = new_timer(test);
	WRITE_ONCE(release_routine, true);
	iotimer_destroy(s->timer);
	KUNIT_EXPECT_FALSE(test, READ_ONCE(s->inside));
	KUNIT_EXPECT_FALSE(test, iotimer_enabled(s->timer));
	ssleep(2);
	KUNIT_EXPECT_EQ(test, calls(s), 1u);
	end_device(s);
	end(keeps_chunk);
}

/* An interrupt that starts a timer whose routine waits for it, and lasts a while longer. */
struct late_start {
	struct hrtimer hrtimer;
	struct subject *s;
	bool result, enabled;
};

static enum hrtimer_restart start_late(struct hrtimer *hrtimer)
{
	struct late_start *late = container_of(hrtimer, struct late_start, hrtimer);

	if (READ_ONCE(late->s->timer->fn)) {	/* not being destroyed yet */
		hrtimer_forward_now(hrtimer, ms_to_ktime(1));
		return HRTIMER_RESTART;
	}
	late->result = iotimer_start(late->s->timer);
	late->enabled = iotimer_enabled(late->s->timer);
	WRITE_ONCE(release_routine, true);
	return HRTIMER_NORESTART;
}

static void start_while_being_destroyed_does_nothing(struct kunit *test)
{
	struct subject *s, *keeps_chunk;
	struct late_start late = {};

	needs_two_cpus(test);
	s = new_timer(test);
	late.s = s;
	hrtimer_setup_on_stack(&late.hrtimer, start_late, CLOCK_MONOTONIC,
			       HRTIMER_MODE_REL_HARD);
	enter_routine(test, s, slow_routine);
	keeps_chunk = new_timer(test);
	hrtimer_start(&late.hrtimer, ms_to_ktime(1), HRTIMER_MODE_REL_HARD);
	iotimer_destroy(s->timer);
	KUNIT_EXPECT_TRUE(test, READ_ONCE(release_routine));
	KUNIT_EXPECT_FALSE(test, READ_ONCE(s->inside));
	KUNIT_EXPECT_FALSE(test, late.result);
	KUNIT_EXPECT_FALSE(test, late.enabled);
	hrtimer_cancel(&late.hrtimer);
	destroy_hrtimer_on_stack(&late.hrtimer);
	end_device(s);
	end(keeps_chunk);
}

/* What others wait for, and what not */

static DEFINE_SPINLOCK(bus);

/* Not for ever, so that a test that fails ends. */
static void want_bus(struct subject *s)
{
	unsigned long give_up = jiffies + 5 * HZ;

	while (!spin_trylock(&bus)) {
		if (time_after(jiffies, give_up))
			return;
		cpu_relax();
	}
	s->result = true;
	spin_unlock(&bus);
}

/*
 * A's routine wants a lock that is held while B is stopped, whose routine does
 * not. Both obey the rule about locks.
 */
static void stop_sync_does_not_wait_for_anothers_routine(struct kunit *test)
{
	struct subject *a, *b;
	struct task_struct *occupier;

	needs_two_cpus(test);
	a = new_timer(test);
	b = new_timer(test);
	enter_routine(test, a, wait_for_release);
	iotimer_start(b->timer);
	WRITE_ONCE(a->action, want_bus);
	iotimer_stop_sync(b->timer);
	KUNIT_EXPECT_TRUE(test, READ_ONCE(a->inside));
	WRITE_ONCE(release_routine, true);
	iotimer_stop_sync(a->timer);

	/* The same, under the lock, in the next call of A, on the same CPU. */
	occupier = occupy(test, a->cpu);
	a->entered = false;
	iotimer_start(b->timer);
	spin_lock_bh(&bus);
	iotimer_start(a->timer);
	wait_until(&a->entered);
	mdelay(10);
	iotimer_stop_sync(b->timer);
	KUNIT_EXPECT_TRUE(test, READ_ONCE(a->inside));
	spin_unlock_bh(&bus);
	iotimer_stop_sync(a->timer);
	KUNIT_EXPECT_TRUE(test, a->result);
	kthread_stop(occupier);
	end(a);
	end(b);
}

static void destroy_does_not_wait_for_anothers_routine(struct kunit *test)
{
	struct subject *a, *b;

	needs_two_cpus(test);
	a = new_timer(test);
	b = new_timer(test);
	enter_routine(test, a, wait_for_release);
	iotimer_start(b->timer);
	iotimer_destroy(b->timer);
	KUNIT_EXPECT_TRUE(test, READ_ONCE(a->inside));
	WRITE_ONCE(release_routine, true);
	end_device(b);
	end(a);
}

/* As when a driver is unbound. */
static void detach_does_not_wait_for_anothers_routine(struct kunit *test)
{
	struct subject *a, *b;
	void *group;

	needs_two_cpus(test);
	a = new_timer(test);
	b = new_device(test);
	group = devres_open_group(&b->dev, NULL, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, group);
	b->timer = devm_iotimer_create(&b->dev, second, b);
	KUNIT_ASSERT_FALSE(test, IS_ERR(b->timer));
	enter_routine(test, a, wait_for_release);
	iotimer_start(b->timer);
	devres_release_group(&b->dev, group);
	KUNIT_EXPECT_TRUE(test, READ_ONCE(a->inside));
	WRITE_ONCE(release_routine, true);
	end_device(b);
	end(a);
}

/* A timer that its driver starts at each operation, and its routine stops. */
struct on_demand {
	spinlock_t lock;	/* the driver's */
	struct subject *s;
	bool outstanding;
	bool deciding;		/* the routine has found nothing outstanding */
};

static struct on_demand on_demand;

static void stop_if_idle(struct subject *s)
{
	spin_lock(&on_demand.lock);
	if (READ_ONCE(on_demand.outstanding)) {
		WRITE_ONCE(on_demand.outstanding, false);
	} else {
		WRITE_ONCE(on_demand.deciding, true);
		mdelay(50);	/* begin_operation() comes just now */
		iotimer_stop(s->timer);
	}
	spin_unlock(&on_demand.lock);
}

static void begin_operation(void)
{
	struct iotimer *timer = on_demand.s->timer;

	spin_lock_bh(&on_demand.lock);
	WRITE_ONCE(on_demand.outstanding, true);
	if (!iotimer_enabled(timer))
		iotimer_start(timer);
	spin_unlock_bh(&on_demand.lock);
}

/* An operation that begins while the routine decides to stop is seen to. */
static void started_on_demand_under_the_lock(struct kunit *test)
{
	struct subject *s;
	unsigned int round;

	needs_two_cpus(test);
	s = new_timer(test);
	spin_lock_init(&on_demand.lock);
	on_demand.s = s;
	for (round = 0; round < 3; round++) {
		WRITE_ONCE(on_demand.deciding, false);
		s->entered = false;
		s->calls = 0;
		enter_routine(test, s, stop_if_idle);
		wait_until(&on_demand.deciding);
		begin_operation();
		KUNIT_EXPECT_TRUE(test, iotimer_enabled(s->timer));
		sleep_ms(1500);
		KUNIT_EXPECT_FALSE(test, READ_ONCE(on_demand.outstanding));
		ssleep(1);
		KUNIT_EXPECT_FALSE(test, iotimer_enabled(s->timer));
	}
	end(s);
}

/* A listener to the event of a start, which has the device's name, that takes long. */
struct start_probe {
	const struct device *dev;
	bool entered;
	bool left;
};

static void slow_probe(void *data, const struct device *dev, bool was_enabled)
{
	struct start_probe *probe = data;

	if (dev != probe->dev)
		return;
	WRITE_ONCE(probe->entered, true);
	mdelay(200);
	WRITE_ONCE(probe->left, true);
}

static void just_start(struct work_struct *work)
{
	iotimer_start(container_of(work, struct subject, work)->timer);
}

static void destroy_waits_for_the_event_of_a_start(struct kunit *test)
{
	unsigned long give_up = jiffies + 6 * HZ;
	struct start_probe probe = {};
	struct subject *s;

	if (!IS_ENABLED(CONFIG_TRACEPOINTS))
		kunit_skip(test, "needs CONFIG_TRACEPOINTS");
	needs_two_cpus(test);
	s = new_timer(test);
	probe.dev = &s->dev;
	KUNIT_ASSERT_EQ(test, register_trace_iotimer_start(slow_probe, &probe), 0);
	set_cpus_allowed_ptr(current, cpumask_of(0));
	INIT_WORK(&s->work, just_start);
	schedule_work_on(cpumask_next(0, cpu_online_mask), &s->work);
	while (!READ_ONCE(probe.entered) && time_before(jiffies, give_up))
		cpu_relax();
	iotimer_destroy(s->timer);
	KUNIT_EXPECT_TRUE(test, READ_ONCE(probe.entered));
	KUNIT_EXPECT_TRUE(test, READ_ONCE(probe.left));
	unregister_trace_iotimer_start(slow_probe, &probe);
	tracepoint_synchronize_unregister();
	end_device(s);
}

static void stop_start_and_create_do_not_wait(struct kunit *test)
{
	struct subject *s, *other;

	needs_two_cpus(test);
	s = new_timer(test);
	enter_routine(test, s, wait_for_release);
	other = new_timer(test);
	KUNIT_EXPECT_TRUE(test, iotimer_start(other->timer));
	KUNIT_EXPECT_TRUE(test, iotimer_stop(other->timer));
	KUNIT_EXPECT_TRUE(test, iotimer_stop(s->timer));
	KUNIT_EXPECT_TRUE(test, READ_ONCE(s->inside));	/* all the while */
	WRITE_ONCE(release_routine, true);
	end(other);
	end(s);
}

/* A walk has found no timer, and the tick is about to go idle: start one. */
static void start_at_the_end(void *data, unsigned long calls, u64 ns,
			     unsigned int steps, unsigned long late,
			     unsigned long missed)
{
	struct subject *s = data;

	if (calls)
		return;
	s->entered = true;
	iotimer_start(s->timer);
}

static void no_tick_is_lost_going_idle(struct kunit *test)
{
	struct subject *s;
	unsigned int round;

	if (!IS_ENABLED(CONFIG_TRACEPOINTS))
		kunit_skip(test, "needs CONFIG_TRACEPOINTS");
	needs_to_be_alone(test);
	s = new_timer(test);
	s->action = stop_self;
	KUNIT_ASSERT_EQ(test, register_trace_iotimer_tick(start_at_the_end, s), 0);
	iotimer_start(s->timer);
	for (round = 1; round <= 4; round++) {
		unsigned int was = calls(s);

		wait_for_call(s);
		KUNIT_EXPECT_EQ(test, calls(s), was + 1);
	}
	unregister_trace_iotimer_tick(start_at_the_end, s);
	tracepoint_synchronize_unregister();
	KUNIT_EXPECT_TRUE(test, s->entered);
	end(s);
}

/*
 * A walk is within the first of five timers, each in a chunk of its own, and has
 * collected the others: then one of them goes, with its chunk.
 */
static void a_collected_timer_goes(struct kunit *test)
{
	enum { NR = 5, GOES = 3 };
	struct subject **s;
	unsigned int i;

	needs_two_cpus(test);
	s = new_chunks(test, NR);
	for (i = 0; i < NR * CHUNK; i++)
		if (i % CHUNK)
			end(s[i]);
	for (i = CHUNK; i < NR * CHUNK; i += CHUNK)
		iotimer_start(s[i]->timer);
	enter_routine(test, s[0], wait_for_release);
	for (i = CHUNK; i < NR * CHUNK; i += CHUNK)
		s[i]->calls = 0;
	iotimer_destroy(s[GOES * CHUNK]->timer);
	s[GOES * CHUNK]->timer = NULL;
	KUNIT_EXPECT_TRUE(test, READ_ONCE(s[0]->inside));
	WRITE_ONCE(release_routine, true);
	wait_for_call(s[0]);
	for (i = CHUNK; i < NR * CHUNK; i += CHUNK)
		KUNIT_EXPECT_EQ(test, !calls(s[i]), !s[i]->timer);
	for (i = 0; i < NR * CHUNK; i += CHUNK)
		end(s[i]);
}

static void ticks_survive_their_cpu(struct kunit *test)
{
	struct subject *s;
	unsigned int was, cpu;

	needs_two_cpus(test);
	s = new_timer(test);
	enter_routine(test, s, slow_routine);
	WRITE_ONCE(release_routine, true);
	cpu = cpumask_next(0, cpu_online_mask);
	KUNIT_ASSERT_EQ(test, remove_cpu(cpu), 0);
	was = calls(s);
	msleep(3500);
	KUNIT_EXPECT_GE(test, calls(s), was + 2);
	KUNIT_EXPECT_EQ(test, add_cpu(cpu), 0);
	was = calls(s);
	msleep(3500);
	KUNIT_EXPECT_GE(test, calls(s), was + 2);
	end(s);
}

static void delay(struct subject *s)
{
	udelay(s->us);
}

/*
 * A walk that takes most of the second, half of it pauses, loses its CPU under
 * way: each timer is called once a tick all the same.
 */
static void walk_without_its_cpu(struct kunit *test, struct subject **s,
				 unsigned int nr)
{
	unsigned int cpu = cpumask_next(0, cpu_online_mask), i, wrong = 0;
	unsigned long give_up = jiffies + 9 * HZ;
	struct task_struct *occupier;
	struct iotimer_stats from;
	struct expected expected;

	for (i = 0; i < nr; i++)
		s[i]->calls = 0;
	s[0]->entered = false;
	enter_routine(test, s[0], delay);	/* the tick is on that CPU */
	occupier = occupy(test, cpu);
	do {
		for (i = 1; i < nr; i++)
			iotimer_stop_sync(s[i]->timer);
		msleep(100);	/* a walk under way ends */
		from = stats();
		for (i = 1; i < nr; i++) {
			s[i]->calls = 0;
			iotimer_start(s[i]->timer);
		}
	} while (stats().ticks != from.ticks);
	while (stats().ticks == from.ticks && time_before(jiffies, give_up))
		cpu_relax();
	KUNIT_EXPECT_EQ(test, READ_ONCE(s[0]->cpu), cpu);
	kthread_stop(occupier);	/* the walk goes on there */
	KUNIT_EXPECT_EQ(test, remove_cpu(cpu), 0);
	msleep(3000);
	KUNIT_EXPECT_EQ(test, add_cpu(cpu), 0);
	expected.least = stats().ticks - from.ticks;
	KUNIT_EXPECT_GE(test, expected.least, 2ul);
	expected.least -= 1;	/* the last may be cut */
	for (i = 0; i < nr; i++)
		iotimer_stop_sync(s[i]->timer);
	expected.most = stats().ticks - from.ticks;
	for (i = 1; i < nr; i++)
		wrong += !is_as(s[i], expected);
	KUNIT_EXPECT_EQ(test, wrong, 0u);
}

static void a_walk_survives_its_cpu(struct kunit *test)
{
	enum { NR = 3000, ROUNDS = 4 };
	struct subject **s;
	unsigned int i;

	needs_two_cpus(test);
	s = kunit_kcalloc(test, NR, sizeof(*s), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, s);
	for (i = 0; i < NR; i++) {
		s[i] = new_timer(test);
		s[i]->us = 100;
		s[i]->action = delay;
	}
	for (i = 0; i < ROUNDS; i++)
		walk_without_its_cpu(test, s, NR);
	for (i = 0; i < NR; i++)
		end(s[i]);
}

#ifdef CONFIG_PREEMPT_RT
/*
 * On PREEMPT_RT routines run in a thread, here of low priority. A hog of middle
 * priority keeps it from its CPU, unless a waiter of high priority lends its own.
 */
struct hog {
	struct task_struct *softirq;	/* the thread that runs the routines */
	bool running;
	bool stop;
	bool ended;
};

static struct hog hog;

static void note_thread(struct subject *s)
{
	hog.softirq = current;
}

static void wait_for_hog(struct subject *s)
{
	wait_for_release(s);
	wait_until(&hog.running);
	s->us = current->prio;
}

static void note_priority(struct subject *s)
{
	s->us = current->prio;
}

static int hog_cpu(void *unused)
{
	unsigned long give_up = jiffies + 5 * HZ;

	sched_set_fifo_low(current);
	WRITE_ONCE(hog.running, true);
	while (!READ_ONCE(hog.stop) && time_before(jiffies, give_up))
		cpu_relax();
	WRITE_ONCE(hog.ended, true);
	while (!kthread_should_stop())
		schedule_timeout_uninterruptible(1);
	return 0;
}

static void stop_sync_lends_its_priority_to_the_routine_only(struct kunit *test)
{
	struct subject *a, *b;
	struct task_struct *task, *occupier;
	bool was_fifo;

	needs_two_cpus(test);
	a = new_timer(test);
	b = new_timer(test);
	hog = (struct hog){};
	enter_routine(test, a, note_thread);
	was_fifo = hog.softirq->policy == SCHED_FIFO;
	task = kthread_create(hog_cpu, NULL, "iotimer_hog");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	kthread_bind(task, a->cpu);

	occupier = occupy(test, a->cpu);
	sched_set_normal(hog.softirq, 0);
	a->entered = false;
	a->action = wait_for_hog;
	b->action = note_priority;
	iotimer_start(b->timer);
	wait_until(&a->entered);
	wake_up_process(task);
	WRITE_ONCE(release_routine, true);
	wait_until(&hog.running);
	sched_set_fifo(current);
	iotimer_stop_sync(a->timer);
	KUNIT_EXPECT_FALSE(test, READ_ONCE(hog.ended));
	KUNIT_EXPECT_EQ(test, calls(b), 0u);
	WRITE_ONCE(hog.stop, true);
	KUNIT_EXPECT_EQ(test, a->us, (unsigned int)current->prio);
	sched_set_normal(current, 0);
	wait_for_call(b);
	KUNIT_EXPECT_EQ(test, b->us, (unsigned int)DEFAULT_PRIO);
	kthread_stop(task);
	kthread_stop(occupier);
	if (was_fifo)
		sched_set_fifo_low(hog.softirq);
	end(a);
	end(b);
}

/* Not bus, under which another test stops a timer of the routine's class. */
static DEFINE_SPINLOCK(other_bus);

static void lock_bus(struct subject *s)
{
	spin_lock(&other_bus);
	s->result = true;
	spin_unlock(&other_bus);
}

/*
 * A's routine waits for a lock whose owner stops B, on the CPU of the softirq
 * thread, which has the higher priority.
 */
static void stop_sync_under_a_lock_that_the_softirq_thread_wants(struct kunit *test)
{
	struct subject *a, *b;

	needs_two_cpus(test);
	a = new_timer(test);
	b = new_device(test);
	/* Here: a class of lock of its own, as another driver's timer has. */
	b->timer = iotimer_create(&b->dev, second, b);
	KUNIT_ASSERT_FALSE(test, IS_ERR(b->timer));
	hog = (struct hog){};
	enter_routine(test, a, note_thread);
	iotimer_stop_sync(a->timer);
	set_cpus_allowed_ptr(current, cpumask_of(task_cpu(hog.softirq)));
	KUNIT_EXPECT_EQ(test, hog.softirq->policy, (unsigned int)SCHED_FIFO);
	a->entered = false;
	a->action = lock_bus;
	spin_lock(&other_bus);
	iotimer_start(a->timer);
	iotimer_start(b->timer);
	wait_until(&a->entered);
	iotimer_stop_sync(b->timer);
	KUNIT_EXPECT_TRUE(test, READ_ONCE(a->inside));
	KUNIT_EXPECT_FALSE(test, a->result);
	spin_unlock(&other_bus);
	iotimer_stop_sync(a->timer);
	KUNIT_EXPECT_TRUE(test, a->result);
	end(a);
	end(b);
}
#endif

static struct kunit_case iotimer_cases[] = {
	KUNIT_CASE(refuses_bad_arguments),
	KUNIT_CASE(refuses_a_device_that_is_not_initialised),
	KUNIT_CASE(one_timer_a_device),
	KUNIT_CASE(holds_its_device),
	KUNIT_CASE(devm_destroys_on_detach),
	KUNIT_CASE(devices_come_and_go),
	KUNIT_CASE(create_survives_one_failing_allocation),
	KUNIT_CASE(create_survives_all_failing_from_then_on),
	KUNIT_CASE(devm_create_survives_one_failing_allocation),
	KUNIT_CASE(devm_create_survives_all_failing_from_then_on),
	KUNIT_CASE(called_once_a_second_without_drift),
	KUNIT_CASE(first_call_comes_within_a_second),
	KUNIT_CASE(keeps_the_grid_over_a_rest),
	KUNIT_CASE(no_enabled_timer_no_tick),
	KUNIT_CASE(a_late_tick_makes_no_burst),
	KUNIT_CASE(a_small_budget_splits_the_tick),
	KUNIT_CASE(a_large_budget_does_not),
	KUNIT_CASE(calls_all_that_are_enabled_however_they_lie),
	KUNIT_CASE(chunks_go_between_two_steps),
	KUNIT_CASE(chunks_come_and_go_between_two_steps),
	KUNIT_CASE(calls_the_timers_of_a_second_group),
	KUNIT_CASE(start_and_stop_tell_what_was),
	KUNIT_CASE(stopped_is_not_called),
	KUNIT_CASE(routine_stops_itself),
	KUNIT_CASE(routine_stop_syncs_itself),
	KUNIT_CASE(routine_restarts_itself),
	KUNIT_CASE(routine_starts_another),
	KUNIT_CASE(routine_stops_another_in_the_same_tick),
	KUNIT_CASE(routine_stops_another_past_a_hole),
	KUNIT_CASE(routines_stop_others_of_full_words),
	KUNIT_CASE(routines_restart_others_to_be_called),
	KUNIT_CASE(routines_restart_others_that_were_called),
	KUNIT_CASE(routine_stop_syncs_another),
	KUNIT_CASE(started_and_stopped_by_a_hard_interrupt),
	KUNIT_CASE(stop_sync_with_interrupts_off_is_stop),
	KUNIT_CASE(create_in_atomic_context_is_refused),
	KUNIT_CASE(destroy_inside_a_routine_is_stop),
	KUNIT_CASE(start_of_a_destroyed_timer_does_nothing),
	KUNIT_CASE(stop_sync_waits_for_the_routine),
	KUNIT_CASE(stop_sync_undoes_the_routines_restart),
	KUNIT_CASE(destroy_waits_for_the_routine),
	KUNIT_CASE(start_while_being_destroyed_does_nothing),
	KUNIT_CASE(stop_sync_does_not_wait_for_anothers_routine),
	KUNIT_CASE(destroy_does_not_wait_for_anothers_routine),
	KUNIT_CASE(detach_does_not_wait_for_anothers_routine),
	KUNIT_CASE(started_on_demand_under_the_lock),
	KUNIT_CASE(destroy_waits_for_the_event_of_a_start),
	KUNIT_CASE(stop_start_and_create_do_not_wait),
	KUNIT_CASE(no_tick_is_lost_going_idle),
	KUNIT_CASE(a_collected_timer_goes),
	KUNIT_CASE(ticks_survive_their_cpu),
	KUNIT_CASE(a_walk_survives_its_cpu),
#ifdef CONFIG_PREEMPT_RT
	KUNIT_CASE(stop_sync_lends_its_priority_to_the_routine_only),
	KUNIT_CASE(stop_sync_under_a_lock_that_the_softirq_thread_wants),
#endif
	{}
};

static struct kunit_suite iotimer_suite = {
	.name = "iotimer",
	.suite_init = run_for_seconds,
	.test_cases = iotimer_cases,
};

kunit_test_suite(iotimer_suite);

MODULE_DESCRIPTION("KUnit tests of the engine");
MODULE_LICENSE("GPL");
