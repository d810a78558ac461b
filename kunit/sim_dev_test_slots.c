// SPDX-License-Identifier: GPL-2.0-only
/* Part of sim_dev_test.c: a device that does eight operations at a time. */

#define SLOTS	8

static size_t entries(const struct list_head *list)
{
	const struct list_head *entry;
	size_t nr = 0;

	list_for_each(entry, list)
		nr++;
	return nr;
}

static unsigned int free_slots(const struct sim_dev *sim)
{
	const struct sim_slot *slot;
	unsigned int nr = 0;

	for (slot = sim->free; slot; slot = slot->next_free)
		nr++;
	return nr;
}

/* Queue requests "a", "b" and so on. */
static void queue_letters(struct kunit *test, unsigned int nr)
{
	struct fixture *fx = test->priv;
	char text[] = "a";
	unsigned int i;

	for (i = 0; i < nr; i++, text[0]++)
		KUNIT_EXPECT_EQ(test, queue_text(fx, text), 1);
}

/* They loop back, in the order in which they were queued. */
static void expect_letters(struct kunit *test, unsigned int nr)
{
	char text[] = "a";
	unsigned int i;

	for (i = 0; i < nr; i++, text[0]++)
		expect_read(test, text);
}

static void set_abort_limit(struct kunit *test, unsigned int seconds)
{
	struct fixture *fx = test->priv;

	set_limit(fx->sim, &fx->sim->limits.abort, seconds);
}

static void operations_overlap(struct kunit *test)
{
	struct fixture *fx = test->priv;
	ktime_t began = ktime_get();

	command(fx, "latency 500");
	queue_letters(test, SLOTS);
	expect_letters(test, SLOTS);
	/* one after the other they would take 4000 ms */
	KUNIT_EXPECT_LT(test, ktime_ms_delta(ktime_get(), began), 2000ll);
	KUNIT_EXPECT_EQ(test, GREW(fx, completed), (u64)SLOTS);
	KUNIT_EXPECT_EQ(test, GREW(fx, timeouts), 0ull);
}

static void the_ninth_waits_for_a_slot(struct kunit *test)
{
	struct fixture *fx = test->priv;
	ktime_t began = ktime_get();

	command(fx, "latency 500");
	queue_letters(test, SLOTS + 1);
	expect_letters(test, SLOTS + 1);
	KUNIT_EXPECT_GE(test, ktime_ms_delta(ktime_get(), began), 1000ll);
}

static void the_queue_is_as_deep_as_the_slots(struct kunit *test)
{
	struct fixture *fx = test->priv;
	unsigned int depth = sim_dev_defaults.queue_depth.value;

	KUNIT_EXPECT_EQ(test, fx->sim->depth, max_t(unsigned int, depth, SLOTS));
}

static void one_hang_is_aborted(struct kunit *test)
{
	struct fixture *fx = test->priv;

	set_abort_limit(test, 1);
	command(fx, "hang");
	queue_letters(test, SLOTS);
	msleep(500);
	KUNIT_EXPECT_EQ(test, GREW(fx, completed), SLOTS - 1ull);
	expect_letters(test, SLOTS);
	KUNIT_EXPECT_EQ(test, GREW(fx, completed), (u64)SLOTS);
	KUNIT_EXPECT_EQ(test, GREW(fx, timeouts), 1ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, aborts), 1ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, retries), 1ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, resets), 0ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, innocent), 0ull);
}

/* In one tick, not one a second: in 2 s after the time-out all are done. */
static void all_hang_and_are_aborted_together(struct kunit *test)
{
	struct fixture *fx = test->priv;
	ktime_t began = ktime_get();

	set_abort_limit(test, 1);
	command(fx, "hang 8");
	queue_letters(test, SLOTS);
	expect_letters(test, SLOTS);
	KUNIT_EXPECT_EQ(test, GREW(fx, aborts), (u64)SLOTS);
	KUNIT_EXPECT_EQ(test, GREW(fx, retries), (u64)SLOTS);
	KUNIT_EXPECT_EQ(test, GREW(fx, resets), 0ull);
	KUNIT_EXPECT_LT(test, ktime_ms_delta(ktime_get(), began),
			virtual ? 2500ll : 10000ll);
}

