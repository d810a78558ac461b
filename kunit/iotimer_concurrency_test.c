// SPDX-License-Identifier: GPL-2.0-only
/* Calls against a routine that is running on another CPU */
#include <kunit/test.h>
#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/hrtimer.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "iotimer_test.h"

/* Wait without sleeping, since the caller may hold a spinlock; 5 s at most. */
static void wait_until(bool *flag)
{
	unsigned long give_up = jiffies + 5 * HZ;

	while (!READ_ONCE(*flag) && time_before(jiffies, give_up))
		cpu_relax();
}

static void slow_routine(struct subject *s)
{
	subject_wait_to_return(s);
	mdelay(100);
}

static void slow_restart(struct subject *s)
{
	subject_wait_to_return(s);
	mdelay(100);
	iotimer_start(s->timer);
}

/* P1 */
void stop_sync_waits_for_the_routine(struct kunit *test)
{
	struct subject *s;

	needs_two_cpus(test);
	s = subject_new_timer(test);
	subject_enter_routine(test, s, slow_routine);
	WRITE_ONCE(subject_may_return, true);
	KUNIT_EXPECT_TRUE(test, iotimer_stop_sync(s->timer));
	KUNIT_EXPECT_FALSE(test, READ_ONCE(s->inside));
	KUNIT_EXPECT_EQ(test, calls(s), 1u);
	subject_destroy(s);
}

/* P1, P5 */
void stop_sync_undoes_the_routines_restart(struct kunit *test)
{
	struct subject *s;

	needs_two_cpus(test);
	s = subject_new_timer(test);
	subject_enter_routine(test, s, slow_restart);
	WRITE_ONCE(subject_may_return, true);
	KUNIT_EXPECT_TRUE(test, iotimer_stop_sync(s->timer));
	KUNIT_EXPECT_FALSE(test, READ_ONCE(s->inside));
	KUNIT_EXPECT_FALSE(test, iotimer_enabled(s->timer));
	ssleep(2);
	KUNIT_EXPECT_EQ(test, calls(s), 1u);
	subject_destroy(s);
}

/* P1 */
void destroy_waits_for_the_routine(struct kunit *test)
{
	struct subject *s, *keeps_chunk;

	needs_two_cpus(test);
	s = subject_new_timer(test);
	subject_enter_routine(test, s, slow_restart);
	keeps_chunk = subject_new_timer(test);
	WRITE_ONCE(subject_may_return, true);
	iotimer_destroy(s->timer);
	KUNIT_EXPECT_FALSE(test, READ_ONCE(s->inside));
	KUNIT_EXPECT_FALSE(test, iotimer_enabled(s->timer));
	ssleep(2);
	KUNIT_EXPECT_EQ(test, calls(s), 1u);
	subject_put(s);
	subject_destroy(keeps_chunk);
}

/* An interrupt that starts a timer while iotimer_destroy() waits for its routine */
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
	WRITE_ONCE(subject_may_return, true);
	return HRTIMER_NORESTART;
}

/* P1: the routine returns some time after the start. */
void start_while_being_destroyed_does_nothing(struct kunit *test)
{
	struct subject *s, *keeps_chunk;
	struct late_start late = {};

	needs_two_cpus(test);
	s = subject_new_timer(test);
	late.s = s;
	hrtimer_setup_on_stack(&late.hrtimer, start_late, CLOCK_MONOTONIC,
			       HRTIMER_MODE_REL_HARD);
	subject_enter_routine(test, s, slow_routine);
	keeps_chunk = subject_new_timer(test);
	hrtimer_start(&late.hrtimer, ms_to_ktime(1), HRTIMER_MODE_REL_HARD);
	iotimer_destroy(s->timer);
	KUNIT_EXPECT_TRUE(test, READ_ONCE(subject_may_return));
	KUNIT_EXPECT_FALSE(test, READ_ONCE(s->inside));
	KUNIT_EXPECT_FALSE(test, late.result);
	KUNIT_EXPECT_FALSE(test, late.enabled);
	hrtimer_cancel(&late.hrtimer);
	destroy_hrtimer_on_stack(&late.hrtimer);
	subject_put(s);
	subject_destroy(keeps_chunk);
}

static DEFINE_SPINLOCK(bus);

