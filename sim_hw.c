// SPDX-License-Identifier: GPL-2.0-only
/*
 * sim_hw - the hardware model: a device that loops data back
 *
 * Whatever the device will signal is an event with a due time: the end of an
 * operation, late or not, the end of a reset, a spurious interrupt. One queue
 * holds the events, sorted by due time, and one hrtimer is armed for the first
 * event that is not due.
 *
 * When an event is due it takes effect, and its cause waits to be read, behind
 * earlier causes. The event raises the interrupt, unless the interrupt is
 * raised already or the fault "lost" hit the event. Reading a cause lowers the
 * interrupt, and raises it again if more causes wait.
 *
 * A fault is an event that is not queued (hang), that nothing removes from the
 * queue (late), that is queued twice (duplicate), or that raises no interrupt
 * (lost).
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
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "compat.h"
#include "sim_hw.h"

/*
 * Enough for a driver that times out operations: such a driver causes at most
 * one late interrupt a second, and the latest comes after 600 s. Binding and
 * unbinding a driver in a loop can fill the queue. Then events are dropped, as
 * if they hung.
 */
#define SIM_HW_MAX_EVENTS	SIM_HW_MAX_CAUSES

/**
 * struct sim_hw_event - what the device will signal
 * @due: when
 * @tag: the operation's tag, if @cause is about an operation
 * @cause: a SIM_HW_CAUSE_* value
 * @late: neither a reset nor a start drops the event
 * @lost: the event raises no interrupt
 */
struct sim_hw_event {
	ktime_t due;
	u32 tag;
	u8 cause;
	bool late;
	bool lost;
};

/**
 * struct sim_hw - a device
 * @lock: protects all that follows; raw, because the hrtimer runs in hard
 *	interrupt context on PREEMPT_RT as well
 * @timer: armed for the first event that is not due
 * @irq_work: raises the interrupt
 * @irq_timer: raises the interrupt where irq_works are slow, see sim_hw_raise()
 * @irq: the interrupt's number
 * @busy: an operation is under way
 * @resetting: a reset is under way
 * @raised: the interrupt was raised, and no cause was read since
 * @off: there is no power
 * @tag: tag of the last operation started
 * @length: bytes of that operation's data
 * @state: faults and latencies
 * @nr_due: events that are due, the first ones in @event; the cause register
 *	shows the first of them
 * @nr_events: all events
 * @event: the queue, sorted by due time
 * @in: what the driver wrote
 * @out: what the driver reads, copied from @in when an operation succeeds
 */
struct sim_hw {
	raw_spinlock_t lock;
	struct hrtimer timer;
	struct irq_work irq_work;
	struct hrtimer irq_timer;
	int irq;
	bool busy;
	bool resetting;
	bool raised;
	bool off;
	u32 tag;
	u32 length;
	struct sim_hw_state state;
	unsigned int nr_due;
	unsigned int nr_events;
	struct sim_hw_event event[SIM_HW_MAX_EVENTS];
	u8 in[SIM_HW_BUFFER_SIZE];
	u8 out[SIM_HW_BUFFER_SIZE];
};

static void sim_hw_remove(struct sim_hw *hw, unsigned int i)
{
	hw->nr_events--;
	memmove(&hw->event[i], &hw->event[i + 1],
		(hw->nr_events - i) * sizeof(hw->event[0]));
}

/* Drop all events that are not due, except late and spurious ones. */
static void sim_hw_drop(struct sim_hw *hw)
{
	unsigned int i = hw->nr_due;

	while (i < hw->nr_events) {
		const struct sim_hw_event *event = &hw->event[i];

		if (event->cause == SIM_HW_CAUSE_NONE || event->late)
			i++;
		else
			sim_hw_remove(hw, i);
	}
}

/*
 * Drop all events, due or not, except late and spurious ones: the cause of an
 * old reset would end the next reset.
 */
static void sim_hw_drop_all(struct sim_hw *hw)
{
	unsigned int i;

	sim_hw_drop(hw);
	for (i = hw->nr_due; i--; ) {
		if (hw->event[i].cause == SIM_HW_CAUSE_NONE || hw->event[i].late)
			continue;
		sim_hw_remove(hw, i);
		hw->nr_due--;
	}
	if (!hw->nr_due)
		hw->raised = false;
	hw->busy = false;
	hw->resetting = false;
}

/*
 * The device went away before it did the operation. Drop the operation's late
 * interrupt, which would report the operation as done.
 */
