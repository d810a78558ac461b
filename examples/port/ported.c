// SPDX-License-Identifier: GPL-2.0-only
/*
 * ported - a Windows driver's IoTimer scheme as a whole Linux driver
 *
 * Documentation/porting.rst goes through it step by step. Its device does one
 * operation at a time and may fail to interrupt; ported_hw.c makes one. Writing
 * the attribute "request" queues a request. Reading the attribute "result" waits
 * until all requests have ended and tells whether one failed.
 */
#include <linux/devm-helpers.h>
#include <linux/interrupt.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/overflow.h>
#include <linux/platform_device.h>
#include <linux/pm.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/wait.h>

#include "io_timeout.h"
#include "iotimer.h"
#include "sim_hw.h"

#define PORTED_TIMEOUT		3	/* seconds an operation may take */
#define PORTED_RESET_TIMEOUT	2	/* seconds a reset may take */
#define PORTED_SUSPEND_TIMEOUT	2	/* seconds suspend waits for either */
#define PORTED_RETRIES		3
#define PORTED_QUEUE_DEPTH	16

/* The IRP. */
struct ported_request {
	struct list_head queue;
	unsigned int timeouts;
	size_t len;
	u8 data[];
};

/* The device extension. */
struct ported {
	struct sim_hw *hw;
	int irq;
	struct iotimer *timer;
	struct work_struct failed_work;
	wait_queue_head_t wait;	/* until busy or outstanding is 0 */

	spinlock_t lock;	/* protects what follows; taken by the ISR */
	struct io_timeout timeout;
	struct list_head queue;
	struct ported_request *request;	/* started and not ended; NULL if none */
	unsigned int outstanding;	/* requests, queued or started */
	int error;		/* the first since outstanding was 0; or 0 */
	u32 tag;		/* of the last operation */
	u32 cause;		/* how the operation ended, for the thread; else 0 */
	bool busy;		/* an operation or a reset is under way, or its end not handled */
	bool closed;		/* suspending: no operation may start */
	bool off;		/* suspended: no register may be read */
};

/* StartIo, and the SynchCritSection routine that programs the device. */
static void ported_start_io(struct ported *p)
{
	struct ported_request *req = p->request;

	lockdep_assert_held(&p->lock);
	p->busy = true;
	io_timeout_begin(&p->timeout);
	sim_hw_start(p->hw, 0, ++p->tag, req->data, req->len);
}

/* Start the request that a reset interrupted, else the first in the queue. */
static void ported_start_next(struct ported *p)
{
	lockdep_assert_held(&p->lock);
	if (p->busy || p->closed)
		return;
	if (!p->request && !list_empty(&p->queue)) {
		p->request = list_first_entry(&p->queue, struct ported_request,
					      queue);
		list_del(&p->request->queue);
	}
	if (p->request)
		ported_start_io(p);
}

/* IoStartPacket. */
static bool ported_start_packet(struct ported *p, struct ported_request *req)
{
	bool room;

	spin_lock_irq(&p->lock);
	room = p->outstanding < PORTED_QUEUE_DEPTH;
	if (room) {
		if (!p->outstanding++)
			p->error = 0;
		list_add_tail(&req->queue, &p->queue);
		ported_start_next(p);
	}
	spin_unlock_irq(&p->lock);
	return room;
}

/* IoCompleteRequest. */
static void ported_complete(struct ported *p, int result)
{
	if (result && !p->error)
		p->error = result;
	kfree(p->request);
	p->request = NULL;
	p->outstanding--;
}

/* IoStartNextPacket: the operation or the reset was handled. */
static void ported_idle(struct ported *p)
{
	p->busy = false;
	ported_start_next(p);
	wake_up(&p->wait);
}

/* Is this the end of the outstanding operation or reset? */
static bool ported_take_cause(struct ported *p, u64 cause)
{
	if (cause == SIM_HW_ALL_ONES)	/* the device is gone */
		return false;
	switch (SIM_HW_CAUSE_CODE(cause)) {
	case SIM_HW_CAUSE_DONE:
	case SIM_HW_CAUSE_ERROR:
		if (SIM_HW_CAUSE_TAG(cause) != p->tag ||
		    !io_timeout_op_interrupt(&p->timeout))
			return false;	/* interrupt of an operation that timed out */
		p->cause = SIM_HW_CAUSE_CODE(cause);
		return true;
	case SIM_HW_CAUSE_RESET:
		return io_timeout_reset_interrupt(&p->timeout);
	default:
		return false;
	}
}

