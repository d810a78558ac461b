// SPDX-License-Identifier: GPL-2.0-only
/* When ticks come, and how long they hold the softirq */
#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/fs.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/sched.h>

#include "iotimer_test.h"

static unsigned int seconds = 4;
module_param(seconds, uint, 0444);
MODULE_PARM_DESC(seconds, "length of the test for drift");

/*
 * This timer ran before the first case, perhaps for a day, because KUnit gives
 * a case 300 seconds at most.
 */
static struct {
	struct subject *s;
	struct iotimer_stats from, to;
	unsigned long until;
} run;

bool iotimer_not_alone;

int iotimer_time_suite_init(struct kunit_suite *suite)
{
	unsigned long before;

	run.s = subject_alloc();
	if (!run.s)
		return -ENOMEM;
	run.s->timer = iotimer_create(&run.s->dev, subject_watchdog, run.s);
	if (IS_ERR(run.s->timer))
		return PTR_ERR(run.s->timer);
	run.from = stats();
	iotimer_start(run.s->timer);
	ssleep(seconds);
	run.until = jiffies;
	iotimer_stop_sync(run.s->timer);
	run.to = stats();
	iotimer_destroy(run.s->timer);

	/* One tick may follow the last stop. */
	before = stats().ticks;
	ssleep(4);
	iotimer_not_alone = stats().ticks - before > 1;
	return 0;
}

/* P2 */
void called_once_a_second_without_drift(struct kunit *test)
{
	struct subject *s = run.s;
	unsigned long missed = run.to.missed - run.from.missed;

	KUNIT_EXPECT_EQ(test, calls(s) + 0ul, run.to.ticks - run.from.ticks);
	KUNIT_EXPECT_EQ(test, calls(s) + missed,
			DIV_ROUND_CLOSEST(s->last - s->first, HZ) + 1);
	KUNIT_EXPECT_GE(test, calls(s) + missed + 1, seconds);
	if (iotimer_virtual) {
		KUNIT_EXPECT_EQ(test, s->off_grid, 0u);
		KUNIT_EXPECT_EQ(test, missed, 0ul);
		KUNIT_EXPECT_EQ(test, calls(s) + 0ul,
				(run.until - s->first) / HZ + 1);
	}
	put_device(&s->dev);
}

/*
 * P3: start at up to 100 points in time between two ticks. With HZ=100 that is
 * after each jiffy.
 */
void first_call_comes_within_a_second(struct kunit *test)
{
	struct subject *s = subject_new_timer(test);
	unsigned int phase, last = iotimer_virtual ? 99 : 3;

	for (phase = 0; phase <= last; phase++) {
		unsigned long started;

		schedule_timeout_uninterruptible(1 + phase * (HZ - 1) / last);
		s->calls = 0;
		started = jiffies;
		iotimer_start(s->timer);
		subject_wait_for_call(s);
		iotimer_stop_sync(s->timer);
		KUNIT_EXPECT_EQ(test, calls(s), 1u);
		KUNIT_EXPECT_LE(test, s->first - started, HZ + slack());
	}
	subject_destroy(s);
}

/* P2: in real time a call may be late, but not every call by much. */
void keeps_the_grid_over_a_rest(struct kunit *test)
{
	struct subject *s = subject_new_timer(test);
	unsigned long first, off, least = HZ;
	unsigned int i, rounds = iotimer_virtual ? 1 : 4;

	iotimer_start(s->timer);
	subject_wait_for_call(s);
	first = s->first;
	iotimer_stop_sync(s->timer);
	for (i = 0; i < rounds; i++) {
		msleep(3333);
		s->calls = 0;
		iotimer_start(s->timer);
		subject_wait_for_call(s);
		iotimer_stop_sync(s->timer);
		off = (s->first - first) % HZ;
		least = min3(least, off, HZ - off);
	}
	KUNIT_EXPECT_LE(test, least, iotimer_virtual ? 0ul : HZ / 8);
	subject_destroy(s);
}

/* One tick, for which the timer expires three times at most, and then none. */
static void expect_idle(struct kunit *test)
{
	struct iotimer_stats from = stats(), to;

	ssleep(3);
	to = stats();
	KUNIT_EXPECT_LE(test, to.ticks - from.ticks, 1ul);
	KUNIT_EXPECT_LE(test, to.wakeups - from.wakeups, 3ul);
	from = to;
	ssleep(iotimer_virtual ? 100 : 3);
	to = stats();
	KUNIT_EXPECT_EQ(test, to.ticks, from.ticks);
	KUNIT_EXPECT_EQ(test, to.wakeups, from.wakeups);
}

