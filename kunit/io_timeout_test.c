// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the counter scheme: the countdown, then each cell of the scheme's table.
 * Both run every sequence of events up to some length against a model that is
 * written another way.
 */
#include <kunit/test.h>
#include <linux/math64.h>
#include <linux/module.h>

#include "../io_timeout.h"
#include "expect_warning.h"

#define LIMIT		3
#define RESET_LIMIT	2
#define OWN_LIMIT	5

/* What each limit counts as. */
static const struct {
	int limit;
	int as;
} clamped[] = {
	{ INT_MIN, 1 }, { INT_MIN + 1, 1 }, { -2, 1 }, { -1, 1 }, { 0, 1 }, { 1, 1 },
	{ IO_TIMEOUT_MAX_LIMIT - 1, IO_TIMEOUT_MAX_LIMIT - 1 },
	{ IO_TIMEOUT_MAX_LIMIT, IO_TIMEOUT_MAX_LIMIT },
	{ INT_MAX, IO_TIMEOUT_MAX_LIMIT },
};

static void ms_are_rounded_up(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, io_timeout_from_ms(0), 1);
	KUNIT_EXPECT_EQ(test, io_timeout_from_ms(1), 1);
	KUNIT_EXPECT_EQ(test, io_timeout_from_ms(999), 1);
	KUNIT_EXPECT_EQ(test, io_timeout_from_ms(1000), 1);
	KUNIT_EXPECT_EQ(test, io_timeout_from_ms(1001), 2);
	KUNIT_EXPECT_EQ(test, io_timeout_from_ms(30000), 30);
	KUNIT_EXPECT_EQ(test, io_timeout_from_ms(UINT_MAX), 4294968);
}

static void jiffies_are_rounded_up_and_clamped(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, io_timeout_from_jiffies(0), 1);
	KUNIT_EXPECT_EQ(test, io_timeout_from_jiffies(1), 1);
	KUNIT_EXPECT_EQ(test, io_timeout_from_jiffies(HZ - 1), 1);
	KUNIT_EXPECT_EQ(test, io_timeout_from_jiffies(HZ), 1);
	KUNIT_EXPECT_EQ(test, io_timeout_from_jiffies(HZ + 1), 2);
	KUNIT_EXPECT_EQ(test, io_timeout_from_jiffies(30 * HZ), 30);
	KUNIT_EXPECT_EQ(test, io_timeout_from_jiffies(30 * HZ + HZ / 2), 31);
	KUNIT_EXPECT_EQ(test, io_timeout_from_jiffies(MAX_SCHEDULE_TIMEOUT),
			min_t(u64, IO_TIMEOUT_MAX_LIMIT, div_u64(MAX_SCHEDULE_TIMEOUT, HZ) + 1));
	KUNIT_EXPECT_EQ(test, io_timeout_from_jiffies(ULONG_MAX),
			min_t(u64, IO_TIMEOUT_MAX_LIMIT, div_u64(ULONG_MAX, HZ) + 1));
}

/* Jiffies may go on meanwhile, but not by half a second. */
static void a_moment_that_has_passed_is_one_second_away(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, io_timeout_until(jiffies - LONG_MAX + HZ), 1);
	KUNIT_EXPECT_EQ(test, io_timeout_until(jiffies - 1), 1);
	KUNIT_EXPECT_EQ(test, io_timeout_until(jiffies), 1);
	KUNIT_EXPECT_EQ(test, io_timeout_until(jiffies + HZ / 2), 1);
	KUNIT_EXPECT_EQ(test, io_timeout_until(jiffies + HZ + HZ / 2), 2);
	KUNIT_EXPECT_EQ(test, io_timeout_until(jiffies + 30 * HZ), 30);
	KUNIT_EXPECT_GT(test, io_timeout_until(jiffies + LONG_MAX), LONG_MAX / HZ > INT_MAX ?
			IO_TIMEOUT_MAX_LIMIT - 1 : LONG_MAX / HZ - 1);
}

static struct io_countdown countdown_of(int seconds)
{
	struct io_countdown c;

	io_countdown_init(&c);
	if (seconds)
		io_countdown_set(&c, seconds);
	return c;
}

static void expect_countdown(struct kunit *test, const struct io_countdown *c, int left)
{
	KUNIT_EXPECT_EQ(test, io_countdown_left(c), left);
	KUNIT_EXPECT_EQ(test, io_countdown_running(c), left != -1);
	KUNIT_EXPECT_EQ(test, io_countdown_due(c), left == 1);
}

