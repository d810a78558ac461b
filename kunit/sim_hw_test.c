// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the silicon, from where its driver stands: registers, buffer and
 * interrupt. Times are bounded from below by the latency, and from above by
 * that plus 1 ms, or more where the guest's CPUs may stand still (virtual=0).
 */
#define OWN_COPY sim_hw_test
#include "own_copy.h"

#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/module.h>

#include "expect_warning.h"

#include "../sim_hw.c"

static bool virtual;
module_param(virtual, bool, 0444);
MODULE_PARM_DESC(virtual, "time is virtual: demand exact times");

#define LATENCY_MS		20
#define RESET_LATENCY_MS	30
#define MAX_SEEN		64

/* What the interrupt handler of the test saw. */
struct seen {
	u32 cause;
	u32 tag;
	s64 ms;			/* since the test began */
	bool in_hardirq;
};

struct silicon {
	struct sim_hw *hw;
	ktime_t began;
	bool keep;		/* do not take the cause */
	unsigned int nr_seen;
	struct seen seen[MAX_SEEN];
};

static void take_cause(struct silicon *si, struct seen *seen)
{
	u64 cause = sim_hw_read(si->hw, SIM_HW_CAUSE);

	seen->cause = SIM_HW_CAUSE_CODE(cause);
	seen->tag = SIM_HW_CAUSE_TAG(cause);
}

static irqreturn_t handler(int irq, void *data)
{
	struct silicon *si = data;
	struct seen *seen = &si->seen[min(si->nr_seen, MAX_SEEN - 1u)];

	if (!si->keep)
		take_cause(si, seen);
	seen->ms = ktime_ms_delta(ktime_get(), si->began);
	seen->in_hardirq = in_hardirq();
	WRITE_ONCE(si->nr_seen, si->nr_seen + 1);
	return IRQ_HANDLED;
}

static int make_silicon(struct kunit *test)
{
	struct silicon *si = kunit_kzalloc(test, sizeof(*si), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, si);
	si->hw = sim_hw_create(LATENCY_MS, RESET_LATENCY_MS);
	KUNIT_ASSERT_FALSE(test, IS_ERR(si->hw));
	KUNIT_ASSERT_EQ(test, 0, request_irq(sim_hw_irq(si->hw), handler, 0,
					     "sim_hw_test", si));
	si->began = ktime_get();
	test->priv = si;
	return 0;
}

static void break_silicon(struct kunit *test)
{
	struct silicon *si = test->priv;

	if (!si || IS_ERR_OR_NULL(si->hw))
		return;
	free_irq(sim_hw_irq(si->hw), si);
	sim_hw_destroy(si->hw);
}

static void start(struct silicon *si, u32 tag, const char *data)
{
	sim_hw_start(si->hw, tag, data, strlen(data) + 1);
}

/* Time for everything that is due to happen. */
static void settle(void)
{
	msleep(virtual ? 100 : 400);
}

static void expect_seen(struct kunit *test, unsigned int i, u32 cause, u32 tag,
			unsigned int ms)
{
	struct silicon *si = test->priv;

	KUNIT_ASSERT_GT(test, si->nr_seen, i);
	KUNIT_EXPECT_EQ(test, si->seen[i].cause, cause);
	KUNIT_EXPECT_EQ(test, si->seen[i].tag, tag);
	/* PREEMPT_RT makes a thread of the handler. */
	KUNIT_EXPECT_EQ(test, si->seen[i].in_hardirq, !IS_ENABLED(CONFIG_PREEMPT_RT));
	KUNIT_EXPECT_GE(test, si->seen[i].ms, (s64)ms);
	KUNIT_EXPECT_LE(test, si->seen[i].ms,
			(s64)(ms + (virtual ? 1 : 300)));
}

static void expect_buffer(struct kunit *test, const char *data)
{
	struct silicon *si = test->priv;
	char back[64] = "";

	sim_hw_read_buffer(si->hw, back, sizeof(back));
	KUNIT_EXPECT_STREQ(test, back, data);
}

