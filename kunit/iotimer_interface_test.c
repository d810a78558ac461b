// SPDX-License-Identifier: GPL-2.0-only
/* Arguments, lifetimes, start and stop, misuse */
#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/irq_work.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "iotimer_test.h"

/* Arguments and lifetimes */

void refuses_bad_arguments(struct kunit *test)
{
	struct subject *s = subject_new(test);

	KUNIT_EXPECT_PTR_EQ(test, iotimer_create(NULL, subject_watchdog, s),
			    (struct iotimer *)ERR_PTR(-EINVAL));
	KUNIT_EXPECT_PTR_EQ(test, iotimer_create(&s->dev, NULL, s),
			    (struct iotimer *)ERR_PTR(-EINVAL));
	KUNIT_EXPECT_PTR_EQ(test, devm_iotimer_create(NULL, subject_watchdog, s),
			    (struct iotimer *)ERR_PTR(-EINVAL));
	iotimer_destroy(NULL);
	iotimer_destroy(ERR_PTR(-ENOMEM));
	put_device(&s->dev);
}

/* As before device_initialize(), or before register_netdev(). */
void refuses_a_device_that_is_not_initialised(struct kunit *test)
{
	struct device *dev = kunit_kzalloc(test, sizeof(*dev), GFP_KERNEL);
	struct device *was = kunit_kzalloc(test, sizeof(*dev), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, dev);
	KUNIT_ASSERT_NOT_NULL(test, was);
	KUNIT_EXPECT_PTR_EQ(test, iotimer_create(dev, subject_watchdog, NULL),
			    (struct iotimer *)ERR_PTR(-EINVAL));
	KUNIT_EXPECT_PTR_EQ(test, devm_iotimer_create(dev, subject_watchdog, NULL),
			    (struct iotimer *)ERR_PTR(-EINVAL));
	KUNIT_EXPECT_EQ(test, memcmp(dev, was, sizeof(*dev)), 0);
}

void one_timer_a_device(struct kunit *test)
{
	struct subject *s = subject_new_timer(test);

	KUNIT_EXPECT_PTR_EQ(test, iotimer_create(&s->dev, subject_watchdog, s),
			    (struct iotimer *)ERR_PTR(-EEXIST));
	iotimer_destroy(s->timer);
	s->timer = iotimer_create(&s->dev, subject_watchdog, s);
	KUNIT_EXPECT_FALSE(test, IS_ERR(s->timer));
	subject_destroy(s);
}

/* P9 */
void holds_its_device(struct kunit *test)
{
	struct subject *s = subject_new_timer(test);
	struct iotimer *timer = s->timer;
	int before = atomic_read(&subjects_released);

	put_device(&s->dev);
	KUNIT_EXPECT_EQ(test, atomic_read(&subjects_released), before);
	iotimer_destroy(timer);
	KUNIT_EXPECT_EQ(test, atomic_read(&subjects_released), before + 1);
}

/* P1 */
void devm_destroys_on_detach(struct kunit *test)
{
	struct subject *s = subject_new(test);
	void *group = devres_open_group(&s->dev, NULL, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, group);
	s->timer = devm_iotimer_create(&s->dev, subject_watchdog, s);
	KUNIT_ASSERT_FALSE(test, IS_ERR(s->timer));
	iotimer_start(s->timer);
	ssleep(2);
	KUNIT_EXPECT_GE(test, calls(s), 1u);
	devres_release_group(&s->dev, group);

	s->calls = 0;
	ssleep(2);
	KUNIT_EXPECT_EQ(test, calls(s), 0u);
	s->timer = iotimer_create(&s->dev, subject_watchdog, s);
	KUNIT_EXPECT_FALSE(test, IS_ERR(s->timer));
	subject_destroy(s);
}

/*
 * P9: timers of many devices are created and destroyed at random. A device with a
 * timer never gets a second one, and in the end all devices are released.
 */