static void an_abort_uses_up_retries(struct kunit *test)
{
	struct fixture *fx = test->priv;

	set_abort_limit(test, 1);
	fx->sim->max_retries = 1;
	command(fx, "hang 2");
	KUNIT_EXPECT_EQ(test, write_text(fx, "x"), -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, GREW(fx, aborts), 2ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, retries), 1ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, resets), 0ull);
}

/*
 * "a" hangs and times out 2 to 3 s from now. The others begin 1200 ms later, so they
 * are under way then, and end later.
 */
static void queue_one_hang(struct kunit *test)
{
	struct fixture *fx = test->priv;

	set_limit(fx->sim, &fx->sim->limits.op, 2);
	command(fx, "hang");
	KUNIT_EXPECT_EQ(test, queue_text(fx, "a"), 1);
	msleep(1200);
	command(fx, "latency 1900");
}

static void a_reset_starts_the_innocent_again(struct kunit *test)
{
	struct fixture *fx = test->priv;
	char text[] = "b";

	queue_one_hang(test);
	for (; text[0] <= 'h'; text[0]++)
		KUNIT_EXPECT_EQ(test, queue_text(fx, text), 1);
	expect_letters(test, SLOTS);
	KUNIT_EXPECT_EQ(test, GREW(fx, completed), (u64)SLOTS);
	KUNIT_EXPECT_EQ(test, GREW(fx, timeouts), 1ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, resets), 1ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, retries), 1ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, innocent), SLOTS - 1ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, failed), 0ull);
}

/* Restarts come first and in order: so their tags are the older ones. */
static void restarts_come_before_new_requests(struct kunit *test)
{
	struct fixture *fx = test->priv;
	struct sim_dev *sim = fx->sim;
	struct sim_slot *slot;
	unsigned long flags;
	u64 number = 0;

	queue_one_hang(test);
	queue_letters(test, SLOTS + 1);		/* the last two wait */
	while (!GREW(fx, innocent))
		msleep(20);
	spin_lock_irqsave(&sim->lock, flags);
	KUNIT_EXPECT_EQ(test, entries(&sim->busy), (size_t)SLOTS);
	KUNIT_EXPECT_EQ(test, entries(&sim->queue), (size_t)2);
	list_for_each_entry(slot, &sim->busy, entry) {
		KUNIT_EXPECT_GT(test, slot->request->number, number);
		number = slot->request->number;
	}
	KUNIT_EXPECT_EQ(test, number, fx->before.submitted + SLOTS);
	spin_unlock_irqrestore(&sim->lock, flags);
	command(fx, "latency 5");
	expect_read(test, "a");
	expect_letters(test, SLOTS + 1);
}

static void many_restarts_are_charged(struct kunit *test)
{
	struct fixture *fx = test->priv;
	struct sim_slot *slot;
	unsigned long flags;

	queue_one_hang(test);
	queue_letters(test, 2);
	spin_lock_irqsave(&fx->sim->lock, flags);
	slot = list_last_entry(&fx->sim->busy, struct sim_slot, entry);
	slot->request->restarts = SIM_DEV_MAX_RESTARTS;
	spin_unlock_irqrestore(&fx->sim->lock, flags);
	expect_read(test, "a");
	expect_letters(test, 2);
	KUNIT_EXPECT_EQ(test, GREW(fx, innocent), 1ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, retries), 2ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, timeouts), 1ull);
}

