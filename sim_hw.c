// SPDX-License-Identifier: GPL-2.0-only
/*
 * sim_hw - the hardware model: a device that loops data back
 *
 * Whatever the device will signal is an event with a due time: the end of an
 * operation, late or not, of an abort or of a reset, or a spurious interrupt. One
 * hrtimer is armed for the first event that is not due. sim_events.c keeps the
 * events.
 *
 * When an event is due it takes effect, and its cause is queued for the driver to
 * read. The event raises the interrupt, unless the interrupt is raised already or
 * the fault "lost" struck the event. Reading a cause lowers the interrupt, and
 * raises it again if more causes wait. The tag tells whether a late event is about
 * an operation that has ended.
 *
 * sim_rules.c decides which fault strikes. Most faults change the event: the event
 * is not queued (hang), a reset does not remove it (late), its cause is posted
 * twice (duplicate), or it raises no interrupt (lost).
 *
 * The interrupt is a Linux interrupt number without a controller. The hrtimer
 * raises it, or an irq_work for an event that is due at once, so that the
 * driver's handler runs in hard interrupt context like any other.
 *
 * More than 1,000 lines: a third is kernel-doc, and all functions share one lock.
 * What needs no lock of its own is in sim_events.c and sim_rules.c.
 */
#include <linux/bug.h>
#include <linux/hrtimer.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/irq_work.h>
#include <linux/irqdesc.h>
#include <linux/kref.h>
#include <linux/ktime.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "compat.h"
#include "sim_events.h"
#include "sim_hw.h"
#include "sim_rules.h"

/**
 * struct sim_hw_slot - a slot, which does one operation at a time
 * @op: the end of the operation, if it is not late
 * @abort: the end of an abort
 * @busy: an operation is under way
 * @tag: tag of the last operation started
 * @length: bytes in @in
 * @out_length: bytes in @out
 * @in: what the driver wrote
 * @out: what the driver reads, copied from @in when an operation succeeds
 */
struct sim_hw_slot {
	struct sim_event op;
	struct sim_event abort;
	bool busy;
	u32 tag;
	u16 length;
	u16 out_length;
	u8 in[SIM_HW_BUFFER_SIZE];
	u8 out[SIM_HW_BUFFER_SIZE];
};

/**
 * struct sim_hw - a device
 * @ref: references; the maker has one, and each driver that was bound
 * @lock: protects all that follows; raw, because the hrtimer runs in hard
 *	interrupt context on PREEMPT_RT as well
 * @timer: armed for the first event that is not due
 * @irq_work: raises the interrupt
 * @irq_timer: raises the interrupt where irq_works are slow, see sim_hw_raise()
 * @irq: the interrupt's number
 * @resetting: a reset is under way
 * @raised: the interrupt was raised, and no cause was read since
 * @raised_at: when, in jiffies
 * @off: there is no power
 * @has_spurious: a spurious interrupt is under way, or its cause waits
 * @tag: tag of the last operation started in any slot
 * @state: what a tester has set, except for faults
 * @rules: the faults
 * @events: what is under way, and the causes that wait to be read
 * @reset: the end of a reset
 * @spurious: the next spurious interrupt
 * @nr_busy: how many slots are busy
 * @slot: the slots
 */
struct sim_hw {
	struct kref ref;
	raw_spinlock_t lock;
	struct hrtimer timer;
	struct irq_work irq_work;
	struct hrtimer irq_timer;
	int irq;
	bool resetting;
	bool raised;
	bool off;
	bool has_spurious;
	unsigned long raised_at;
	u32 tag;
	struct sim_hw_state state;
	struct sim_rules rules;
	struct sim_events events;
	struct sim_event reset;
	struct sim_event spurious;
	unsigned int nr_busy;
	struct sim_hw_slot slot[];
};

/* What is under way */

/* Drop the operation under way in a slot. */
static void sim_hw_end_operation(struct sim_hw *hw, struct sim_hw_slot *slot)
{
	sim_events_remove(&hw->events, &slot->op);
	hw->nr_busy -= slot->busy;
	slot->busy = false;
}

/* Drop all events, except late and spurious ones. */
static void sim_hw_drop(struct sim_hw *hw)
{
	unsigned int i;

	for (i = 0; i < hw->state.slots; i++) {
		sim_events_remove(&hw->events, &hw->slot[i].op);
		sim_events_remove(&hw->events, &hw->slot[i].abort);
	}
	sim_events_remove(&hw->events, &hw->reset);
}