static void countdown_clear_says_if_it_was_running(struct kunit *test)
{
	struct io_countdown c = countdown_of(0);

	expect_countdown(test, &c, -1);
	KUNIT_EXPECT_FALSE(test, io_countdown_clear(&c));
	io_countdown_set(&c, 2);
	expect_countdown(test, &c, 3);
	KUNIT_EXPECT_TRUE(test, io_countdown_clear(&c));
	expect_countdown(test, &c, -1);
	KUNIT_EXPECT_FALSE(test, io_countdown_clear(&c));
}

static void countdown_is_up_once(struct kunit *test)
{
	struct io_countdown c = countdown_of(LIMIT);
	int left;

	for (left = LIMIT; left > 0; left--) {
		KUNIT_EXPECT_FALSE(test, io_countdown_tick(&c));
		expect_countdown(test, &c, left);
	}
	KUNIT_EXPECT_TRUE(test, io_countdown_tick(&c));
	expect_countdown(test, &c, -1);
	KUNIT_EXPECT_FALSE(test, io_countdown_tick(&c));
	expect_countdown(test, &c, -1);
}

static void countdown_set_again_starts_over(struct kunit *test)
{
	struct io_countdown c = countdown_of(LIMIT);

	io_countdown_tick(&c);
	io_countdown_set(&c, 7);
	expect_countdown(test, &c, 8);
	io_countdown_set_in_tick(&c, 7);
	expect_countdown(test, &c, 7);
}

static void countdown_clamps(struct kunit *test)
{
	struct io_countdown c = countdown_of(0);
	int i;

	for (i = 0; i < ARRAY_SIZE(clamped); i++) {
		io_countdown_set(&c, clamped[i].limit);
		expect_countdown(test, &c, clamped[i].as + 1);
		KUNIT_EXPECT_FALSE(test, io_countdown_tick(&c));
		expect_countdown(test, &c, clamped[i].as);
		io_countdown_set_in_tick(&c, clamped[i].limit);
		expect_countdown(test, &c, clamped[i].as);
	}
}

/* The countdown's model: when the time is up, in ticks since its start; 0 is never. */
struct moment {
	int now;
	int up;
};

enum countdown_event { SET_1, SET_2, SET_1_IN_TICK, SET_2_IN_TICK, CLEAR, PASS, NR_COUNTDOWN };

static bool moment_step(struct moment *m, enum countdown_event event)
{
	bool was = m->up;

	switch (event) {
	case SET_1:
	case SET_2:
		m->up = m->now + 1 + (event == SET_1 ? 1 : 2);
		return false;
	case SET_1_IN_TICK:
	case SET_2_IN_TICK:
		m->up = m->now + (event == SET_1_IN_TICK ? 1 : 2);
		return false;
	case CLEAR:
		m->up = 0;
		return was;
	default:
		if (++m->now != m->up)
			return false;
		m->up = 0;
		return true;
	}
}

static bool countdown_step(struct io_countdown *c, enum countdown_event event)
{
	switch (event) {
	case SET_1:
	case SET_2:
		io_countdown_set(c, event == SET_1 ? 1 : 2);
		return false;
	case SET_1_IN_TICK:
	case SET_2_IN_TICK:
		io_countdown_set_in_tick(c, event == SET_1_IN_TICK ? 1 : 2);
		return false;
	case CLEAR:
		return io_countdown_clear(c);
	default:
		return io_countdown_tick(c);
	}
}

/* Try every event here, and what may follow each; returns steps, or -1. */
static long try_countdown(struct io_countdown c, struct moment m, int depth)
{
	long steps = 0, more;
	int event;

	for (event = 0; event < NR_COUNTDOWN; event++) {
		struct io_countdown c2 = c;
		struct moment m2 = m;

		if (countdown_step(&c2, event) != moment_step(&m2, event) ||
		    io_countdown_running(&c2) != !!m2.up ||
		    io_countdown_due(&c2) != (m2.up == m2.now + 1) ||
		    io_countdown_left(&c2) != (m2.up ? m2.up - m2.now : -1)) {
			pr_err("io_countdown: event %d with %d left\n", event, c.left);
			return -1;
		}
		more = depth > 1 ? try_countdown(c2, m2, depth - 1) : 0;
		if (more < 0)
			return -1;
		steps += 1 + more;
	}
	return steps;
}

/* How many sequences of so many events there are, up to this length? */
static long sequences(int events, int length)
{
	long all = 0;

	while (length--)
		all = events * (all + 1);
	return all;
}

