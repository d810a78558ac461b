// SPDX-License-Identifier: GPL-2.0-only
/*
 * queue_hw - the device that queue.c drives, in a module
 *
 * Makes one platform device, queue.0, with an interrupt. The device has no power
 * while the system is suspended. The parameters make it misbehave; all but
 * latency_ms and gone take "TIMES[,TEXT]": the next TIMES operations, aborts or
 * resets, if TEXT is given only of operations whose data begin with TEXT. They can be
 * written at any time.
 *
 * Whatever is under way is an event with a due time. One hrtimer is armed for the
 * first. It runs in hard interrupt context and calls the driver's handler, as a
 * device's interrupt does.
 */
#include <linux/bug.h>
#include <linux/ctype.h>
#include <linux/hrtimer.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/irqdesc.h>
#include <linux/kfifo.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/pm.h>
#include <linux/pm_domain.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "compat.h"
#include "queue_hw.h"

#define QUEUE_HW_MAX_LATE	64	/* late completions; more are lost */
#define QUEUE_HW_LATE_MS	9000	/* from the operation's start */
#define QUEUE_HW_SLOW_MS	15000	/* what a slow operation takes */
#define QUEUE_HW_CONTROL_MS	5	/* what an abort or a reset takes */

/* What may be under way. */
enum {
	QUEUE_HW_OP,
	QUEUE_HW_ABORT = QUEUE_HW_OP + QUEUE_HW_SLOTS,
	QUEUE_HW_DEVICE_RESET = QUEUE_HW_ABORT + QUEUE_HW_SLOTS,
	QUEUE_HW_LATE,
	QUEUE_HW_NR_EVENTS = QUEUE_HW_LATE + QUEUE_HW_MAX_LATE,
};

/**
 * struct queue_hw_event - what is under way
 * @due: when it ends; KTIME_MAX if never
 * @completion: what is then posted; 0 if nothing is under way
 * @data: an operation's data; NULL if there are none to change
 * @len: bytes
 * @lost: no interrupt comes
 */
struct queue_hw_event {
	ktime_t due;
	u64 completion;
	u8 *data;
	size_t len;
	bool lost;
};

/* The device; @lock protects all but @irq, and the faults. */
static struct queue_hw {
	raw_spinlock_t lock;	/* raw: the hrtimer runs in hard interrupt context on RT */
	struct hrtimer timer;
	int irq;
	bool master;		/* may it access memory? */
	bool off;
	u32 generation[QUEUE_HW_SLOTS];
	u8 *mapped[QUEUE_HW_SLOTS];	/* the IOMMU: memory that an operation may access */
	DECLARE_KFIFO(done, u64, QUEUE_HW_MAX_COMPLETIONS);
	struct queue_hw_event event[QUEUE_HW_NR_EVENTS];
	char begun[PAGE_SIZE];	/* the data of all operations, in the order of their start */
} hw = {
	.lock = __RAW_SPIN_LOCK_UNLOCKED(hw.lock),
};

struct queue_hw_fault {
	unsigned int times;
	char text[16];
};

static int fault_set(const char *val, const struct kernel_param *kp)
{
	struct queue_hw_fault *fault = kp->arg;
	struct queue_hw_fault new = {};
	unsigned long flags;

	if (sscanf(val, "%u,%15s", &new.times, new.text) < 1)
		return -EINVAL;
	raw_spin_lock_irqsave(&hw.lock, flags);
	*fault = new;
	raw_spin_unlock_irqrestore(&hw.lock, flags);
	return 0;
}

static int fault_get(char *buffer, const struct kernel_param *kp)
{
	const struct queue_hw_fault *fault = kp->arg;

	return sysfs_emit(buffer, "%u,%s\n", fault->times, fault->text);
}

static const struct kernel_param_ops fault_ops = {
	.set = fault_set,
	.get = fault_get,
};

