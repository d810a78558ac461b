// SPDX-License-Identifier: GPL-2.0-only
/*
 * sim_hw - the hardware model: a device that loops data back
 *
 * Whatever the device will signal is an event with a due time: the end of an
 * operation, late or not, of an abort, of a reset, a spurious interrupt. A tree
 * holds the events that are not due, sorted by due time, and one hrtimer is
 * armed for the first.
 *
 * When an event is due it takes effect, and its cause is put behind those that
 * wait to be read. The event raises the interrupt, unless the interrupt is
 * raised already or the fault "lost" hit the event. Reading a cause lowers the
 * interrupt, and raises it again if more causes wait.
 *
 * Each slot has one event for its operation, and one for its abort. A late
 * operation uses an event of a pool instead, which outlives the operation: only
 * the event's tag tells whether it is about what the slot does now.
 *
 * A fault is an event that is not queued (hang), that nothing removes from the
 * tree (late), whose cause is posted twice (duplicate), or that raises no
 * interrupt (lost).
 *
 * The interrupt is a Linux interrupt number without a controller. The hrtimer
 * raises it, or an irq_work for an event that is due at once, so that the
 * driver's handler runs in hard interrupt context like any other.
 */
#include <linux/bug.h>
#include <linux/hrtimer.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/irq_work.h>
#include <linux/irqdesc.h>
#include <linux/ktime.h>
#include <linux/overflow.h>
#include <linux/rbtree.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "compat.h"
#include "sim_hw.h"

/*
 * Late operations of which no interrupt has come yet. When this many are under
 * way, the next one hangs. A driver with one slot that times out operations
 * cannot have more: it causes at most one a second, and the latest comes after
 * 600 s.
 */
#define SIM_HW_MAX_LATE		1024

/**
 * struct sim_hw_event - what the device will signal
 * @node: entry in sim_hw.events, or empty
 * @next: entry in sim_hw.free_late, of an event in the pool that is not in use
 * @due: when
 * @tag: the tag for the cause
 * @length: how many bytes an operation loops back
 * @slot: the slot for the cause
 * @code: a SIM_HW_CAUSE_* value
 * @late: from the pool; neither a reset nor a start drops the event
 * @lost: the event raises no interrupt
 * @twice: the cause is posted twice
 */
struct sim_hw_event {
	union {
		struct rb_node node;
		struct sim_hw_event *next;
	};
	ktime_t due;
	u32 tag;
	u16 length;
	u8 slot;
	u8 code;
	bool late;
	bool lost;
	bool twice;
};

/**
 * struct sim_hw_posted - a cause that waits to be read
 * @cause: as SIM_HW_CAUSE reads
 * @stays: a reset does not drop the cause: it is late or spurious
 */
struct sim_hw_posted {
	u64 cause;
	bool stays;
};

/**
 * struct sim_hw_slot - what does one operation at a time
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
	struct sim_hw_event op;
	struct sim_hw_event abort;
	bool busy;
	u32 tag;
	u16 length;
	u16 out_length;
	u8 in[SIM_HW_BUFFER_SIZE];
	u8 out[SIM_HW_BUFFER_SIZE];
};

/**
 * struct sim_hw - a device
 * @lock: protects all that follows; raw, because the hrtimer runs in hard
 *	interrupt context on PREEMPT_RT as well
 * @timer: armed for the first event of @events
 * @irq_work: raises the interrupt
 * @irq_timer: raises the interrupt where irq_works are slow, see sim_hw_raise()
 * @irq: the interrupt's number
 * @resetting: a reset is under way
 * @raised: the interrupt was raised, and no cause was read since
 * @off: there is no power
 * @has_spurious: a spurious interrupt is in @events or @posted
 * @tag: tag of the last operation started in any slot
 * @state: faults and latencies
 * @events: what is not due, sorted by due time
 * @reset: the end of a reset
 * @spurious: the next spurious interrupt
 * @free_late: events of @late that are not in use
 * @late: the pool of late operations' events
 * @first_posted: index in @posted of the cause that the register shows
 * @nr_posted: how many causes wait to be read
 * @posted: a ring of the causes that wait to be read
 * @nr_busy: how many slots are busy
 * @nr_slots: how many slots there are
 * @slot: the slots
 */
struct sim_hw {
	raw_spinlock_t lock;
	struct hrtimer timer;
	struct irq_work irq_work;
	struct hrtimer irq_timer;
	int irq;
	bool resetting;
	bool raised;
	bool off;
	bool has_spurious;
	u32 tag;
	struct sim_hw_state state;
	struct rb_root_cached events;
	struct sim_hw_event reset;
	struct sim_hw_event spurious;
	struct sim_hw_event *free_late;
	struct sim_hw_event late[SIM_HW_MAX_LATE];
	unsigned int first_posted;
	unsigned int nr_posted;
	struct sim_hw_posted posted[SIM_HW_MAX_CAUSES];
	unsigned int nr_busy;
	unsigned int nr_slots;
	struct sim_hw_slot slot[];
};