/*
 * Drop whatever is under way or waits to be read, except what is late or
 * spurious: the cause of an old reset would end the next reset.
 */
static void sim_hw_drop_all(struct sim_hw *hw)
{
	unsigned int i;

	sim_hw_drop(hw);
	sim_events_drop_posted(&hw->events);
	if (!hw->events.nr_posted)
		hw->raised = false;
	for (i = 0; i < hw->state.slots; i++)
		sim_hw_end_operation(hw, &hw->slot[i]);
	hw->resetting = false;
}

/*
 * The device went away before it did the operations. Drop their late interrupts,
 * which would report the operations as done.
 */
static void sim_hw_forget(struct sim_hw *hw)
{
	struct sim_event *event, *next;

	for (event = sim_events_first(&hw->events); event; event = next) {
		next = sim_events_next(event);
		if (event->late && event->tag == hw->slot[event->slot].tag)
			sim_events_remove(&hw->events, event);
	}
}

/* Post an event's cause. If too many wait, the cause is lost. */
static void sim_hw_post(struct sim_hw *hw, const struct sim_event *event)
{
	if (!sim_events_post(&hw->events, event) &&
	    event->code == SIM_HW_CAUSE_NONE)
		hw->has_spurious = false;
}

static void sim_hw_loop_back(struct sim_hw_slot *slot,
			     const struct sim_event *event)
{
	memcpy(slot->out, slot->in, event->length);
	slot->out_length = event->length;
	if (event->corrupt)
		slot->out[event->wrong_bit / 8] ^= 1 << event->wrong_bit % 8;
}

/* An event is due: change the device's state. */
static void sim_hw_take_effect(struct sim_hw *hw,
			       const struct sim_event *event)
{
	struct sim_hw_slot *slot = &hw->slot[event->slot];
	bool is_current = slot->busy && event->tag == slot->tag;

	switch (event->code) {
	case SIM_HW_CAUSE_RESET:
		hw->resetting = false;
		break;
	case SIM_HW_CAUSE_ABORT:
		if (is_current)		/* else it is done already */
			sim_hw_end_operation(hw, slot);
		break;
	case SIM_HW_CAUSE_DONE:
	case SIM_HW_CAUSE_ERROR:
		if (!is_current)
			break;		/* late: of an earlier operation */
		sim_hw_end_operation(hw, slot);
		if (event->code == SIM_HW_CAUSE_DONE)
			sim_hw_loop_back(slot, event);
		break;
	}
}

/* The caller raises the interrupt, unless it was raised before. */
static void sim_hw_mark_raised(struct sim_hw *hw)
{
	if (hw->raised)
		return;
	hw->raised = true;
	hw->raised_at = jiffies;
}

/* An event is due, and in no tree: post its cause. */
static void sim_hw_fire(struct sim_hw *hw, const struct sim_event *event)
{
	sim_hw_take_effect(hw, event);
	sim_hw_post(hw, event);
	if (event->twice)
		sim_hw_post(hw, event);
	if (!event->lost)
		sim_hw_mark_raised(hw);
}

/*
 * Process all events that are due, and arm the timer for the next one. Return
 * true if the caller is to raise the interrupt.
 */
static bool sim_hw_process_due(struct sim_hw *hw, ktime_t now)
{
	bool was_raised = hw->raised;
	struct sim_event *first;

	while ((first = sim_events_first(&hw->events)) &&
	       ktime_compare(first->due, now) <= 0) {
		struct sim_event event = *first;

		sim_events_remove(&hw->events, first);
		sim_hw_fire(hw, &event);
	}
	if (first)
		hrtimer_start(&hw->timer, first->due, HRTIMER_MODE_ABS_HARD);
	return hw->raised && !was_raised;
}

/* The interrupt */

/*
 * Raise the interrupt as soon as possible. User-mode Linux has no interrupt for
 * irq_works: there they wait for the next jiffy, and a timer is faster.
 */
static void sim_hw_raise(struct sim_hw *hw)
{
	sim_hw_mark_raised(hw);
	if (IS_ENABLED(CONFIG_UML))
		hrtimer_start(&hw->irq_timer, 0, HRTIMER_MODE_ABS_HARD);
	else
		irq_work_queue(&hw->irq_work);
}

/*
 * A cause may wait that raised no interrupt, or whose interrupt the system lost: raise
 * it. An interrupt less than a second old may be on its way to a handler that waits for
 * a lock, which the caller holds: a second one would find no cause.
 */
