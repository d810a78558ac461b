// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the counter scheme: each cell of its table, then every sequence of
 * events up to length 9 against a model that is written another way.
 */
#include <kunit/test.h>
#include <linux/module.h>

#include "../io_timeout.h"
#include "expect_warning.h"

#define LIMIT		3
#define RESET_LIMIT	2

enum state { IDLE, RUNNING, RESETTING, RESET_DONE };

/* Bring a slot into a state by the shortest way. */
static struct io_timeout in_state(enum state state)
{
	struct io_timeout t;
	int i;

	io_timeout_init(&t, LIMIT, RESET_LIMIT);
	if (state == IDLE)
		return t;
	io_timeout_begin(&t);
	if (state == RUNNING)
		return t;
	for (i = 0; i < LIMIT + 1; i++)
		io_timeout_tick(&t);
	if (state == RESET_DONE)
		io_timeout_reset_interrupt(&t);
	return t;
}

static void expect_slot(struct kunit *test, const struct io_timeout *t,
			int counter, bool resetting)
{
	KUNIT_EXPECT_EQ(test, t->counter, counter);
	KUNIT_EXPECT_EQ(test, t->resetting, resetting);
	KUNIT_EXPECT_EQ(test, t->limit, LIMIT);
	KUNIT_EXPECT_EQ(test, t->reset_limit, RESET_LIMIT);
}

static void init_makes_idle(struct kunit *test)
{
	struct io_timeout t = in_state(IDLE);

	expect_slot(test, &t, -1, false);
	KUNIT_EXPECT_EQ(test, IO_TIMEOUT_IDLE, -1);
}

static void idle_begin(struct kunit *test)
{
	struct io_timeout t = in_state(IDLE);

	io_timeout_begin(&t);
	expect_slot(test, &t, LIMIT + 1, false);
}

static void idle_op_interrupt_is_spurious(struct kunit *test)
{
	struct io_timeout t = in_state(IDLE);

	KUNIT_EXPECT_FALSE(test, io_timeout_op_interrupt(&t));
	expect_slot(test, &t, -1, false);
}

static void idle_reset_interrupt_is_spurious(struct kunit *test)
{
	struct io_timeout t = in_state(IDLE);

	KUNIT_EXPECT_FALSE(test, io_timeout_reset_interrupt(&t));
	expect_slot(test, &t, -1, false);
}

static void idle_reset_done_is_false(struct kunit *test)
{
	struct io_timeout t = in_state(IDLE);

	KUNIT_EXPECT_FALSE(test, io_timeout_reset_done(&t));
	expect_slot(test, &t, -1, false);
}

static void idle_tick_is_ok(struct kunit *test)
{
	struct io_timeout t = in_state(IDLE);

	KUNIT_EXPECT_EQ(test, io_timeout_tick(&t), IO_TIMEOUT_OK);
	expect_slot(test, &t, -1, false);
}

/* The one begin that warns: WARN_ONCE() is once for each place it is inlined to. */
static noinline void begin_again(struct io_timeout *t)
{
	io_timeout_begin(t);
}

static void begin_warns_unless_idle(struct kunit *test)
{
	struct io_timeout t = in_state(RUNNING);

	expect_warning("io_timeout: begin while an operation is outstanding");
	io_timeout_tick(&t);
	begin_again(&t);
	expect_slot(test, &t, LIMIT, false);

	t = in_state(RESETTING);
	begin_again(&t);
	expect_slot(test, &t, RESET_LIMIT, true);

	t = in_state(RESET_DONE);
	begin_again(&t);
	expect_slot(test, &t, -1, true);
}

static void running_op_interrupt_ends_it(struct kunit *test)
{
	struct io_timeout t = in_state(RUNNING);

	KUNIT_EXPECT_TRUE(test, io_timeout_op_interrupt(&t));
	expect_slot(test, &t, -1, false);
}

static void running_reset_interrupt_is_spurious(struct kunit *test)
{
	struct io_timeout t = in_state(RUNNING);

	KUNIT_EXPECT_FALSE(test, io_timeout_reset_interrupt(&t));
	expect_slot(test, &t, LIMIT + 1, false);
}