/* ISR. */
static irqreturn_t ported_isr(int irq, void *data)
{
	struct ported *p = data;
	bool ended = false;

	spin_lock(&p->lock);
	if (!p->off)
		ended = ported_take_cause(p, sim_hw_read(p->hw, SIM_HW_CAUSE));
	spin_unlock(&p->lock);
	/* On a shared line, return IRQ_NONE if the device has raised nothing. */
	return ended ? IRQ_WAKE_THREAD : IRQ_HANDLED;
}

/* What DpcForIsr does, under the lock. */
static void ported_handle(struct ported *p)
{
	u32 cause = p->cause;

	p->cause = 0;
	if (cause) {
		ported_complete(p, cause == SIM_HW_CAUSE_ERROR ? -EIO : 0);
		ported_idle(p);
	} else if (io_timeout_reset_done(&p->timeout)) {
		if (p->request && p->request->timeouts > PORTED_RETRIES)
			ported_complete(p, -ETIMEDOUT);
		ported_idle(p);		/* retries the request, unless it has failed */
	}
}

/* DpcForIsr. */
static irqreturn_t ported_thread(int irq, void *data)
{
	struct ported *p = data;

	spin_lock_irq(&p->lock);
	ported_handle(p);
	spin_unlock_irq(&p->lock);
	return IRQ_HANDLED;
}

/* Poll the device: read all that it has completed, as the ISR would. */
static bool ported_reap(struct ported *p)
{
	bool ended = false;
	int i;

	/* Bounded: the registers of a broken device may say anything. */
	for (i = 0; i < SIM_HW_MAX_CAUSES; i++) {
		u64 status = sim_hw_read(p->hw, SIM_HW_STATUS);

		if (status == SIM_HW_ALL_ONES || !(status & SIM_HW_STATUS_IRQ))
			break;
		if (ported_take_cause(p, sim_hw_read(p->hw, SIM_HW_CAUSE)))
			ended = true;
	}
	return ended;
}

/* The IoTimer routine, and the SynchCritSection routine that counts down. */
static void ported_watchdog(struct device *dev, void *context)
{
	struct ported *p = context;
	enum io_timeout_verdict verdict;
	bool missed;

	spin_lock_irq(&p->lock);
	missed = io_timeout_due(&p->timeout) && ported_reap(p);
	verdict = io_timeout_tick(&p->timeout);
	if (verdict == IO_TIMEOUT_RESET) {
		p->request->timeouts++;
		sim_hw_reset(p->hw);
	}
	/* After the tick, which must not count for an operation that this starts. */
	if (missed)
		ported_handle(p);
	spin_unlock_irq(&p->lock);

	if (missed)
		dev_warn_ratelimited(dev, "done, but its interrupt was lost\n");
	if (verdict == IO_TIMEOUT_RESET)
		dev_warn_ratelimited(dev, "timed out, resetting\n");
	if (verdict == IO_TIMEOUT_FAILED) {
		dev_err_ratelimited(dev, "reset failed\n");
		schedule_work(&p->failed_work);
	}
}

/* CustomDpc: the reset timed out too. */
static void ported_failed(struct work_struct *work)
{
	struct ported *p = container_of(work, struct ported, failed_work);

	spin_lock_irq(&p->lock);
	if (p->request)
		ported_complete(p, -EIO);
	ported_idle(p);
	spin_unlock_irq(&p->lock);
}

/* The dispatch routine: IoMarkIrpPending, IoStartPacket, STATUS_PENDING. */
static ssize_t request_store(struct device *dev, struct device_attribute *attr,
			     const char *buf, size_t count)
{
	struct ported_request *req;

	req = kzalloc(struct_size(req, data, count), GFP_KERNEL);
	if (!req)
		return -ENOMEM;
	req->len = count;
	memcpy(req->data, buf, count);
	if (!ported_start_packet(dev_get_drvdata(dev), req)) {
		kfree(req);
		return -EBUSY;
	}
	return count;
}
static DEVICE_ATTR_WO(request);

/* A signal, or suspend, may interrupt the wait. The requests go on. */
static ssize_t result_show(struct device *dev, struct device_attribute *attr,
			   char *buf)
{
	struct ported *p = dev_get_drvdata(dev);
	int err;

	spin_lock_irq(&p->lock);
	err = wait_event_interruptible_lock_irq(p->wait, !p->outstanding,
						p->lock);
	if (!err)
		err = p->error;
	spin_unlock_irq(&p->lock);
	return err ? err : sysfs_emit(buf, "succeeded\n");
}
static DEVICE_ATTR_RO(result);