static void countdown_every_sequence_up_to_length_8(struct kunit *test)
{
	struct moment m = {};

	KUNIT_EXPECT_EQ(test, try_countdown(countdown_of(0), m, 8), sequences(NR_COUNTDOWN, 8));
}

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
			int left, bool resetting)
{
	KUNIT_EXPECT_EQ(test, io_timeout_left(t), left);
	KUNIT_EXPECT_EQ(test, io_timeout_resetting(t), resetting);
	KUNIT_EXPECT_EQ(test, io_timeout_idle(t), left == -1 && !resetting);
	KUNIT_EXPECT_EQ(test, io_timeout_due(t), left == 1);
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

	io_timeout_set_limits(&t, 10, 20);
	KUNIT_EXPECT_EQ(test, io_timeout_left(&t), LIMIT + 1);
	io_timeout_op_interrupt(&t);
	io_timeout_begin(&t);
	KUNIT_EXPECT_EQ(test, io_timeout_left(&t), 11);

	t = in_state(RESETTING);
	io_timeout_set_limits(&t, 10, 20);
	KUNIT_EXPECT_EQ(test, io_timeout_left(&t), RESET_LIMIT);
	io_timeout_begin_reset(&t);
	KUNIT_EXPECT_EQ(test, io_timeout_left(&t), 21);
}

static void begin_limit_is_for_this_operation(struct kunit *test)
{
	struct io_timeout t = in_state(IDLE);

	io_timeout_begin_limit(&t, OWN_LIMIT);
	expect_slot(test, &t, OWN_LIMIT + 1, false);
	KUNIT_EXPECT_TRUE(test, io_timeout_op_interrupt(&t));
	io_timeout_begin(&t);
	expect_slot(test, &t, LIMIT + 1, false);
}