static u32 status(struct kunit *test)
{
	struct silicon *si = test->priv;

	return sim_hw_read(si->hw, SIM_HW_STATUS);
}

static unsigned int pending(struct kunit *test, enum sim_hw_fault fault)
{
	struct silicon *si = test->priv;
	struct sim_hw_state state;

	sim_hw_get_state(si->hw, &state);
	return state.pending[fault];
}

static void operation_loops_data_back(struct kunit *test)
{
	struct silicon *si = test->priv;

	KUNIT_EXPECT_EQ(test, status(test), 0u);
	start(si, 7, "hello");
	KUNIT_EXPECT_EQ(test, status(test), (u32)SIM_HW_STATUS_BUSY);
	expect_buffer(test, "");
	settle();
	KUNIT_EXPECT_EQ(test, si->nr_seen, 1u);
	expect_seen(test, 0, SIM_HW_CAUSE_DONE, 7, LATENCY_MS);
	KUNIT_EXPECT_EQ(test, sim_hw_read(si->hw, SIM_HW_TAG), 7ull);
	KUNIT_EXPECT_EQ(test, sim_hw_read(si->hw, SIM_HW_LENGTH), 6ull);
	expect_buffer(test, "hello");
	KUNIT_EXPECT_EQ(test, status(test), 0u);
}

static void latency_zero_interrupts_at_once(struct kunit *test)
{
	struct silicon *si = test->priv;

	sim_hw_set_ms(si->hw, SIM_HW_LATENCY, 0);
	start(si, 1, "now");
	settle();
	expect_seen(test, 0, SIM_HW_CAUSE_DONE, 1, 0);
	expect_buffer(test, "now");
}

static void buffer_accesses_are_bounded(struct kunit *test)
{
	struct silicon *si = test->priv;
	u8 *data = kunit_kzalloc(test, 2 * SIM_HW_BUFFER_SIZE, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, data);
	memset(data, 0xa5, 2 * SIM_HW_BUFFER_SIZE);
	sim_hw_start(si->hw, 1, data, 2 * SIM_HW_BUFFER_SIZE);
	KUNIT_EXPECT_EQ(test, sim_hw_read(si->hw, SIM_HW_LENGTH),
			(u64)SIM_HW_BUFFER_SIZE);
	settle();
	memset(data, 0, 2 * SIM_HW_BUFFER_SIZE);
	sim_hw_read_buffer(si->hw, data, 2 * SIM_HW_BUFFER_SIZE);
	KUNIT_EXPECT_EQ(test, data[SIM_HW_BUFFER_SIZE - 1], 0xa5);
	KUNIT_EXPECT_EQ(test, data[SIM_HW_BUFFER_SIZE], 0);
}

static void an_idle_device_reads_as_zero(struct kunit *test)
{
	struct silicon *si = test->priv;

	KUNIT_EXPECT_EQ(test, status(test), 0u);
	KUNIT_EXPECT_EQ(test, sim_hw_read(si->hw, SIM_HW_TAG), 0ull);
	KUNIT_EXPECT_EQ(test, sim_hw_read(si->hw, SIM_HW_LENGTH), 0ull);
	KUNIT_EXPECT_EQ(test, sim_hw_read(si->hw, SIM_HW_CAUSE), 0ull);	/* none to take */
	settle();
	KUNIT_EXPECT_EQ(test, si->nr_seen, 0u);
}

static void start_drops_what_is_under_way(struct kunit *test)
{
	struct silicon *si = test->priv;

	start(si, 1, "first");
	start(si, 2, "second");
	settle();
	KUNIT_EXPECT_EQ(test, si->nr_seen, 1u);
	expect_seen(test, 0, SIM_HW_CAUSE_DONE, 2, LATENCY_MS);
	expect_buffer(test, "second");
}

static void reset_drops_the_operation(struct kunit *test)
{
	struct silicon *si = test->priv;

	start(si, 1, "lost");
	sim_hw_reset(si->hw);
	KUNIT_EXPECT_EQ(test, status(test), (u32)SIM_HW_STATUS_RESETTING);
	settle();
	KUNIT_EXPECT_EQ(test, si->nr_seen, 1u);
	expect_seen(test, 0, SIM_HW_CAUSE_RESET, 1, RESET_LATENCY_MS);
	expect_buffer(test, "");
	KUNIT_EXPECT_EQ(test, status(test), 0u);
}

