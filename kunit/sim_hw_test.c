// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the hardware model, as its driver sees it: registers, buffer and
 * interrupt. Interrupts come after the latency and at most 1 ms later; with
 * virtual=0 more, because the guest's CPUs may stand still.
 */
#define OWN_COPY sim_hw_test
#include "own_copy.h"

#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/module.h>

#include "expect_warning.h"

#include "../sim_events.c"
#include "../sim_rules.c"
#include "../sim_hw.c"

static bool virtual;
module_param(virtual, bool, 0444);
MODULE_PARM_DESC(virtual, "time is virtual: demand exact times");

#define SLOTS			4
#define LATENCY_MS		20
#define RESET_LATENCY_MS	30
#define MAX_SEEN		2048u

/* What the test's interrupt handler read, and when. */
struct seen {
	u32 cause;
	u32 slot;
	u32 length;
	u32 tag;
	s64 ms;			/* since the test began */
	bool in_hardirq;
};

struct fixture {
	struct sim_hw *hw;
	ktime_t began;
	bool keep;		/* the handler leaves the cause unread */
	unsigned int nr_seen;
	struct seen seen[MAX_SEEN];
};

static void take_cause(struct fixture *fx, struct seen *seen)
{
	u64 cause = sim_hw_read(fx->hw, SIM_HW_CAUSE);

	seen->cause = SIM_HW_CAUSE_CODE(cause);
	seen->slot = SIM_HW_CAUSE_SLOT(cause);
	seen->length = SIM_HW_CAUSE_LENGTH(cause);
	seen->tag = SIM_HW_CAUSE_TAG(cause);
}

static irqreturn_t handler(int irq, void *data)
{
	struct fixture *fx = data;
	struct seen *seen = &fx->seen[min(fx->nr_seen, MAX_SEEN - 1)];

	if (!fx->keep)
		take_cause(fx, seen);
	seen->ms = ktime_ms_delta(ktime_get(), fx->began);
	seen->in_hardirq = in_hardirq();
	WRITE_ONCE(fx->nr_seen, fx->nr_seen + 1);
	return IRQ_HANDLED;
}

static int make_device_of(struct kunit *test, unsigned int slots)
{
	struct fixture *fx = kunit_kzalloc(test, sizeof(*fx), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, fx);
	fx->hw = sim_hw_create(slots, LATENCY_MS, RESET_LATENCY_MS);
	KUNIT_ASSERT_FALSE(test, IS_ERR(fx->hw));
	KUNIT_ASSERT_EQ(test, 0, request_irq(sim_hw_irq(fx->hw), handler, 0,
					     "sim_hw_test", fx));
	fx->began = ktime_get();
	test->priv = fx;
	return 0;
}

static int make_device(struct kunit *test)
{
	return make_device_of(test, SLOTS);
}

static void destroy_device(struct kunit *test)
{
	struct fixture *fx = test->priv;

	if (!fx || IS_ERR_OR_NULL(fx->hw))
		return;
	free_irq(sim_hw_irq(fx->hw), fx);
	sim_hw_put(fx->hw);
}

static void start(struct fixture *fx, u32 tag, const char *data)
{
	sim_hw_start(fx->hw, 0, tag, data, strlen(data) + 1);
}

/* Wait until all that is due has happened. */
static void settle(void)
{
	msleep(virtual ? 100 : 400);
}

static void expect_seen(struct kunit *test, unsigned int i, u32 cause, u32 tag,
			unsigned int ms)
{
	struct fixture *fx = test->priv;

	KUNIT_ASSERT_GT(test, fx->nr_seen, i);
	KUNIT_EXPECT_EQ(test, fx->seen[i].cause, cause);
	KUNIT_EXPECT_EQ(test, fx->seen[i].tag, tag);
	/* On PREEMPT_RT the handler is a thread. */
	KUNIT_EXPECT_EQ(test, fx->seen[i].in_hardirq, !IS_ENABLED(CONFIG_PREEMPT_RT));
	KUNIT_EXPECT_GE(test, fx->seen[i].ms, (s64)ms);
	KUNIT_EXPECT_LE(test, fx->seen[i].ms,
			(s64)(ms + (virtual ? 1 : 300)));
}