static void sim_hw_raise_again(struct sim_hw *hw)
{
	if (!hw->events.nr_posted)
		return;
	if (hw->raised && time_before(jiffies, hw->raised_at + HZ))
		return;
	hw->raised = false;
	sim_hw_raise(hw);
}

/*
 * The event is due now. If the tree is empty, do without it: at latency 0 a tree
 * costs more than the driver's time-out. Return false if the tree is needed.
 */
static bool sim_hw_fire_at_once(struct sim_hw *hw, struct sim_event *event)
{
	bool was_raised = hw->raised;

	if (event->late || sim_events_first(&hw->events))
		return false;
	RB_CLEAR_NODE(&event->node);
	sim_hw_fire(hw, event);
	if (hw->raised && !was_raised)
		sim_hw_raise(hw);
	return true;
}

/* Put an event into the tree, due in @us microseconds. */
static void sim_hw_queue(struct sim_hw *hw, struct sim_event *event,
			 unsigned int us)
{
	ktime_t now;

	if (!us && sim_hw_fire_at_once(hw, event))
		return;
	now = ktime_get();
	event->due = ktime_add_us(now, us);
	sim_events_add(&hw->events, event);
	if (sim_hw_process_due(hw, now))
		sim_hw_raise(hw);
}

/* Take one of the pending faults of this kind, if there is one. */
static bool sim_hw_take_fault(struct sim_hw *hw, enum sim_hw_fault fault)
{
	if (!hw->rules.pending[fault])
		return false;
	hw->rules.pending[fault]--;
	return true;
}

/* Call the handler, unless the driver has read the cause meanwhile. */
static void sim_hw_interrupt(struct sim_hw *hw)
{
	unsigned long flags;
	bool raised;

	raw_spin_lock_irqsave(&hw->lock, flags);
	raised = hw->raised;
	raw_spin_unlock_irqrestore(&hw->lock, flags);
	if (raised)
		generic_handle_irq(hw->irq);
}

static enum hrtimer_restart sim_hw_timer(struct hrtimer *timer)
{
	struct sim_hw *hw = container_of(timer, struct sim_hw, timer);
	unsigned long flags;
	bool raise;

	raw_spin_lock_irqsave(&hw->lock, flags);
	raise = sim_hw_process_due(hw, ktime_get());
	raw_spin_unlock_irqrestore(&hw->lock, flags);
	if (raise)
		generic_handle_irq(hw->irq);
	return HRTIMER_NORESTART;
}

static void sim_hw_irq_work(struct irq_work *work)
{
	sim_hw_interrupt(container_of(work, struct sim_hw, irq_work));
}

static enum hrtimer_restart sim_hw_irq_timer(struct hrtimer *timer)
{
	sim_hw_interrupt(container_of(timer, struct sim_hw, irq_timer));
	return HRTIMER_NORESTART;
}

/* Commands */

/*
 * Queue a spurious interrupt, if one is pending and none is under way. The next
 * comes a millisecond after the driver has read the cause, so that the CPU can
 * do other work even during a million spurious interrupts.
 */
static void sim_hw_next_spurious(struct sim_hw *hw, unsigned int ms)
{
	if (hw->has_spurious || !sim_hw_take_fault(hw, SIM_HW_SPURIOUS))
		return;
	hw->has_spurious = true;
	hw->spurious = (struct sim_event){
		.code = SIM_HW_CAUSE_NONE,
		.tag = hw->tag,
	};
	sim_hw_queue(hw, &hw->spurious, ms * USEC_PER_MSEC);
}

/* Begin @count interrupts without cause; they replace those that are left. */
static void sim_hw_begin_spurious(struct sim_hw *hw, enum sim_hw_fault fault,
				  unsigned int count)
{
	hw->rules.pending[fault] = count;
	if (fault == SIM_HW_SPURIOUS)
		sim_hw_next_spurious(hw, 0);
	else if (sim_hw_take_fault(hw, fault))
		sim_hw_raise(hw);
}

/* The device goes away, and forgets what is under way. */
static void sim_hw_leave(struct sim_hw *hw)
{
	hw->state.gone = true;
	sim_hw_drop_all(hw);
	sim_hw_forget(hw);
}

/*
 * Let a fault strike an operation: change @end, the event that ends the operation,
 * and @us, the microseconds until then. @arg is the number behind the fault's name.
 * Return false if the operation never ends.
 */