static void reset_during_reset_starts_anew(struct kunit *test)
{
	struct silicon *si = test->priv;
	s64 ms;

	sim_hw_set_ms(si->hw, SIM_HW_RESET_LATENCY, 1000);
	sim_hw_reset(si->hw);
	msleep(500);
	ms = ktime_ms_delta(ktime_get(), si->began);
	sim_hw_reset(si->hw);
	msleep(1000);
	settle();
	KUNIT_EXPECT_EQ(test, si->nr_seen, 1u);
	expect_seen(test, 0, SIM_HW_CAUSE_RESET, 0, ms + 1000);
}

static void start_drops_a_reset(struct kunit *test)
{
	struct silicon *si = test->priv;

	sim_hw_reset(si->hw);
	start(si, 3, "on");
	KUNIT_EXPECT_EQ(test, status(test), (u32)SIM_HW_STATUS_BUSY);
	settle();
	KUNIT_EXPECT_EQ(test, si->nr_seen, 1u);
	expect_seen(test, 0, SIM_HW_CAUSE_DONE, 3, LATENCY_MS);
}

static void hang_never_interrupts(struct kunit *test)
{
	struct silicon *si = test->priv;

	sim_hw_inject(si->hw, SIM_HW_HANG, 2);
	start(si, 1, "a");
	KUNIT_EXPECT_EQ(test, pending(test, SIM_HW_HANG), 1u);
	settle();
	KUNIT_EXPECT_EQ(test, si->nr_seen, 0u);
	KUNIT_EXPECT_EQ(test, status(test), (u32)SIM_HW_STATUS_BUSY);
	start(si, 2, "b");
	settle();
	KUNIT_EXPECT_EQ(test, si->nr_seen, 0u);
	start(si, 3, "c");
	settle();
	KUNIT_EXPECT_EQ(test, si->nr_seen, 1u);
	expect_buffer(test, "c");
}

static void error_ends_with_its_cause(struct kunit *test)
{
	struct silicon *si = test->priv;

	sim_hw_inject(si->hw, SIM_HW_ERROR, 1);
	start(si, 9, "bad");
	settle();
	expect_seen(test, 0, SIM_HW_CAUSE_ERROR, 9, LATENCY_MS);
	expect_buffer(test, "");
	KUNIT_EXPECT_EQ(test, status(test), 0u);
	KUNIT_EXPECT_EQ(test, pending(test, SIM_HW_ERROR), 0u);
}

static void reset_hang_never_ends(struct kunit *test)
{
	struct silicon *si = test->priv;

	sim_hw_inject(si->hw, SIM_HW_RESET_HANG, 1);
	sim_hw_reset(si->hw);
	settle();
	KUNIT_EXPECT_EQ(test, si->nr_seen, 0u);
	KUNIT_EXPECT_EQ(test, status(test), (u32)SIM_HW_STATUS_RESETTING);
	sim_hw_reset(si->hw);
	settle();
	KUNIT_EXPECT_EQ(test, si->nr_seen, 1u);
}

static void late_alone_completes_the_operation(struct kunit *test)
{
	struct silicon *si = test->priv;

	sim_hw_set_ms(si->hw, SIM_HW_LATE_AFTER, 60);
	sim_hw_inject(si->hw, SIM_HW_LATE, 1);
	start(si, 4, "slow");
	settle();
	expect_seen(test, 0, SIM_HW_CAUSE_DONE, 4, 60);
	expect_buffer(test, "slow");
	KUNIT_EXPECT_EQ(test, status(test), 0u);
}