static void expect_buffer(struct kunit *test, const char *data)
{
	struct fixture *fx = test->priv;
	char back[64] = "";

	sim_hw_read_buffer(fx->hw, 0, back, sizeof(back));
	KUNIT_EXPECT_STREQ(test, back, data);
}

static u32 status(struct kunit *test)
{
	struct fixture *fx = test->priv;

	return sim_hw_read(fx->hw, SIM_HW_STATUS);
}

static unsigned int pending(struct kunit *test, enum sim_hw_fault fault)
{
	struct fixture *fx = test->priv;
	struct sim_hw_state state;

	sim_hw_get_state(fx->hw, &state);
	return state.pending[fault];
}

static void operation_loops_data_back(struct kunit *test)
{
	struct fixture *fx = test->priv;

	KUNIT_EXPECT_EQ(test, status(test), 0u);
	start(fx, 7, "hello");
	KUNIT_EXPECT_EQ(test, status(test), (u32)SIM_HW_STATUS_BUSY);
	expect_buffer(test, "");
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 1u);
	expect_seen(test, 0, SIM_HW_CAUSE_DONE, 7, LATENCY_MS);
	KUNIT_EXPECT_EQ(test, sim_hw_read_tag(fx->hw, 0), 7ull);
	KUNIT_EXPECT_EQ(test, fx->seen[0].length, 6u);
	expect_buffer(test, "hello");
	KUNIT_EXPECT_EQ(test, status(test), 0u);
}

static void latency_zero_interrupts_at_once(struct kunit *test)
{
	struct fixture *fx = test->priv;

	sim_hw_set_ms(fx->hw, SIM_HW_LATENCY, 0);
	start(fx, 1, "now");
	settle();
	expect_seen(test, 0, SIM_HW_CAUSE_DONE, 1, 0);
	expect_buffer(test, "now");
}

static void buffer_accesses_are_bounded(struct kunit *test)
{
	struct fixture *fx = test->priv;
	u8 *data = kunit_kzalloc(test, 2 * SIM_HW_BUFFER_SIZE, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, data);
	memset(data, 0xa5, 2 * SIM_HW_BUFFER_SIZE);
	sim_hw_start(fx->hw, 0, 1, data, 2 * SIM_HW_BUFFER_SIZE);
	settle();
	KUNIT_EXPECT_EQ(test, fx->seen[0].length, (u32)SIM_HW_BUFFER_SIZE);
	memset(data, 0, 2 * SIM_HW_BUFFER_SIZE);
	sim_hw_read_buffer(fx->hw, 0, data, 2 * SIM_HW_BUFFER_SIZE);
	KUNIT_EXPECT_EQ(test, data[SIM_HW_BUFFER_SIZE - 1], 0xa5);
	KUNIT_EXPECT_EQ(test, data[SIM_HW_BUFFER_SIZE], 0);
}

static void an_idle_device_reads_as_zero(struct kunit *test)
{
	struct fixture *fx = test->priv;

	KUNIT_EXPECT_EQ(test, status(test), 0u);
	KUNIT_EXPECT_EQ(test, sim_hw_read_tag(fx->hw, 0), 0ull);
	KUNIT_EXPECT_EQ(test, sim_hw_read(fx->hw, SIM_HW_CAUSE), 0ull);	/* none to take */
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 0u);
}

static void start_drops_what_is_under_way(struct kunit *test)
{
	struct fixture *fx = test->priv;

	start(fx, 1, "first");
	start(fx, 2, "second");
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 1u);
	expect_seen(test, 0, SIM_HW_CAUSE_DONE, 2, LATENCY_MS);
	expect_buffer(test, "second");
}

static void reset_drops_the_operation(struct kunit *test)
{
	struct fixture *fx = test->priv;

	start(fx, 1, "lost");
	sim_hw_reset(fx->hw);
	KUNIT_EXPECT_EQ(test, status(test), (u32)SIM_HW_STATUS_RESETTING);
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 1u);
	expect_seen(test, 0, SIM_HW_CAUSE_RESET, 1, RESET_LATENCY_MS);
	expect_buffer(test, "");
	KUNIT_EXPECT_EQ(test, status(test), 0u);
}

