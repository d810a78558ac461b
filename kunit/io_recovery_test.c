// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the recovery of a device with slots: each cell of its table, its rules,
 * its limits and its clock, then many sequences of events against a model.
 */
#include <kunit/test.h>
#include <linux/jhash.h>
#include <linux/module.h>
#include <linux/prandom.h>
#include <linux/vmalloc.h>

#include "../io_recovery.h"
#include "../io_timeout.h"
#include "expect_warning.h"

#define LIMIT		3
#define ABORT_LIMIT	2
#define RESET_LIMIT	4
#define OWN_LIMIT	5

/* After the memory that the functions may touch. */
#define GUARD		64
#define GUARD_BYTE	0xa5

static struct io_recovery *new_device(struct kunit *test, unsigned int slots,
				      unsigned int limit, unsigned int abort_limit,
				      unsigned int reset_limit)
{
	size_t size = io_recovery_size(slots);
	void *memory = kunit_kzalloc(test, size + GUARD, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, memory);
	memset(memory + size, GUARD_BYTE, GUARD);
	io_recovery_init(memory, slots, limit, abort_limit, reset_limit);
	return memory;
}

static void expect_guard(struct kunit *test, struct io_recovery *r, unsigned int slots)
{
	KUNIT_EXPECT_NULL(test, memchr_inv((void *)r + io_recovery_size(slots), GUARD_BYTE, GUARD));
}

/* The one begin that warns: WARN_ONCE() is once for each place it is inlined to. */
static noinline u32 begin_again(struct io_recovery *r, unsigned int slot, unsigned int limit)
{
	return io_recovery_begin_limit(r, slot, limit);
}

static void begin_warns_once(struct kunit *test)
{
	struct io_recovery *r = new_device(test, 1, LIMIT, ABORT_LIMIT, RESET_LIMIT);

	io_recovery_begin(r, 0);
	expect_warning("io_recovery: begin in a slot that is busy, or during a reset");
	KUNIT_EXPECT_EQ(test, begin_again(r, 0, LIMIT), 1);
	KUNIT_EXPECT_EQ(test, begin_again(r, 0, LIMIT), 1);
}

static void an_idle_slot_does_not_begin_during_a_reset(struct kunit *test)
{
	struct io_recovery *r = new_device(test, 1, LIMIT, ABORT_LIMIT, RESET_LIMIT);

	io_recovery_begin_reset(r);
	KUNIT_EXPECT_EQ(test, begin_again(r, 0, LIMIT), 0);
	KUNIT_EXPECT_EQ(test, io_recovery_left(r), RESET_LIMIT + 1);
	KUNIT_EXPECT_TRUE(test, io_recovery_reset_interrupt(r));
	KUNIT_EXPECT_EQ(test, begin_again(r, 0, LIMIT), 0);
	KUNIT_EXPECT_TRUE(test, io_recovery_reset_done(r));
	KUNIT_EXPECT_TRUE(test, io_recovery_idle(r));
	KUNIT_EXPECT_EQ(test, begin_again(r, 0, LIMIT), 1);
}

/* The table: what each event returns in each state, and the state that follows. */

enum state {
	IDLE,
	GUILTY,		/* idle, aborted before */
	BUSY,
	TIMED_OUT,	/* not aborted yet */
	ABORTING,
	RESETTING,
	RESET_DONE,
	NR_STATES
};

static const char *const state_names[] = {
	"idle", "guilty", "busy", "timed out", "aborting", "resetting", "reset done",
};

static void tick(struct io_recovery *r, int ticks)
{
	while (ticks--)
		io_recovery_tick(r);
}

/* A device with one slot. Its generation is 1, but 0 in the state idle. */
static struct io_recovery *in_state(struct kunit *test, enum state state)
{
	struct io_recovery *r = new_device(test, 1, LIMIT, ABORT_LIMIT, RESET_LIMIT);

	if (state == IDLE)
		return r;
	io_recovery_begin(r, 0);
	if (state == BUSY)
		return r;
	if (state == RESETTING || state == RESET_DONE) {
		io_recovery_begin_reset(r);
		if (state == RESET_DONE)
			io_recovery_reset_interrupt(r);
		return r;
	}
	tick(r, LIMIT + 1);
	if (state != TIMED_OUT)
		io_recovery_next_abort(r);
	if (state == GUILTY)
		io_recovery_abort_interrupt(r, 0, 1);
	return r;
}

/* Only an abort that is under way is ended by its interrupt. */
static bool is_aborting(struct kunit *test, struct io_recovery *r)
{
	size_t size = io_recovery_size(r->nr_slots);
	void *saved = kunit_kzalloc(test, size, GFP_KERNEL);
	bool aborting;

	KUNIT_ASSERT_NOT_NULL(test, saved);
	memcpy(saved, r, size);
	aborting = io_recovery_abort_interrupt(r, 0, r->slot[0].generation);
	memcpy(r, saved, size);
	return aborting;
}