/* Events */

static struct sim_hw_event *sim_hw_event_of(struct rb_node *node)
{
	return rb_entry_safe(node, struct sim_hw_event, node);
}

static bool sim_hw_is_before(struct rb_node *a, const struct rb_node *b)
{
	return ktime_before(rb_entry(a, struct sim_hw_event, node)->due,
			    rb_entry(b, struct sim_hw_event, node)->due);
}

static struct sim_hw_event *sim_hw_first_event(struct sim_hw *hw)
{
	return sim_hw_event_of(rb_first_cached(&hw->events));
}

/* Take an event out of the tree, if it is there. */
static void sim_hw_remove(struct sim_hw *hw, struct sim_hw_event *event)
{
	if (RB_EMPTY_NODE(&event->node))
		return;
	rb_erase_cached(&event->node, &hw->events);
	RB_CLEAR_NODE(&event->node);
	if (event->late) {
		event->next = hw->free_late;
		hw->free_late = event;
	}
}

/* An unused event of the pool; NULL if there is none. */
static struct sim_hw_event *sim_hw_get_late(struct sim_hw *hw)
{
	struct sim_hw_event *event = hw->free_late;

	if (event)
		hw->free_late = event->next;
	return event;
}

/* Drop the operation under way in a slot. */
static void sim_hw_end_operation(struct sim_hw *hw, struct sim_hw_slot *slot)
{
	sim_hw_remove(hw, &slot->op);
	hw->nr_busy -= slot->busy;
	slot->busy = false;
}

/* Drop all events, except late and spurious ones. */
static void sim_hw_drop(struct sim_hw *hw)
{
	unsigned int i;

	for (i = 0; i < hw->nr_slots; i++) {
		sim_hw_remove(hw, &hw->slot[i].op);
		sim_hw_remove(hw, &hw->slot[i].abort);
	}
	sim_hw_remove(hw, &hw->reset);
}

/* Drop the causes that wait, except late and spurious ones. */
static void sim_hw_drop_posted(struct sim_hw *hw)
{
	unsigned int i, stay = 0;

	for (i = 0; i < hw->nr_posted; i++) {
		unsigned int from = (hw->first_posted + i) % SIM_HW_MAX_CAUSES;
		unsigned int to = (hw->first_posted + stay) % SIM_HW_MAX_CAUSES;

		if (!hw->posted[from].stays)
			continue;
		hw->posted[to] = hw->posted[from];
		stay++;
	}
	hw->nr_posted = stay;
}

/*
 * Drop whatever is under way or waits to be read, except what is late or
 * spurious: the cause of an old reset would end the next reset.
 */
static void sim_hw_drop_all(struct sim_hw *hw)
{
	unsigned int i;

	sim_hw_drop(hw);
	sim_hw_drop_posted(hw);
	if (!hw->nr_posted)
		hw->raised = false;
	for (i = 0; i < hw->nr_slots; i++)
		sim_hw_end_operation(hw, &hw->slot[i]);
	hw->resetting = false;
}

/*
 * The device went away before it did the operations. Drop their late interrupts,
 * which would report the operations as done.
 */
static void sim_hw_forget(struct sim_hw *hw)
{
	struct sim_hw_event *event, *next;

	for (event = sim_hw_first_event(hw); event; event = next) {
		next = sim_hw_event_of(rb_next(&event->node));
		if (event->late && event->tag == hw->slot[event->slot].tag)
			sim_hw_remove(hw, event);
	}
}

/* Put a cause behind those that wait. If too many wait, the cause is lost. */
static void sim_hw_post(struct sim_hw *hw, const struct sim_hw_event *event)
{
	struct sim_hw_posted *posted;

	if (hw->nr_posted == SIM_HW_MAX_CAUSES) {
		if (event->code == SIM_HW_CAUSE_NONE)
			hw->has_spurious = false;
		return;
	}
	posted = &hw->posted[(hw->first_posted + hw->nr_posted++) %
			     SIM_HW_MAX_CAUSES];
	posted->cause = (u64)event->tag << 32 | (u32)event->length << 16 |
			event->slot << 8 | event->code;
	posted->stays = event->late || event->code == SIM_HW_CAUSE_NONE;
}

/* An event is due: change the device's state. */
static void sim_hw_take_effect(struct sim_hw *hw,
			       const struct sim_hw_event *event)
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
		if (event->code == SIM_HW_CAUSE_DONE) {
			memcpy(slot->out, slot->in, event->length);
			slot->out_length = event->length;
		}
		break;
	}
}