static struct attribute *ported_attrs[] = {
	&dev_attr_request.attr,
	&dev_attr_result.attr,
	NULL
};
ATTRIBUTE_GROUPS(ported);

/* IRP_MJ_POWER to D3, and IRP_MJ_SHUTDOWN. */
static void ported_quiesce(struct ported *p)
{
	spin_lock_irq(&p->lock);
	p->closed = true;
	wait_event_lock_irq_timeout(p->wait, !p->busy, p->lock,
				    PORTED_SUSPEND_TIMEOUT * HZ);
	spin_unlock_irq(&p->lock);

	iotimer_stop_sync(p->timer);	/* before off: the routine reads registers */
	flush_work(&p->failed_work);
	spin_lock_irq(&p->lock);
	p->off = true;
	spin_unlock_irq(&p->lock);
	synchronize_irq(p->irq);	/* the ISR and its thread */
}

static int ported_suspend(struct device *dev)
{
	ported_quiesce(dev_get_drvdata(dev));
	return 0;
}

/* IRP_MJ_POWER to D0: the device has forgotten everything. */
static int ported_resume(struct device *dev)
{
	struct ported *p = dev_get_drvdata(dev);

	spin_lock_irq(&p->lock);
	p->off = false;
	p->closed = false;
	p->busy = true;
	io_timeout_begin_reset(&p->timeout);
	iotimer_start(p->timer);
	sim_hw_reset(p->hw);
	spin_unlock_irq(&p->lock);
	return 0;
}

static DEFINE_SIMPLE_DEV_PM_OPS(ported_pm_ops, ported_suspend, ported_resume);

static void ported_shutdown(struct platform_device *pdev)
{
	ported_quiesce(platform_get_drvdata(pdev));
}

/* IRP_MN_REMOVE_DEVICE: the attributes go before this, interrupt and timer after. */
static void ported_remove(void *data)
{
	struct ported *p = data;
	struct ported_request *req, *next;

	spin_lock_irq(&p->lock);
	p->closed = true;
	p->cause = 0;
	io_timeout_cancel(&p->timeout);	/* interrupts are ignored from now on */
	kfree(p->request);
	p->request = NULL;
	list_for_each_entry_safe(req, next, &p->queue, queue)
		kfree(req);
	INIT_LIST_HEAD(&p->queue);
	spin_unlock_irq(&p->lock);
}

/* AddDevice and IRP_MN_START_DEVICE. */
static int ported_probe(struct platform_device *pdev)
{
	struct device *dev = &pdev->dev;
	struct sim_hw **hw = dev_get_platdata(dev);
	struct ported *p;
	int err;

	/* Not ours: driver_override binds any platform device. */
	if (strcmp(pdev->name, "ported") || !hw)
		return -ENODEV;
	if (sim_hw_read(*hw, SIM_HW_STATUS) == SIM_HW_ALL_ONES)
		return -ENODEV;
	p = devm_kzalloc(dev, sizeof(*p), GFP_KERNEL);
	if (!p)
		return -ENOMEM;
	p->irq = platform_get_irq(pdev, 0);
	if (p->irq < 0)
		return p->irq;
	p->hw = *hw;
	p->tag = sim_hw_read_tag(p->hw, 0);
	spin_lock_init(&p->lock);
	init_waitqueue_head(&p->wait);
	INIT_LIST_HEAD(&p->queue);
	io_timeout_init(&p->timeout, PORTED_TIMEOUT, PORTED_RESET_TIMEOUT);
	platform_set_drvdata(pdev, p);

	err = devm_request_threaded_irq(dev, p->irq, ported_isr, ported_thread,
					0, dev_name(dev), p);
	if (err)
		return err;
	err = devm_work_autocancel(dev, &p->failed_work, ported_failed);
	if (err)
		return err;
	p->timer = devm_iotimer_create(dev, ported_watchdog, p);
	if (IS_ERR(p->timer))
		return PTR_ERR(p->timer);
	err = devm_add_action(dev, ported_remove, p);
	if (err)
		return err;
	iotimer_start(p->timer);
	return 0;
}

/* The driver object. */
static struct platform_driver ported_driver = {
	.probe = ported_probe,
	.shutdown = ported_shutdown,
	.driver = {
		.name = "ported",
		.dev_groups = ported_groups,
		.pm = pm_sleep_ptr(&ported_pm_ops),
	},
};
module_platform_driver(ported_driver);

MODULE_DESCRIPTION("A Windows driver's IoTimer scheme, ported");
MODULE_AUTHOR("The iotimer developers");
MODULE_LICENSE("GPL");