#define FAULT(name, text)						\
	static struct queue_hw_fault name;				\
	module_param_cb(name, &fault_ops, &name, 0644);			\
	MODULE_PARM_DESC(name, text)

FAULT(hang, "operations that never end");
FAULT(late, "operations that are done, whose completion comes 9 s after the start, always");
FAULT(lost, "operations that end without an interrupt");
FAULT(error, "operations that end with an error");
FAULT(slow, "operations that take 15 s");
FAULT(abort_hang, "aborts that never end");
FAULT(reset_hang, "resets that never end, and stop no operation");
FAULT(reset_lost, "resets that end without an interrupt");

static unsigned int latency_ms = 5;
module_param(latency_ms, uint, 0644);
MODULE_PARM_DESC(latency_ms, "ms that an operation takes in the last slot; each slot takes 1 ms more than the next");

static bool gone;

static int begun_set(const char *val, const struct kernel_param *kp)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&hw.lock, flags);
	hw.begun[0] = 0;
	raw_spin_unlock_irqrestore(&hw.lock, flags);
	return 0;
}

static int begun_get(char *buffer, const struct kernel_param *kp)
{
	unsigned long flags;
	int len;

	raw_spin_lock_irqsave(&hw.lock, flags);
	len = sysfs_emit(buffer, "%s\n", hw.begun);
	raw_spin_unlock_irqrestore(&hw.lock, flags);
	return len;
}

static const struct kernel_param_ops begun_ops = {
	.set = begun_set,
	.get = begun_get,
};
module_param_cb(begun, &begun_ops, NULL, 0644);
MODULE_PARM_DESC(begun, "the data of the operations that were started, in order; a write forgets them");

/* Does the fault hit an operation with these data? */
static bool queue_hw_take_fault(struct queue_hw_fault *fault, const u8 *data)
{
	if (!fault->times || strncasecmp(data, fault->text, strlen(fault->text)))
		return false;
	fault->times--;
	return true;
}

static u64 queue_hw_completion(unsigned int code, unsigned int slot, u32 generation)
{
	return (u64)generation << 32 | slot << 8 | code;
}

/* The end of an operation: access memory, if that is allowed. */
static void queue_hw_dma(const struct queue_hw_event *event)
{
	size_t i;

	if (!event->data || !hw.master)
		return;
	if (WARN_ONCE(hw.mapped[QUEUE_HW_SLOT(event->completion)] != event->data,
		      "queue_hw: DMA to memory that is unmapped\n"))
		return;
	for (i = 0; i < event->len; i++)
		event->data[i] = toupper(event->data[i]);
}

/* Begin what takes so many ms; KTIME_MAX: what never ends. */
static void queue_hw_begin(unsigned int index, struct queue_hw_event event, s64 ms)
{
	event.due = ms == KTIME_MAX ? KTIME_MAX : ktime_add_ms(ktime_get(), ms);
	hw.event[index] = event;
}

/* An event is due. */
static void queue_hw_end(struct queue_hw_event *event)
{
	struct queue_hw_event *op = &hw.event[QUEUE_HW_SLOT(event->completion)];

	queue_hw_dma(event);
	kfifo_put(&hw.done, event->completion);
	if (op->completion == event->completion)
		op->completion = 0;	/* a late one ends its operation too */
	event->completion = 0;
}

static struct queue_hw_event *queue_hw_first(void)
{
	struct queue_hw_event *event, *first = NULL;

	for (event = hw.event; event < hw.event + QUEUE_HW_NR_EVENTS; event++)
		if (event->completion && event->due != KTIME_MAX &&
		    (!first || ktime_before(event->due, first->due)))
			first = event;
	return first;
}

/* End all that is due, and arm the timer. Return true to raise the interrupt. */
static bool queue_hw_process(void)
{
	struct queue_hw_event *event;
	bool raise = false;

	while ((event = queue_hw_first())) {
		if (ktime_after(event->due, ktime_get())) {
			hrtimer_start(&hw.timer, event->due, HRTIMER_MODE_ABS_HARD);
			break;
		}
		raise |= !event->lost;
		queue_hw_end(event);
	}
	return raise;
}

