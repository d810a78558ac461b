/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * io_recovery - time out many operations at a time, with one recovery a device
 *
 * io_timeout.h guards one operation. A device with slots (tags, a queue) has many
 * under way, and a reset takes all of them away. One io_timeout for each slot is
 * wrong there: slot B would ask for a second reset in the middle of slot A's, or
 * time out and kill the retry of A. So one struct io_recovery guards the device:
 *
 *	                  a slot timed out (ABORT)
 *	            +---------------------------------+
 *	            |                                 v
 *	 begin ->  busy  -- interrupt -->  idle  <- aborting
 *	            |                          abort   |
 *	            | timed out,             interrupt | abort timed out
 *	            | no abort (RESET)                 | (RESET)
 *	            v                                  v
 *	           the device is resetting, with all its slots
 *	            |                                  |
 *	            | reset interrupt, reset_done      | reset timed out (FAILED)
 *	            v                                  v
 *	           all slots idle: start again       all slots idle: fail all
 *
 * The rules, which drivers of such devices share:
 *
 *  1. One reset a device. While it runs, no slot times out.
 *  2. Poll before acting: the commonest cause of a time-out is a lost interrupt.
 *  3. Then do the least that can help: abort the operation, if the device can;
 *     if the abort times out, reset the device; if the reset times out, fail.
 *  4. A reset takes away all that is outstanding. Operations that had timed out
 *     are guilty: their restart counts as a retry. The others are innocent: they
 *     are started again first, in their old order, and that is not held against
 *     them.
 *  5. A reset that times out fails all that is outstanding: nobody knows what the
 *     device did.
 *  6. An operation has a generation. An interrupt with another one is late,
 *     whichever slot it names.
 *  7. While nothing is outstanding the driver stops its iotimer.
 *
 * This is the state machine alone: no lock, no device, no clock, no memory of its
 * own. The caller serializes all calls by the lock that its interrupt handler
 * takes. Its routine, called once a second, does in one hold of this lock:
 *
 *	if (io_recovery_due(r))
 *		read what the device has completed, and call
 *		io_recovery_op_interrupt() and so on for each, as the handler would
 *	switch (io_recovery_tick(r)) {
 *	case IO_RECOVERY_OK:
 *		break;
 *	case IO_RECOVERY_ABORT:
 *		while ((slot = io_recovery_next_abort(r)) >= 0)
 *			tell the device to abort this slot's operation
 *		break;
 *	case IO_RECOVERY_RESET:
 *		tell the device to reset
 *		break;
 *	case IO_RECOVERY_FAILED:
 *		keep the device away from memory, fail all requests
 *		break;
 *	}
 *	if (io_recovery_idle(r))
 *		stop the iotimer
 *
 * An abort or a reset must be told to the device in the same hold of the lock, an
 * abort with slot and generation: the slot may soon be in use again.
 *
 * The one thing people get wrong: the end of a reset has no generation. When a
 * reset is told to the device, the end of an earlier one must not come any more.
 * A device that may still post it needs a driver that can tell the two apart.
 *
 * The one thing people forget: after IO_RECOVERY_FAILED the device may still write
 * to memory, and so it may when the driver is removed. Keep it from that (bus
 * mastering off) before a request completes, or its buffer is somebody else's; and
 * let it write again only after a reset has succeeded.
 *
 * What the driver keeps itself: which request is in which slot, what has ended and
 * is not handled yet. It handles that before io_recovery_reset_done(), and fails
 * after IO_RECOVERY_FAILED what was in the slots then, before it begins anything.
 * It limits the retries of a request, and also its free restarts: with limits of
 * their own, short operations that hang would starve a long one for ever.
 */
#ifndef _IO_RECOVERY_H
#define _IO_RECOVERY_H

#include <linux/bug.h>
#include <linux/compiler.h>
#include <linux/minmax.h>
#include <linux/types.h>

#define IO_RECOVERY_MAX_SLOTS	1024
#define IO_RECOVERY_MAX_LIMIT	32766	/* seconds */