static void a_hung_reset_fails_all(struct kunit *test)
{
	struct fixture *fx = test->priv;
	unsigned int i;
	char back[8];

	command(fx, "hang 8");
	command(fx, "reset-hang");
	queue_letters(test, SLOTS + 1);
	for (i = 0; i < SLOTS; i++)
		KUNIT_EXPECT_EQ(test, do_read(fx, back, sizeof(back), false),
				-EIO);
	KUNIT_EXPECT_EQ(test, do_read(fx, back, sizeof(back), false), 1);
	KUNIT_EXPECT_EQ(test, back[0], (char)('a' + SLOTS));
	KUNIT_EXPECT_EQ(test, GREW(fx, failed), (u64)SLOTS);
	KUNIT_EXPECT_EQ(test, GREW(fx, reset_failures), 1ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, timeouts), (u64)SLOTS);
	KUNIT_EXPECT_EQ(test, GREW(fx, resets), 1ull);
}

static void one_lost_interrupt_needs_no_reset(struct kunit *test)
{
	struct fixture *fx = test->priv;

	command(fx, "latency 800");
	queue_letters(test, SLOTS - 1);
	command(fx, "latency 900");	/* after the others' last start */
	command(fx, "lost");
	KUNIT_EXPECT_EQ(test, queue_text(fx, "h"), 1);
	expect_letters(test, SLOTS);
	KUNIT_EXPECT_EQ(test, GREW(fx, missed), 1ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, timeouts), 0ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, resets), 0ull);
}

/* The cause that the device would post for a slot's operation. */
static u64 done_cause(const struct sim_dev *sim, const struct sim_slot *slot)
{
	return SIM_HW_CAUSE_DONE | (u64)sim_slot_nr(sim, slot) << 8 |
	       (u64)slot->request->len << 16 | (u64)slot->tag << 32;
}

/* The thread is slow: it has not handled an interrupt when the reset begins. */
static void what_has_ended_is_done_before_the_reset(struct kunit *test)
{
	struct fixture *fx = test->priv;
	struct sim_dev *sim = fx->sim;
	struct sim_dev_reports reports = {};
	struct sim_slot *slot;
	unsigned long flags;
	u64 cause;

	command(fx, "hang 2");
	queue_letters(test, 2);
	spin_lock_irqsave(&sim->lock, flags);
	slot = list_last_entry(&sim->busy, struct sim_slot, entry);
	cause = done_cause(sim, slot);
	KUNIT_EXPECT_EQ(test, sim_dev_take_cause(sim, cause),
			SIM_DEV_IRQ_ACCEPTED);
	KUNIT_EXPECT_EQ(test, sim_dev_take_cause(sim, cause),
			SIM_DEV_IRQ_LATE);
	sim_dev_tick(sim, &reports);
	sim_dev_tick(sim, &reports);
	KUNIT_EXPECT_TRUE(test, io_recovery_resetting(sim->recovery));
	KUNIT_EXPECT_EQ(test, entries(&sim->busy), (size_t)1);
	sim_dev_unlock(sim, flags);
	KUNIT_EXPECT_EQ(test, GREW(fx, completed), 1ull);
	expect_read(test, "a");
	KUNIT_EXPECT_EQ(test, GREW(fx, innocent), 0ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, retries), 1ull);
}

/* An abort's end that comes before a reset is handled when the reset is done. */
static void an_abort_that_ends_before_the_reset(struct kunit *test)
{
	struct fixture *fx = test->priv;
	struct sim_dev *sim = fx->sim;
	struct sim_dev_reports reports = {};
	unsigned long flags;
	u64 cause;

	set_abort_limit(test, 1);
	command(fx, "reset-latency 60000");	/* the aborts take long, too */
	command(fx, "hang 2");
	queue_letters(test, 2);
	spin_lock_irqsave(&sim->lock, flags);
	cause = done_cause(sim, list_last_entry(&sim->busy, struct sim_slot,
						entry));
	cause += SIM_HW_CAUSE_ABORT - SIM_HW_CAUSE_DONE;
	KUNIT_EXPECT_EQ(test, sim_dev_take_cause(sim, cause),
			SIM_DEV_IRQ_LATE);	/* no abort yet */
	sim_dev_tick(sim, &reports);
	sim_dev_tick(sim, &reports);
	KUNIT_EXPECT_EQ(test, sim->stats.aborts - fx->before.aborts, 2ull);
	KUNIT_EXPECT_EQ(test, sim_dev_take_cause(sim, cause),
			SIM_DEV_IRQ_ACCEPTED);
	sim_dev_unlock(sim, flags);
	command(fx, "reset-latency 5");
	spin_lock_irqsave(&sim->lock, flags);
	sim_dev_tick(sim, &reports);		/* the other abort times out */
	KUNIT_EXPECT_TRUE(test, io_recovery_resetting(sim->recovery));
	KUNIT_EXPECT_EQ(test, entries(&sim->busy), (size_t)2);
	sim_dev_unlock(sim, flags);
	expect_letters(test, 2);
	KUNIT_EXPECT_EQ(test, GREW(fx, timeouts), 2ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, retries), 2ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, innocent), 0ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, resets), 1ull);
}