static void reset_during_reset_starts_over(struct kunit *test)
{
	struct fixture *fx = test->priv;
	s64 ms;

	sim_hw_set_ms(fx->hw, SIM_HW_RESET_LATENCY, 1000);
	sim_hw_reset(fx->hw);
	msleep(500);
	ms = ktime_ms_delta(ktime_get(), fx->began);
	sim_hw_reset(fx->hw);
	msleep(1000);
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 1u);
	expect_seen(test, 0, SIM_HW_CAUSE_RESET, 0, ms + 1000);
}

static void start_drops_a_reset(struct kunit *test)
{
	struct fixture *fx = test->priv;

	sim_hw_reset(fx->hw);
	start(fx, 3, "on");
	KUNIT_EXPECT_EQ(test, status(test), (u32)SIM_HW_STATUS_BUSY);
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 1u);
	expect_seen(test, 0, SIM_HW_CAUSE_DONE, 3, LATENCY_MS);
}

static void hang_never_interrupts(struct kunit *test)
{
	struct fixture *fx = test->priv;

	sim_hw_inject(fx->hw, SIM_HW_HANG, 2);
	start(fx, 1, "a");
	KUNIT_EXPECT_EQ(test, pending(test, SIM_HW_HANG), 1u);
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 0u);
	KUNIT_EXPECT_EQ(test, status(test), (u32)SIM_HW_STATUS_BUSY);
	start(fx, 2, "b");
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 0u);
	start(fx, 3, "c");
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 1u);
	expect_buffer(test, "c");
}

static void error_ends_with_its_cause(struct kunit *test)
{
	struct fixture *fx = test->priv;

	sim_hw_inject(fx->hw, SIM_HW_ERROR, 1);
	start(fx, 9, "bad");
	settle();
	expect_seen(test, 0, SIM_HW_CAUSE_ERROR, 9, LATENCY_MS);
	expect_buffer(test, "");
	KUNIT_EXPECT_EQ(test, status(test), 0u);
	KUNIT_EXPECT_EQ(test, pending(test, SIM_HW_ERROR), 0u);
}

static void reset_hang_never_ends(struct kunit *test)
{
	struct fixture *fx = test->priv;

	sim_hw_inject(fx->hw, SIM_HW_RESET_HANG, 1);
	sim_hw_reset(fx->hw);
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 0u);
	KUNIT_EXPECT_EQ(test, status(test), (u32)SIM_HW_STATUS_RESETTING);
	sim_hw_reset(fx->hw);
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 1u);
}

static void late_alone_completes_the_operation(struct kunit *test)
{
	struct fixture *fx = test->priv;

	sim_hw_set_ms(fx->hw, SIM_HW_LATE_AFTER, 60);
	sim_hw_inject(fx->hw, SIM_HW_LATE, 1);
	start(fx, 4, "slow");
	settle();
	expect_seen(test, 0, SIM_HW_CAUSE_DONE, 4, 60);
	expect_buffer(test, "slow");
	KUNIT_EXPECT_EQ(test, status(test), 0u);
}

static void late_survives_a_reset(struct kunit *test)
{
	struct fixture *fx = test->priv;

	sim_hw_set_ms(fx->hw, SIM_HW_LATE_AFTER, 60);
	sim_hw_inject(fx->hw, SIM_HW_LATE, 1);
	start(fx, 4, "gone");
	sim_hw_reset(fx->hw);
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 2u);
	expect_seen(test, 0, SIM_HW_CAUSE_RESET, 4, RESET_LATENCY_MS);
	expect_seen(test, 1, SIM_HW_CAUSE_DONE, 4, 60);
	expect_buffer(test, "");
}

static void late_leaves_the_next_operation_alone(struct kunit *test)
{
	struct fixture *fx = test->priv;

	sim_hw_set_ms(fx->hw, SIM_HW_LATE_AFTER, 20);
	sim_hw_set_ms(fx->hw, SIM_HW_LATENCY, 1000);
	sim_hw_inject(fx->hw, SIM_HW_LATE, 1);
	start(fx, 4, "old");
	start(fx, 5, "new");
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 1u);
	expect_seen(test, 0, SIM_HW_CAUSE_DONE, 4, 20);
	KUNIT_EXPECT_EQ(test, status(test), (u32)SIM_HW_STATUS_BUSY);
	expect_buffer(test, "");
	msleep(1000);
	expect_seen(test, 1, SIM_HW_CAUSE_DONE, 5, 1000);
	expect_buffer(test, "new");
}