/**
 * enum io_recovery_verdict - what the tick found
 * @IO_RECOVERY_OK: nothing to do
 * @IO_RECOVERY_ABORT: operations timed out: abort those that
 *	io_recovery_next_abort() names
 * @IO_RECOVERY_RESET: reset the device now
 * @IO_RECOVERY_FAILED: the reset timed out too: fail all requests
 */
enum io_recovery_verdict {
	IO_RECOVERY_OK,
	IO_RECOVERY_ABORT,
	IO_RECOVERY_RESET,
	IO_RECOVERY_FAILED,
};

/* private: the states of a device */
enum io_recovery_state {
	IO_RECOVERY_RUNNING,
	IO_RECOVERY_RESETTING,
	IO_RECOVERY_RESET_DONE,		/* and not handled yet */
};

/* private: flags of a slot. IO_RECOVERY_ABORTING comes with IO_RECOVERY_GUILTY */
#define IO_RECOVERY_BUSY	0x1
#define IO_RECOVERY_GUILTY	0x2	/* timed out; kept until the next begin */
#define IO_RECOVERY_ABORTING	0x4	/* while busy: the driver was told to abort it */

/*
 * private: a slot. Times are seconds, modulo 2^16. The flags are here, not in
 * bitmaps: begin and interrupt then store whole bytes, and need not wait until an
 * earlier change of the same word is done.
 */
struct io_recovery_slot {
	u32 generation;		/* of the operation that began last */
	u16 due;		/* when the operation or its abort times out */
	u8 flags;
};

/**
 * struct io_recovery - the time-outs of a device with slots
 *
 * Its members are private: use the functions. The driver allocates
 * io_recovery_size() bytes.
 */
struct io_recovery {
	/* private: */
	u16 now;		/* ticks so far */
	u16 next;		/* nothing times out before: a lower bound */
	u16 limit;
	u16 abort_limit;	/* 0 if the device cannot abort */
	u16 reset_limit;
	u16 nr_slots;
	u16 next_abort;		/* io_recovery_next_abort() looks from here on */
	enum io_recovery_state state;
	struct io_recovery_slot slot[];
};

/* Is time @a before @b? They are less than 2^15 apart. */
static inline bool io_recovery_before(u16 a, u16 b)
{
	return (s16)(a - b) < 0;
}

static inline u16 io_recovery_clamp(unsigned int limit)
{
	return clamp(limit, 1U, (unsigned int)IO_RECOVERY_MAX_LIMIT);
}

/* With nothing outstanding, look again as late as the clock's wrap allows. */
static inline void io_recovery_rest(struct io_recovery *r)
{
	r->next = r->now + IO_RECOVERY_MAX_LIMIT + 1;
}

/* Nothing is outstanding any more, and no reset is under way. */
static inline void io_recovery_empty(struct io_recovery *r)
{
	unsigned int i;

	for (i = 0; i < r->nr_slots; i++)
		r->slot[i].flags &= ~IO_RECOVERY_BUSY;
	r->state = IO_RECOVERY_RUNNING;
	r->next_abort = r->nr_slots;
	io_recovery_rest(r);
}

/**
 * io_recovery_size - memory for a device's time-outs
 * @slots: number of slots, 1 to IO_RECOVERY_MAX_SLOTS
 *
 * Context: any.
 * Return: bytes, for the driver to allocate.
 */
static inline size_t io_recovery_size(unsigned int slots)
{
	return sizeof(struct io_recovery) +
	       slots * sizeof(struct io_recovery_slot);
}

/**
 * io_recovery_set_limits - change the limits
 * @r: the device
 * @limit: seconds an operation may take, 1 to IO_RECOVERY_MAX_LIMIT
 * @abort_limit: seconds an abort may take; 0 if the device cannot abort
 * @reset_limit: seconds a reset may take, 1 to IO_RECOVERY_MAX_LIMIT
 *
 * The limits are for what begins from now on. A value out of its range is
 * clamped.
 *
 * Context: any, under the caller's lock.
 */