static enum hrtimer_restart queue_hw_timer(struct hrtimer *timer)
{
	unsigned long flags;
	bool raise;

	raw_spin_lock_irqsave(&hw.lock, flags);
	raise = queue_hw_process();
	raw_spin_unlock_irqrestore(&hw.lock, flags);
	if (raise)
		generic_handle_irq(hw.irq);
	return HRTIMER_NORESTART;
}

/* Something was begun: let the timer look at it, in its own context. */
static void queue_hw_kick(void)
{
	hrtimer_start(&hw.timer, 0, HRTIMER_MODE_ABS_HARD);
}

/* Drop what the device does and what it has posted, but for late completions. */
static void queue_hw_drop(void)
{
	memset(hw.event, 0, QUEUE_HW_LATE * sizeof(hw.event[0]));
	kfifo_reset(&hw.done);
}

/* A device that is out of its socket forgets what it did. */
static int gone_set(const char *val, const struct kernel_param *kp)
{
	unsigned long flags;
	int err;

	raw_spin_lock_irqsave(&hw.lock, flags);
	err = param_set_bool(val, kp);
	if (gone)
		queue_hw_drop();
	raw_spin_unlock_irqrestore(&hw.lock, flags);
	return err;
}

static const struct kernel_param_ops gone_ops = {
	.set = gone_set,
	.get = param_get_bool,
};
module_param_cb(gone, &gone_ops, &gone, 0644);
MODULE_PARM_DESC(gone, "all registers read as ones, and nothing is done");

/* Does the device respond? An access without power is a bug of the driver. */
static noinline bool queue_hw_responds(void)
{
	WARN_ONCE(hw.off, "queue_hw: touched without power\n");
	return !hw.off && !gone;
}

static void queue_hw_begin_late(struct queue_hw_event event)
{
	int i;

	queue_hw_dma(&event);
	event.data = NULL;
	for (i = QUEUE_HW_LATE; i < QUEUE_HW_NR_EVENTS; i++) {
		if (!hw.event[i].completion) {
			queue_hw_begin(i, event, QUEUE_HW_LATE_MS);
			return;
		}
	}
}

static void queue_hw_begin_op(unsigned int slot, struct queue_hw_event event)
{
	s64 ms = latency_ms + QUEUE_HW_SLOTS - 1 - slot;

	if (queue_hw_take_fault(&hang, event.data)) {
		ms = KTIME_MAX;
	} else if (queue_hw_take_fault(&late, event.data)) {
		queue_hw_begin_late(event);
		ms = KTIME_MAX;
	} else if (queue_hw_take_fault(&slow, event.data)) {
		ms = QUEUE_HW_SLOW_MS;
	} else if (queue_hw_take_fault(&error, event.data)) {
		event.completion = queue_hw_completion(QUEUE_HW_ERROR, slot,
						       hw.generation[slot]);
		event.data = NULL;
	} else if (queue_hw_take_fault(&lost, event.data)) {
		event.lost = true;
	}
	queue_hw_begin(QUEUE_HW_OP + slot, event, ms);
	queue_hw_kick();
}

/**
 * queue_hw_start - start an operation
 * @slot: a slot in which no operation is under way; there is no reset under way
 * @generation: another one than that of earlier operations in the slot
 * @data: what to change, and memory that the device may access until
 *	queue_hw_unmap()
 * @len: bytes
 *
 * Models a doorbell, and the mapping of the memory by an IOMMU.
 *
 * Context: any but NMI.
 */