static void one_fault_at_a_time(struct kunit *test)
{
	struct fixture *fx = test->priv;

	sim_hw_inject(fx->hw, SIM_HW_HANG, 1);
	sim_hw_inject(fx->hw, SIM_HW_LATE, 1);
	sim_hw_inject(fx->hw, SIM_HW_ERROR, 1);
	sim_hw_inject(fx->hw, SIM_HW_LOST, 1);
	sim_hw_inject(fx->hw, SIM_HW_DUPLICATE, 1);
	start(fx, 1, "a");
	KUNIT_EXPECT_EQ(test, pending(test, SIM_HW_HANG), 0u);
	KUNIT_EXPECT_EQ(test, pending(test, SIM_HW_LATE), 1u);
	start(fx, 2, "b");
	KUNIT_EXPECT_EQ(test, pending(test, SIM_HW_LATE), 0u);
	KUNIT_EXPECT_EQ(test, pending(test, SIM_HW_ERROR), 1u);
	start(fx, 3, "c");
	KUNIT_EXPECT_EQ(test, pending(test, SIM_HW_ERROR), 0u);
	KUNIT_EXPECT_EQ(test, pending(test, SIM_HW_LOST), 1u);
	start(fx, 4, "d");
	KUNIT_EXPECT_EQ(test, pending(test, SIM_HW_LOST), 0u);
	KUNIT_EXPECT_EQ(test, pending(test, SIM_HW_DUPLICATE), 1u);
	start(fx, 5, "e");
	KUNIT_EXPECT_EQ(test, pending(test, SIM_HW_DUPLICATE), 0u);
}

static void lost_is_done_without_an_interrupt(struct kunit *test)
{
	struct fixture *fx = test->priv;

	sim_hw_inject(fx->hw, SIM_HW_LOST, 1);
	start(fx, 1, "done");
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 0u);
	KUNIT_EXPECT_EQ(test, status(test), (u32)SIM_HW_STATUS_IRQ);
	take_cause(fx, &fx->seen[0]);
	KUNIT_EXPECT_EQ(test, fx->seen[0].cause, (u32)SIM_HW_CAUSE_DONE);
	KUNIT_EXPECT_EQ(test, fx->seen[0].tag, 1u);
	expect_buffer(test, "done");
	start(fx, 2, "next");
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 1u);
}

/* The interrupt is raised for the first cause only, so a lost one would silence the device. */
static void a_start_raises_a_lost_interrupt_again(struct kunit *test)
{
	struct fixture *fx = test->priv;

	sim_hw_inject(fx->hw, SIM_HW_LOST, 1);
	start(fx, 1, "a");
	settle();
	sim_hw_set_ms(fx->hw, SIM_HW_LATENCY, 1000);
	start(fx, 2, "b");
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 1u);
	KUNIT_EXPECT_EQ(test, fx->seen[0].tag, 1u);
	/* The same if the system lost the interrupt: the handler reads nothing. */
	sim_hw_set_ms(fx->hw, SIM_HW_LATENCY, 0);
	fx->keep = true;
	start(fx, 3, "c");
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 2u);
	fx->keep = false;
	msleep(1000);
	start(fx, 4, "d");
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 4u);
	KUNIT_EXPECT_EQ(test, fx->seen[2].tag, 3u);
	KUNIT_EXPECT_EQ(test, fx->seen[3].tag, 4u);
}

/*
 * A handler that has not read the cause yet may be waiting for the lock under which the
 * driver starts an operation.
 */
static void a_start_raises_no_interrupt_that_may_be_on_its_way(struct kunit *test)
{
	struct fixture *fx = test->priv;

	sim_hw_set_ms(fx->hw, SIM_HW_LATENCY, 0);
	fx->keep = true;
	start(fx, 1, "a");
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 1u);
	start(fx, 2, "b");
	sim_hw_abort(fx->hw, 0, 2);
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 1u);
}