static inline void io_recovery_set_limits(struct io_recovery *r,
					  unsigned int limit,
					  unsigned int abort_limit,
					  unsigned int reset_limit)
{
	r->limit = io_recovery_clamp(limit);
	r->abort_limit = abort_limit ? io_recovery_clamp(abort_limit) : 0;
	r->reset_limit = io_recovery_clamp(reset_limit);
}

/**
 * io_recovery_init - make a device's slots idle
 * @r: the device, io_recovery_size(@slots) bytes
 * @slots: number of slots, 1 to IO_RECOVERY_MAX_SLOTS; they are counted from 0
 * @limit: as for io_recovery_set_limits()
 * @abort_limit: as for io_recovery_set_limits()
 * @reset_limit: as for io_recovery_set_limits()
 *
 * Context: any; before anyone else can reach @r.
 */
static inline void io_recovery_init(struct io_recovery *r, unsigned int slots,
				    unsigned int limit,
				    unsigned int abort_limit,
				    unsigned int reset_limit)
{
	unsigned int i;

	r->nr_slots = slots;
	for (i = 0; i < slots; i++)
		r->slot[i] = (struct io_recovery_slot){};
	r->now = -5;		/* so that every device sees the clock wrap */
	io_recovery_set_limits(r, limit, abort_limit, reset_limit);
	io_recovery_empty(r);
}

/**
 * io_recovery_set_generation - continue the generations of an earlier driver
 * @r: the device
 * @slot: the slot, idle
 * @generation: the last one that the device was given in this slot
 *
 * For a device that may still complete what was begun before this driver was
 * bound. The next io_recovery_begin() returns @generation + 1.
 *
 * Context: any, under the caller's lock.
 */
static inline void io_recovery_set_generation(struct io_recovery *r,
					      unsigned int slot,
					      u32 generation)
{
	r->slot[slot].generation = generation;
}

/* This slot times out so many ticks from now. */
static inline void io_recovery_set_due(struct io_recovery *r, unsigned int slot,
				       u16 ticks)
{
	u16 due = r->now + ticks;

	r->slot[slot].due = due;
	if (io_recovery_before(due, r->next))
		r->next = due;
}

/* An operation is being started; @limit is clamped. */
static inline u32 __io_recovery_begin(struct io_recovery *r,
				      unsigned int slot, u16 limit)
{
	struct io_recovery_slot *s = &r->slot[slot];

	if (unlikely(r->state != IO_RECOVERY_RUNNING ||
		     s->flags & IO_RECOVERY_BUSY)) {
		WARN_ONCE(1, "io_recovery: begin in a slot that is busy, or during a reset\n");
		return s->generation;
	}
	s->flags = IO_RECOVERY_BUSY;
	io_recovery_set_due(r, slot, limit + 1);
	return ++s->generation;
}

/**
 * io_recovery_begin_limit - an operation with a limit of its own is being started
 * @r: the device, not resetting
 * @slot: the slot, idle
 * @limit: seconds the operation may take, 1 to IO_RECOVERY_MAX_LIMIT; clamped
 *
 * A tick may come right after this call, so the operation gets one second more
 * than the limit. If the ticks come on time, it times out more than @limit and at
 * most @limit + 1 seconds from now.
 *
 * During a reset, or if the slot is busy, this warns once and changes nothing.
 *
 * Context: any, under the caller's lock, before the hardware is told to start.
 * Return: the operation's generation. The device must give it back with the
 * completion, whole or in part, or with something else that tells an old
 * completion from a new one.
 */
static inline u32 io_recovery_begin_limit(struct io_recovery *r,
					  unsigned int slot,
					  unsigned int limit)
{
	return __io_recovery_begin(r, slot, io_recovery_clamp(limit));
}

/**
 * io_recovery_begin - an operation is being started
 * @r: the device, not resetting
 * @slot: the slot, idle
 *
 * As io_recovery_begin_limit() with the device's limit.
 *
 * Context: any, under the caller's lock, before the hardware is told to start.
 * Return: the operation's generation.
 */