void devices_come_and_go(struct kunit *test)
{
	enum { NR = 1000, ROUNDS = 20 };
	int before = atomic_read(&subjects_released);
	struct subject **s = kunit_kcalloc(test, NR, sizeof(*s), GFP_KERNEL);
	unsigned int foreign = 0, wrong = 0, i, round;
	u32 random = 1;

	KUNIT_ASSERT_NOT_NULL(test, s);
	for (i = 0; i < NR; i++)
		s[i] = subject_new(test);
	for (round = 0; round < ROUNDS; round++) {
		for (i = 0; i < NR; i++) {
			struct iotimer *timer;

			random = random * 1664525 + 1013904223;
			if (random >> 31) {
				timer = iotimer_create(&s[i]->dev, subject_watchdog, s[i]);
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
		if (iotimer_virtual || round % 10 == 0)
			msleep(1100);
	}
	for (i = 0; i < NR; i++) {
		foreign += s[i]->foreign;
		subject_destroy(s[i]);
	}
	KUNIT_EXPECT_EQ(test, wrong, 0u);
	KUNIT_EXPECT_EQ(test, foreign, 0u);
	KUNIT_EXPECT_EQ(test, atomic_read(&subjects_released), before + NR);
}

/* Without memory */

#ifdef CONFIG_FAULT_INJECTION
/*
 * Create a timer while the n-th allocation fails, and if @all those after it
 * too. The guest has set failslab's other parameters.
 */
static struct iotimer *create_failing(struct subject *s, bool devm,
				      unsigned int n, bool all, bool *failed)
{
	struct iotimer *timer;

	WRITE_ONCE(current->fail_nth, n);
	current->make_it_fail = all;
	timer = devm ? devm_iotimer_create(&s->dev, subject_watchdog, s) :
		       iotimer_create(&s->dev, subject_watchdog, s);
	current->make_it_fail = false;
	*failed = !READ_ONCE(current->fail_nth);
	WRITE_ONCE(current->fail_nth, 0);
	return timer;
}

/*
 * Fail each allocation in turn. No other timer exists, so each create that succeeds
 * adds the first chunk, and each destroy frees it. In rounds, because the slab
 * allocator may also allocate memory of its own.
 */
static void fail_in_turn(struct kunit *test, bool devm, bool all)
{
	struct subject *s = subject_new(test);
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
			s->timer = iotimer_create(&s->dev, subject_watchdog, s);
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
	/* The chunk, the xarray's entry (which is tried twice), the devm action. */
	KUNIT_EXPECT_GE(test, errors, 20u * (1 + all + devm) / 2);
}
#else
static void fail_in_turn(struct kunit *test, bool devm, bool all)
{
	kunit_skip(test, "needs CONFIG_FAULT_INJECTION");
}
#endif

/* P9: a create that fails keeps no reference. */
void create_survives_one_failing_allocation(struct kunit *test)
{
	fail_in_turn(test, false, false);
}

/* P9 */
void create_survives_all_failing_from_then_on(struct kunit *test)
{
	fail_in_turn(test, false, true);
}

/* P9 */
void devm_create_survives_one_failing_allocation(struct kunit *test)
{
	fail_in_turn(test, true, false);
}

/* P9 */
void devm_create_survives_all_failing_from_then_on(struct kunit *test)
{
	fail_in_turn(test, true, true);
}

/* Start and stop */

void start_and_stop_tell_what_was(struct kunit *test)
{
	struct subject *s = subject_new_timer(test);

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
	subject_destroy(s);
}

/* P1 */
void stopped_is_not_called(struct kunit *test)
{
	struct subject *s = subject_new_timer(test);
	unsigned int was;

	iotimer_start(s->timer);
	subject_wait_for_call(s);
	iotimer_stop_sync(s->timer);
	was = calls(s);
	ssleep(3);
	KUNIT_EXPECT_EQ(test, calls(s), was);
	subject_destroy(s);
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

/* P4 */
void started_and_stopped_by_a_hard_interrupt(struct kunit *test)
{
	struct subject *s = subject_new_timer(test);
	struct from_irq f = {
		.work = IRQ_WORK_INIT_HARD(from_irq),
		.timer = s->timer,
		.start = true,
	};
	unsigned int was;

	ssleep(2);	/* the tick goes idle: start has to arm it */
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
	subject_destroy(s);
}

/* Misuse */

/* P10 */
void stop_sync_with_interrupts_off_is_stop(struct kunit *test)
{
	struct subject *s = subject_new_timer(test);
	unsigned long flags;
	bool was;

	iotimer_start(s->timer);
	expect_warning("iotimer: stop_sync with interrupts off cannot wait");
	local_irq_save(flags);
	was = iotimer_stop_sync(s->timer);
	local_irq_restore(flags);
	KUNIT_EXPECT_TRUE(test, was);
	KUNIT_EXPECT_FALSE(test, iotimer_enabled(s->timer));
	subject_destroy(s);
}

void create_in_atomic_context_is_refused(struct kunit *test)
{
	struct subject *s = subject_new(test);
	unsigned int refs = kref_read(&s->dev.kobj.kref);
	struct iotimer *timer;

	expect_warning("iotimer: create in atomic context");
	local_irq_disable();
	timer = iotimer_create(&s->dev, subject_watchdog, s);
	local_irq_enable();
	KUNIT_EXPECT_PTR_EQ(test, timer, (struct iotimer *)ERR_PTR(-EINVAL));
	KUNIT_EXPECT_EQ(test, kref_read(&s->dev.kobj.kref), refs);
	s->timer = iotimer_create(&s->dev, subject_watchdog, s);
	KUNIT_EXPECT_FALSE(test, IS_ERR(s->timer));
	subject_destroy(s);
}

static void destroy_self(struct subject *s)
{
	expect_warning("iotimer: destroy in atomic context");
	iotimer_destroy(s->timer);
	WRITE_ONCE(s->action, NULL);
}

/* The timer is stopped but not freed: it can be started again. */
void destroy_inside_a_routine_is_stop(struct kunit *test)
{
	struct subject *s = subject_new_timer(test);

	s->action = destroy_self;
	iotimer_start(s->timer);
	sleep_ms(2500);
	KUNIT_EXPECT_EQ(test, calls(s), 1u);
	KUNIT_EXPECT_FALSE(test, iotimer_enabled(s->timer));
	KUNIT_EXPECT_PTR_EQ(test, iotimer_create(&s->dev, subject_watchdog, s),
			    (struct iotimer *)ERR_PTR(-EEXIST));
	KUNIT_EXPECT_TRUE(test, iotimer_start(s->timer));
	subject_wait_for_call(s);
	KUNIT_EXPECT_EQ(test, calls(s), 2u);
	subject_destroy(s);
}

/* P8, P10 */
void start_of_a_destroyed_timer_does_nothing(struct kunit *test)
{
	struct subject *keeps_chunk, *s;
	struct iotimer_stats from, to;

	needs_to_be_alone(test);
	keeps_chunk = subject_new_timer(test);
	s = subject_new_timer(test);
	iotimer_destroy(s->timer);
	ssleep(2);	/* the tick goes idle */
	from = stats();
	expect_warning("iotimer: start of a destroyed timer");
	KUNIT_EXPECT_FALSE(test, iotimer_start(s->timer));
	KUNIT_EXPECT_FALSE(test, iotimer_enabled(s->timer));
	ssleep(2);
	to = stats();
	KUNIT_EXPECT_EQ(test, calls(s), 0u);
	KUNIT_EXPECT_EQ(test, to.wakeups, from.wakeups);
	put_device(&s->dev);
	subject_destroy(keeps_chunk);
}