static void running_reset_done_is_false(struct kunit *test)
{
	struct io_timeout t = in_state(RUNNING);

	KUNIT_EXPECT_FALSE(test, io_timeout_reset_done(&t));
	expect_slot(test, &t, LIMIT + 1, false);
}

static void running_tick_counts_down_to_reset(struct kunit *test)
{
	struct io_timeout t = in_state(RUNNING);
	int left;

	for (left = LIMIT; left > 0; left--) {
		KUNIT_EXPECT_EQ(test, io_timeout_tick(&t), IO_TIMEOUT_OK);
		expect_slot(test, &t, left, false);
	}
	KUNIT_EXPECT_EQ(test, io_timeout_tick(&t), IO_TIMEOUT_RESET);
	expect_slot(test, &t, RESET_LIMIT, true);
}

static void resetting_op_interrupt_is_late(struct kunit *test)
{
	struct io_timeout t = in_state(RESETTING);

	KUNIT_EXPECT_FALSE(test, io_timeout_op_interrupt(&t));
	expect_slot(test, &t, RESET_LIMIT, true);
}

static void resetting_reset_interrupt_ends_it(struct kunit *test)
{
	struct io_timeout t = in_state(RESETTING);

	KUNIT_EXPECT_TRUE(test, io_timeout_reset_interrupt(&t));
	expect_slot(test, &t, -1, true);
}

static void resetting_reset_done_is_false(struct kunit *test)
{
	struct io_timeout t = in_state(RESETTING);

	KUNIT_EXPECT_FALSE(test, io_timeout_reset_done(&t));
	expect_slot(test, &t, RESET_LIMIT, true);
}

static void resetting_tick_counts_down_to_failed(struct kunit *test)
{
	struct io_timeout t = in_state(RESETTING);
	int left;

	for (left = RESET_LIMIT - 1; left > 0; left--) {
		KUNIT_EXPECT_EQ(test, io_timeout_tick(&t), IO_TIMEOUT_OK);
		expect_slot(test, &t, left, true);
	}
	KUNIT_EXPECT_EQ(test, io_timeout_tick(&t), IO_TIMEOUT_FAILED);
	expect_slot(test, &t, -1, false);
}

static void reset_done_op_interrupt_is_late(struct kunit *test)
{
	struct io_timeout t = in_state(RESET_DONE);

	KUNIT_EXPECT_FALSE(test, io_timeout_op_interrupt(&t));
	expect_slot(test, &t, -1, true);
}

static void reset_done_reset_interrupt_is_spurious(struct kunit *test)
{
	struct io_timeout t = in_state(RESET_DONE);

	KUNIT_EXPECT_FALSE(test, io_timeout_reset_interrupt(&t));
	expect_slot(test, &t, -1, true);
}

static void reset_done_is_true_once(struct kunit *test)
{
	struct io_timeout t = in_state(RESET_DONE);

	KUNIT_EXPECT_TRUE(test, io_timeout_reset_done(&t));
	expect_slot(test, &t, -1, false);
	KUNIT_EXPECT_FALSE(test, io_timeout_reset_done(&t));
}

static void reset_done_tick_is_ok(struct kunit *test)
{
	struct io_timeout t = in_state(RESET_DONE);

	KUNIT_EXPECT_EQ(test, io_timeout_tick(&t), IO_TIMEOUT_OK);
	expect_slot(test, &t, -1, true);
}

static void cancel_makes_idle(struct kunit *test)
{
	enum state state;

	for (state = IDLE; state <= RESET_DONE; state++) {
		struct io_timeout t = in_state(state);

		io_timeout_cancel(&t);
		expect_slot(test, &t, -1, false);
	}
}

static void resetting_until_reset_done_was_true(struct kunit *test)
{
	enum state state;

	for (state = IDLE; state <= RESET_DONE; state++) {
		struct io_timeout t = in_state(state);

		KUNIT_EXPECT_EQ(test, io_timeout_resetting(&t),
				state == RESETTING || state == RESET_DONE);
	}
}

static void limits_hold_from_the_next_begin(struct kunit *test)
{
	struct io_timeout t = in_state(RUNNING);

	t.limit = 10;
	KUNIT_EXPECT_EQ(test, t.counter, LIMIT + 1);
	io_timeout_op_interrupt(&t);
	io_timeout_begin(&t);
	KUNIT_EXPECT_EQ(test, t.counter, 11);
}