static void late_survives_a_reset(struct kunit *test)
{
	struct silicon *si = test->priv;

	sim_hw_set_ms(si->hw, SIM_HW_LATE_AFTER, 60);
	sim_hw_inject(si->hw, SIM_HW_LATE, 1);
	start(si, 4, "gone");
	sim_hw_reset(si->hw);
	settle();
	KUNIT_EXPECT_EQ(test, si->nr_seen, 2u);
	expect_seen(test, 0, SIM_HW_CAUSE_RESET, 4, RESET_LATENCY_MS);
	expect_seen(test, 1, SIM_HW_CAUSE_DONE, 4, 60);
	expect_buffer(test, "");
}

static void late_leaves_the_next_operation_alone(struct kunit *test)
{
	struct silicon *si = test->priv;

	sim_hw_set_ms(si->hw, SIM_HW_LATE_AFTER, 20);
	sim_hw_set_ms(si->hw, SIM_HW_LATENCY, 1000);
	sim_hw_inject(si->hw, SIM_HW_LATE, 1);
	start(si, 4, "old");
	start(si, 5, "new");
	settle();
	KUNIT_EXPECT_EQ(test, si->nr_seen, 1u);
	expect_seen(test, 0, SIM_HW_CAUSE_DONE, 4, 20);
	KUNIT_EXPECT_EQ(test, status(test), (u32)SIM_HW_STATUS_BUSY);
	expect_buffer(test, "");
	msleep(1000);
	expect_seen(test, 1, SIM_HW_CAUSE_DONE, 5, 1000);
	expect_buffer(test, "new");
}

static void one_fault_at_a_time(struct kunit *test)
{
	struct silicon *si = test->priv;

	sim_hw_inject(si->hw, SIM_HW_HANG, 1);
	sim_hw_inject(si->hw, SIM_HW_LATE, 1);
	sim_hw_inject(si->hw, SIM_HW_ERROR, 1);
	sim_hw_inject(si->hw, SIM_HW_LOST, 1);
	sim_hw_inject(si->hw, SIM_HW_DUPLICATE, 1);
	start(si, 1, "a");
	KUNIT_EXPECT_EQ(test, pending(test, SIM_HW_HANG), 0u);
	KUNIT_EXPECT_EQ(test, pending(test, SIM_HW_LATE), 1u);
	start(si, 2, "b");
	KUNIT_EXPECT_EQ(test, pending(test, SIM_HW_LATE), 0u);
	KUNIT_EXPECT_EQ(test, pending(test, SIM_HW_ERROR), 1u);
	start(si, 3, "c");
	KUNIT_EXPECT_EQ(test, pending(test, SIM_HW_ERROR), 0u);
	KUNIT_EXPECT_EQ(test, pending(test, SIM_HW_LOST), 1u);
	start(si, 4, "d");
	KUNIT_EXPECT_EQ(test, pending(test, SIM_HW_LOST), 0u);
	KUNIT_EXPECT_EQ(test, pending(test, SIM_HW_DUPLICATE), 1u);
	start(si, 5, "e");
	KUNIT_EXPECT_EQ(test, pending(test, SIM_HW_DUPLICATE), 0u);
}

static void lost_is_done_without_an_interrupt(struct kunit *test)
{
	struct silicon *si = test->priv;

	sim_hw_inject(si->hw, SIM_HW_LOST, 1);
	start(si, 1, "done");
	settle();
	KUNIT_EXPECT_EQ(test, si->nr_seen, 0u);
	KUNIT_EXPECT_EQ(test, status(test), (u32)SIM_HW_STATUS_IRQ);
	take_cause(si, &si->seen[0]);
	KUNIT_EXPECT_EQ(test, si->seen[0].cause, (u32)SIM_HW_CAUSE_DONE);
	KUNIT_EXPECT_EQ(test, si->seen[0].tag, 1u);
	expect_buffer(test, "done");
	start(si, 2, "next");
	settle();
	KUNIT_EXPECT_EQ(test, si->nr_seen, 1u);
}