static void a_reset_drops_what_was_not_read(struct kunit *test)
{
	struct fixture *fx = test->priv;

	/* Unread: an operation, a reset, and a late operation. */
	sim_hw_set_ms(fx->hw, SIM_HW_LATE_AFTER, 0);
	sim_hw_inject(fx->hw, SIM_HW_LOST, 1);
	sim_hw_inject(fx->hw, SIM_HW_RESET_LOST, 1);
	start(fx, 1, "lost");
	settle();
	sim_hw_reset(fx->hw);
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 0u);
	KUNIT_EXPECT_EQ(test, status(test), (u32)SIM_HW_STATUS_IRQ);
	fx->keep = true;
	sim_hw_inject(fx->hw, SIM_HW_LATE, 1);
	start(fx, 2, "late");
	msleep(1000);
	fx->keep = false;
	fx->nr_seen = 0;
	sim_hw_set_ms(fx->hw, SIM_HW_RESET_LATENCY, 50);
	sim_hw_reset(fx->hw);	/* raises the interrupt for the late one */
	msleep(20);
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 1u);
	KUNIT_EXPECT_EQ(test, fx->seen[0].cause, (u32)SIM_HW_CAUSE_DONE);
	KUNIT_EXPECT_EQ(test, fx->seen[0].tag, 2u);
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 2u);
	KUNIT_EXPECT_EQ(test, fx->seen[1].cause, (u32)SIM_HW_CAUSE_RESET);
	KUNIT_EXPECT_EQ(test, status(test), 0u);
}

static void duplicate_comes_twice(struct kunit *test)
{
	struct fixture *fx = test->priv;
	unsigned int i;

	sim_hw_inject(fx->hw, SIM_HW_DUPLICATE, 1);
	start(fx, 1, "twice");
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 2u);
	for (i = 0; i < min(fx->nr_seen, 2u); i++) {
		KUNIT_EXPECT_EQ(test, fx->seen[i].cause, (u32)SIM_HW_CAUSE_DONE);
		KUNIT_EXPECT_EQ(test, fx->seen[i].tag, 1u);
	}
	start(fx, 2, "once");
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 3u);
}

static void a_storm_has_no_cause_and_ends(struct kunit *test)
{
	struct fixture *fx = test->priv;
	unsigned int i, done = 0;

	sim_hw_inject(fx->hw, SIM_HW_STORM, 1000);
	start(fx, 6, "through");
	settle();
	KUNIT_EXPECT_EQ(test, pending(test, SIM_HW_STORM), 0u);
	KUNIT_EXPECT_GE(test, fx->nr_seen, 1000u);
	KUNIT_EXPECT_LE(test, fx->nr_seen, 1001u);
	for (i = 0; i < MAX_SEEN - 1; i++)
		done += fx->seen[i].cause != SIM_HW_CAUSE_NONE;
	KUNIT_EXPECT_LE(test, done, 1u);
	expect_buffer(test, "through");
}

static void expect_all_ones(struct kunit *test)
{
	struct fixture *fx = test->priv;
	enum sim_hw_reg reg;
	u8 back = 0;

	KUNIT_EXPECT_EQ(test, sim_hw_read_tag(fx->hw, 0), SIM_HW_ALL_ONES);
	for (reg = SIM_HW_SLOTS; reg <= SIM_HW_CAUSE; reg++)
		KUNIT_EXPECT_EQ(test, sim_hw_read(fx->hw, reg), SIM_HW_ALL_ONES);
	sim_hw_read_buffer(fx->hw, 0, &back, 1);
	KUNIT_EXPECT_EQ(test, back, (u8)0xff);
}