static void sim_hw_forget(struct sim_hw *hw)
{
	unsigned int i = hw->nr_due;

	while (i < hw->nr_events) {
		if (hw->event[i].late && hw->event[i].tag == hw->tag)
			sim_hw_remove(hw, i);
		else
			i++;
	}
}

/* An event is due: change the device's state. */
static void sim_hw_take_effect(struct sim_hw *hw,
			       const struct sim_hw_event *event)
{
	switch (event->cause) {
	case SIM_HW_CAUSE_RESET:
		hw->resetting = false;
		break;
	case SIM_HW_CAUSE_DONE:
	case SIM_HW_CAUSE_ERROR:
		if (!hw->busy || event->tag != hw->tag)
			break;	/* late: of an earlier operation */
		hw->busy = false;
		if (event->cause == SIM_HW_CAUSE_DONE)
			memcpy(hw->out, hw->in, hw->length);
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

	while (hw->nr_due < hw->nr_events &&
	       ktime_compare(hw->event[hw->nr_due].due, now) <= 0) {
		const struct sim_hw_event *event = &hw->event[hw->nr_due++];

		sim_hw_take_effect(hw, event);
		if (!event->lost)
			hw->raised = true;
	}
	if (hw->nr_due < hw->nr_events)
		hrtimer_start(&hw->timer, hw->event[hw->nr_due].due,
			      HRTIMER_MODE_ABS_HARD);
	return hw->raised && !was_raised;
}

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
	if (hw->nr_due)
		sim_hw_raise(hw);
}

static ktime_t sim_hw_due_in(unsigned int ms)
{
	return ktime_add_ms(ktime_get(), ms);
}

/* Put an event into the queue. */
static void sim_hw_post(struct sim_hw *hw, struct sim_hw_event event)
{
	unsigned int i = hw->nr_events;

	if (hw->nr_events == SIM_HW_MAX_EVENTS)
		return;
	event.tag = hw->tag;
	while (i > hw->nr_due &&
	       ktime_after(hw->event[i - 1].due, event.due))
		i--;
	memmove(&hw->event[i + 1], &hw->event[i],
		(hw->nr_events - i) * sizeof(event));
	hw->event[i] = event;
	hw->nr_events++;
	if (sim_hw_process_due(hw, ktime_get()))
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

/*
 * Begin an operation; drop the one under way. At most one fault hits the
 * operation: the first that is pending of hang, late, error, lost, duplicate.
 */
static void sim_hw_begin(struct sim_hw *hw)
{
	struct sim_hw_event event = { .cause = SIM_HW_CAUSE_DONE };
	unsigned int ms = hw->state.ms[SIM_HW_LATENCY];
	unsigned int times = 1;

	sim_hw_drop(hw);
	hw->busy = true;
	hw->resetting = false;
	if (hw->state.dead || sim_hw_take_fault(hw, SIM_HW_HANG))
		return;
	if (sim_hw_take_fault(hw, SIM_HW_LATE)) {
		event.late = true;
		ms = hw->state.ms[SIM_HW_LATE_AFTER];
	} else if (sim_hw_take_fault(hw, SIM_HW_ERROR)) {
		event.cause = SIM_HW_CAUSE_ERROR;
	} else if (sim_hw_take_fault(hw, SIM_HW_LOST)) {
		event.lost = true;
	} else if (sim_hw_take_fault(hw, SIM_HW_DUPLICATE)) {
		times = 2;
	}
	event.due = sim_hw_due_in(ms);
	while (times--)
		sim_hw_post(hw, event);
}

/* Begin a reset. It may hang, or end without an interrupt. */
static void sim_hw_begin_reset(struct sim_hw *hw)
{
	struct sim_hw_event event = { .cause = SIM_HW_CAUSE_RESET };

	hw->resetting = true;
	if (hw->state.dead || sim_hw_take_fault(hw, SIM_HW_RESET_HANG))
		return;
	event.lost = sim_hw_take_fault(hw, SIM_HW_RESET_LOST);
	event.due = sim_hw_due_in(hw->state.ms[SIM_HW_RESET_LATENCY]);
	sim_hw_post(hw, event);
}

/*
 * Queue a spurious interrupt, if one is pending and none is in the queue. The
 * next comes a millisecond after the driver has read the cause, so that the CPU
 * can do other work even during a million spurious interrupts.
 */
static void sim_hw_next_spurious(struct sim_hw *hw, unsigned int ms)
{
	struct sim_hw_event event = { .cause = SIM_HW_CAUSE_NONE };
	unsigned int i;

	if (!hw->state.pending[SIM_HW_SPURIOUS] ||
	    hw->nr_events == SIM_HW_MAX_EVENTS)
		return;
	for (i = 0; i < hw->nr_events; i++)
		if (hw->event[i].cause == SIM_HW_CAUSE_NONE)
			return;
	hw->state.pending[SIM_HW_SPURIOUS]--;
	event.due = sim_hw_due_in(ms);
	sim_hw_post(hw, event);
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
	if (hw->nr_due) {
		cause = (u64)hw->event[0].tag << 32 | hw->event[0].cause;
		hw->nr_due--;
		sim_hw_remove(hw, 0);
	}
	if (hw->nr_due || sim_hw_take_fault(hw, SIM_HW_STORM))
		sim_hw_raise(hw);
	sim_hw_next_spurious(hw, 1);
	return cause;
}

static u32 sim_hw_status(const struct sim_hw *hw)
{
	return (hw->busy ? SIM_HW_STATUS_BUSY : 0) |
	       (hw->resetting ? SIM_HW_STATUS_RESETTING : 0) |
	       (hw->nr_due ? SIM_HW_STATUS_IRQ : 0);
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

/**
 * sim_hw_start - start an operation; an operation or reset under way is dropped
 * @hw: the device
 * @tag: the operation's tag
 * @data: what the operation loops back
 * @len: bytes, at most SIM_HW_BUFFER_SIZE
 *
 * Models a doorbell that takes the tag and the data in one transaction.
 *
 * Context: any but NMI.
 */
void sim_hw_start(struct sim_hw *hw, u32 tag, const void *data, size_t len)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&hw->lock, flags);
	if (sim_hw_responds(hw)) {
		sim_hw_raise_again(hw);
		hw->tag = tag;
		hw->length = min_t(size_t, len, SIM_HW_BUFFER_SIZE);
		memcpy(hw->in, data, hw->length);
		sim_hw_begin(hw);
	}
	raw_spin_unlock_irqrestore(&hw->lock, flags);
}