/* Else a lost interrupt silences the device: it is raised for the first cause only. */
static void a_start_raises_a_lost_interrupt_again(struct kunit *test)
{
	struct silicon *si = test->priv;

	sim_hw_inject(si->hw, SIM_HW_LOST, 1);
	start(si, 1, "a");
	settle();
	sim_hw_set_ms(si->hw, SIM_HW_LATENCY, 1000);
	start(si, 2, "b");
	settle();
	KUNIT_EXPECT_EQ(test, si->nr_seen, 1u);
	KUNIT_EXPECT_EQ(test, si->seen[0].tag, 1u);
	/* The same if the system lost it: the handler reads nothing. */
	sim_hw_set_ms(si->hw, SIM_HW_LATENCY, 0);
	si->keep = true;
	start(si, 3, "c");
	settle();
	KUNIT_EXPECT_EQ(test, si->nr_seen, 2u);
	si->keep = false;
	start(si, 4, "d");
	settle();
	KUNIT_EXPECT_EQ(test, si->nr_seen, 4u);
	KUNIT_EXPECT_EQ(test, si->seen[2].tag, 3u);
	KUNIT_EXPECT_EQ(test, si->seen[3].tag, 4u);
}

static void a_reset_drops_what_was_not_read(struct kunit *test)
{
	struct silicon *si = test->priv;

	/* An operation and a reset that ended, and a late one. */
	sim_hw_set_ms(si->hw, SIM_HW_LATE_AFTER, 0);
	sim_hw_inject(si->hw, SIM_HW_LOST, 1);
	sim_hw_inject(si->hw, SIM_HW_RESET_LOST, 1);
	start(si, 1, "lost");
	settle();
	sim_hw_reset(si->hw);
	settle();
	KUNIT_EXPECT_EQ(test, si->nr_seen, 0u);
	KUNIT_EXPECT_EQ(test, status(test), (u32)SIM_HW_STATUS_IRQ);
	si->keep = true;
	sim_hw_inject(si->hw, SIM_HW_LATE, 1);
	start(si, 2, "late");
	settle();
	si->keep = false;
	si->nr_seen = 0;
	sim_hw_set_ms(si->hw, SIM_HW_RESET_LATENCY, 50);
	sim_hw_reset(si->hw);	/* raises it for the late one */
	msleep(20);
	KUNIT_EXPECT_EQ(test, si->nr_seen, 1u);
	KUNIT_EXPECT_EQ(test, si->seen[0].cause, (u32)SIM_HW_CAUSE_DONE);
	KUNIT_EXPECT_EQ(test, si->seen[0].tag, 2u);
	settle();
	KUNIT_EXPECT_EQ(test, si->nr_seen, 2u);
	KUNIT_EXPECT_EQ(test, si->seen[1].cause, (u32)SIM_HW_CAUSE_RESET);
	KUNIT_EXPECT_EQ(test, status(test), 0u);
}

static void duplicate_comes_twice(struct kunit *test)
{
	struct silicon *si = test->priv;
	unsigned int i;

	sim_hw_inject(si->hw, SIM_HW_DUPLICATE, 1);
	start(si, 1, "twice");
	settle();
	KUNIT_EXPECT_EQ(test, si->nr_seen, 2u);
	for (i = 0; i < min(si->nr_seen, 2u); i++) {
		KUNIT_EXPECT_EQ(test, si->seen[i].cause, (u32)SIM_HW_CAUSE_DONE);
		KUNIT_EXPECT_EQ(test, si->seen[i].tag, 1u);
	}
	start(si, 2, "once");
	settle();
	KUNIT_EXPECT_EQ(test, si->nr_seen, 3u);
}

static void a_storm_has_no_cause_and_ends(struct kunit *test)
{
	struct silicon *si = test->priv;
	unsigned int i, done = 0;

	sim_hw_inject(si->hw, SIM_HW_STORM, 1000);
	start(si, 6, "through");
	settle();
	KUNIT_EXPECT_EQ(test, pending(test, SIM_HW_STORM), 0u);
	KUNIT_EXPECT_GE(test, si->nr_seen, 1000u);
	KUNIT_EXPECT_LE(test, si->nr_seen, 1001u);
	for (i = 0; i < MAX_SEEN - 1u; i++)
		done += si->seen[i].cause != SIM_HW_CAUSE_NONE;
	KUNIT_EXPECT_LE(test, done, 1u);
	expect_buffer(test, "through");
}