/* A request that fails is in the log even if many others are started again. */
static void reports_without_a_failure_are_dropped_first(struct kunit *test)
{
	struct fixture *fx = test->priv;
	struct sim_dev *sim = fx->sim;
	struct sim_dev_reports reports = {};
	struct sim_slot *slot;
	unsigned long flags;
	unsigned int i;

	command(fx, "latency 500");
	queue_letters(test, 1);
	spin_lock_irqsave(&sim->lock, flags);
	slot = list_first_entry(&sim->busy, struct sim_slot, entry);
	sim_log_slot(&reports, sim, SIM_REPORT_RESET_MISSED, slot);
	for (i = 0; i < SIM_DEV_MAX_REPORTS; i++)
		sim_log_slot(&reports, sim, SIM_REPORT_RESTART, slot);
	sim_log_slot(&reports, sim, SIM_REPORT_USED_UP, slot);
	sim_log_slot(&reports, sim, SIM_REPORT_DONE_MISSED, slot);
	sim_log_slot(&reports, sim, SIM_REPORT_RETRY, slot);
	spin_unlock_irqrestore(&sim->lock, flags);
	KUNIT_EXPECT_EQ(test, reports.nr, SIM_DEV_MAX_REPORTS + 4u);
	KUNIT_EXPECT_EQ(test, reports.report[0].what, SIM_REPORT_RESET_MISSED);
	for (i = 1; i < SIM_DEV_MAX_REPORTS - 2; i++)
		KUNIT_EXPECT_EQ(test, reports.report[i].what, SIM_REPORT_RESTART);
	KUNIT_EXPECT_EQ(test, reports.report[i].what, SIM_REPORT_USED_UP);
	KUNIT_EXPECT_EQ(test, reports.report[i + 1].what, SIM_REPORT_RETRY);

	spin_lock_irqsave(&sim->lock, flags);
	for (i = 0; i < SIM_DEV_MAX_REPORTS; i++)
		sim_log_slot(&reports, sim, SIM_REPORT_TIMED_OUT, slot);
	spin_unlock_irqrestore(&sim->lock, flags);
	KUNIT_EXPECT_EQ(test, reports.report[0].what, SIM_REPORT_RESET_MISSED);
	KUNIT_EXPECT_EQ(test, reports.report[1].what, SIM_REPORT_USED_UP);
	KUNIT_EXPECT_EQ(test, reports.report[2].what, SIM_REPORT_RETRY);
	for (i = 3; i < SIM_DEV_MAX_REPORTS; i++)
		KUNIT_EXPECT_EQ(test, reports.report[i].what, SIM_REPORT_TIMED_OUT);
	expect_letters(test, 1);
}

static void a_wrong_slot_or_tag_is_late(struct kunit *test)
{
	struct fixture *fx = test->priv;
	struct sim_dev *sim = fx->sim;
	struct sim_slot *slot;
	unsigned long flags;
	u64 cause;

	command(fx, "latency 500");
	queue_letters(test, 2);
	spin_lock_irqsave(&sim->lock, flags);
	slot = list_last_entry(&sim->busy, struct sim_slot, entry);
	cause = done_cause(sim, slot);
	KUNIT_EXPECT_EQ(test, sim_dev_take_cause(sim, cause | 0xff00),
			SIM_DEV_IRQ_LATE);
	KUNIT_EXPECT_EQ(test, sim_dev_take_cause(sim, cause + (1ull << 32)),
			SIM_DEV_IRQ_LATE);
	spin_unlock_irqrestore(&sim->lock, flags);
	expect_letters(test, 2);
	KUNIT_EXPECT_EQ(test, GREW(fx, late), 2ull);
}