static void begin_reset_is_resetting_in_every_state(struct kunit *test)
{
	enum state state;

	for (state = IDLE; state <= RESET_DONE; state++) {
		struct io_timeout t = in_state(state);

		io_timeout_begin_reset(&t);
		expect_slot(test, &t, RESET_LIMIT + 1, true);
		KUNIT_EXPECT_TRUE(test, io_timeout_resetting(&t));
	}
}

static void begin_reset_starts_the_time_over(struct kunit *test)
{
	struct io_timeout t = in_state(RESETTING);

	io_timeout_tick(&t);
	expect_slot(test, &t, RESET_LIMIT - 1, true);
	io_timeout_begin_reset(&t);
	expect_slot(test, &t, RESET_LIMIT + 1, true);
}

static void begun_reset_counts_down_to_failed(struct kunit *test)
{
	struct io_timeout t = in_state(RUNNING);
	int left;

	io_timeout_begin_reset(&t);
	for (left = RESET_LIMIT; left > 0; left--) {
		KUNIT_EXPECT_EQ(test, io_timeout_tick(&t), IO_TIMEOUT_OK);
		expect_slot(test, &t, left, true);
	}
	KUNIT_EXPECT_EQ(test, io_timeout_tick(&t), IO_TIMEOUT_FAILED);
	expect_slot(test, &t, -1, false);
}

static void begun_reset_ends_as_any(struct kunit *test)
{
	struct io_timeout t = in_state(IDLE);

	io_timeout_begin_reset(&t);
	KUNIT_EXPECT_FALSE(test, io_timeout_op_interrupt(&t));
	KUNIT_EXPECT_FALSE(test, io_timeout_reset_done(&t));
	KUNIT_EXPECT_TRUE(test, io_timeout_reset_interrupt(&t));
	expect_slot(test, &t, -1, true);
	KUNIT_EXPECT_TRUE(test, io_timeout_reset_done(&t));
	expect_slot(test, &t, -1, false);
}

/* Tick until nothing is outstanding; io_timeout_due() must predict each verdict. */
static void expect_due_before_each_verdict(struct kunit *test, struct io_timeout t,
					   int verdicts)
{
	int ticks;

	for (ticks = 0; ticks < 2 * (LIMIT + RESET_LIMIT); ticks++) {
		bool due = io_timeout_due(&t);
		enum io_timeout_verdict verdict = io_timeout_tick(&t);

		KUNIT_EXPECT_EQ(test, due, verdict != IO_TIMEOUT_OK);
		verdicts -= due;
	}
	KUNIT_EXPECT_EQ(test, verdicts, 0);
}

static void due_is_true_exactly_when_the_tick_acts(struct kunit *test)
{
	static const int verdicts[] = {
		[IDLE] = 0, [RUNNING] = 2, [RESETTING] = 1, [RESET_DONE] = 0,
	};
	enum state state;

	for (state = IDLE; state <= RESET_DONE; state++) {
		struct io_timeout t = in_state(state);

		expect_due_before_each_verdict(test, t, verdicts[state]);
		io_timeout_begin_reset(&t);
		expect_due_before_each_verdict(test, t, 1);
	}
}

static void an_interrupt_takes_due_back(struct kunit *test)
{
	struct io_timeout t = in_state(RUNNING);
	int i;

	for (i = 0; i < LIMIT; i++)
		io_timeout_tick(&t);
	KUNIT_EXPECT_TRUE(test, io_timeout_due(&t));
	KUNIT_EXPECT_TRUE(test, io_timeout_op_interrupt(&t));
	KUNIT_EXPECT_FALSE(test, io_timeout_due(&t));
	KUNIT_EXPECT_EQ(test, io_timeout_tick(&t), IO_TIMEOUT_OK);

	t = in_state(RESETTING);
	for (i = 0; i < RESET_LIMIT - 1; i++)
		io_timeout_tick(&t);
	KUNIT_EXPECT_TRUE(test, io_timeout_due(&t));
	KUNIT_EXPECT_TRUE(test, io_timeout_reset_interrupt(&t));
	KUNIT_EXPECT_FALSE(test, io_timeout_due(&t));
	KUNIT_EXPECT_EQ(test, io_timeout_tick(&t), IO_TIMEOUT_OK);
}