static void expect_all_ones(struct kunit *test)
{
	struct silicon *si = test->priv;
	enum sim_hw_reg reg;
	u8 back = 0;

	for (reg = SIM_HW_TAG; reg <= SIM_HW_CAUSE; reg++)
		KUNIT_EXPECT_EQ(test, sim_hw_read(si->hw, reg), SIM_HW_ALL_ONES);
	sim_hw_read_buffer(si->hw, &back, 1);
	KUNIT_EXPECT_EQ(test, back, (u8)0xff);
}

/* What it was doing, what waits to be read, what it is told: all gone. */
static void gone_reads_as_ones_and_does_nothing(struct kunit *test)
{
	struct silicon *si = test->priv;

	sim_hw_inject(si->hw, SIM_HW_LOST, 1);
	start(si, 1, "lost");
	settle();
	sim_hw_set_ms(si->hw, SIM_HW_LATENCY, 1000);
	si->keep = true;
	start(si, 2, "under way");
	settle();
	si->keep = false;
	si->nr_seen = 0;
	sim_hw_set_gone(si->hw, true);
	expect_all_ones(test);
	start(si, 3, "unheard");
	sim_hw_reset(si->hw);
	settle();
	KUNIT_EXPECT_EQ(test, si->nr_seen, 0u);
	sim_hw_set_gone(si->hw, false);
	sim_hw_set_ms(si->hw, SIM_HW_LATENCY, LATENCY_MS);
	KUNIT_EXPECT_EQ(test, status(test), 0u);
	KUNIT_EXPECT_EQ(test, sim_hw_read(si->hw, SIM_HW_TAG), 2ull);
	start(si, 4, "back");
	settle();
	KUNIT_EXPECT_EQ(test, si->nr_seen, 1u);
	expect_buffer(test, "back");
}

/* One that the handler read nothing of, since the device was gone. */
static void revived_it_raises_what_waits(struct kunit *test)
{
	struct silicon *si = test->priv;

	sim_hw_set_gone(si->hw, true);
	sim_hw_inject(si->hw, SIM_HW_SPURIOUS, 2);
	settle();
	KUNIT_EXPECT_EQ(test, si->nr_seen, 1u);
	KUNIT_EXPECT_EQ(test, si->seen[0].cause, SIM_HW_CAUSE_CODE(SIM_HW_ALL_ONES));
	sim_hw_set_gone(si->hw, false);
	settle();
	KUNIT_EXPECT_EQ(test, si->nr_seen, 3u);
	KUNIT_EXPECT_EQ(test, si->seen[2].cause, (u32)SIM_HW_CAUSE_NONE);

	sim_hw_set_gone(si->hw, true);
	sim_hw_inject(si->hw, SIM_HW_STORM, 3);
	settle();
	sim_hw_set_gone(si->hw, false);
	settle();
	KUNIT_EXPECT_EQ(test, si->nr_seen, 6u);
	start(si, 1, "x");
	settle();
	KUNIT_EXPECT_EQ(test, si->nr_seen, 7u);
}

/* Polled, they leave no interrupt behind. */
static void causes_that_were_read_interrupt_no_more(struct kunit *test)
{
	struct silicon *si = test->priv;
	unsigned long flags;
	struct seen seen;

	si->keep = true;
	sim_hw_inject(si->hw, SIM_HW_DUPLICATE, 1);
	start(si, 1, "twice");
	settle();
	si->nr_seen = 0;
	local_irq_save(flags);
	take_cause(si, &seen);
	take_cause(si, &seen);
	local_irq_restore(flags);
	KUNIT_EXPECT_EQ(test, seen.tag, 1u);
	settle();
	KUNIT_EXPECT_EQ(test, si->nr_seen, 0u);
	KUNIT_EXPECT_EQ(test, status(test), 0u);
}