static enum state state_of(struct kunit *test, struct io_recovery *r)
{
	if (io_recovery_resetting(r))
		return io_recovery_left(r) == -1 ? RESET_DONE : RESETTING;
	if (io_recovery_idle(r))
		return io_recovery_guilty(r, 0) ? GUILTY : IDLE;
	if (is_aborting(test, r))
		return ABORTING;
	return io_recovery_guilty(r, 0) ? TIMED_OUT : BUSY;
}

static long do_begin(struct io_recovery *r) { return begin_again(r, 0, LIMIT); }
static long do_begin_limit(struct io_recovery *r) { return begin_again(r, 0, OWN_LIMIT); }
static long do_op(struct io_recovery *r) { return io_recovery_op_interrupt(r, 0, 1); }
static long do_late_op(struct io_recovery *r) { return io_recovery_op_interrupt(r, 0, 0); }
static long do_abort(struct io_recovery *r) { return io_recovery_abort_interrupt(r, 0, 1); }
static long do_late_abort(struct io_recovery *r) { return io_recovery_abort_interrupt(r, 0, 0); }
static long do_reset(struct io_recovery *r) { return io_recovery_reset_interrupt(r); }
static long do_done(struct io_recovery *r) { return io_recovery_reset_done(r); }
static long do_next(struct io_recovery *r) { return io_recovery_next_abort(r); }
static long do_left(struct io_recovery *r) { return io_recovery_left(r); }
static long do_due(struct io_recovery *r) { return io_recovery_due(r); }
static long do_guilty(struct io_recovery *r) { return io_recovery_guilty(r, 0); }
static long do_idle(struct io_recovery *r) { return io_recovery_idle(r); }
static long do_resetting(struct io_recovery *r) { return io_recovery_resetting(r); }
static long do_tick(struct io_recovery *r) { return io_recovery_tick(r); }

static long do_begin_reset(struct io_recovery *r)
{
	io_recovery_begin_reset(r);
	return io_recovery_left(r);
}

static long do_cancel(struct io_recovery *r)
{
	io_recovery_cancel(r);
	return io_recovery_left(r);
}

/* So many ticks that the next one is the last. */
static long do_wait(struct io_recovery *r)
{
	tick(r, max(io_recovery_left(r) - 1, 0));
	return io_recovery_due(r);
}

static long do_last_tick(struct io_recovery *r)
{
	do_wait(r);
	return io_recovery_tick(r);
}

/* All interrupts that hardware may raise and that name no operation of ours. */
static long do_garbage(struct io_recovery *r)
{
	static const unsigned int slots[] = {
		1, 2, BITS_PER_LONG, IO_RECOVERY_MAX_SLOTS, 65536, 65537, 1U << 31, UINT_MAX,
	};
	static const u32 generations[] = { 2, 257, 65537, 1U << 31 | 1, U32_MAX };
	int i, taken = 0;

	for (i = 0; i < ARRAY_SIZE(slots); i++) {
		taken += io_recovery_op_interrupt(r, slots[i], 1);
		taken += io_recovery_abort_interrupt(r, slots[i], 1);
		taken += io_recovery_op_interrupt(r, slots[i], 0);
		taken += io_recovery_abort_interrupt(r, slots[i], 0);
	}
	for (i = 0; i < ARRAY_SIZE(generations); i++) {
		taken += io_recovery_op_interrupt(r, 0, generations[i]);
		taken += io_recovery_abort_interrupt(r, 0, generations[i]);
	}
	return taken;
}

#define SAME -1

struct event {
	const char *name;
	long (*fn)(struct io_recovery *r);
	long result[NR_STATES];
	int next[NR_STATES];		/* a state; SAME also means that nothing changes */
};

#define ALL_SAME	{ SAME, SAME, SAME, SAME, SAME, SAME, SAME }