/**
 * sim_hw_reset - start a reset
 * @hw: the device
 *
 * Drops the operation under way and the causes that wait to be read, except
 * late and spurious ones. A reset that is under way starts over.
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
	case SIM_HW_TAG:
		value = hw->tag;
		break;
	case SIM_HW_LENGTH:
		value = hw->length;
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
 * sim_hw_read_buffer - read what the last operation looped back
 * @hw: the device
 * @data: where to
 * @len: bytes, at most SIM_HW_BUFFER_SIZE
 *
 * Context: any but NMI.
 */
void sim_hw_read_buffer(struct sim_hw *hw, void *data, size_t len)
{
	unsigned long flags;

	len = min_t(size_t, len, SIM_HW_BUFFER_SIZE);
	raw_spin_lock_irqsave(&hw->lock, flags);
	if (sim_hw_responds(hw))
		memcpy(data, hw->out, len);
	else
		memset(data, 0xff, len);
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
 * @dead: true: the operation or reset under way hangs, and so do all that are
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
	if (hw->nr_due || sim_hw_take_fault(hw, SIM_HW_STORM))
		sim_hw_raise(hw);
}

/**
 * sim_hw_set_gone - take the device out of its socket, or put it back
 * @hw: the device
 * @gone: true: the device forgets the operation or reset under way and the
 *	causes that wait to be read, its registers read as SIM_HW_ALL_ONES, and
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
 * @on: false: as sim_hw_set_gone(), but a late interrupt of the operation under
 *	way still comes, and the first access warns; true: what is started from
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

/**
 * sim_hw_create - make a device
 * @latency_ms: milliseconds that an operation takes
 * @reset_latency_ms: milliseconds that a reset takes
 *
 * Context: process, may sleep.
 * Return: the device, or an ERR_PTR: -ENOMEM, or the error of
 * __irq_alloc_descs().
 */
struct sim_hw *sim_hw_create(unsigned int latency_ms,
			     unsigned int reset_latency_ms)
{
	struct sim_hw *hw = kvzalloc(sizeof(*hw), GFP_KERNEL);

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
	raw_spin_lock_init(&hw->lock);
	hw->state.ms[SIM_HW_LATENCY] = latency_ms;
	hw->state.ms[SIM_HW_RESET_LATENCY] = reset_latency_ms;
	hrtimer_setup(&hw->timer, sim_hw_timer, CLOCK_MONOTONIC,
		      HRTIMER_MODE_ABS_HARD);
	hrtimer_setup(&hw->irq_timer, sim_hw_irq_timer, CLOCK_MONOTONIC,
		      HRTIMER_MODE_ABS_HARD);
	hw->irq_work = IRQ_WORK_INIT_HARD(sim_hw_irq_work);
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