static bool sim_hw_strike(struct sim_hw *hw, enum sim_hw_fault fault,
			  unsigned int arg, struct sim_event *end,
			  unsigned int *us)
{
	switch (fault) {
	case SIM_HW_HANG:
		return false;
	case SIM_HW_LATE:
		end->late = true;
		*us = arg * USEC_PER_MSEC;
		break;
	case SIM_HW_ERROR:
		end->code = SIM_HW_CAUSE_ERROR;
		end->length = 0;
		break;
	case SIM_HW_LOST:
		end->lost = true;
		break;
	case SIM_HW_DUPLICATE:
		end->twice = true;
		break;
	case SIM_HW_CORRUPT:
		end->corrupt = end->length;
		if (end->corrupt)
			end->wrong_bit = sim_rules_random(&hw->rules, 0,
							  end->length * 8 - 1);
		break;
	case SIM_HW_SHORT:
		end->length = end->length < 2 ? 0 :
			      sim_rules_random(&hw->rules, 1, end->length - 1);
		break;
	case SIM_HW_SPURIOUS:
	case SIM_HW_STORM:
		sim_hw_begin_spurious(hw, fault, arg);
		break;
	case SIM_HW_DEAD:
		hw->state.dead = true;
		sim_hw_drop(hw);
		return false;
	case SIM_HW_GONE:
		sim_hw_leave(hw);
		return false;
	default:
		break;
	}
	return true;
}

/* Begin an operation; drop the one under way. At most one fault strikes. */
static void sim_hw_begin(struct sim_hw *hw, unsigned int nr)
{
	struct sim_hw_slot *slot = &hw->slot[nr];
	struct sim_event *event = &slot->op;
	struct sim_event end = {
		.code = SIM_HW_CAUSE_DONE,
		.slot = nr,
		.tag = slot->tag,
		.length = slot->length,
	};
	unsigned int arg = hw->state.ms[SIM_HW_LATE_AFTER];
	enum sim_hw_fault fault;
	unsigned int us;

	sim_hw_end_operation(hw, slot);
	sim_events_remove(&hw->events, &hw->reset);
	hw->resetting = false;
	slot->busy = true;
	hw->nr_busy++;
	if (hw->state.dead)
		return;
	us = sim_rules_random(&hw->rules,
			      hw->state.ms[SIM_HW_LATENCY] * USEC_PER_MSEC,
			      hw->state.ms[SIM_HW_MAX_LATENCY] * USEC_PER_MSEC);
	fault = sim_rules_strike(&hw->rules, SIM_RULES_OPERATION, nr,
				 slot->length, &arg);
	if (!sim_hw_strike(hw, fault, arg, &end, &us))
		return;
	if (end.late)
		event = sim_events_get_late(&hw->events);
	if (!event)
		return;
	*event = end;
	sim_hw_queue(hw, event, us);
}

/* Begin an abort; it replaces the one under way in the slot. */
static void sim_hw_begin_abort(struct sim_hw *hw, unsigned int nr, u32 tag)
{
	struct sim_event *event = &hw->slot[nr].abort;

	sim_events_remove(&hw->events, event);
	if (hw->state.dead ||
	    sim_rules_strike(&hw->rules, SIM_RULES_ABORT, 0, 0, NULL) == SIM_HW_ABORT_HANG)
		return;
	*event = (struct sim_event){
		.code = SIM_HW_CAUSE_ABORT,
		.slot = nr,
		.tag = tag,
	};
	sim_hw_queue(hw, event, hw->state.ms[SIM_HW_RESET_LATENCY] * USEC_PER_MSEC);
}

/* Begin a reset. It may hang, or end without an interrupt. */
static void sim_hw_begin_reset(struct sim_hw *hw)
{
	enum sim_hw_fault fault;

	hw->resetting = true;
	if (hw->state.dead)
		return;
	fault = sim_rules_strike(&hw->rules, SIM_RULES_RESET, 0, 0, NULL);
	if (fault == SIM_HW_RESET_HANG)
		return;
	hw->reset = (struct sim_event){
		.code = SIM_HW_CAUSE_RESET,
		.tag = hw->tag,
		.lost = fault == SIM_HW_RESET_LOST,
	};
	sim_hw_queue(hw, &hw->reset, hw->state.ms[SIM_HW_RESET_LATENCY] * USEC_PER_MSEC);
}