static inline u32 io_recovery_begin(struct io_recovery *r, unsigned int slot)
{
	return __io_recovery_begin(r, slot, r->limit);
}

/* Is this operation under way, and may its interrupt come? */
static inline bool io_recovery_expects(const struct io_recovery *r,
				       unsigned int slot, u32 generation)
{
	return slot < r->nr_slots && r->slot[slot].generation == generation &&
	       r->slot[slot].flags & IO_RECOVERY_BUSY &&
	       r->state == IO_RECOVERY_RUNNING;
}

/**
 * io_recovery_op_interrupt - the interrupt of an operation came
 * @r: the device
 * @slot: the slot that the device named; any number
 * @generation: the generation that the device named
 *
 * Context: any, under the caller's lock.
 * Return: true if the operation was outstanding and is now done; false if the
 * interrupt is late or spurious: ignore it.
 */
static inline bool io_recovery_op_interrupt(struct io_recovery *r,
					    unsigned int slot, u32 generation)
{
	if (unlikely(!io_recovery_expects(r, slot, generation)))
		return false;
	r->slot[slot].flags = 0;	/* perhaps done before its abort */
	return true;
}

/**
 * io_recovery_abort_interrupt - the interrupt that ends an abort came
 * @r: the device
 * @slot: the slot that the device named; any number
 * @generation: the generation that the device named
 *
 * Context: any, under the caller's lock.
 * Return: true if the abort was outstanding: the slot is idle now, and its
 * operation guilty; false: ignore the interrupt.
 */
static inline bool io_recovery_abort_interrupt(struct io_recovery *r,
					       unsigned int slot,
					       u32 generation)
{
	if (!io_recovery_expects(r, slot, generation) ||
	    !(r->slot[slot].flags & IO_RECOVERY_ABORTING))
		return false;
	r->slot[slot].flags &= ~IO_RECOVERY_BUSY;
	return true;
}

/**
 * io_recovery_reset_interrupt - the interrupt that ends a reset came
 * @r: the device
 *
 * Context: any, under the caller's lock.
 * Return: true if a reset was under way and is now done: have the deferred
 * handler call io_recovery_reset_done(); false: ignore the interrupt.
 */
static inline bool io_recovery_reset_interrupt(struct io_recovery *r)
{
	if (r->state != IO_RECOVERY_RESETTING)
		return false;
	r->state = IO_RECOVERY_RESET_DONE;
	return true;
}

/**
 * io_recovery_reset_done - has a reset ended, not handled yet?
 * @r: the device
 *
 * Context: any, under the caller's lock; called by the deferred handler.
 * Return: true, once for each reset that is done: all slots are idle now. Ask
 * io_recovery_guilty() for each request that was outstanding, and start the
 * requests again, or complete them; false otherwise.
 */
static inline bool io_recovery_reset_done(struct io_recovery *r)
{
	if (r->state != IO_RECOVERY_RESET_DONE)
		return false;
	io_recovery_empty(r);
	return true;
}

/**
 * io_recovery_guilty - has the slot's last operation timed out?
 * @r: the device
 * @slot: the slot
 *
 * Context: any, under the caller's lock.
 * Return: true from the operation's time-out until the next one begins in the
 * slot; false again if it still ended by its interrupt. So after an abort or a
 * reset, false means that the operation is innocent.
 */
static inline bool io_recovery_guilty(const struct io_recovery *r,
				      unsigned int slot)
{
	return r->slot[slot].flags & IO_RECOVERY_GUILTY;
}

/**
 * io_recovery_begin_reset - a reset that no tick asked for is being started
 * @r: the device, in any state. What was outstanding will not end any more. If a
 *	reset was under way already, its time starts over
 *
 * For resume, where the device has lost what it was doing, or after an error that
 * the device reports. Only operations that had timed out before are guilty. The
 * reset gets the limit that io_recovery_set_limits() set, and one second more.
 *
 * Context: any, under the caller's lock, before the hardware is told to reset.
 */