/* For 5 s at most, in case the test fails. */
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
 * P6: B is stopped while A's routine runs, and then under a lock that A's routine
 * waits for. B's routine does not take the lock, so the rule about locks is obeyed.
 */
void stop_sync_does_not_wait_for_anothers_routine(struct kunit *test)
{
	struct subject *a, *b;
	struct task_struct *occupier;

	needs_two_cpus(test);
	a = subject_new_timer(test);
	b = subject_new_timer(test);
	subject_enter_routine(test, a, subject_wait_to_return);
	iotimer_start(b->timer);
	WRITE_ONCE(a->action, want_bus);
	iotimer_stop_sync(b->timer);
	KUNIT_EXPECT_TRUE(test, READ_ONCE(a->inside));
	WRITE_ONCE(subject_may_return, true);
	iotimer_stop_sync(a->timer);

	/* Under the lock. A's next call comes on the same CPU. */
	occupier = iotimer_test_occupy(test, a->cpu);
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
	subject_destroy(a);
	subject_destroy(b);
}

/* P6 */
void destroy_does_not_wait_for_anothers_routine(struct kunit *test)
{
	struct subject *a, *b;

	needs_two_cpus(test);
	a = subject_new_timer(test);
	b = subject_new_timer(test);
	subject_enter_routine(test, a, subject_wait_to_return);
	iotimer_start(b->timer);
	iotimer_destroy(b->timer);
	KUNIT_EXPECT_TRUE(test, READ_ONCE(a->inside));
	WRITE_ONCE(subject_may_return, true);
	subject_put(b);
	subject_destroy(a);
}

/* P6: as when a driver is unbound. */
void detach_does_not_wait_for_anothers_routine(struct kunit *test)
{
	struct subject *a, *b;
	void *group;

	needs_two_cpus(test);
	a = subject_new_timer(test);
	b = subject_new(test);
	group = devres_open_group(&b->dev, NULL, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, group);
	b->timer = devm_iotimer_create(&b->dev, subject_watchdog, b);
	KUNIT_ASSERT_FALSE(test, IS_ERR(b->timer));
	subject_enter_routine(test, a, subject_wait_to_return);
	iotimer_start(b->timer);
	devres_release_group(&b->dev, group);
	KUNIT_EXPECT_TRUE(test, READ_ONCE(a->inside));
	WRITE_ONCE(subject_may_return, true);
	subject_put(b);
	subject_destroy(a);
}

/* A driver that starts its timer at each operation. Its routine stops the timer. */
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
		mdelay(50);	/* begin_operation() runs during this delay */
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

/* P3: an operation that begins while the routine decides to stop gets its tick. */
void started_on_demand_under_the_lock(struct kunit *test)
{
	struct subject *s;
	unsigned int round;

	needs_two_cpus(test);
	s = subject_new_timer(test);
	spin_lock_init(&on_demand.lock);
	on_demand.s = s;
	for (round = 0; round < 3; round++) {
		WRITE_ONCE(on_demand.deciding, false);
		s->entered = false;
		s->calls = 0;
		subject_enter_routine(test, s, stop_if_idle);
		wait_until(&on_demand.deciding);
		begin_operation();
		KUNIT_EXPECT_TRUE(test, iotimer_enabled(s->timer));
		sleep_ms(1500);
		KUNIT_EXPECT_FALSE(test, READ_ONCE(on_demand.outstanding));
		ssleep(1);
		KUNIT_EXPECT_FALSE(test, iotimer_enabled(s->timer));
	}
	subject_destroy(s);
}

/* A slow probe of the event of a start, which contains the device's name. */
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

/* P9 */
void destroy_waits_for_the_event_of_a_start(struct kunit *test)
{
	unsigned long give_up = jiffies + 6 * HZ;
	struct start_probe probe = {};
	struct subject *s;

	if (!IS_ENABLED(CONFIG_TRACEPOINTS))
		kunit_skip(test, "needs CONFIG_TRACEPOINTS");
	needs_two_cpus(test);
	s = subject_new_timer(test);
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
	subject_put(s);
}