/*
 * Take the first cause. Raise the interrupt again if another cause waits, or
 * for a storm. A storm raises one interrupt for each read: if it did not wait
 * for the read, it would starve a threaded handler, and the kernel would
 * disable the line.
 */
static u64 sim_hw_take_cause(struct sim_hw *hw)
{
	u64 cause = SIM_HW_CAUSE_NONE;

	hw->raised = false;
	if (hw->events.nr_posted) {
		cause = sim_events_read(&hw->events);
		if (SIM_HW_CAUSE_CODE(cause) == SIM_HW_CAUSE_NONE)
			hw->has_spurious = false;
	}
	if (hw->events.nr_posted || sim_hw_take_fault(hw, SIM_HW_STORM))
		sim_hw_raise(hw);
	sim_hw_next_spurious(hw, 1);
	return cause;
}

static u32 sim_hw_status(const struct sim_hw *hw)
{
	return (hw->nr_busy ? SIM_HW_STATUS_BUSY : 0) |
	       (hw->resetting ? SIM_HW_STATUS_RESETTING : 0) |
	       (hw->events.nr_posted ? SIM_HW_STATUS_IRQ : 0);
}

/*
 * Does the device respond? An access without power is a bug in the driver. Not
 * inlined: since Linux 7 each inlined copy of WARN_ONCE() warns once.
 */
static noinline bool sim_hw_responds(struct sim_hw *hw)
{
	WARN_ONCE(hw->off, "sim_hw: touched without power\n");
	return !hw->off && !hw->state.gone;
}

/* Does the device respond, and has it this slot? */
static bool sim_hw_slot_responds(struct sim_hw *hw, unsigned int slot)
{
	return sim_hw_responds(hw) && slot < hw->state.slots;
}

/**
 * sim_hw_start - start an operation
 * @hw: the device
 * @slot: where; if the device does not have this slot, nothing happens
 * @tag: the operation's tag
 * @data: what the operation loops back
 * @len: bytes, at most SIM_HW_BUFFER_SIZE
 *
 * Models a doorbell that takes the tag and the data in one transaction. Drops
 * the slot's operation under way, if there is one, and a reset under way.
 *
 * Context: any but NMI.
 */
void sim_hw_start(struct sim_hw *hw, unsigned int slot, u32 tag,
		  const void *data, size_t len)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&hw->lock, flags);
	if (sim_hw_slot_responds(hw, slot)) {
		struct sim_hw_slot *s = &hw->slot[slot];

		sim_hw_raise_again(hw);
		hw->tag = tag;
		s->tag = tag;
		s->length = min_t(size_t, len, SIM_HW_BUFFER_SIZE);
		memcpy(s->in, data, s->length);
		sim_hw_begin(hw, slot);
	}
	raw_spin_unlock_irqrestore(&hw->lock, flags);
}

/**
 * sim_hw_abort - start to abort an operation
 * @hw: the device
 * @slot: where the operation was started
 * @tag: the operation's tag
 *
 * An abort takes as long as a reset. Then the slot's operation ends, if it is still
 * under way and has this tag. SIM_HW_CAUSE_ABORT is posted even if the operation was
 * done before. A late interrupt of the operation still comes. An abort replaces the
 * one under way in the same slot.
 *
 * Context: any but NMI.
 */
void sim_hw_abort(struct sim_hw *hw, unsigned int slot, u32 tag)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&hw->lock, flags);
	if (sim_hw_slot_responds(hw, slot)) {
		sim_hw_raise_again(hw);
		sim_hw_begin_abort(hw, slot, tag);
	}
	raw_spin_unlock_irqrestore(&hw->lock, flags);
}

/**
 * sim_hw_reset - start a reset
 * @hw: the device
 *
 * Drops the operations and aborts under way and the causes that wait to be read,
 * except late and spurious ones. A reset that is under way starts over.
 *
 * Context: any but NMI.
 */
void sim_hw_reset(struct sim_hw *hw)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&hw->lock, flags);
	if (sim_hw_responds(hw)) {
		sim_hw_drop_all(hw);
		sim_hw_raise_again(hw);
		sim_hw_begin_reset(hw);
	}
	raw_spin_unlock_irqrestore(&hw->lock, flags);
}

static u64 sim_hw_read_register(struct sim_hw *hw, enum sim_hw_reg reg)
{
	switch (reg) {
	case SIM_HW_SLOTS:
		return hw->state.slots;
	case SIM_HW_STATUS:
		return sim_hw_status(hw);
	case SIM_HW_CAUSE:
		return sim_hw_take_cause(hw);
	}
	return SIM_HW_ALL_ONES;
}