/*
 * Process all events that are due, and arm the timer for the next one. Return
 * true if the caller is to raise the interrupt.
 */
static bool sim_hw_process_due(struct sim_hw *hw, ktime_t now)
{
	bool was_raised = hw->raised;
	struct sim_hw_event *first;

	while ((first = sim_hw_first_event(hw)) &&
	       ktime_compare(first->due, now) <= 0) {
		struct sim_hw_event event = *first;

		sim_hw_remove(hw, first);
		sim_hw_take_effect(hw, &event);
		sim_hw_post(hw, &event);
		if (event.twice)
			sim_hw_post(hw, &event);
		if (!event.lost)
			hw->raised = true;
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
	hw->raised = true;
	if (IS_ENABLED(CONFIG_UML))
		hrtimer_start(&hw->irq_timer, 0, HRTIMER_MODE_ABS_HARD);
	else
		irq_work_queue(&hw->irq_work);
}

/* Raise the interrupt if a cause waits, even if it was raised before. */
static void sim_hw_raise_again(struct sim_hw *hw)
{
	if (hw->nr_posted)
		sim_hw_raise(hw);
}

/* Put an event into the tree, due in @ms milliseconds. */
static void sim_hw_queue(struct sim_hw *hw, struct sim_hw_event *event,
			 unsigned int ms)
{
	ktime_t now = ktime_get();

	event->due = ktime_add_ms(now, ms);
	rb_add_cached(&event->node, &hw->events, sim_hw_is_before);
	if (sim_hw_process_due(hw, now))
		sim_hw_raise(hw);
}

/* Take one of the pending faults of this kind. Return false if none is pending. */
static bool sim_hw_take_fault(struct sim_hw *hw, enum sim_hw_fault fault)
{
	if (!hw->state.pending[fault])
		return false;
	hw->state.pending[fault]--;
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
 * Begin an operation; drop the one under way. At most one fault hits the
 * operation: the first that is pending of hang, late, error, lost, duplicate.
 */
static void sim_hw_begin(struct sim_hw *hw, unsigned int nr)
{
	struct sim_hw_slot *slot = &hw->slot[nr];
	struct sim_hw_event *event = &slot->op;
	struct sim_hw_event end = {
		.code = SIM_HW_CAUSE_DONE,
		.slot = nr,
		.tag = slot->tag,
		.length = slot->length,
	};
	unsigned int ms = hw->state.ms[SIM_HW_LATENCY];

	sim_hw_end_operation(hw, slot);
	sim_hw_remove(hw, &hw->reset);
	hw->resetting = false;
	slot->busy = true;
	hw->nr_busy++;
	if (hw->state.dead || sim_hw_take_fault(hw, SIM_HW_HANG))
		return;
	if (sim_hw_take_fault(hw, SIM_HW_LATE)) {
		event = sim_hw_get_late(hw);
		if (!event)
			return;
		end.late = true;
		ms = hw->state.ms[SIM_HW_LATE_AFTER];
	} else if (sim_hw_take_fault(hw, SIM_HW_ERROR)) {
		end.code = SIM_HW_CAUSE_ERROR;
		end.length = 0;
	} else if (sim_hw_take_fault(hw, SIM_HW_LOST)) {
		end.lost = true;
	} else if (sim_hw_take_fault(hw, SIM_HW_DUPLICATE)) {
		end.twice = true;
	}
	*event = end;
	sim_hw_queue(hw, event, ms);
}

/* Begin an abort; it replaces the one under way in the slot. */
static void sim_hw_begin_abort(struct sim_hw *hw, unsigned int nr, u32 tag)
{
	struct sim_hw_event *event = &hw->slot[nr].abort;

	sim_hw_remove(hw, event);
	if (hw->state.dead)
		return;
	*event = (struct sim_hw_event){
		.code = SIM_HW_CAUSE_ABORT,
		.slot = nr,
		.tag = tag,
	};
	sim_hw_queue(hw, event, hw->state.ms[SIM_HW_RESET_LATENCY]);
}

/* Begin a reset. It may hang, or end without an interrupt. */
static void sim_hw_begin_reset(struct sim_hw *hw)
{
	hw->resetting = true;
	if (hw->state.dead || sim_hw_take_fault(hw, SIM_HW_RESET_HANG))
		return;
	hw->reset = (struct sim_hw_event){
		.code = SIM_HW_CAUSE_RESET,
		.tag = hw->tag,
		.lost = sim_hw_take_fault(hw, SIM_HW_RESET_LOST),
	};
	sim_hw_queue(hw, &hw->reset, hw->state.ms[SIM_HW_RESET_LATENCY]);
}

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
	hw->spurious = (struct sim_hw_event){
		.code = SIM_HW_CAUSE_NONE,
		.tag = hw->tag,
	};
	sim_hw_queue(hw, &hw->spurious, ms);
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
	if (hw->nr_posted) {
		cause = hw->posted[hw->first_posted].cause;
		hw->first_posted = (hw->first_posted + 1) % SIM_HW_MAX_CAUSES;
		hw->nr_posted--;
		if (SIM_HW_CAUSE_CODE(cause) == SIM_HW_CAUSE_NONE)
			hw->has_spurious = false;
	}
	if (hw->nr_posted || sim_hw_take_fault(hw, SIM_HW_STORM))
		sim_hw_raise(hw);
	sim_hw_next_spurious(hw, 1);
	return cause;
}

static u32 sim_hw_status(const struct sim_hw *hw)
{
	return (hw->nr_busy ? SIM_HW_STATUS_BUSY : 0) |
	       (hw->resetting ? SIM_HW_STATUS_RESETTING : 0) |
	       (hw->nr_posted ? SIM_HW_STATUS_IRQ : 0);
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
	return sim_hw_responds(hw) && slot < hw->nr_slots;
}

/**
 * sim_hw_start - start an operation
 * @hw: the device
 * @slot: where; there is nothing at a number that the device does not have
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
 * Takes as long as a reset. Then the slot's operation under way ends if it has
 * this tag, and SIM_HW_CAUSE_ABORT is posted, also if the operation was done
 * already. A late interrupt of the operation still comes. An abort replaces the
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
	if (!sim_hw_responds(hw))
		goto out;
	switch (reg) {
	case SIM_HW_SLOTS:
		value = hw->nr_slots;
		break;
	case SIM_HW_STATUS:
		value = sim_hw_status(hw);
		break;
	case SIM_HW_CAUSE:
		value = sim_hw_take_cause(hw);
		break;
	}
out:
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
 * @len: bytes, at most SIM_HW_BUFFER_SIZE; those that the operation did not loop
 *	back read as 0
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
 * sim_hw_inject - make the next operations or resets go wrong
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
	hw->state.pending[fault] = count;
	if (fault == SIM_HW_SPURIOUS)
		sim_hw_next_spurious(hw, 0);
	if (fault == SIM_HW_STORM && sim_hw_take_fault(hw, fault))
		sim_hw_raise(hw);
	raw_spin_unlock_irqrestore(&hw->lock, flags);
}

/**
 * sim_hw_set_ms - set how long something takes
 * @hw: the device
 * @what: what
 * @ms: milliseconds, at most SIM_HW_MAX_MS, for operations and resets that are
 *	started from now on
 *
 * Context: any but NMI.
 */
void sim_hw_set_ms(struct sim_hw *hw, enum sim_hw_ms what, unsigned int ms)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&hw->lock, flags);
	hw->state.ms[what] = ms;
	raw_spin_unlock_irqrestore(&hw->lock, flags);
}

