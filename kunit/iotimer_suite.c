// SPDX-License-Identifier: GPL-2.0-only
/* What the tests of the engine share, and their suite; see iotimer_test.h */
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "iotimer_test.h"

bool iotimer_virtual;
module_param_named(virtual, iotimer_virtual, bool, 0444);
MODULE_PARM_DESC(virtual, "time is virtual: demand exact times");

atomic_t subjects_released;

static void subject_release(struct device *dev)
{
	atomic_inc(&subjects_released);
	kfree(container_of(dev, struct subject, dev));
}

/* The routine of all timers */
void subject_watchdog(struct device *dev, void *context)
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

/* Start the timer on this CPU, and keep the CPU busy so that its tick stays here. */
static void start_here(struct work_struct *work)
{
	struct subject *s = container_of(work, struct subject, work);
	unsigned long give_up = jiffies + 4 * HZ;

	iotimer_start(s->timer);
	while (!READ_ONCE(s->calls) && time_before(jiffies, give_up))
		cpu_relax();
}

struct subject *subject_alloc(void)
{
	struct subject *s = kzalloc(sizeof(*s), GFP_KERNEL);

	if (!s)
		return NULL;
	device_initialize(&s->dev);
	s->dev.release = subject_release;
	INIT_WORK(&s->work, start_here);
	return s;
}

/* A device without a timer */
struct subject *subject_new(struct kunit *test)
{
	struct subject *s = subject_alloc();

	KUNIT_ASSERT_NOT_NULL(test, s);
	return s;
}

/* A device with a timer */
struct subject *subject_new_timer(struct kunit *test)
{
	struct subject *s = subject_new(test);

	s->timer = iotimer_create(&s->dev, subject_watchdog, s);
	KUNIT_ASSERT_FALSE(test, IS_ERR(s->timer));
	return s;
}

/* Put a subject whose timer is destroyed already. */
void subject_put(struct subject *s)
{
	flush_work(&s->work);
	put_device(&s->dev);
}

void subject_destroy(struct subject *s)
{
	iotimer_destroy(s->timer);
	subject_put(s);
}

void subject_wait_for_call(struct subject *s)
{
	unsigned int was = calls(s);
	unsigned long give_up = jiffies + 5 * HZ;

	while (calls(s) == was && time_before(jiffies, give_up))
		schedule_timeout_uninterruptible(1);
}

/* Delay a tick. By the clock, because an emulator's mdelay() may be off by a third. */
void subject_hold_up_once(struct subject *s)
{
	ktime_t until = ktime_add_us(ktime_get(), s->us);

	while (ktime_before(ktime_get(), until))
		mdelay(1);
	s->us = 0;
}

/* For subject_wait_to_return(); one routine at a time */
bool subject_may_return;

void subject_wait_to_return(struct subject *s)
{
	unsigned int ms;

	for (ms = 0; ms < 5000 && !READ_ONCE(subject_may_return); ms++)
		mdelay(1);
}

/* Limited to a minute, in case a test fails. */
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

/*
 * Keep a CPU busy until kthread_stop(): since 6.9 another CPU takes over the
 * timers of an idle one.
 */
struct task_struct *iotimer_test_occupy(struct kunit *test, unsigned int cpu)
{
	struct task_struct *task = kthread_create(keep_busy, NULL, "occupier");

	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	kthread_bind(task, cpu);
	wake_up_process(task);
	return task;
}

/*
 * Return once a routine has been entered on another CPU. It is still inside if
 * the action waits for subject_may_return. The tick runs where its timer was
 * armed, so the timer is started there.
 */
void subject_enter_routine(struct kunit *test, struct subject *s,
			   void (*action)(struct subject *s))
{
	unsigned long give_up = jiffies + 6 * HZ;
	bool entered;
	int cpu;

	ssleep(2);	/* the tick goes idle */
	set_cpus_allowed_ptr(current, cpumask_of(0));
	cpu = cpumask_next(0, cpu_online_mask);
	WRITE_ONCE(subject_may_return, false);
	s->action = action;
	schedule_work_on(cpu, &s->work);
	do {
		cpu_relax();
		entered = READ_ONCE(s->entered);
	} while (!entered && time_before(jiffies, give_up));
	if (!entered)
		subject_destroy(s);
	KUNIT_ASSERT_TRUE(test, entered);
}

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
	.suite_init = iotimer_time_suite_init,
	.test_cases = iotimer_cases,
};

kunit_test_suite(iotimer_suite);

MODULE_DESCRIPTION("KUnit tests of the engine");
MODULE_LICENSE("GPL");