/**
 * sim_hw_read - read a register
 * @hw: the device
 * @reg: the register
 *
 * Context: any but NMI.
 * Return: its value; SIM_HW_ALL_ONES if the device is gone or has no power.
 */
u64 sim_hw_read(struct sim_hw *hw, enum sim_hw_reg reg)
{
	unsigned long flags;
	u64 value = SIM_HW_ALL_ONES;

	raw_spin_lock_irqsave(&hw->lock, flags);
	if (sim_hw_responds(hw))
		value = sim_hw_read_register(hw, reg);
	raw_spin_unlock_irqrestore(&hw->lock, flags);
	return value;
}

/**
 * sim_hw_read_tag - read the tag of the last operation started in a slot
 * @hw: the device
 * @slot: the slot
 *
 * Context: any but NMI.
 * Return: the tag, 0 if none was started; SIM_HW_ALL_ONES if the device is gone,
 * has no power, or does not have the slot.
 */
u64 sim_hw_read_tag(struct sim_hw *hw, unsigned int slot)
{
	unsigned long flags;
	u64 value = SIM_HW_ALL_ONES;

	raw_spin_lock_irqsave(&hw->lock, flags);
	if (sim_hw_slot_responds(hw, slot))
		value = hw->slot[slot].tag;
	raw_spin_unlock_irqrestore(&hw->lock, flags);
	return value;
}

/**
 * sim_hw_read_buffer - read what a slot's last operation looped back
 * @hw: the device
 * @slot: the slot
 * @data: where to
 * @len: bytes, at most SIM_HW_BUFFER_SIZE; bytes that the operation did not loop
 *	back read as 0. If the device does not respond, all are 0xff
 *
 * Context: any but NMI.
 */
void sim_hw_read_buffer(struct sim_hw *hw, unsigned int slot, void *data,
			size_t len)
{
	unsigned long flags;

	len = min_t(size_t, len, SIM_HW_BUFFER_SIZE);
	raw_spin_lock_irqsave(&hw->lock, flags);
	if (sim_hw_slot_responds(hw, slot)) {
		const struct sim_hw_slot *s = &hw->slot[slot];
		size_t copy = min_t(size_t, len, s->out_length);

		memcpy(data, s->out, copy);
		memset(data + copy, 0, len - copy);
	} else {
		memset(data, 0xff, len);
	}
	raw_spin_unlock_irqrestore(&hw->lock, flags);
}

/**
 * sim_hw_inject - make the next operations, resets or aborts go wrong
 * @hw: the device
 * @fault: how
 * @count: how many, at most SIM_HW_MAX_FAULTS; replaces the number that was
 *	pending
 *
 * Context: any but NMI.
 */
void sim_hw_inject(struct sim_hw *hw, enum sim_hw_fault fault,
		   unsigned int count)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&hw->lock, flags);
	if (fault == SIM_HW_SPURIOUS || fault == SIM_HW_STORM)
		sim_hw_begin_spurious(hw, fault, count);
	else
		hw->rules.pending[fault] = count;
	raw_spin_unlock_irqrestore(&hw->lock, flags);
}

/**
 * sim_hw_add_rule - let a fault strike by a rule
 * @hw: the device
 * @rule: the rule, see sim_rules_parse(); tried after the earlier rules, and before
 *	the faults of sim_hw_inject()
 *
 * Context: any but NMI.
 * Return: 0, or -ENOSPC, see sim_rules_add().
 */
int sim_hw_add_rule(struct sim_hw *hw, const struct sim_rule *rule)
{
	unsigned long flags;
	int err;

	raw_spin_lock_irqsave(&hw->lock, flags);
	err = sim_rules_add(&hw->rules, rule);
	raw_spin_unlock_irqrestore(&hw->lock, flags);
	return err;
}

/**
 * sim_hw_drop_rule - drop a rule
 * @hw: the device
 * @number: the rule's number
 *
 * Context: any but NMI.
 * Return: 0, or -ENOENT if there is none of this number.
 */
int sim_hw_drop_rule(struct sim_hw *hw, u32 number)
{
	unsigned long flags;
	int err;

	raw_spin_lock_irqsave(&hw->lock, flags);
	err = sim_rules_drop(&hw->rules, number);
	raw_spin_unlock_irqrestore(&hw->lock, flags);
	return err;
}