/**
 * sim_hw_set_dead - let the device die, or revive it
 * @hw: the device
 * @dead: true: what is under way hangs, and so do all that are
 *	started from now on; false: those that are started from now on work
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
	if (hw->nr_posted || sim_hw_take_fault(hw, SIM_HW_STORM))
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
	hw->state.gone = gone;
	if (gone) {
		sim_hw_drop_all(hw);
		sim_hw_forget(hw);
	} else {
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
 * sim_hw_clear - drop all pending faults
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
	memset(hw->state.pending, 0, sizeof(hw->state.pending));
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
	hw->events = RB_ROOT_CACHED;
	RB_CLEAR_NODE(&hw->reset.node);
	RB_CLEAR_NODE(&hw->spurious.node);
	for (i = 0; i < SIM_HW_MAX_LATE; i++) {
		hw->late[i].next = hw->free_late;
		hw->free_late = &hw->late[i];
	}
	hw->nr_slots = slots;
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
 * Return: the device, or an ERR_PTR: -EINVAL for a bad number of slots, -ENOMEM,
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
	hw->state.ms[SIM_HW_LATENCY] = latency_ms;
	hw->state.ms[SIM_HW_RESET_LATENCY] = reset_latency_ms;
	/*
	 * An edge: if one comes while another CPU is still in the handler,
	 * the handler runs once more. handle_simple_irq() would drop it.
	 */
	irq_set_chip_and_handler(hw->irq, &dummy_irq_chip, handle_edge_irq);
	irq_clear_status_flags(hw->irq, IRQ_NOREQUEST);
	return hw;
}

/**
 * sim_hw_destroy - free a device
 * @hw: the device; its interrupt must have been freed
 *
 * Context: process, may sleep.
 */
void sim_hw_destroy(struct sim_hw *hw)
{
	hrtimer_cancel(&hw->timer);
	hrtimer_cancel(&hw->irq_timer);
	irq_work_sync(&hw->irq_work);
	irq_free_descs(hw->irq, 1);
	kvfree(hw);
}