/* P6 */
void stop_start_and_create_do_not_wait(struct kunit *test)
{
	struct subject *s, *other;

	needs_two_cpus(test);
	s = subject_new_timer(test);
	subject_enter_routine(test, s, subject_wait_to_return);
	other = subject_new_timer(test);
	KUNIT_EXPECT_TRUE(test, iotimer_start(other->timer));
	KUNIT_EXPECT_TRUE(test, iotimer_stop(other->timer));
	KUNIT_EXPECT_TRUE(test, iotimer_stop(s->timer));
	KUNIT_EXPECT_TRUE(test, READ_ONCE(s->inside));	/* all the while */
	WRITE_ONCE(subject_may_return, true);
	subject_destroy(other);
	subject_destroy(s);
}

/* P11 */
void ticks_survive_their_cpu(struct kunit *test)
{
	struct subject *s;
	unsigned int was, cpu;

	needs_two_cpus(test);
	s = subject_new_timer(test);
	subject_enter_routine(test, s, slow_routine);
	WRITE_ONCE(subject_may_return, true);
	cpu = cpumask_next(0, cpu_online_mask);
	KUNIT_ASSERT_EQ(test, remove_cpu(cpu), 0);
	was = calls(s);
	msleep(3500);
	KUNIT_EXPECT_GE(test, calls(s), was + 2);
	KUNIT_EXPECT_EQ(test, add_cpu(cpu), 0);
	was = calls(s);
	msleep(3500);
	KUNIT_EXPECT_GE(test, calls(s), was + 2);
	subject_destroy(s);
}

#ifdef CONFIG_PREEMPT_RT
/*
 * On PREEMPT_RT routines run in a softirq thread, which has the lowest priority
 * here. A hog of middle priority keeps the thread from running, unless a waiter of
 * high priority lends its own.
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
	subject_wait_to_return(s);
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

/* P11 */
void stop_sync_lends_its_priority_to_the_routine_only(struct kunit *test)
{
	struct subject *a, *b;
	struct task_struct *task, *occupier;
	bool was_fifo;

	needs_two_cpus(test);
	a = subject_new_timer(test);
	b = subject_new_timer(test);
	hog = (struct hog){};
	subject_enter_routine(test, a, note_thread);
	was_fifo = hog.softirq->policy == SCHED_FIFO;
	task = kthread_create(hog_cpu, NULL, "iotimer_hog");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	kthread_bind(task, a->cpu);

	occupier = iotimer_test_occupy(test, a->cpu);
	sched_set_normal(hog.softirq, 0);
	a->entered = false;
	a->action = wait_for_hog;
	b->action = note_priority;
	iotimer_start(b->timer);
	wait_until(&a->entered);
	wake_up_process(task);
	WRITE_ONCE(subject_may_return, true);
	wait_until(&hog.running);
	sched_set_fifo(current);
	iotimer_stop_sync(a->timer);
	KUNIT_EXPECT_FALSE(test, READ_ONCE(hog.ended));
	KUNIT_EXPECT_EQ(test, calls(b), 0u);
	WRITE_ONCE(hog.stop, true);
	KUNIT_EXPECT_EQ(test, a->us, (unsigned int)current->prio);
	sched_set_normal(current, 0);
	subject_wait_for_call(b);
	KUNIT_EXPECT_EQ(test, b->us, (unsigned int)DEFAULT_PRIO);
	kthread_stop(task);
	kthread_stop(occupier);
	if (was_fifo)
		sched_set_fifo_low(hog.softirq);
	subject_destroy(a);
	subject_destroy(b);
}

/* Not "bus": for lockdep that lock is held while a timer of this routine's class stops. */
static DEFINE_SPINLOCK(other_bus);

static void lock_bus(struct subject *s)
{
	spin_lock(&other_bus);
	s->result = true;
	spin_unlock(&other_bus);
}

/*
 * P6, P11: A's routine waits for a lock, and the lock's owner stops B. The owner is
 * on the CPU of the softirq thread, which has the higher priority.
 */
void stop_sync_under_a_lock_that_the_softirq_thread_wants(struct kunit *test)
{
	struct subject *a, *b;

	needs_two_cpus(test);
	a = subject_new_timer(test);
	b = subject_new(test);
	/* Not by subject_new_timer(): B has its own lock class, as another driver's timer. */
	b->timer = iotimer_create(&b->dev, subject_watchdog, b);
	KUNIT_ASSERT_FALSE(test, IS_ERR(b->timer));
	hog = (struct hog){};
	subject_enter_routine(test, a, note_thread);
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
	subject_destroy(a);
	subject_destroy(b);
}
#endif