/* The operation under way, the causes that wait, and later commands are lost. */
static void gone_reads_as_ones_and_does_nothing(struct kunit *test)
{
	struct fixture *fx = test->priv;

	sim_hw_inject(fx->hw, SIM_HW_LOST, 1);
	start(fx, 1, "lost");
	settle();
	sim_hw_set_ms(fx->hw, SIM_HW_LATENCY, 1000);
	fx->keep = true;
	start(fx, 2, "under way");
	settle();
	fx->keep = false;
	fx->nr_seen = 0;
	sim_hw_set_gone(fx->hw, true);
	expect_all_ones(test);
	start(fx, 3, "unheard");
	sim_hw_reset(fx->hw);
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 0u);
	sim_hw_set_gone(fx->hw, false);
	sim_hw_set_ms(fx->hw, SIM_HW_LATENCY, LATENCY_MS);
	KUNIT_EXPECT_EQ(test, status(test), 0u);
	KUNIT_EXPECT_EQ(test, sim_hw_read_tag(fx->hw, 0), 2ull);
	start(fx, 4, "back");
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 1u);
	expect_buffer(test, "back");
}

/* The handler ran while the device was gone, and could read no cause. */
static void revived_it_raises_what_waits(struct kunit *test)
{
	struct fixture *fx = test->priv;

	sim_hw_set_gone(fx->hw, true);
	sim_hw_inject(fx->hw, SIM_HW_SPURIOUS, 2);
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 1u);
	KUNIT_EXPECT_EQ(test, fx->seen[0].cause, SIM_HW_CAUSE_CODE(SIM_HW_ALL_ONES));
	sim_hw_set_gone(fx->hw, false);
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 3u);
	KUNIT_EXPECT_EQ(test, fx->seen[2].cause, (u32)SIM_HW_CAUSE_NONE);

	sim_hw_set_gone(fx->hw, true);
	sim_hw_inject(fx->hw, SIM_HW_STORM, 3);
	settle();
	sim_hw_set_gone(fx->hw, false);
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 6u);
	start(fx, 1, "x");
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 7u);
}

/* Causes that were polled raise no interrupt later. */
static void causes_that_were_read_interrupt_no_more(struct kunit *test)
{
	struct fixture *fx = test->priv;
	unsigned long flags;
	struct seen seen;

	fx->keep = true;
	sim_hw_inject(fx->hw, SIM_HW_DUPLICATE, 1);
	start(fx, 1, "twice");
	settle();
	fx->nr_seen = 0;
	local_irq_save(flags);
	take_cause(fx, &seen);
	take_cause(fx, &seen);
	local_irq_restore(flags);
	KUNIT_EXPECT_EQ(test, seen.tag, 1u);
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 0u);
	KUNIT_EXPECT_EQ(test, status(test), 0u);
}

static void without_power_it_warns_and_forgets(struct kunit *test)
{
	struct fixture *fx = test->priv;

	start(fx, 1, "under way");
	sim_hw_set_power(fx->hw, false);
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 0u);
	expect_warning("sim_hw: touched without power");
	expect_all_ones(test);
	start(fx, 2, "unheard");
	sim_hw_reset(fx->hw);
	sim_hw_set_power(fx->hw, true);
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 0u);
	KUNIT_EXPECT_EQ(test, status(test), 0u);
	start(fx, 3, "again");
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 1u);
	expect_buffer(test, "again");
}

static void spurious_have_no_cause_and_are_counted(struct kunit *test)
{
	struct fixture *fx = test->priv;
	unsigned int i;

	sim_hw_inject(fx->hw, SIM_HW_SPURIOUS, 5);
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 5u);
	for (i = 0; i < min(fx->nr_seen, 5u); i++)
		KUNIT_EXPECT_EQ(test, fx->seen[i].cause, (u32)SIM_HW_CAUSE_NONE);
	KUNIT_EXPECT_EQ(test, pending(test, SIM_HW_SPURIOUS), 0u);
	KUNIT_EXPECT_EQ(test, status(test), 0u);
}

static void spurious_do_not_hide_a_completion(struct kunit *test)
{
	struct fixture *fx = test->priv;
	unsigned int i, done = 0;

	sim_hw_inject(fx->hw, SIM_HW_SPURIOUS, 1000);
	start(fx, 6, "through");
	settle();
	for (i = 0; i < min(fx->nr_seen, MAX_SEEN - 1); i++)
		done += fx->seen[i].cause == SIM_HW_CAUSE_DONE &&
			fx->seen[i].tag == 6;
	KUNIT_EXPECT_EQ(test, done, 1u);
	expect_buffer(test, "through");
	sim_hw_clear(fx->hw);
}