/**
 * sim_hw_get_rules - get the rules
 * @hw: the device
 * @rules: filled in
 *
 * Context: any but NMI.
 */
void sim_hw_get_rules(struct sim_hw *hw, struct sim_rules *rules)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&hw->lock, flags);
	*rules = hw->rules;
	raw_spin_unlock_irqrestore(&hw->lock, flags);
}

/**
 * sim_hw_seed - begin the random numbers of latencies and rules
 * @hw: the device
 * @seed: where they begin
 *
 * Context: any but NMI.
 */
void sim_hw_seed(struct sim_hw *hw, u32 seed)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&hw->lock, flags);
	sim_rules_seed(&hw->rules, seed);
	raw_spin_unlock_irqrestore(&hw->lock, flags);
}

/**
 * sim_hw_set_range - set how long something takes
 * @hw: the device
 * @what: what
 * @min_ms: the shortest time in milliseconds, for what is started from now on
 * @max_ms: the longest time, @min_ms to SIM_HW_MAX_MS. Each operation takes a random
 *	time between the two; for anything but operations they are the same
 *
 * Context: any but NMI.
 */
void sim_hw_set_range(struct sim_hw *hw, enum sim_hw_ms what,
		      unsigned int min_ms, unsigned int max_ms)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&hw->lock, flags);
	hw->state.ms[what] = min_ms;
	if (what == SIM_HW_LATENCY)
		hw->state.ms[SIM_HW_MAX_LATENCY] = max_ms;
	raw_spin_unlock_irqrestore(&hw->lock, flags);
}

/**
 * sim_hw_set_dead - let the device die, or revive it
 * @hw: the device
 * @dead: true: all operations, resets and aborts hang, also those under way;
 *	false: what is started from now on works
 *
 * Late and spurious interrupts that are under way still come.
 *
 * Context: any but NMI.
 */
void sim_hw_set_dead(struct sim_hw *hw, bool dead)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&hw->lock, flags);
	hw->state.dead = dead;
	if (dead)
		sim_hw_drop(hw);
	raw_spin_unlock_irqrestore(&hw->lock, flags);
}

/*
 * The device is back, or has power again. A handler that ran meanwhile could not
 * read the causes that wait: raise the interrupt for them.
 */
static void sim_hw_return(struct sim_hw *hw)
{
	hw->raised = false;
	if (hw->events.nr_posted || sim_hw_take_fault(hw, SIM_HW_STORM))
		sim_hw_raise(hw);
}

/**
 * sim_hw_set_gone - take the device out of its socket, or put it back
 * @hw: the device
 * @gone: true: the device forgets what is under way and the causes that
 *	wait to be read, its registers read as SIM_HW_ALL_ONES, and
 *	it does not respond; false: what is started from now on works
 *
 * Late interrupts of earlier operations, and spurious ones, still come.
 *
 * Context: any but NMI.
 */
void sim_hw_set_gone(struct sim_hw *hw, bool gone)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&hw->lock, flags);
	if (gone) {
		sim_hw_leave(hw);
	} else {
		hw->state.gone = false;
		sim_hw_return(hw);
	}
	raw_spin_unlock_irqrestore(&hw->lock, flags);
}

/**
 * sim_hw_set_power - switch the device's power
 * @hw: the device
 * @on: false: as sim_hw_set_gone(), but late interrupts of the operations under
 *	way still come, and the first access warns; true: what is started from
 *	now on works
 *
 * Context: any but NMI.
 */
void sim_hw_set_power(struct sim_hw *hw, bool on)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&hw->lock, flags);
	hw->off = !on;
	if (!on)
		sim_hw_drop_all(hw);
	else
		sim_hw_return(hw);
	raw_spin_unlock_irqrestore(&hw->lock, flags);
}

/**
 * sim_hw_clear - drop all rules and pending faults
 * @hw: the device
 *
 * A dead device stays dead. A late interrupt that is under way still comes.
 *
 * Context: any but NMI.
 */
void sim_hw_clear(struct sim_hw *hw)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&hw->lock, flags);
	sim_rules_clear(&hw->rules);
	raw_spin_unlock_irqrestore(&hw->lock, flags);
}

/**
 * sim_hw_get_state - get the faults and latencies
 * @hw: the device
 * @state: filled in
 *
 * Context: any but NMI.
 */
void sim_hw_get_state(struct sim_hw *hw, struct sim_hw_state *state)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&hw->lock, flags);
	*state = hw->state;
	memcpy(state->pending, hw->rules.pending, sizeof(state->pending));
	raw_spin_unlock_irqrestore(&hw->lock, flags);
}