static void without_power_it_warns_and_forgets(struct kunit *test)
{
	struct silicon *si = test->priv;

	start(si, 1, "under way");
	sim_hw_set_power(si->hw, false);
	settle();
	KUNIT_EXPECT_EQ(test, si->nr_seen, 0u);
	expect_warning("sim_hw: touched without power");
	expect_all_ones(test);
	start(si, 2, "unheard");
	sim_hw_reset(si->hw);
	sim_hw_set_power(si->hw, true);
	settle();
	KUNIT_EXPECT_EQ(test, si->nr_seen, 0u);
	KUNIT_EXPECT_EQ(test, status(test), 0u);
	start(si, 3, "again");
	settle();
	KUNIT_EXPECT_EQ(test, si->nr_seen, 1u);
	expect_buffer(test, "again");
}

static void spurious_have_no_cause_and_are_counted(struct kunit *test)
{
	struct silicon *si = test->priv;
	unsigned int i;

	sim_hw_inject(si->hw, SIM_HW_SPURIOUS, 5);
	settle();
	KUNIT_EXPECT_EQ(test, si->nr_seen, 5u);
	for (i = 0; i < min(si->nr_seen, 5u); i++)
		KUNIT_EXPECT_EQ(test, si->seen[i].cause, (u32)SIM_HW_CAUSE_NONE);
	KUNIT_EXPECT_EQ(test, pending(test, SIM_HW_SPURIOUS), 0u);
	KUNIT_EXPECT_EQ(test, status(test), 0u);
}

static void spurious_do_not_hide_a_completion(struct kunit *test)
{
	struct silicon *si = test->priv;
	unsigned int i, done = 0;

	sim_hw_inject(si->hw, SIM_HW_SPURIOUS, 1000);
	start(si, 6, "through");
	settle();
	for (i = 0; i < min(si->nr_seen, MAX_SEEN - 1u); i++)
		done += si->seen[i].cause == SIM_HW_CAUSE_DONE &&
			si->seen[i].tag == 6;
	KUNIT_EXPECT_EQ(test, done, 1u);
	expect_buffer(test, "through");
	sim_hw_clear(si->hw);
}

static void clear_forgets_pending_faults(struct kunit *test)
{
	struct silicon *si = test->priv;
	enum sim_hw_fault fault;

	for (fault = 0; fault < SIM_HW_NR_FAULTS; fault++)
		sim_hw_inject(si->hw, fault, 1000);
	sim_hw_clear(si->hw);
	for (fault = 0; fault < SIM_HW_NR_FAULTS; fault++)
		KUNIT_EXPECT_EQ(test, pending(test, fault), 0u);
	settle();	/* for those that were raised already */
	si->nr_seen = 0;
	start(si, 1, "fine");
	settle();
	KUNIT_EXPECT_EQ(test, si->nr_seen, 1u);
	sim_hw_inject(si->hw, SIM_HW_SPURIOUS, 2);	/* starts over */
	settle();
	KUNIT_EXPECT_EQ(test, si->nr_seen, 3u);
}

static void dead_hangs_everything_until_revived(struct kunit *test)
{
	struct silicon *si = test->priv;

	start(si, 1, "under way");
	sim_hw_set_dead(si->hw, true);
	settle();
	KUNIT_EXPECT_EQ(test, si->nr_seen, 0u);
	KUNIT_EXPECT_EQ(test, status(test), (u32)SIM_HW_STATUS_BUSY);
	sim_hw_reset(si->hw);
	settle();
	start(si, 2, "dead");
	settle();
	sim_hw_clear(si->hw);	/* does not revive */
	start(si, 3, "still dead");
	settle();
	KUNIT_EXPECT_EQ(test, si->nr_seen, 0u);
	sim_hw_set_dead(si->hw, false);
	settle();
	KUNIT_EXPECT_EQ(test, si->nr_seen, 0u);	/* what hung stays hung */
	start(si, 4, "alive");
	settle();
	KUNIT_EXPECT_EQ(test, si->nr_seen, 1u);
	expect_buffer(test, "alive");
}