static void clear_forgets_pending_faults(struct kunit *test)
{
	struct fixture *fx = test->priv;
	enum sim_hw_fault fault;

	for (fault = 0; fault < SIM_HW_NR_FAULTS; fault++)
		sim_hw_inject(fx->hw, fault, 1000);
	sim_hw_clear(fx->hw);
	for (fault = 0; fault < SIM_HW_NR_FAULTS; fault++)
		KUNIT_EXPECT_EQ(test, pending(test, fault), 0u);
	settle();	/* until those that are raised already have come */
	fx->nr_seen = 0;
	start(fx, 1, "fine");
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 1u);
	sim_hw_inject(fx->hw, SIM_HW_SPURIOUS, 2);	/* works as before */
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 3u);
}

static void dead_hangs_everything_until_revived(struct kunit *test)
{
	struct fixture *fx = test->priv;

	start(fx, 1, "under way");
	sim_hw_set_dead(fx->hw, true);
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 0u);
	KUNIT_EXPECT_EQ(test, status(test), (u32)SIM_HW_STATUS_BUSY);
	sim_hw_reset(fx->hw);
	settle();
	start(fx, 2, "dead");
	settle();
	sim_hw_clear(fx->hw);	/* does not revive */
	start(fx, 3, "still dead");
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 0u);
	sim_hw_set_dead(fx->hw, false);
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 0u);	/* what hung stays hung */
	start(fx, 4, "alive");
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 1u);
	expect_buffer(test, "alive");
}

static void causes_queue_up(struct kunit *test)
{
	struct fixture *fx = test->priv;

	fx->keep = true;
	sim_hw_set_ms(fx->hw, SIM_HW_LATE_AFTER, 20);
	sim_hw_inject(fx->hw, SIM_HW_LATE, 2);
	start(fx, 1, "a");
	start(fx, 2, "b");
	settle();
	/* Both are due, but the interrupt is raised once, and shows the first. */
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 1u);
	KUNIT_EXPECT_EQ(test, status(test), (u32)SIM_HW_STATUS_IRQ);
	fx->keep = false;
	take_cause(fx, &fx->seen[0]);
	expect_seen(test, 0, SIM_HW_CAUSE_DONE, 1, 20);
	settle();
	KUNIT_EXPECT_EQ(test, fx->nr_seen, 2u);
	KUNIT_EXPECT_EQ(test, fx->seen[1].tag, 2u);
	KUNIT_EXPECT_EQ(test, status(test), 0u);
}

static void a_flood_of_late_operations_ends(struct kunit *test)
{
	struct fixture *fx = test->priv;
	unsigned int i;

	sim_hw_set_ms(fx->hw, SIM_HW_LATE_AFTER, 3000);
	sim_hw_inject(fx->hw, SIM_HW_LATE, 2 * SIM_EVENTS_MAX_LATE);
	for (i = 0; i < 2 * SIM_EVENTS_MAX_LATE; i++)
		start(fx, i, "x");
	msleep(virtual ? 20000 : 5000);
	KUNIT_EXPECT_LE(test, fx->nr_seen, (unsigned int)SIM_EVENTS_MAX_LATE);
	KUNIT_EXPECT_GT(test, fx->nr_seen, 0u);
	start(fx, i, "works");
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
	KUNIT_CASE(reset_during_reset_starts_over),
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
	KUNIT_CASE(a_start_raises_no_interrupt_that_may_be_on_its_way),
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
	KUNIT_CASE(a_flood_of_late_operations_ends),
	{}
};

#include "sim_hw_test_slots.c"
#include "sim_hw_test_rules.c"

static struct kunit_suite sim_hw_suite = {
	.name = "sim_hw",
	.init = make_device,
	.exit = destroy_device,
	.test_cases = sim_hw_cases,
};

kunit_test_suites(&sim_hw_suite, &sim_hw_slots_suite, &sim_rules_suite);

MODULE_DESCRIPTION("KUnit tests of the hardware model");
MODULE_LICENSE("GPL");