static inline void io_recovery_begin_reset(struct io_recovery *r)
{
	r->state = IO_RECOVERY_RESETTING;
	r->next = r->now + r->reset_limit + 1;
}

/**
 * io_recovery_cancel - forget all that is outstanding (the driver is removed)
 * @r: the device; all slots become idle, so later interrupts are ignored
 *
 * Context: any, under the caller's lock.
 */
static inline void io_recovery_cancel(struct io_recovery *r)
{
	io_recovery_empty(r);
}

/**
 * io_recovery_resetting - is a reset under way, or its end not yet handled?
 * @r: the device
 *
 * Context: any, under the caller's lock.
 * Return: true until IO_RECOVERY_FAILED or until io_recovery_reset_done() returns
 * true.
 */
static inline bool io_recovery_resetting(const struct io_recovery *r)
{
	return r->state != IO_RECOVERY_RUNNING;
}

/* The first slot from @slot on that is busy; nr_slots if none is. */
static inline unsigned int io_recovery_next_busy(const struct io_recovery *r,
						 unsigned int slot)
{
	while (slot < r->nr_slots && !(r->slot[slot].flags & IO_RECOVERY_BUSY))
		slot++;
	return slot;
}

/* private: loop over the slots that are busy */
#define io_recovery_for_each_busy(r, slot)				\
	for ((slot) = io_recovery_next_busy(r, 0);			\
	     (slot) < (r)->nr_slots;					\
	     (slot) = io_recovery_next_busy(r, (slot) + 1))

/**
 * io_recovery_idle - is nothing outstanding?
 * @r: the device
 *
 * Looks at the slots in turn, until one is busy.
 *
 * Context: any, under the caller's lock.
 * Return: true if all slots are idle and no reset is under way or unhandled.
 */
static inline bool io_recovery_idle(const struct io_recovery *r)
{
	return r->state == IO_RECOVERY_RUNNING &&
	       io_recovery_next_busy(r, 0) == r->nr_slots;
}

/* The time of the first slot to time out; far off if nothing is outstanding. */
static inline u16 io_recovery_first_due(const struct io_recovery *r)
{
	u16 first = r->now + IO_RECOVERY_MAX_LIMIT + 1;
	unsigned int slot;

	io_recovery_for_each_busy(r, slot)
		if (io_recovery_before(r->slot[slot].due, first))
			first = r->slot[slot].due;
	return first;
}

/**
 * io_recovery_left - seconds until something times out
 * @r: the device
 *
 * Context: any, under the caller's lock.
 * Return: ticks until the first operation, abort or reset that is outstanding
 * times out, 1 or more; -1 if nothing is outstanding.
 */
static inline int io_recovery_left(const struct io_recovery *r)
{
	if (r->state == IO_RECOVERY_RESET_DONE || io_recovery_idle(r))
		return -1;
	if (r->state == IO_RECOVERY_RESETTING)
		return (u16)(r->next - r->now);
	return (u16)(io_recovery_first_due(r) - r->now);
}

/**
 * io_recovery_due - does something time out at the next tick?
 * @r: the device
 *
 * If so, first poll the device for what it has completed: the interrupt may
 * have been lost.
 *
 * Context: any, under the caller's lock, which stays held until
 * io_recovery_tick() has returned.
 * Return: true if io_recovery_tick() would not return IO_RECOVERY_OK now.
 */
static inline bool io_recovery_due(const struct io_recovery *r)
{
	return !io_recovery_before(r->now + 1, r->next) &&
	       io_recovery_left(r) == 1;
}

/**
 * io_recovery_slot_due - does this slot time out at the next tick?
 * @r: the device
 * @slot: the slot that the device named; any number
 *
 * When polling finds the end of an operation or of an abort: if it was due, its
 * interrupt was lost; else the interrupt may be on its way.
 *
 * Context: any, under the caller's lock.
 * Return: true if the slot's operation or abort is outstanding, and would time out
 * at the next tick.
 */