/* In the order of enum state. The slot's generation is 1, and 0 in the state idle. */
static const struct event events[] = {
	{ "begin", do_begin, { 1, 2, 1, 1, 1, 1, 1 },
	  { BUSY, BUSY, SAME, SAME, SAME, SAME, SAME } },
	{ "begin with a limit", do_begin_limit, { 1, 2, 1, 1, 1, 1, 1 },
	  { BUSY, BUSY, SAME, SAME, SAME, SAME, SAME } },
	{ "op interrupt", do_op, { 0, 0, 1, 1, 1, 0, 0 },
	  { SAME, SAME, IDLE, IDLE, IDLE, SAME, SAME } },
	{ "late op interrupt", do_late_op, { 0, 0, 0, 0, 0, 0, 0 }, ALL_SAME },
	{ "abort interrupt", do_abort, { 0, 0, 0, 0, 1, 0, 0 },
	  { SAME, SAME, SAME, SAME, GUILTY, SAME, SAME } },
	{ "late abort interrupt", do_late_abort, { 0, 0, 0, 0, 0, 0, 0 }, ALL_SAME },
	{ "garbage interrupts", do_garbage, { 0, 0, 0, 0, 0, 0, 0 }, ALL_SAME },
	{ "reset interrupt", do_reset, { 0, 0, 0, 0, 0, 1, 0 },
	  { SAME, SAME, SAME, SAME, SAME, RESET_DONE, SAME } },
	{ "reset done", do_done, { 0, 0, 0, 0, 0, 0, 1 },
	  { SAME, SAME, SAME, SAME, SAME, SAME, IDLE } },
	{ "next abort", do_next, { -1, -1, -1, 0, -1, -1, -1 },
	  { SAME, SAME, SAME, ABORTING, SAME, SAME, SAME } },
	{ "begin reset", do_begin_reset,
	  { RESET_LIMIT + 1, RESET_LIMIT + 1, RESET_LIMIT + 1, RESET_LIMIT + 1,
	    RESET_LIMIT + 1, RESET_LIMIT + 1, RESET_LIMIT + 1 },
	  { RESETTING, RESETTING, RESETTING, RESETTING, RESETTING, RESETTING, RESETTING } },
	{ "cancel", do_cancel, { -1, -1, -1, -1, -1, -1, -1 },
	  { IDLE, GUILTY, IDLE, GUILTY, GUILTY, IDLE, IDLE } },
	{ "first tick", do_tick,
	  { IO_RECOVERY_OK, IO_RECOVERY_OK, IO_RECOVERY_OK, IO_RECOVERY_OK,
	    IO_RECOVERY_OK, IO_RECOVERY_OK, IO_RECOVERY_OK },
	  { IDLE, GUILTY, BUSY, TIMED_OUT, ABORTING, RESETTING, RESET_DONE } },
	{ "last tick", do_last_tick,
	  { IO_RECOVERY_OK, IO_RECOVERY_OK, IO_RECOVERY_ABORT, IO_RECOVERY_RESET,
	    IO_RECOVERY_RESET, IO_RECOVERY_FAILED, IO_RECOVERY_OK },
	  { IDLE, GUILTY, TIMED_OUT, RESETTING, RESETTING, IDLE, RESET_DONE } },
	{ "left", do_left,
	  { -1, -1, LIMIT + 1, ABORT_LIMIT, ABORT_LIMIT, RESET_LIMIT + 1, -1 }, ALL_SAME },
	{ "due", do_due, { 0, 0, 0, 0, 0, 0, 0 }, ALL_SAME },
	{ "due before the last tick", do_wait, { 0, 0, 1, 1, 1, 1, 0 },
	  { IDLE, GUILTY, BUSY, TIMED_OUT, ABORTING, RESETTING, RESET_DONE } },
	{ "guilty", do_guilty, { 0, 1, 0, 1, 1, 0, 0 }, ALL_SAME },
	{ "idle", do_idle, { 1, 1, 0, 0, 0, 0, 0 }, ALL_SAME },
	{ "resetting", do_resetting, { 0, 0, 0, 0, 0, 1, 1 }, ALL_SAME },
};