void queue_hw_start(unsigned int slot, u32 generation, void *data, size_t len)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&hw.lock, flags);
	hw.mapped[slot] = data;
	snprintf(hw.begun + strlen(hw.begun), PAGE_SIZE - 1 - strlen(hw.begun),
		 "%.*s ", (int)len, (char *)data);
	if (queue_hw_responds()) {
		WARN_ONCE(hw.event[QUEUE_HW_OP + slot].completion ||
			  hw.event[QUEUE_HW_DEVICE_RESET].completion,
			  "queue_hw: start in a slot that is busy, or during a reset\n");
		hw.generation[slot] = generation;
		queue_hw_begin_op(slot, (struct queue_hw_event){
			.completion = queue_hw_completion(QUEUE_HW_DONE, slot,
							  generation),
			.data = data,
			.len = len,
		});
	}
	raw_spin_unlock_irqrestore(&hw.lock, flags);
}
EXPORT_SYMBOL_GPL(queue_hw_start);

/* The data of the operation under way; those of one that has ended may be freed. */
static const u8 *queue_hw_data(const struct queue_hw_event *op)
{
	return op->completion && op->data ? op->data : (const u8 *)"";
}

/**
 * queue_hw_abort - abort an operation
 * @slot: its slot
 * @generation: its generation. If the operation is done already, the abort is, too
 *
 * Context: any but NMI.
 */
void queue_hw_abort(unsigned int slot, u32 generation)
{
	struct queue_hw_event *op = &hw.event[QUEUE_HW_OP + slot];
	unsigned long flags;

	raw_spin_lock_irqsave(&hw.lock, flags);
	if (queue_hw_responds() &&
	    !queue_hw_take_fault(&abort_hang, queue_hw_data(op))) {
		if (QUEUE_HW_TAG(op->completion) == generation)
			op->completion = 0;
		queue_hw_begin(QUEUE_HW_ABORT + slot, (struct queue_hw_event){
			.completion = queue_hw_completion(QUEUE_HW_ABORTED, slot,
							  generation),
		}, QUEUE_HW_CONTROL_MS);
		queue_hw_kick();
	}
	raw_spin_unlock_irqrestore(&hw.lock, flags);
}
EXPORT_SYMBOL_GPL(queue_hw_abort);

/**
 * queue_hw_reset - start a reset
 *
 * It stops all operations, and drops all completions but late ones.
 *
 * Context: any but NMI.
 */
void queue_hw_reset(void)
{
	struct queue_hw_event event = {
		.completion = queue_hw_completion(QUEUE_HW_RESET, 0, 0),
	};
	unsigned long flags;

	raw_spin_lock_irqsave(&hw.lock, flags);
	if (queue_hw_responds() && !queue_hw_take_fault(&reset_hang, "")) {
		queue_hw_drop();
		event.lost = queue_hw_take_fault(&reset_lost, "");
		queue_hw_begin(QUEUE_HW_DEVICE_RESET, event, QUEUE_HW_CONTROL_MS);
		queue_hw_kick();
	}
	raw_spin_unlock_irqrestore(&hw.lock, flags);
}
EXPORT_SYMBOL_GPL(queue_hw_reset);

/**
 * queue_hw_read - read a register
 * @reg: QUEUE_HW_COMPLETION or QUEUE_HW_GENERATION()
 *
 * Context: any but NMI.
 * Return: its value; QUEUE_HW_ALL_ONES if the device is gone or has no power.
 */
u64 queue_hw_read(unsigned int reg)
{
	unsigned long flags;
	u64 value = 0;

	raw_spin_lock_irqsave(&hw.lock, flags);
	if (!queue_hw_responds())
		value = QUEUE_HW_ALL_ONES;
	else if (reg != QUEUE_HW_COMPLETION)
		value = hw.generation[reg - QUEUE_HW_GENERATION(0)];
	else if (!kfifo_get(&hw.done, &value))
		value = 0;
	raw_spin_unlock_irqrestore(&hw.lock, flags);
	return value;
}
EXPORT_SYMBOL_GPL(queue_hw_read);