/* P8 */
void no_enabled_timer_no_tick(struct kunit *test)
{
	struct subject *s;

	needs_to_be_alone(test);
	s = subject_new_timer(test);
	iotimer_start(s->timer);
	ssleep(2);
	iotimer_stop(s->timer);
	expect_idle(test);
	iotimer_start(s->timer);
	iotimer_stop(s->timer);
	expect_idle(test);
	subject_destroy(s);
}

/* P2 */
void a_late_tick_makes_no_burst(struct kunit *test)
{
	struct subject *slow = subject_new_timer(test), *s = subject_new_timer(test);
	struct iotimer_stats from, to;
	unsigned int was;

	iotimer_start(slow->timer);
	iotimer_start(s->timer);
	subject_wait_for_call(s);
	from = stats();
	was = calls(s);

	/* Hold up the tick for two and a half seconds. */
	slow->us = 2500000;
	WRITE_ONCE(slow->action, subject_hold_up_once);
	sleep_ms(6500);
	iotimer_stop_sync(s->timer);
	iotimer_stop_sync(slow->timer);
	to = stats();
	KUNIT_EXPECT_EQ(test, slow->us, 0u);
	KUNIT_EXPECT_GE(test, to.missed - from.missed, 1ul);
	KUNIT_EXPECT_EQ(test, calls(s) - was + 0ul, to.ticks - from.ticks);
	if (iotimer_virtual) {
		/* 6 ticks, of which one was skipped */
		KUNIT_EXPECT_EQ(test, to.missed - from.missed, 1ul);
		KUNIT_EXPECT_EQ(test, calls(s) - was, 5u);
		KUNIT_EXPECT_EQ(test, (s->last - s->first) % HZ, 0ul);
	}
	subject_destroy(slow);
	subject_destroy(s);
}

/* The most routines called between two wakeups */
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

/* Run 1000 routines for some ticks, each of which takes so many us. */
static struct iotimer_stats run_many(struct kunit *test, unsigned int us)
{
	enum { NR = 1000 };
	struct subject **s = kunit_kcalloc(test, NR, sizeof(*s), GFP_KERNEL);
	unsigned int i, few = UINT_MAX, many = 0;
	struct iotimer_stats from, to;

	KUNIT_ASSERT_NOT_NULL(test, s);
	for (i = 0; i < NR; i++) {
		s[i] = subject_new_timer(test);
		s[i]->us = us;
		s[i]->action = delay_and_count;
	}
	most_in_wakeup = 0;
	for (i = 0; i < NR; i++)
		iotimer_start(s[i]->timer);
	subject_wait_for_call(s[NR - 1]);	/* the first tick may not call all */
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
		subject_destroy(s[i]);
	}
	KUNIT_EXPECT_GE(test, few + 1ul, to.ticks - from.ticks);
	KUNIT_EXPECT_LE(test, many + 0ul, to.ticks - from.ticks + 1);
	KUNIT_EXPECT_LE(test, many - few, 1u);
	to.ticks -= from.ticks;
	to.wakeups -= from.wakeups;
	return to;
}

/*
 * P7: a batch has 32 routines or more, which take 320 us and overrun the budget of
 * 200. A smaller batch may come first, in a walk during which timers are started.
 */
void a_small_budget_splits_the_tick(struct kunit *test)
{
	struct iotimer_stats ran = run_many(test, 10);

	KUNIT_EXPECT_LE(test, most_in_wakeup, 200u / 10 + BITS_PER_LONG);
	/* The last walk may not have been complete when the timers were stopped. */
	KUNIT_EXPECT_GE(test, ran.wakeups, (ran.ticks - 1) * (1000 / BITS_PER_LONG));
}

/* P7: one wakeup for all routines, and two on the way to the tick. */
void a_large_budget_does_not(struct kunit *test)
{
	struct iotimer_stats ran;

	set_budget(test, "1000000");
	ran = run_many(test, 10);
	set_budget(test, "200");
	KUNIT_EXPECT_EQ(test, most_in_wakeup, 1000u);
	KUNIT_EXPECT_LE(test, ran.wakeups, (ran.ticks + 1) * 3);
}