static inline bool io_recovery_slot_due(const struct io_recovery *r,
					unsigned int slot)
{
	return slot < r->nr_slots && r->state == IO_RECOVERY_RUNNING &&
	       r->slot[slot].flags & IO_RECOVERY_BUSY &&
	       !io_recovery_before(r->now + 1, r->slot[slot].due);
}

/* Slots have timed out, or @next was early. What is to be done, and when next? */
static inline enum io_recovery_verdict io_recovery_expire(struct io_recovery *r)
{
	enum io_recovery_verdict verdict = IO_RECOVERY_OK;
	unsigned int slot;

	io_recovery_for_each_busy(r, slot) {
		struct io_recovery_slot *s = &r->slot[slot];

		if (io_recovery_before(r->now, s->due))
			continue;
		/*
		 * A second time-out, even if no abort was to be had: else
		 * operations that hang elsewhere could take all aborts, and
		 * keep this one from ending.
		 */
		if (!r->abort_limit || s->flags & IO_RECOVERY_GUILTY)
			verdict = IO_RECOVERY_RESET;
		else if (verdict == IO_RECOVERY_OK)
			verdict = IO_RECOVERY_ABORT;
		s->flags |= IO_RECOVERY_GUILTY;
		s->due = r->now + r->abort_limit;
	}
	r->next_abort = 0;
	r->next = io_recovery_first_due(r);
	if (verdict == IO_RECOVERY_RESET) {
		r->state = IO_RECOVERY_RESETTING;
		r->next = r->now + r->reset_limit;
	}
	return verdict;
}

/**
 * io_recovery_tick - a second has passed (IoTimer routine)
 * @r: the device
 *
 * Constant time unless something times out, or might have: then it looks at all
 * slots that are busy. If all operations have the same limit, that is at most once
 * in so many seconds.
 *
 * Context: any, under the caller's lock; called once a second.
 * Return: what to do, see &enum io_recovery_verdict. On IO_RECOVERY_RESET the
 * device waits for io_recovery_reset_interrupt(), so program the reset before
 * dropping the lock. On IO_RECOVERY_FAILED all slots are idle.
 */
static inline enum io_recovery_verdict io_recovery_tick(struct io_recovery *r)
{
	r->now++;
	if (io_recovery_before(r->now, r->next))
		return IO_RECOVERY_OK;
	switch (r->state) {
	case IO_RECOVERY_RESETTING:
		io_recovery_empty(r);
		return IO_RECOVERY_FAILED;
	case IO_RECOVERY_RESET_DONE:
		io_recovery_rest(r);
		return IO_RECOVERY_OK;
	default:
		return io_recovery_expire(r);
	}
}

/**
 * io_recovery_next_abort - which operation to abort
 * @r: the device
 *
 * Called in the routine after IO_RECOVERY_ABORT, until it returns -1. If the
 * device takes no more aborts now, stop asking: the operations that were not named
 * may be named after a later tick. After the abort's limit they time out again, and
 * the device is reset.
 *
 * Context: any, under the caller's lock, held since io_recovery_tick().
 * Return: a slot whose operation has timed out and is to be aborted, once each;
 * -1 if there is none left.
 */
static inline int io_recovery_next_abort(struct io_recovery *r)
{
	if (r->state != IO_RECOVERY_RUNNING || !r->abort_limit)
		return -1;
	while (r->next_abort < r->nr_slots) {
		unsigned int slot = r->next_abort++;

		if (r->slot[slot].flags != (IO_RECOVERY_BUSY | IO_RECOVERY_GUILTY))
			continue;
		r->slot[slot].flags |= IO_RECOVERY_ABORTING;
		/* It may have timed out earlier, and not been aborted then. */
		io_recovery_set_due(r, slot, r->abort_limit);
		return slot;
	}
	return -1;
}

#endif /* _IO_RECOVERY_H */