static void restart_starts_over_while_running(struct kunit *test)
{
	enum state state;

	for (state = IDLE; state <= RESET_DONE; state++) {
		struct io_timeout t = in_state(state), before;

		io_timeout_tick(&t);
		before = t;
		KUNIT_EXPECT_EQ(test, io_timeout_restart(&t), state == RUNNING);
		if (state == RUNNING)
			expect_slot(test, &t, LIMIT + 1, false);
		else
			expect_slot(test, &t, io_timeout_left(&before), before.resetting);
		KUNIT_EXPECT_EQ(test, io_timeout_restart_limit(&t, OWN_LIMIT), state == RUNNING);
		if (state == RUNNING)
			expect_slot(test, &t, OWN_LIMIT + 1, false);
		else
			expect_slot(test, &t, io_timeout_left(&before), before.resetting);
	}
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

static void limits_out_of_range_count_as_the_nearest(struct kunit *test)
{
	struct io_timeout t;
	int i;

	for (i = 0; i < ARRAY_SIZE(clamped); i++) {
		io_timeout_init(&t, clamped[i].limit, clamped[i].limit);
		io_timeout_begin(&t);
		KUNIT_EXPECT_EQ(test, io_timeout_left(&t), clamped[i].as + 1);
		KUNIT_EXPECT_EQ(test, io_timeout_tick(&t), IO_TIMEOUT_OK);
		KUNIT_EXPECT_EQ(test, io_timeout_left(&t), clamped[i].as);
		io_timeout_restart(&t);
		KUNIT_EXPECT_EQ(test, io_timeout_left(&t), clamped[i].as + 1);
		io_timeout_begin_reset(&t);
		KUNIT_EXPECT_EQ(test, io_timeout_left(&t), clamped[i].as + 1);
		io_timeout_cancel(&t);
		io_timeout_begin_limit(&t, clamped[i].limit);
		KUNIT_EXPECT_EQ(test, io_timeout_left(&t), clamped[i].as + 1);
		io_timeout_restart_limit(&t, clamped[i].limit);
		KUNIT_EXPECT_EQ(test, io_timeout_left(&t), clamped[i].as + 1);
		t.countdown.left = 1;
		KUNIT_EXPECT_EQ(test, io_timeout_tick(&t), IO_TIMEOUT_RESET);
		KUNIT_EXPECT_EQ(test, io_timeout_left(&t), clamped[i].as);
	}
}

/*
 * The model: a state, and its age in ticks. It says what the scheme must
 * return. The seconds left follow from the definition of the limits.
 */
struct model {
	enum state state;
	int age;
	int limit;
	int reset_limit;
	int allowed;	/* the limit of the operation that is running */
};

enum event {
	BEGIN, OP, RESET, DONE, BEGIN_RESET, TICK, NR_EVENTS,
	BEGIN_LIMIT = NR_EVENTS, RESTART, RESTART_LIMIT, NR_ALL_EVENTS,
};

static int model_step(struct model *m, enum event event)
{
	enum state was = m->state;

	switch (event) {
	case BEGIN:
	case BEGIN_LIMIT:
		if (was == IDLE) {
			m->state = RUNNING;
			m->age = 0;
			m->allowed = event == BEGIN ? m->limit : OWN_LIMIT;
		}
		return 0;
	case RESTART:
	case RESTART_LIMIT:
		if (was != RUNNING)
			return 0;
		m->age = 0;
		m->allowed = event == RESTART ? m->limit : OWN_LIMIT;
		return 1;
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
		if (was == RUNNING && m->age > m->allowed) {
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
	int left = io_timeout_left(t);
	bool resetting = io_timeout_resetting(t);

	switch (m->state) {
	case IDLE:
		return left == -1 && !resetting && io_timeout_idle(t);
	case RUNNING:
		return left == m->allowed + 1 - m->age && !resetting && !io_timeout_idle(t);
	case RESETTING:
		return left == m->reset_limit - m->age && resetting && !io_timeout_idle(t);
	default:
		return left == -1 && resetting && !io_timeout_idle(t);
	}
}

static int scheme_step(struct io_timeout *t, enum event event)
{
	switch (event) {
	case BEGIN:
		begin_again(t);
		return 0;
	case BEGIN_LIMIT:
		if (io_timeout_idle(t))	/* else it is begin_again(), and warns */
			io_timeout_begin_limit(t, OWN_LIMIT);
		return 0;
	case RESTART:
		return io_timeout_restart(t);
	case RESTART_LIMIT:
		return io_timeout_restart_limit(t, OWN_LIMIT);
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

/* Try the first events here, and what may follow each; returns steps, or -1. */
static long try_all(struct io_timeout t, struct model m, int events, int depth)
{
	long steps = 0, more;
	int event;

	if (io_timeout_due(&t) != model_due(m)) {
		pr_err("io_timeout: due is wrong in state %d, %d left\n",
		       m.state, io_timeout_left(&t));
		return -1;
	}
	for (event = 0; event < events; event++) {
		struct io_timeout t2 = t;
		struct model m2 = m;

		if (scheme_step(&t2, event) != model_step(&m2, event) ||
		    !model_agrees(&m2, &t2)) {
			pr_err("io_timeout: event %d in state %d, %d left\n",
			       event, m.state, io_timeout_left(&t));
			return -1;
		}
		more = depth > 1 ? try_all(t2, m2, events, depth - 1) : 0;
		if (more < 0)
			return -1;
		steps += 1 + more;
	}
	return steps;
}

static void expect_every_sequence(struct kunit *test, int events, int length)
{
	int limit, reset_limit;

	for (limit = 1; limit <= 2; limit++) {
		for (reset_limit = 1; reset_limit <= 2; reset_limit++) {
			struct model m = { IDLE, 0, limit, reset_limit };
			struct io_timeout t;

			io_timeout_init(&t, limit, reset_limit);
			KUNIT_EXPECT_EQ(test, try_all(t, m, events, length),
					sequences(events, length));
			cond_resched();
		}
	}
}

static void every_sequence_up_to_length_9(struct kunit *test)
{
	expect_every_sequence(test, NR_EVENTS, 9);
}

static void every_sequence_with_own_limits_up_to_length_7(struct kunit *test)
{
	expect_every_sequence(test, NR_ALL_EVENTS, 7);
}

static struct kunit_case io_timeout_cases[] = {
	KUNIT_CASE(ms_are_rounded_up),
	KUNIT_CASE(jiffies_are_rounded_up_and_clamped),
	KUNIT_CASE(a_moment_that_has_passed_is_one_second_away),
	KUNIT_CASE(countdown_clear_says_if_it_was_running),
	KUNIT_CASE(countdown_is_up_once),
	KUNIT_CASE(countdown_set_again_starts_over),
	KUNIT_CASE(countdown_clamps),
	KUNIT_CASE(countdown_every_sequence_up_to_length_8),
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
	KUNIT_CASE(begin_limit_is_for_this_operation),
	KUNIT_CASE(restart_starts_over_while_running),
	KUNIT_CASE(begin_reset_is_resetting_in_every_state),
	KUNIT_CASE(begin_reset_starts_the_time_over),
	KUNIT_CASE(begun_reset_counts_down_to_failed),
	KUNIT_CASE(begun_reset_ends_as_any),
	KUNIT_CASE(due_is_true_exactly_when_the_tick_acts),
	KUNIT_CASE(an_interrupt_takes_due_back),
	KUNIT_CASE(limits_out_of_range_count_as_the_nearest),
	KUNIT_CASE(every_sequence_up_to_length_9),
	KUNIT_CASE(every_sequence_with_own_limits_up_to_length_7),
	{}
};

static struct kunit_suite io_timeout_suite = {
	.name = "io_timeout",
	.test_cases = io_timeout_cases,
};

kunit_test_suite(io_timeout_suite);

MODULE_DESCRIPTION("KUnit tests of the counter scheme");
MODULE_LICENSE("GPL");