static void event_name(const struct event *event, char *desc)
{
	strscpy(desc, event->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(event, events, event_name);

static void each_cell(struct kunit *test)
{
	const struct event *event = test->param_value;
	size_t size = io_recovery_size(1);
	enum state was;

	for (was = IDLE; was < NR_STATES; was++) {
		struct io_recovery *r = in_state(test, was);
		void *before = kunit_kzalloc(test, size, GFP_KERNEL);
		const char *name = state_names[was];
		int next = event->next[was];

		KUNIT_ASSERT_NOT_NULL(test, before);
		KUNIT_EXPECT_EQ_MSG(test, state_of(test, r), was, "%s", name);
		memcpy(before, r, size);
		KUNIT_EXPECT_EQ_MSG(test, event->fn(r), event->result[was], "%s", name);
		if (next == SAME)
			KUNIT_EXPECT_EQ_MSG(test, memcmp(before, r, size), 0, "%s", name);
		else
			KUNIT_EXPECT_EQ_MSG(test, state_of(test, r), next, "%s", name);
		expect_guard(test, r, 1);
	}
}

/* Tick until something times out: that happens at tick number @ticks. */
static void expect_verdict(struct kunit *test, struct io_recovery *r, int ticks,
			   enum io_recovery_verdict verdict)
{
	int i;

	for (i = 1; i <= ticks; i++) {
		bool last = i == ticks;
		int left = io_recovery_left(r);
		bool due = io_recovery_due(r);
		enum io_recovery_verdict found = io_recovery_tick(r);

		if (left != ticks + 1 - i || due != last ||
		    found != (last ? verdict : IO_RECOVERY_OK)) {
			KUNIT_FAIL(test, "tick %d of %d: %d left, due %d, verdict %d, not %d",
				   i, ticks, left, due, found, verdict);
			return;		/* once is enough */
		}
	}
}

static void limits_are_for_what_begins_from_now_on(struct kunit *test)
{
	struct io_recovery *r = in_state(test, BUSY);

	io_recovery_set_limits(r, 10, 20, 30);
	KUNIT_EXPECT_EQ(test, io_recovery_left(r), LIMIT + 1);
	expect_verdict(test, r, LIMIT + 1, IO_RECOVERY_ABORT);
	KUNIT_EXPECT_EQ(test, io_recovery_next_abort(r), 0);
	io_recovery_set_limits(r, 11, 21, 31);
	expect_verdict(test, r, 20, IO_RECOVERY_RESET);
	io_recovery_set_limits(r, 12, 22, 32);
	expect_verdict(test, r, 31, IO_RECOVERY_FAILED);
	io_recovery_begin(r, 0);
	expect_verdict(test, r, 13, IO_RECOVERY_ABORT);
}

static void begin_limit_is_for_this_operation(struct kunit *test)
{
	struct io_recovery *r = in_state(test, IDLE);

	io_recovery_begin_limit(r, 0, OWN_LIMIT);
	expect_verdict(test, r, OWN_LIMIT + 1, IO_RECOVERY_ABORT);
	KUNIT_EXPECT_TRUE(test, io_recovery_op_interrupt(r, 0, 1));
	io_recovery_begin(r, 0);
	expect_verdict(test, r, LIMIT + 1, IO_RECOVERY_ABORT);
}

static void limits_out_of_range_count_as_the_nearest(struct kunit *test)
{
	static const struct {
		unsigned int limit;
		int as;
	} cases[] = {
		{ 0, 1 }, { 1, 1 }, { 2, 2 }, { IO_RECOVERY_MAX_LIMIT - 1, 32765 },
		{ IO_RECOVERY_MAX_LIMIT, 32766 }, { IO_RECOVERY_MAX_LIMIT + 1, 32766 },
		{ 32768, 32766 }, { 65535, 32766 }, { 65536, 32766 }, { 65537, 32766 },
		{ INT_MAX, 32766 }, { 1U << 31, 32766 }, { UINT_MAX, 32766 },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		unsigned int limit = cases[i].limit;
		struct io_recovery *r = new_device(test, 1, limit, limit, limit);

		io_recovery_begin(r, 0);
		KUNIT_EXPECT_EQ(test, io_recovery_left(r), cases[i].as + 1);
		io_recovery_cancel(r);
		io_recovery_begin_limit(r, 0, limit);
		if (!limit) {
			expect_verdict(test, r, 2, IO_RECOVERY_RESET);
		} else {
			expect_verdict(test, r, cases[i].as + 1, IO_RECOVERY_ABORT);
			KUNIT_EXPECT_EQ(test, io_recovery_next_abort(r), 0);
			expect_verdict(test, r, cases[i].as, IO_RECOVERY_RESET);
		}
		KUNIT_EXPECT_EQ(test, io_recovery_next_abort(r), -1);
		io_recovery_begin_reset(r);
		expect_verdict(test, r, cases[i].as + 1, IO_RECOVERY_FAILED);
	}
}

/* Rule 1 */
static void a_reset_stops_the_time_of_all_operations(struct kunit *test)
{
	struct io_recovery *r = new_device(test, 3, LIMIT, 0, RESET_LIMIT);

	io_recovery_begin_limit(r, 0, 1);
	io_recovery_begin_limit(r, 1, 2);
	io_recovery_begin_limit(r, 2, 3);
	expect_verdict(test, r, 2, IO_RECOVERY_RESET);
	expect_verdict(test, r, RESET_LIMIT, IO_RECOVERY_FAILED);
	KUNIT_EXPECT_TRUE(test, io_recovery_idle(r));
}

/* Rule 2 */
static void what_polling_finds_prevents_a_verdict(struct kunit *test)
{
	struct io_recovery *r = in_state(test, BUSY);

	do_wait(r);
	KUNIT_EXPECT_TRUE(test, io_recovery_op_interrupt(r, 0, 1));
	KUNIT_EXPECT_FALSE(test, io_recovery_due(r));
	KUNIT_EXPECT_EQ(test, io_recovery_tick(r), IO_RECOVERY_OK);

	r = in_state(test, ABORTING);
	do_wait(r);
	KUNIT_EXPECT_TRUE(test, io_recovery_abort_interrupt(r, 0, 1));
	KUNIT_EXPECT_FALSE(test, io_recovery_due(r));
	KUNIT_EXPECT_EQ(test, io_recovery_tick(r), IO_RECOVERY_OK);

	r = in_state(test, RESETTING);
	do_wait(r);
	KUNIT_EXPECT_TRUE(test, io_recovery_reset_interrupt(r));
	KUNIT_EXPECT_FALSE(test, io_recovery_due(r));
	KUNIT_EXPECT_EQ(test, io_recovery_tick(r), IO_RECOVERY_OK);
}

/* Rule 3 */
static void abort_then_reset_then_fail(struct kunit *test)
{
	struct io_recovery *r = in_state(test, BUSY);

	expect_verdict(test, r, LIMIT + 1, IO_RECOVERY_ABORT);
	KUNIT_EXPECT_EQ(test, io_recovery_next_abort(r), 0);
	expect_verdict(test, r, ABORT_LIMIT, IO_RECOVERY_RESET);
	expect_verdict(test, r, RESET_LIMIT, IO_RECOVERY_FAILED);
}

static void operations_that_time_out_together_are_aborted_together(struct kunit *test)
{
	struct io_recovery *r = new_device(test, 130, LIMIT, ABORT_LIMIT, RESET_LIMIT);
	static const int slots[] = { 3, 63, 64, 129 };
	int i;

	io_recovery_begin_limit(r, 7, LIMIT + 1);
	for (i = 0; i < ARRAY_SIZE(slots); i++)
		io_recovery_begin(r, slots[i]);
	expect_verdict(test, r, LIMIT + 1, IO_RECOVERY_ABORT);
	for (i = 0; i < ARRAY_SIZE(slots); i++)
		KUNIT_EXPECT_EQ(test, io_recovery_next_abort(r), slots[i]);
	KUNIT_EXPECT_EQ(test, io_recovery_next_abort(r), -1);
	expect_verdict(test, r, 1, IO_RECOVERY_ABORT);
	KUNIT_EXPECT_EQ(test, io_recovery_next_abort(r), 7);
	KUNIT_EXPECT_EQ(test, io_recovery_next_abort(r), -1);
	expect_guard(test, r, 130);
}

static void an_abort_that_is_put_off_gets_its_whole_limit(struct kunit *test)
{
	struct io_recovery *r = new_device(test, 2, LIMIT, 10, RESET_LIMIT);

	io_recovery_begin(r, 0);
	io_recovery_begin_limit(r, 1, LIMIT + 9);
	expect_verdict(test, r, LIMIT + 1, IO_RECOVERY_ABORT);
	expect_verdict(test, r, 9, IO_RECOVERY_ABORT);		/* of slot 1 */
	KUNIT_EXPECT_EQ(test, io_recovery_next_abort(r), 0);
	KUNIT_EXPECT_TRUE(test, io_recovery_op_interrupt(r, 1, 1));
	expect_verdict(test, r, 10, IO_RECOVERY_RESET);
}

/* Otherwise other operations that hang could use up all aborts for ever. */
static void an_operation_that_is_not_aborted_in_time_is_a_reset(struct kunit *test)
{
	struct io_recovery *r = new_device(test, 2, LIMIT, ABORT_LIMIT, RESET_LIMIT);

	io_recovery_begin(r, 0);
	io_recovery_begin(r, 1);
	expect_verdict(test, r, LIMIT + 1, IO_RECOVERY_ABORT);
	KUNIT_EXPECT_EQ(test, io_recovery_next_abort(r), 0);	/* one at a time */
	KUNIT_EXPECT_TRUE(test, io_recovery_abort_interrupt(r, 0, 1));
	expect_verdict(test, r, ABORT_LIMIT, IO_RECOVERY_RESET);
	KUNIT_EXPECT_TRUE(test, io_recovery_guilty(r, 1));
}

/* The limit is that of the call of next_abort, not that of the tick. */
static void an_abort_that_is_put_off_gets_the_current_limit(struct kunit *test)
{
	struct io_recovery *r = new_device(test, 1, LIMIT, 10, RESET_LIMIT);

	io_recovery_begin(r, 0);
	expect_verdict(test, r, LIMIT + 1, IO_RECOVERY_ABORT);
	io_recovery_set_limits(r, LIMIT, 2, RESET_LIMIT);
	KUNIT_EXPECT_EQ(test, io_recovery_next_abort(r), 0);
	expect_verdict(test, r, 2, IO_RECOVERY_RESET);
}

static void no_abort_without_an_abort_limit(struct kunit *test)
{
	struct io_recovery *r = in_state(test, TIMED_OUT);

	io_recovery_set_limits(r, LIMIT, 0, RESET_LIMIT);
	KUNIT_EXPECT_EQ(test, io_recovery_next_abort(r), -1);
	expect_verdict(test, r, ABORT_LIMIT, IO_RECOVERY_RESET);
	KUNIT_EXPECT_TRUE(test, io_recovery_guilty(r, 0));
}

/* Rule 4 */
static void a_reset_tells_guilty_from_innocent(struct kunit *test)
{
	struct io_recovery *r = new_device(test, 4, 10, 2, RESET_LIMIT);

	io_recovery_begin_limit(r, 0, 1);		/* its abort will time out */
	io_recovery_begin_limit(r, 1, 2);		/* will be aborting then */
	io_recovery_begin_limit(r, 2, 3);		/* will time out then */
	io_recovery_begin(r, 3);
	expect_verdict(test, r, 2, IO_RECOVERY_ABORT);
	KUNIT_EXPECT_EQ(test, io_recovery_next_abort(r), 0);
	expect_verdict(test, r, 1, IO_RECOVERY_ABORT);
	KUNIT_EXPECT_EQ(test, io_recovery_next_abort(r), 1);
	expect_verdict(test, r, 1, IO_RECOVERY_RESET);
	KUNIT_EXPECT_TRUE(test, io_recovery_reset_interrupt(r));
	KUNIT_EXPECT_TRUE(test, io_recovery_reset_done(r));
	KUNIT_EXPECT_TRUE(test, io_recovery_idle(r));
	KUNIT_EXPECT_TRUE(test, io_recovery_guilty(r, 0));
	KUNIT_EXPECT_TRUE(test, io_recovery_guilty(r, 1));
	KUNIT_EXPECT_TRUE(test, io_recovery_guilty(r, 2));
	KUNIT_EXPECT_FALSE(test, io_recovery_guilty(r, 3));
	io_recovery_begin(r, 1);
	KUNIT_EXPECT_FALSE(test, io_recovery_guilty(r, 1));
}

static void after_begin_reset_only_what_had_timed_out_is_guilty(struct kunit *test)
{
	struct io_recovery *r = new_device(test, 3, LIMIT, ABORT_LIMIT, RESET_LIMIT);

	io_recovery_begin_limit(r, 0, 1);
	io_recovery_begin_limit(r, 1, 1);
	io_recovery_begin(r, 2);
	expect_verdict(test, r, 2, IO_RECOVERY_ABORT);
	KUNIT_EXPECT_EQ(test, io_recovery_next_abort(r), 0);
	KUNIT_EXPECT_TRUE(test, io_recovery_op_interrupt(r, 1, 1));
	io_recovery_begin_reset(r);
	expect_verdict(test, r, RESET_LIMIT + 1, IO_RECOVERY_FAILED);
	KUNIT_EXPECT_TRUE(test, io_recovery_guilty(r, 0));
	KUNIT_EXPECT_FALSE(test, io_recovery_guilty(r, 1));
	KUNIT_EXPECT_FALSE(test, io_recovery_guilty(r, 2));
}

/* Rule 6 */
static void an_interrupt_of_an_earlier_generation_is_late(struct kunit *test)
{
	struct io_recovery *r = in_state(test, ABORTING);
	u32 generation;

	KUNIT_EXPECT_TRUE(test, io_recovery_op_interrupt(r, 0, 1));
	generation = io_recovery_begin(r, 0);
	KUNIT_EXPECT_FALSE(test, io_recovery_op_interrupt(r, 0, 1));
	KUNIT_EXPECT_FALSE(test, io_recovery_abort_interrupt(r, 0, 1));
	/* Not aborted: the abort was of the earlier one. */
	KUNIT_EXPECT_FALSE(test, io_recovery_abort_interrupt(r, 0, generation));
	expect_verdict(test, r, LIMIT + 1, IO_RECOVERY_ABORT);
	KUNIT_EXPECT_EQ(test, io_recovery_next_abort(r), 0);
	KUNIT_EXPECT_FALSE(test, io_recovery_abort_interrupt(r, 0, 1));
	KUNIT_EXPECT_TRUE(test, io_recovery_abort_interrupt(r, 0, generation));
}

static void generations_are_of_the_slot_and_wrap(struct kunit *test)
{
	struct io_recovery *r = new_device(test, 2, LIMIT, ABORT_LIMIT, RESET_LIMIT);

	io_recovery_set_generation(r, 1, U32_MAX - 1);
	KUNIT_EXPECT_EQ(test, io_recovery_begin(r, 0), 1);
	KUNIT_EXPECT_EQ(test, io_recovery_begin(r, 1), U32_MAX);
	KUNIT_EXPECT_FALSE(test, io_recovery_op_interrupt(r, 1, U32_MAX - 1));
	KUNIT_EXPECT_TRUE(test, io_recovery_op_interrupt(r, 1, U32_MAX));
	KUNIT_EXPECT_EQ(test, io_recovery_begin(r, 1), 0);
	KUNIT_EXPECT_FALSE(test, io_recovery_op_interrupt(r, 1, U32_MAX));
	KUNIT_EXPECT_FALSE(test, io_recovery_op_interrupt(r, 1, 1));
	KUNIT_EXPECT_TRUE(test, io_recovery_op_interrupt(r, 1, 0));
	KUNIT_EXPECT_EQ(test, io_recovery_begin(r, 1), 1);
	KUNIT_EXPECT_TRUE(test, io_recovery_op_interrupt(r, 0, 1));
	KUNIT_EXPECT_TRUE(test, io_recovery_op_interrupt(r, 1, 1));
}

static void init_makes_all_slots_idle(struct kunit *test)
{
	size_t size = io_recovery_size(65);
	struct io_recovery *r = kunit_kzalloc(test, size, GFP_KERNEL);
	int slot;

	KUNIT_ASSERT_NOT_NULL(test, r);
	memset(r, 0xff, size);
	io_recovery_init(r, 65, LIMIT, ABORT_LIMIT, RESET_LIMIT);
	KUNIT_EXPECT_TRUE(test, io_recovery_idle(r));
	KUNIT_EXPECT_EQ(test, io_recovery_left(r), -1);
	for (slot = 0; slot < 65; slot++) {
		KUNIT_EXPECT_FALSE(test, io_recovery_guilty(r, slot));
		KUNIT_EXPECT_FALSE(test, io_recovery_op_interrupt(r, slot, 0));
		KUNIT_EXPECT_EQ(test, io_recovery_begin(r, slot), 1);
	}
	expect_verdict(test, r, LIMIT + 1, IO_RECOVERY_ABORT);
}

static void a_slot_costs_8_bytes(struct kunit *test)
{
	size_t head = sizeof(struct io_recovery);
	unsigned int slots;

	for (slots = 1; slots <= IO_RECOVERY_MAX_SLOTS; slots++)
		KUNIT_EXPECT_LE(test, io_recovery_size(slots), head + 8 * slots);
	KUNIT_EXPECT_LE(test, head, 64);
}

static const unsigned int slot_counts[] = { 1, 2, 31, 32, 33, 63, 64, 65, 128, 1023, 1024 };

/* All slots at once, then each alone. */
static void each_slot_works_whatever_the_others_do(struct kunit *test)
{
	unsigned int i, slot;

	for (i = 0; i < ARRAY_SIZE(slot_counts); i++) {
		unsigned int slots = slot_counts[i];
		struct io_recovery *r = new_device(test, slots, LIMIT, ABORT_LIMIT, RESET_LIMIT);

		for (slot = 0; slot < slots; slot++)
			io_recovery_begin(r, slot);
		expect_verdict(test, r, LIMIT + 1, IO_RECOVERY_ABORT);
		for (slot = 0; slot < slots; slot++)
			KUNIT_EXPECT_EQ(test, io_recovery_next_abort(r), slot);
		KUNIT_EXPECT_EQ(test, io_recovery_next_abort(r), -1);
		for (slot = 0; slot < slots; slot++) {
			KUNIT_EXPECT_FALSE(test, io_recovery_idle(r));
			KUNIT_EXPECT_TRUE(test, io_recovery_abort_interrupt(r, slot, 1));
		}
		KUNIT_EXPECT_TRUE(test, io_recovery_idle(r));
		for (slot = 0; slot < slots; slot++) {
			KUNIT_EXPECT_TRUE(test, io_recovery_guilty(r, slot));
			io_recovery_begin(r, slot);
			expect_verdict(test, r, LIMIT + 1, IO_RECOVERY_ABORT);
			KUNIT_EXPECT_EQ(test, io_recovery_next_abort(r), slot);
			KUNIT_EXPECT_TRUE(test, io_recovery_op_interrupt(r, slot, 2));
			KUNIT_EXPECT_FALSE(test, io_recovery_guilty(r, slot));
		}
		KUNIT_EXPECT_FALSE(test, io_recovery_op_interrupt(r, slots, 0));
		KUNIT_EXPECT_FALSE(test, io_recovery_abort_interrupt(r, slots, 0));
		expect_guard(test, r, slots);
	}
}

/* Operations of all lengths begin at all times of the clock. */
static void the_clock_wraps(struct kunit *test)
{
	static const unsigned int limits[] = { 1, 2, 100, 32765, IO_RECOVERY_MAX_LIMIT };
	int i, start;

	for (i = 0; i < ARRAY_SIZE(limits); i++) {
		for (start = 0; start < 65536; start += 4099) {
			struct io_recovery *r = in_state(test, IDLE);

			tick(r, start);
			io_recovery_begin_limit(r, 0, limits[i]);
			tick(r, limits[i]);
			KUNIT_EXPECT_TRUE(test, io_recovery_due(r));
			KUNIT_EXPECT_EQ(test, io_recovery_tick(r), IO_RECOVERY_ABORT);
			KUNIT_EXPECT_EQ(test, io_recovery_next_abort(r), 0);
			expect_verdict(test, r, ABORT_LIMIT, IO_RECOVERY_RESET);
		}
	}
}

static void the_clock_wraps_at_the_fifth_tick(struct kunit *test)
{
	struct io_recovery *r = new_device(test, 1, 4, ABORT_LIMIT, RESET_LIMIT);

	io_recovery_begin(r, 0);
	KUNIT_EXPECT_EQ(test, r->slot[0].due, 0);
	KUNIT_EXPECT_GT(test, r->now, r->slot[0].due);
	expect_verdict(test, r, 5, IO_RECOVERY_ABORT);
}

/* For 200,000 seconds, in each state in which nothing times out. */
static void nothing_times_out_while_nothing_is_outstanding(struct kunit *test)
{
	static const enum state states[] = { IDLE, GUILTY, RESET_DONE };
	int i, ticks, verdicts;

	for (i = 0; i < ARRAY_SIZE(states); i++) {
		struct io_recovery *r = in_state(test, states[i]);

		for (ticks = 0, verdicts = 0; ticks < 200000; ticks++)
			verdicts += io_recovery_due(r) || io_recovery_tick(r) != IO_RECOVERY_OK;
		KUNIT_EXPECT_EQ(test, verdicts, 0);
		KUNIT_EXPECT_EQ(test, state_of(test, r), states[i]);
		io_recovery_cancel(r);
		io_recovery_begin(r, 0);
		expect_verdict(test, r, LIMIT + 1, IO_RECOVERY_ABORT);
	}
}

/* A tick looks at the slots only if something may time out. */
static void a_tick_looks_at_slots_once_in_the_limit(struct kunit *test)
{
	struct io_recovery *r = new_device(test, 1, 100, ABORT_LIMIT, RESET_LIMIT);
	int ticks, looks = 0;
	u16 next = r->next;

	for (ticks = 0; ticks < 1010; ticks++) {
		u32 generation = io_recovery_begin(r, 0);

		io_recovery_tick(r);
		io_recovery_op_interrupt(r, 0, generation);
		looks += r->next != next;
		next = r->next;
	}
	KUNIT_EXPECT_LE(test, looks, 11);
}

#include "io_recovery_test_model.c"
#include "io_recovery_test_sequences.c"

static struct kunit_case io_recovery_cases[] = {
	KUNIT_CASE(begin_warns_once),
	KUNIT_CASE(an_idle_slot_does_not_begin_during_a_reset),
	KUNIT_CASE_PARAM(each_cell, event_gen_params),
	KUNIT_CASE(limits_are_for_what_begins_from_now_on),
	KUNIT_CASE(begin_limit_is_for_this_operation),
	KUNIT_CASE(limits_out_of_range_count_as_the_nearest),
	KUNIT_CASE(a_reset_stops_the_time_of_all_operations),
	KUNIT_CASE(what_polling_finds_prevents_a_verdict),
	KUNIT_CASE(abort_then_reset_then_fail),
	KUNIT_CASE(operations_that_time_out_together_are_aborted_together),
	KUNIT_CASE(an_abort_that_is_put_off_gets_its_whole_limit),
	KUNIT_CASE(an_operation_that_is_not_aborted_in_time_is_a_reset),
	KUNIT_CASE(an_abort_that_is_put_off_gets_the_current_limit),
	KUNIT_CASE(no_abort_without_an_abort_limit),
	KUNIT_CASE(a_reset_tells_guilty_from_innocent),
	KUNIT_CASE(after_begin_reset_only_what_had_timed_out_is_guilty),
	KUNIT_CASE(an_interrupt_of_an_earlier_generation_is_late),
	KUNIT_CASE(generations_are_of_the_slot_and_wrap),
	KUNIT_CASE(init_makes_all_slots_idle),
	KUNIT_CASE(a_slot_costs_8_bytes),
	KUNIT_CASE(each_slot_works_whatever_the_others_do),
	KUNIT_CASE(the_clock_wraps),
	KUNIT_CASE(the_clock_wraps_at_the_fifth_tick),
	KUNIT_CASE(nothing_times_out_while_nothing_is_outstanding),
	KUNIT_CASE(a_tick_looks_at_slots_once_in_the_limit),
	KUNIT_CASE(every_sequence_up_to_14_with_1_slot),
	KUNIT_CASE(every_sequence_up_to_9_with_2_slots),
	KUNIT_CASE(every_sequence_up_to_7_with_3_slots),
	KUNIT_CASE(random_sequences),
	KUNIT_CASE(one_slot_without_abort_is_io_timeout),
	{}
};

static struct kunit_suite io_recovery_suite = {
	.name = "io_recovery",
	.test_cases = io_recovery_cases,
};

kunit_test_suite(io_recovery_suite);

MODULE_DESCRIPTION("KUnit tests of the recovery of a device with slots");
MODULE_LICENSE("GPL");