static void causes_queue_up(struct kunit *test)
{
	struct silicon *si = test->priv;

	si->keep = true;
	sim_hw_set_ms(si->hw, SIM_HW_LATE_AFTER, 20);
	sim_hw_inject(si->hw, SIM_HW_LATE, 2);
	start(si, 1, "a");
	start(si, 2, "b");
	settle();
	/* Both are due, one is shown, and raised but once. */
	KUNIT_EXPECT_EQ(test, si->nr_seen, 1u);
	KUNIT_EXPECT_EQ(test, status(test), (u32)SIM_HW_STATUS_IRQ);
	si->keep = false;
	take_cause(si, &si->seen[0]);
	expect_seen(test, 0, SIM_HW_CAUSE_DONE, 1, 20);
	settle();
	KUNIT_EXPECT_EQ(test, si->nr_seen, 2u);
	KUNIT_EXPECT_EQ(test, si->seen[1].tag, 2u);
	KUNIT_EXPECT_EQ(test, status(test), 0u);
}

static void a_full_queue_loses_interrupts_and_no_more(struct kunit *test)
{
	struct silicon *si = test->priv;
	unsigned int i;

	sim_hw_set_ms(si->hw, SIM_HW_LATE_AFTER, 3000);
	sim_hw_inject(si->hw, SIM_HW_LATE, 2 * SIM_HW_MAX_EVENTS);
	for (i = 0; i < 2 * SIM_HW_MAX_EVENTS; i++)
		start(si, i, "x");
	msleep(virtual ? 20000 : 5000);
	KUNIT_EXPECT_LE(test, si->nr_seen, (unsigned int)SIM_HW_MAX_EVENTS);
	KUNIT_EXPECT_GT(test, si->nr_seen, 0u);
	start(si, i, "works");
	settle();
	expect_buffer(test, "works");
}

static struct kunit_case sim_hw_cases[] = {
	KUNIT_CASE(operation_loops_data_back),
	KUNIT_CASE(latency_zero_interrupts_at_once),
	KUNIT_CASE(buffer_accesses_are_bounded),
	KUNIT_CASE(an_idle_device_reads_as_zero),
	KUNIT_CASE(start_drops_what_is_under_way),
	KUNIT_CASE(reset_drops_the_operation),
	KUNIT_CASE(reset_during_reset_starts_anew),
	KUNIT_CASE(start_drops_a_reset),
	KUNIT_CASE(hang_never_interrupts),
	KUNIT_CASE(error_ends_with_its_cause),
	KUNIT_CASE(reset_hang_never_ends),
	KUNIT_CASE(late_alone_completes_the_operation),
	KUNIT_CASE(late_survives_a_reset),
	KUNIT_CASE(late_leaves_the_next_operation_alone),
	KUNIT_CASE(one_fault_at_a_time),
	KUNIT_CASE(spurious_have_no_cause_and_are_counted),
	KUNIT_CASE(spurious_do_not_hide_a_completion),
	KUNIT_CASE(lost_is_done_without_an_interrupt),
	KUNIT_CASE(a_start_raises_a_lost_interrupt_again),
	KUNIT_CASE(a_reset_drops_what_was_not_read),
	KUNIT_CASE(duplicate_comes_twice),
	KUNIT_CASE(a_storm_has_no_cause_and_ends),
	KUNIT_CASE(gone_reads_as_ones_and_does_nothing),
	KUNIT_CASE(revived_it_raises_what_waits),
	KUNIT_CASE(causes_that_were_read_interrupt_no_more),
	KUNIT_CASE(without_power_it_warns_and_forgets),
	KUNIT_CASE(clear_forgets_pending_faults),
	KUNIT_CASE(dead_hangs_everything_until_revived),
	KUNIT_CASE(causes_queue_up),
	KUNIT_CASE(a_full_queue_loses_interrupts_and_no_more),
	{}
};

static struct kunit_suite sim_hw_suite = {
	.name = "sim_hw",
	.init = make_silicon,
	.exit = break_silicon,
	.test_cases = sim_hw_cases,
};

kunit_test_suite(sim_hw_suite);

MODULE_DESCRIPTION("KUnit tests of the silicon");
MODULE_LICENSE("GPL");