static void unbinding_fails_all_slots(struct kunit *test)
{
	struct fixture *fx = test->priv;
	struct device *dev = fx->sim->dev;

	command(fx, "hang 8");
	queue_letters(test, SLOTS + 2);
	device_release_driver(dev);
	KUNIT_EXPECT_EQ(test, fx->sim->stats.failed - fx->before.failed,
			SLOTS + 2ull);
	KUNIT_EXPECT_EQ(test, fx->sim->outstanding, 0u);
	KUNIT_EXPECT_TRUE(test, list_empty(&fx->sim->busy));
	KUNIT_EXPECT_EQ(test, free_slots(fx->sim), (unsigned int)SLOTS);
	KUNIT_EXPECT_EQ(test, device_attach(dev), 1);
}

static void resume_starts_all_slots_over(struct kunit *test)
{
	struct fixture *fx = test->priv;
	struct device *dev = fx->sim->dev;

	set_limit(fx->sim, &fx->sim->limits.op, 10);
	command(fx, "latency 5000");
	queue_letters(test, SLOTS + 1);
	sim_dev_suspend(dev);
	sim_hw_set_power(fx->sim->hw, false);
	KUNIT_EXPECT_EQ(test, entries(&fx->sim->busy), (size_t)SLOTS);
	command(fx, "latency 5");
	sim_hw_set_power(fx->sim->hw, true);
	sim_dev_resume(dev);
	expect_letters(test, SLOTS + 1);
	KUNIT_EXPECT_EQ(test, GREW(fx, innocent), (u64)SLOTS);
	KUNIT_EXPECT_EQ(test, GREW(fx, retries), 0ull);
	KUNIT_EXPECT_EQ(test, GREW(fx, resets), 1ull);
}

#include "sim_dev_test_random.c"

static struct kunit_case sim_dev_slots_cases[] = {
	KUNIT_CASE(operations_overlap),
	KUNIT_CASE(the_ninth_waits_for_a_slot),
	KUNIT_CASE(the_queue_is_as_deep_as_the_slots),
	KUNIT_CASE(one_hang_is_aborted),
	KUNIT_CASE(all_hang_and_are_aborted_together),
	KUNIT_CASE(an_abort_uses_up_retries),
	KUNIT_CASE(a_reset_starts_the_innocent_again),
	KUNIT_CASE(restarts_come_before_new_requests),
	KUNIT_CASE(many_restarts_are_charged),
	KUNIT_CASE(a_hung_reset_fails_all),
	KUNIT_CASE(one_lost_interrupt_needs_no_reset),
	KUNIT_CASE(what_has_ended_is_done_before_the_reset),
	KUNIT_CASE(an_abort_that_ends_before_the_reset),
	KUNIT_CASE(reports_without_a_failure_are_dropped_first),
	KUNIT_CASE(a_wrong_slot_or_tag_is_late),
	KUNIT_CASE(unbinding_fails_all_slots),
	KUNIT_CASE(resume_starts_all_slots_over),
	KUNIT_CASE(anything_in_any_order),
	{}
};

static int make_slots(struct kunit_suite *suite)
{
	sim_param_devices.value = 1;
	sim_dev_defaults.slots.value = SLOTS;
	return sim_main_init();
}

static struct kunit_suite sim_dev_slots_suite = {
	.name = "sim_dev_slots",
	.suite_init = make_slots,
	.suite_exit = unmake_devices,
	.init = open_device,
	.exit = close_device,
	.test_cases = sim_dev_slots_cases,
};