/**
 * queue_hw_set_master - switch bus mastering, as pci_set_master() and
 *	pci_clear_master() do
 * @on: false: the device may not access memory
 *
 * Context: any but NMI.
 */
void queue_hw_set_master(bool on)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&hw.lock, flags);
	if (queue_hw_responds())
		hw.master = on;
	raw_spin_unlock_irqrestore(&hw.lock, flags);
}
EXPORT_SYMBOL_GPL(queue_hw_set_master);

/**
 * queue_hw_unmap - take memory back, as dma_unmap_single() does
 * @slot: the slot in which it was given to queue_hw_start()
 *
 * If an operation still accesses the memory, the "IOMMU" warns.
 *
 * Context: any but NMI.
 */
void queue_hw_unmap(unsigned int slot)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&hw.lock, flags);
	hw.mapped[slot] = NULL;
	raw_spin_unlock_irqrestore(&hw.lock, flags);
}
EXPORT_SYMBOL_GPL(queue_hw_unmap);

#ifdef CONFIG_PM_SLEEP	/* else there is no pm_generic_suspend() */
static void queue_hw_set_power(bool on)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&hw.lock, flags);
	hw.off = !on;
	hw.master = false;
	queue_hw_drop();
	raw_spin_unlock_irqrestore(&hw.lock, flags);
}

/* On a shared line the other devices still interrupt while this one has no power. */
static int queue_hw_suspend(struct device *dev)
{
	int err = pm_generic_suspend(dev);

	if (!err) {
		queue_hw_set_power(false);
		generic_handle_irq_safe(hw.irq);
	}
	return err;
}

static int queue_hw_resume(struct device *dev)
{
	queue_hw_set_power(true);
	return pm_generic_resume(dev);
}

/* Power goes off after the driver's suspend callback, on before its resume callback. */
static struct dev_pm_domain queue_hw_power = {
	.ops = {
		SYSTEM_SLEEP_PM_OPS(queue_hw_suspend, queue_hw_resume)
	},
};
#else
static struct dev_pm_domain queue_hw_power;
#endif

static struct platform_device *pdev;

static int __init queue_hw_add_device(void)
{
	struct resource irq = DEFINE_RES_IRQ(hw.irq);
	int err;

	pdev = platform_device_alloc("queue", 0);
	if (!pdev)
		return -ENOMEM;
	err = platform_device_add_resources(pdev, &irq, 1);
	if (!err) {
		dev_pm_domain_set(&pdev->dev, &queue_hw_power);
		err = platform_device_add(pdev);
	}
	if (err)
		platform_device_put(pdev);
	return err;
}

static int __init queue_hw_init(void)
{
	int err;

	INIT_KFIFO(hw.done);
	hrtimer_setup(&hw.timer, queue_hw_timer, CLOCK_MONOTONIC,
		      HRTIMER_MODE_ABS_HARD);
	/* The interrupt has no owner, or the driver could not be unloaded; see sim_hw.c. */
	hw.irq = __irq_alloc_descs(-1, 1, 1, NUMA_NO_NODE, NULL, NULL);
	if (hw.irq < 0)
		return hw.irq;
	irq_set_chip_and_handler(hw.irq, &dummy_irq_chip, handle_edge_irq);
	irq_clear_status_flags(hw.irq, IRQ_NOREQUEST);
	err = queue_hw_add_device();
	if (err)
		irq_free_descs(hw.irq, 1);
	return err;
}

static void __exit queue_hw_exit(void)
{
	platform_device_unregister(pdev);
	hrtimer_cancel(&hw.timer);
	irq_free_descs(hw.irq, 1);
}

module_init(queue_hw_init);
module_exit(queue_hw_exit);

MODULE_DESCRIPTION("The device of the example of a driver of a queueing device");
MODULE_AUTHOR("The iotimer developers");
MODULE_LICENSE("GPL");