/* The last second of an operation and of its reset, however long they may take. */
static void expect_times_out(struct kunit *test, struct io_timeout *t)
{
	t->counter = 1;
	KUNIT_EXPECT_TRUE(test, io_timeout_due(t));
	KUNIT_EXPECT_EQ(test, io_timeout_tick(t), IO_TIMEOUT_RESET);
	KUNIT_EXPECT_GT(test, t->counter, 0);
	t->counter = 1;
	KUNIT_EXPECT_EQ(test, io_timeout_tick(t), IO_TIMEOUT_FAILED);
	KUNIT_EXPECT_EQ(test, t->counter, IO_TIMEOUT_IDLE);
}

static void limits_out_of_range_count_as_the_nearest(struct kunit *test)
{
	static const struct {
		int limit;
		int as;
	} cases[] = {
		{ INT_MIN, 1 }, { INT_MIN + 1, 1 }, { -2, 1 }, { -1, 1 }, { 0, 1 },
		{ 1, 1 }, { INT_MAX - 2, INT_MAX - 2 }, { INT_MAX - 1, INT_MAX - 1 },
		{ INT_MAX, INT_MAX - 1 },
	};
	struct io_timeout t;
	int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		io_timeout_init(&t, cases[i].limit, cases[i].limit);
		io_timeout_begin(&t);
		KUNIT_EXPECT_EQ(test, t.counter, cases[i].as + 1);
		KUNIT_EXPECT_EQ(test, io_timeout_tick(&t), IO_TIMEOUT_OK);
		KUNIT_EXPECT_EQ(test, t.counter, cases[i].as);
		t.counter = 1;
		KUNIT_EXPECT_EQ(test, io_timeout_tick(&t), IO_TIMEOUT_RESET);
		KUNIT_EXPECT_EQ(test, t.counter, cases[i].as);
		io_timeout_begin_reset(&t);
		KUNIT_EXPECT_EQ(test, t.counter, cases[i].as + 1);
		KUNIT_EXPECT_EQ(test, io_timeout_tick(&t), IO_TIMEOUT_OK);
		io_timeout_cancel(&t);
		io_timeout_begin(&t);
		expect_times_out(test, &t);
	}
}

/*
 * The model: a state, and its age in ticks. It says what the scheme must
 * return. Its counter follows from the definition of the limits.
 */
struct model {
	enum state state;
	int age;
	int limit;
	int reset_limit;
};

enum event { BEGIN, OP, RESET, DONE, BEGIN_RESET, TICK, NR_EVENTS };

static int model_step(struct model *m, enum event event)
{
	enum state was = m->state;

	switch (event) {
	case BEGIN:
		if (was == IDLE)
			*m = (struct model){ RUNNING, 0, m->limit, m->reset_limit };
		return 0;
	case OP:
		if (was == RUNNING)
			m->state = IDLE;
		return was == RUNNING;
	case RESET:
		if (was == RESETTING)
			m->state = RESET_DONE;
		return was == RESETTING;
	case DONE:
		if (was == RESET_DONE)
			m->state = IDLE;
		return was == RESET_DONE;
	case BEGIN_RESET:
		m->state = RESETTING;
		m->age = -1;	/* the tick that may come right after it */
		return 0;
	default:
		m->age++;
		if (was == RUNNING && m->age > m->limit) {
			m->state = RESETTING;
			m->age = 0;
			return IO_TIMEOUT_RESET;
		}
		if (was == RESETTING && m->age == m->reset_limit) {
			m->state = IDLE;
			return IO_TIMEOUT_FAILED;
		}
		return IO_TIMEOUT_OK;
	}
}

/* Would a tick now say anything but OK? */
static bool model_due(struct model m)
{
	return model_step(&m, TICK) != IO_TIMEOUT_OK;
}

static bool model_agrees(const struct model *m, const struct io_timeout *t)
{
	switch (m->state) {
	case IDLE:
		return t->counter == -1 && !t->resetting;
	case RUNNING:
		return t->counter == m->limit + 1 - m->age && !t->resetting;
	case RESETTING:
		return t->counter == m->reset_limit - m->age && t->resetting;
	default:
		return t->counter == -1 && t->resetting;
	}
}

