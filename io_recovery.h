/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * io_recovery - time out many operations at a time, with one recovery a device
 *
 * io_timeout.h guards one operation. A device with slots (tags, a queue) has many
 * under way, and a reset takes all of them away. One io_timeout for each slot is
 * wrong there: slot B would ask for a second reset in the middle of slot A's, or
 * time out and kill the retry of A. So one struct io_recovery guards the device.
 * A slot goes this way:
 *
 *	       begin         tick, timed out (ABORT)
 *	 idle --------> busy ------------------------> aborting
 *	  ^ ^            |  |                           |   |
 *	  | +------------+  |                           |   |
 *	  |   interrupt     |    op or abort interrupt  |   |
 *	  +<----------------|---------------------------+   |
 *	                    |                               |
 *	                    | tick, timed out, and          | tick, abort timed
 *	                    | no abort (RESET)              | out (RESET)
 *	                    v                               v
 *	               the device is resetting, with all its slots
 *	                    |                               |
 *	                    | reset interrupt,              | tick, reset timed
 *	                    | reset_done                    | out (FAILED)
 *	                    v                               v
 *	               all slots idle:                 all slots idle:
 *	               start again                     fail all requests
 *
 * The words:
 *
 *  aborting	the operation timed out, and the device was told to abort it
 *  guilty	the operation timed out
 *  innocent	the operation did not time out, but a reset took it away
 *  late	an interrupt of an operation or abort that is not outstanding any more
 *  missed	an interrupt that was lost: polling found what it would have reported
 *  generation	the number of a slot's operation: each begin in the slot adds 1
 *
 * The rules, which drivers of such devices share.
 * Documentation/many-operations.rst has the reasons:
 *
 *  1. One reset a device. While it runs, no slot times out.
 *  2. Poll before acting: the commonest cause of a time-out is a lost interrupt.
 *  3. Then do the least that can help: abort the operation, if the device can;
 *     if the abort times out, reset the device; if the reset times out, fail.
 *  4. A reset takes away all that is outstanding. The restart of a guilty
 *     operation counts as a retry. Innocent ones are started again before what
 *     waits, in their old order, and no retry is counted.
 *  5. A reset that times out fails all that is outstanding: nobody knows what the
 *     device did.
 *  6. The device returns an operation's generation with the interrupt. If the
 *     slot has another generation now, the interrupt is late: ignore it.
 *  7. While nothing is outstanding the driver stops its iotimer.
 *
 * This is the state machine alone: no lock, no device, no clock, no memory of its
 * own. The caller serializes all calls by the lock that its interrupt handler
 * takes. The iotimer's routine does this once a second, in one hold of the lock:
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
 * Program an abort or a reset before dropping the lock. Give the device the
 * generation of the operation to abort, not only the slot: the slot may be in use
 * again before the device gets to it.
 *
 * The one thing people get wrong: the interrupt that ends a reset has no
 * generation. Once a reset is programmed, the interrupt of an earlier reset must
 * not come any more. If the device may still send it, the driver must be able to
 * tell the two apart.
 *
 * The one thing people forget: the device may still write to memory after
 * IO_RECOVERY_FAILED, and when the driver is removed. Switch bus mastering off
 * before a request completes: afterwards its buffer belongs to somebody else.
 * Switch it on again only when a reset has succeeded.
 *
 * The driver itself keeps which request is in which slot, and which operations
 * have ended but are not handled yet. It handles these before it calls
 * io_recovery_reset_done(). After IO_RECOVERY_FAILED it fails all requests in
 * slots before it begins another operation.
 *
 * The driver limits the retries of a request, and the restarts that are not
 * retries too. Otherwise short operations that hang, one after the other, could
 * reset the device again and again, and a long operation would never end.
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

/* private: flags of a slot. A slot that is ABORTING is GUILTY too. */
#define IO_RECOVERY_BUSY	0x1
#define IO_RECOVERY_GUILTY	0x2	/* timed out; kept until the next begin */
#define IO_RECOVERY_ABORTING	0x4	/* while busy: the driver was told to abort it */

/*
 * private: a slot. Times are seconds, modulo 2^16. The flags are a byte of each
 * slot, not bitmaps: begin and interrupt need not read and change a word that all
 * slots share.
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

/**
 * io_recovery_cancel - forget all that is outstanding (the driver is removed)
 * @r: the device; all slots become idle, so later interrupts are ignored
 *
 * Context: any, under the caller's lock.
 */
static inline void io_recovery_cancel(struct io_recovery *r)
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
	io_recovery_cancel(r);
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
 * completion, whole or in part, or the driver must tell an old completion from
 * a new one in another way.
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
	r->slot[slot].flags = 0;	/* not guilty: it was done before its abort */
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
 * io_recovery_reset_done - has a reset ended that is not handled yet?
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
	io_recovery_cancel(r);
	return true;
}

/**
 * io_recovery_guilty - has the slot's last operation timed out?
 * @r: the device
 * @slot: the slot
 *
 * Context: any, under the caller's lock.
 * Return: true from the operation's time-out until the next operation begins in
 * the slot, but false again once io_recovery_op_interrupt() has returned true for
 * the operation. So after a reset, false means that the operation is innocent.
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
 * reset gets the limit that io_recovery_set_limits() set, and one second more as in
 * io_recovery_begin_limit().
 *
 * Context: any, under the caller's lock, before the hardware is told to reset.
 */
static inline void io_recovery_begin_reset(struct io_recovery *r)
{
	r->state = IO_RECOVERY_RESETTING;
	r->next = r->now + r->reset_limit + 1;
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

/* When the first slot times out; as late as the clock allows if none is busy. */
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
 * Return: true if io_recovery_tick() would now return anything but
 * IO_RECOVERY_OK.
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
 * For polling: if the slot of a completion that polling finds is due, the interrupt
 * was lost (missed). If it is not, the interrupt may still be on its way.
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

/* Slots may have timed out: @next is a lower bound. Set @next, and decide what to do. */
static inline enum io_recovery_verdict io_recovery_expire(struct io_recovery *r)
{
	enum io_recovery_verdict verdict = IO_RECOVERY_OK;
	unsigned int slot;

	io_recovery_for_each_busy(r, slot) {
		struct io_recovery_slot *s = &r->slot[slot];

		if (io_recovery_before(r->now, s->due))
			continue;
		/*
		 * A second time-out is a reset even if the driver has not
		 * aborted the operation yet. Otherwise others that hang could
		 * use up all aborts, and this operation would never end.
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
 * Constant time, as long as nothing can have timed out; otherwise it looks at all
 * slots. If all operations have the same limit and take much less, it does that
 * once in about as many seconds.
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
		io_recovery_cancel(r);
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
 * device takes no more aborts now, stop calling. The remaining operations are
 * returned after a later tick that returns IO_RECOVERY_ABORT. If none does within
 * the abort's limit, they time out again, and the device is reset.
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