/**
 * sim_hw_irq - the device's interrupt
 * @hw: the device
 *
 * Context: any.
 * Return: a Linux interrupt number.
 */
int sim_hw_irq(const struct sim_hw *hw)
{
	return hw->irq;
}

/* Everything but the interrupt. */
static void sim_hw_init(struct sim_hw *hw, unsigned int slots)
{
	unsigned int i;

	raw_spin_lock_init(&hw->lock);
	hrtimer_setup(&hw->timer, sim_hw_timer, CLOCK_MONOTONIC,
		      HRTIMER_MODE_ABS_HARD);
	hrtimer_setup(&hw->irq_timer, sim_hw_irq_timer, CLOCK_MONOTONIC,
		      HRTIMER_MODE_ABS_HARD);
	hw->irq_work = IRQ_WORK_INIT_HARD(sim_hw_irq_work);
	sim_events_init(&hw->events);
	RB_CLEAR_NODE(&hw->reset.node);
	RB_CLEAR_NODE(&hw->spurious.node);
	sim_rules_seed(&hw->rules, SIM_RULES_SEED);
	hw->state.slots = slots;
	for (i = 0; i < slots; i++) {
		RB_CLEAR_NODE(&hw->slot[i].op.node);
		RB_CLEAR_NODE(&hw->slot[i].abort.node);
	}
}

/**
 * sim_hw_create - make a device
 * @slots: how many operations it does at a time, 1 to SIM_HW_MAX_SLOTS
 * @latency_ms: milliseconds that an operation takes
 * @reset_latency_ms: milliseconds that a reset takes, or an abort
 *
 * Context: process, may sleep.
 * Return: the device, with a reference, or an ERR_PTR: -EINVAL for a bad number of slots, -ENOMEM,
 * or the error of __irq_alloc_descs().
 */
struct sim_hw *sim_hw_create(unsigned int slots, unsigned int latency_ms,
			     unsigned int reset_latency_ms)
{
	struct sim_hw *hw;

	if (!slots || slots > SIM_HW_MAX_SLOTS)
		return ERR_PTR(-EINVAL);
	hw = kvzalloc(struct_size(hw, slot, slots), GFP_KERNEL);
	if (!hw)
		return ERR_PTR(-ENOMEM);

	/*
	 * Not irq_alloc_desc(), which would make this module the interrupt's
	 * owner: a driver in the same module would pin itself by requesting
	 * it. From 1 on, because 0 means "none" to platform devices.
	 */
	hw->irq = __irq_alloc_descs(-1, 1, 1, NUMA_NO_NODE, NULL, NULL);
	if (hw->irq < 0) {
		int err = hw->irq;

		kvfree(hw);
		return ERR_PTR(err);
	}
	sim_hw_init(hw, slots);
	kref_init(&hw->ref);
	hw->state.ms[SIM_HW_LATENCY] = latency_ms;
	hw->state.ms[SIM_HW_MAX_LATENCY] = latency_ms;
	hw->state.ms[SIM_HW_RESET_LATENCY] = reset_latency_ms;
	/*
	 * An edge: if one comes while another CPU is still in the handler,
	 * the handler runs once more. handle_simple_irq() would drop it.
	 */
	irq_set_chip_and_handler(hw->irq, &dummy_irq_chip, handle_edge_irq);
	irq_clear_status_flags(hw->irq, IRQ_NOREQUEST);
	return hw;
}

static void sim_hw_free(struct kref *ref)
{
	struct sim_hw *hw = container_of(ref, struct sim_hw, ref);

	hrtimer_cancel(&hw->timer);
	hrtimer_cancel(&hw->irq_timer);
	irq_work_sync(&hw->irq_work);
	irq_free_descs(hw->irq, 1);
	kvfree(hw);
}

/**
 * sim_hw_get - take another reference to a device
 * @hw: the device
 *
 * Context: any.
 * Return: @hw.
 */
struct sim_hw *sim_hw_get(struct sim_hw *hw)
{
	kref_get(&hw->ref);
	return hw;
}

/**
 * sim_hw_put - drop a reference to a device
 * @hw: the device, freed with the last reference; its interrupt must have been
 *	freed by then
 *
 * Context: process, may sleep.
 */
void sim_hw_put(struct sim_hw *hw)
{
	kref_put(&hw->ref, sim_hw_free);
}