static int scheme_step(struct io_timeout *t, enum event event)
{
	switch (event) {
	case BEGIN:
		begin_again(t);
		return 0;
	case OP:
		return io_timeout_op_interrupt(t);
	case RESET:
		return io_timeout_reset_interrupt(t);
	case DONE:
		return io_timeout_reset_done(t);
	case BEGIN_RESET:
		io_timeout_begin_reset(t);
		return 0;
	default:
		return io_timeout_tick(t);
	}
}

/* Try every event here, and what may follow each; returns steps, or -1. */
static long try_all(struct io_timeout t, struct model m, int depth)
{
	long steps = 0, more;
	int event;

	if (io_timeout_due(&t) != model_due(m)) {
		pr_err("io_timeout: due is wrong in state %d, counter %d\n",
		       m.state, t.counter);
		return -1;
	}
	for (event = 0; event < NR_EVENTS; event++) {
		struct io_timeout t2 = t;
		struct model m2 = m;

		if (scheme_step(&t2, event) != model_step(&m2, event) ||
		    !model_agrees(&m2, &t2)) {
			pr_err("io_timeout: event %d in state %d, counter %d\n",
			       event, m.state, t.counter);
			return -1;
		}
		more = depth > 1 ? try_all(t2, m2, depth - 1) : 0;
		if (more < 0)
			return -1;
		steps += 1 + more;
	}
	return steps;
}

static void every_sequence_up_to_length_9(struct kunit *test)
{
	int limit, reset_limit, i;
	long steps, all = 0;

	for (i = 0; i < 9; i++)
		all = NR_EVENTS * (all + 1);
	for (limit = 1; limit <= 2; limit++) {
		for (reset_limit = 1; reset_limit <= 2; reset_limit++) {
			struct model m = { IDLE, 0, limit, reset_limit };
			struct io_timeout t;

			io_timeout_init(&t, limit, reset_limit);
			steps = try_all(t, m, 9);
			KUNIT_EXPECT_EQ(test, steps, all);
			cond_resched();
		}
	}
}

static struct kunit_case io_timeout_cases[] = {
	KUNIT_CASE(init_makes_idle),
	KUNIT_CASE(idle_begin),
	KUNIT_CASE(idle_op_interrupt_is_spurious),
	KUNIT_CASE(idle_reset_interrupt_is_spurious),
	KUNIT_CASE(idle_reset_done_is_false),
	KUNIT_CASE(idle_tick_is_ok),
	KUNIT_CASE(begin_warns_unless_idle),
	KUNIT_CASE(running_op_interrupt_ends_it),
	KUNIT_CASE(running_reset_interrupt_is_spurious),
	KUNIT_CASE(running_reset_done_is_false),
	KUNIT_CASE(running_tick_counts_down_to_reset),
	KUNIT_CASE(resetting_op_interrupt_is_late),
	KUNIT_CASE(resetting_reset_interrupt_ends_it),
	KUNIT_CASE(resetting_reset_done_is_false),
	KUNIT_CASE(resetting_tick_counts_down_to_failed),
	KUNIT_CASE(reset_done_op_interrupt_is_late),
	KUNIT_CASE(reset_done_reset_interrupt_is_spurious),
	KUNIT_CASE(reset_done_is_true_once),
	KUNIT_CASE(reset_done_tick_is_ok),
	KUNIT_CASE(cancel_makes_idle),
	KUNIT_CASE(resetting_until_reset_done_was_true),
	KUNIT_CASE(limits_hold_from_the_next_begin),
	KUNIT_CASE(begin_reset_is_resetting_in_every_state),
	KUNIT_CASE(begin_reset_starts_the_time_over),
	KUNIT_CASE(begun_reset_counts_down_to_failed),
	KUNIT_CASE(begun_reset_ends_as_any),
	KUNIT_CASE(due_is_true_exactly_when_the_tick_acts),
	KUNIT_CASE(an_interrupt_takes_due_back),
	KUNIT_CASE(limits_out_of_range_count_as_the_nearest),
	KUNIT_CASE(every_sequence_up_to_length_9),
	{}
};

static struct kunit_suite io_timeout_suite = {
	.name = "io_timeout",
	.test_cases = io_timeout_cases,
};

kunit_test_suite(io_timeout_suite);

MODULE_DESCRIPTION("KUnit tests of the counter scheme");
MODULE_LICENSE("GPL");
